"""How an object lies in a bucket: text as gzip, which the console and `gcloud storage cat` unpack by themselves."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from maintd.core.errors import Unreadable
from maintd.core.ports import Fetched, Stored
from maintd.core.text import sized
from maintd.storage.paths import MAX_OBJECT

GZIP = "gzip"
_TEXT = {
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".txt": "text/plain; charset=utf-8",
    ".yaml": "application/yaml",
}
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Encoded:
    """The bytes as they are stored, and what the store is told of them."""

    data: bytes
    content_type: str
    content_encoding: str
    """`gzip`, or empty for bytes as they are."""
    stored: Stored


def encode(path: str, data: bytes) -> Encoded:
    """Text packed, the same each time; anything else, and what packing makes no smaller, as it is."""
    content_type = _TEXT.get(PurePosixPath(path).suffix, "application/octet-stream")
    packed = gzip.compress(data, 6, mtime=0) if PurePosixPath(path).suffix in _TEXT else data
    smaller = len(packed) < len(data)
    kept = packed if smaller else data
    return Encoded(kept, content_type, GZIP if smaller else "", _described(path, data, kept))


def decode(url: str, path: str, data: bytes, content_encoding: str) -> Fetched:
    """What lies there as `data`, unpacked. Raises Unreadable for what is not whole, or unpacks to too much."""
    plain = _unpacked(url, data, content_encoding) if content_encoding else data
    return Fetched(plain, _described(path, plain, data))


def _described(path: str, plain: bytes, stored: bytes) -> Stored:
    return Stored(
        path,
        size=len(plain),
        sha256=hashlib.sha256(plain).hexdigest(),
        stored_size=len(stored),
        stored_sha256=hashlib.sha256(stored).hexdigest(),
    )


def _unpacked(url: str, data: bytes, content_encoding: str) -> bytes:
    if content_encoding != GZIP:
        raise Unreadable(f"{url} is stored with an encoding that maintd does not write; move it away")
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = unpacking.decompress(data, MAX_OBJECT + 1)
    except zlib.error as error:
        raise Unreadable(f"{url} is not the gzip that it says it is; what is stored there is damaged") from error
    if len(plain) > MAX_OBJECT:
        raise Unreadable(f"{url} unpacks to more than {sized(MAX_OBJECT)}, so maintd did not write it; move it away")
    if not unpacking.eof or unpacking.unused_data:
        raise Unreadable(f"{url} ends where its gzip does not; what is stored there is damaged")
    return plain
