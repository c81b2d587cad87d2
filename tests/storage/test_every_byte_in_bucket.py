"""Every stored byte of a small backup in a bucket, flipped in turn: found, and its object named.

What the bucket holds is answered within the process, below Google's library: over a socket it would take minutes.
"""

import io
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from maintd.core.errors import Unreadable
from maintd.objects import archive
from maintd.storage.bucket import BucketStore
from maintd.storage.open import open_store
from tests.storage.conftest import FaultyGcs, Kept, crc32c
from tests.storage.test_backup_damage import ID, MANIFEST, SEALED, SHOP, flips, written


class Within(BaseAdapter):
    """Answers what a bucket would, of objects that are at hand; its checksums fit whatever lies there."""

    def __init__(self, objects: dict[str, Kept]) -> None:
        super().__init__()
        self._objects = objects

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        path = unquote(urlsplit(cast("str", request.url)).path)
        kept = self._objects[path.partition("/o/")[2]]
        if path.startswith("/download/"):
            return self._reply(
                request, kept.data, {"X-Goog-Hash": f"crc32c={crc32c(kept.data)}"} | self._encoding(kept)
            )
        body = requests.compat.json.dumps(kept.resource).encode()
        return self._reply(request, body, {"Content-Type": "application/json"})

    def close(self) -> None:
        """Nothing is open."""

    def _encoding(self, kept: Kept) -> dict[str, str]:
        found = kept.about.get("contentEncoding")
        return {"Content-Encoding": found, "X-Goog-Stored-Content-Encoding": found} if found else {}

    def _reply(self, request: requests.PreparedRequest, body: bytes, headers: dict[str, str]) -> requests.Response:
        raw = urllib3.HTTPResponse(io.BytesIO(body), headers=headers, status=200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)


@pytest.fixture
async def store(faulty: FaultyGcs) -> BucketStore:
    """With a backup in it, which was written over a socket, and from then on is read without one."""
    found = cast("BucketStore", open_store("gs://bucket", "c"))
    await written(found, ID)
    gcs = found._remote._door._gcs
    assert gcs
    gcs._client._http.mount(faulty.url, Within(faulty.objects))
    return found


async def of_the_manifest(store: BucketStore) -> str:
    return (await archive.backup(store, ID)).problem


def of_a_file(path: str) -> Callable[[BucketStore], Awaitable[str]]:
    async def look(store: BucketStore) -> str:
        manifest = (await archive.backup(store, ID)).manifest
        assert manifest
        [row] = [file for file in manifest.files if path.endswith(f"/{file.path}")]
        try:
            await archive.fetch(store, ID, row)
        except Unreadable as error:
            return str(error)
        return ""

    return look


@pytest.mark.parametrize(
    ("path", "problem", "replaced"),
    [
        (MANIFEST, of_the_manifest, False),
        (SHOP, of_a_file(SHOP), False),
        (SHOP, of_a_file(SHOP), True),
        (SEALED, of_a_file(SEALED), True),
    ],
    ids=["manifest", "yaml", "yaml that was replaced", "age that was replaced"],
)
async def test_every_stored_byte_that_flips_is_found_and_its_object_named(
    store: BucketStore, faulty: FaultyGcs, path: str, problem: Callable[[BucketStore], Awaitable[str]], replaced: bool
) -> None:
    """Replaced by somebody: without the hash that maintd leaves in an object's metadata. A manifest whose gzip head
    alone was changed so is the same manifest, and nothing holds the hash of its stored bytes."""
    name = f"c/{path}"
    kept = faulty.objects[name]
    about = {key: value for key, value in kept.about.items() if not (replaced and key == "metadata")}
    faulty.calls.clear()
    assert await problem(store) == ""

    for place, changed in enumerate(flips(kept.data, 1)):
        faulty.objects[name] = Kept(changed, about)
        said = await problem(store)
        assert said, f"byte {place}"
        assert path.rpartition("/")[2] in said or path == MANIFEST

    assert faulty.calls == []
