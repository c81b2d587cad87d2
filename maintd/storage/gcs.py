"""Blocking calls to one bucket of Google Cloud Storage, errors in our own words. Importing this takes a second."""

import base64
import hashlib
import io
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import google_crc32c
import requests

# One try to find the metadata server, not three of three seconds: who needs it asks again.
os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")

import google.auth
from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.storage import Client
from requests.adapters import HTTPAdapter

from maintd import __version__
from maintd.core.errors import Conflict, Missing, Transient, Unreadable
from maintd.core.failpoints import reach
from maintd.core.ports import Fetched
from maintd.core.text import sized
from maintd.storage.encoding import Encoded, decode
from maintd.storage.paths import MAX_OBJECT
from maintd.storage.refusals import CREATOR, DESCRIBER, PRUNER, VIEWER, refusal

_ENDPOINT = "https://storage.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_NONCE, _SHA256 = "maintd-nonce", "maintd-stored-sha256"
_PAGE = 1000
_CONNECTIONS = 64
"""As many as there may be threads, those included that were left behind and still wait."""
_PATIENCE = (5.0, 10.0)
"""Seconds for a connection to stand, and for the next bytes to come."""
_LONGEST_READ = 20.0

# What these warn of ends in an error of ours, which the log is not told more than once a minute.
logging.getLogger("google.auth").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page: whole names of objects, of folders (asked for those in one folder only) with a slash at the end."""

    names: list[str]
    following: str
    """What asks for the next page; empty after the last."""


class Gcs:
    """One bucket, over one session that any thread may use."""

    def __init__(self, bucket: str, emulator: str = "") -> None:
        """`emulator` is `http://host:port`; it is sent no credentials. Raises Denied or Transient without any."""
        self._name = bucket
        with self._in_our_words("opened", "", VIEWER):
            credentials = _credentials(anonymous=bool(emulator))
            # Without retries of its own below ours, and with a limit to how long it waits for a token.
            session = AuthorizedSession(  # type: ignore[no-untyped-call]  # the library's own lack
                credentials, refresh_timeout=10, auth_request=Request(requests.Session())
            )
            session.mount(emulator or _ENDPOINT, HTTPAdapter(pool_maxsize=_CONNECTIONS))
            # Named outright: the library would let variables of the environment lead our credentials elsewhere.
            options = {"api_endpoint": emulator or _ENDPOINT}
            self._client = Client("none", credentials, _http=session, client_options=options)
            self._client.update_user_agent(f"maintd/{__version__}")
            self._bucket = self._client.bucket(bucket)

    def create(self, name: str, encoded: Encoded, nonce: str) -> None:
        """Write an object that is not there yet. Raises Conflict where one is that was not written with this nonce."""
        blob = self._bucket.blob(name)
        blob.content_encoding = encoded.content_encoding or None
        blob.metadata = {_NONCE: nonce, _SHA256: encoded.stored.stored_sha256}
        with self._in_our_words("written", name, CREATOR):
            try:
                reach("bucket-upload-before")
                blob.upload_from_string(
                    encoded.data,
                    encoded.content_type,
                    if_generation_match=0,
                    checksum="crc32c",
                    timeout=_PATIENCE,
                    retry=None,
                )
                reach("bucket-upload-after")
            except (PreconditionFailed, Forbidden) as error:
                # Who may not delete may be told of that before of the object that is there already.
                if isinstance(error, Forbidden) and not self._exists(name):
                    raise
                self._expect(name, nonce)
                return
        if blob.crc32c and blob.crc32c != _crc32c(encoded.data):
            raise Unreadable(f"{self._url(name)} was written, and is not what was sent; write it under another name")

    def fetch(self, name: str, path: str) -> Fetched:
        """An object, its plain bytes those that were written; `path` is what the store calls it."""
        with self._in_our_words("read", name, VIEWER):
            described = self._described(name)
            if (described.size or 0) > MAX_OBJECT:
                raise Unreadable(
                    f"{self._url(name)} is larger than {sized(MAX_OBJECT)}, so maintd did not write it; move it away"
                )
            blob = self._bucket.blob(name, generation=described.generation)
            stream = _Bounded(self._url(name))
            # As it is stored: unpacked on the way, no checksum would be left that says it is whole.
            blob.download_to_file(stream, raw_download=True, checksum="crc32c", timeout=_PATIENCE, retry=None)
        data = stream.getvalue()
        digest = (described.metadata or {}).get(_SHA256)
        if (digest and digest != hashlib.sha256(data).hexdigest()) or described.crc32c not in (None, _crc32c(data)):
            raise Unreadable(f"{self._url(name)} is not what was written: what is stored there is damaged")
        return decode(self._url(name), path, data, described.content_encoding or "")

    def page(self, prefix: str, following: str, *, one_folder: bool) -> Listed:
        """Names that begin with `prefix`; with `one_folder` none from the folders in it, but those by name."""
        with self._in_our_words("listed", prefix, VIEWER):
            found = self._client.list_blobs(
                self._bucket,
                prefix=prefix,
                page_token=following or None,
                page_size=_PAGE,
                delimiter="/" if one_folder else None,
                fields="items(name),prefixes,nextPageToken",
                timeout=_PATIENCE,
                retry=None,
            )
            names = [blob.name for blob in next(found.pages)]
            return Listed(names + sorted(found.prefixes), found.next_page_token or "")

    def delete(self, name: str) -> None:
        """Delete an object; one that is gone is gone. It takes storage.objects.delete."""
        with self._in_our_words("deleted", name, PRUNER), suppress(NotFound):
            self._bucket.blob(name).delete(timeout=_PATIENCE, retry=None)

    def about(self) -> dict[str, Any]:
        """The bucket's own resource, as Google writes it. It takes storage.buckets.get."""
        with self._in_our_words("described", "", DESCRIBER):
            bucket = self._client.bucket(self._name)
            bucket.reload(timeout=_PATIENCE, retry=None)
            return dict(bucket._properties)  # noqa: SLF001 - the library's own view lacks what it does not know yet

    def held(self, permissions: tuple[str, ...]) -> tuple[str, ...]:
        """Those of these permissions that we have on the whole bucket. It takes none to ask."""
        with self._in_our_words("asked about", "", DESCRIBER):
            found = self._bucket.test_iam_permissions(list(permissions), timeout=_PATIENCE, retry=None)
            return tuple(name for name in permissions if name in found)

    def close(self) -> None:
        """Drop the connections that are idle."""
        self._client.close()

    def _expect(self, name: str, nonce: str) -> None:
        """After a reply that was lost, what is in our way is what we wrote."""
        try:
            with self._in_our_words("read", name, VIEWER):
                found = (self._described(name).metadata or {}).get(_NONCE)
        except Missing:
            raise Transient(f"{self._url(name)} was in the way and is gone; ask again") from None
        if found != nonce:
            raise Conflict(f"{self._url(name)} is there already, and nothing in the store is ever overwritten")

    def _exists(self, name: str) -> bool:
        try:
            self._described(name)
        except GoogleAPICallError:
            return False
        return True

    def _described(self, name: str) -> Any:
        blob = self._bucket.blob(name)
        blob.reload(timeout=_PATIENCE, retry=None)
        return blob

    @contextmanager
    def _in_our_words(self, done: str, name: str, role: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the library stumbles over odd replies in any way there is
            raise refusal(error, f"{self._url(name)} could not be {done}", self._name, role) from None

    def _url(self, name: str) -> str:
        return f"gs://{self._name}/{name}"


class _Bounded(io.BytesIO):
    """Takes an object, and neither more than that nor for longer than a call may last."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._until = time.monotonic() + _LONGEST_READ

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > MAX_OBJECT:
            raise Unreadable(f"{self._url} sends more bytes than it says it has; look for a proxy on the way")
        if time.monotonic() > self._until:
            raise Transient(f"{self._url} comes too slowly to be read within {_LONGEST_READ:g} s; look at the network")
        return super().write(data)


def _credentials(*, anonymous: bool) -> Any:
    if anonymous:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]  # the library's own lack
    return google.auth.default(scopes=[_SCOPE])[0]


def _crc32c(data: bytes) -> str:
    """As Google writes it: base64 of four bytes, the most significant first."""
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
