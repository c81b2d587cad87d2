"""What a bucket does besides: replies that are lost, slow, wrong or forbidden, and lists of many pages."""

import asyncio
import gzip
import hashlib
import json
import sys
import textwrap
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from maintd.core.errors import Conflict, Denied, Missing, Transient, Unreadable
from maintd.storage.bucket import BucketStore
from maintd.storage.open import open_store
from maintd.storage.paths import MAX_OBJECT

NAME = "pre/demo/runs/a.json"
TEXT = b'{"status": "ok"}\n' * 20
SECOND = timedelta(seconds=1)
REMEDY = {
    "creator": r"add-iam-policy-binding gs://bucket --member=MEMBER --role=roles/storage\.objectCreator",
    "viewer": r"add-iam-policy-binding gs://bucket --member=MEMBER --role=roles/storage\.objectViewer",
    "bucket": r"there is no bucket bucket; correct MAINTD_STORAGE, or: gcloud storage buckets create gs://bucket ",
    "proxy": r"look for a proxy on the way",
    "network": r"look at DNS, at the NetworkPolicy's egress and at https://status\.cloud\.google\.com",
    "status": r"it may pass, see https://status\.cloud\.google\.com",
}


@pytest.fixture
def store(faulty) -> BucketStore:
    """Gives up soon, so that a test of giving up is short."""
    return BucketStore("bucket", "pre", "demo", faulty.url, attempt=SECOND / 2, deadline=1.2 * SECOND)


async def names(store: BucketStore, prefix: str = "", **how: bool) -> list[str]:
    return [name async for name in store.names(prefix, **how)]


def flipped(data: bytes) -> bytes:
    """With one bit of its last bytes the other way."""
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


async def test_text_lies_there_as_gzip_and_says_so(store, faulty):
    stored = await store.create("runs/a.json", TEXT)

    kept = faulty.objects[NAME]
    assert (gzip.decompress(kept.data), kept.about["contentEncoding"]) == (TEXT, "gzip")
    assert (stored.size, stored.sha256) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    assert (stored.stored_size, stored.stored_sha256) == (len(kept.data), hashlib.sha256(kept.data).hexdigest())
    assert kept.about["metadata"]["maintd-stored-sha256"] == stored.stored_sha256


async def test_the_same_text_is_the_same_bytes_every_time(store, faulty):
    for path in ("runs/a.json", "runs/b.json"):
        await store.create(path, TEXT)

    assert faulty.objects[NAME].data == faulty.objects["pre/demo/runs/b.json"].data


@pytest.mark.parametrize(("path", "data"), [("secrets.yaml.age", TEXT), ("short.json", b"{}"), ("empty.json", b"")])
async def test_what_is_no_text_or_packs_no_smaller_lies_there_as_it_is(store, faulty, path, data):
    stored = await store.create(path, data)

    kept = faulty.objects[f"pre/demo/{path}"]
    assert (kept.data, kept.about.get("contentEncoding")) == (data, None)
    assert (stored.stored_size, stored.stored_sha256) == (stored.size, stored.sha256)
    assert await store.read(path) == data


async def test_of_a_write_whose_reply_was_lost_the_object_is_known_again(store, faulty, faults):
    faulty.play("create", faults.loses_the_reply)

    stored = await store.create("runs/a.json", TEXT)

    assert faulty.calls == ["create", "create", "describe"]
    assert await store.read(stored.path) == TEXT


async def test_who_may_not_overwrite_and_is_told_so_knows_its_own_object_too(store, faulty, faults):
    faulty.play("create", faults.loses_the_reply, faults.refuses(403))

    stored = await store.create("runs/a.json", TEXT)

    assert await store.read(stored.path) == TEXT
    faulty.store("pre/demo/runs/b.json", b"a stranger's")
    faulty.play("create", faults.refuses(403))
    with pytest.raises(Conflict, match="is there already"):
        await store.create("runs/b.json", TEXT)


async def test_a_412_is_looked_into_again_where_the_look_failed(store, faulty, faults):
    faulty.play("create", faults.loses_the_reply)
    faulty.play("describe", faults.refuses(503))

    await store.create("runs/a.json", TEXT)

    assert faulty.calls == ["create", "create", "describe", "create", "describe"]


async def test_a_stranger_s_object_of_the_same_name_stays_as_it_is(store, faulty):
    faulty.store(NAME, b"a stranger's")

    with pytest.raises(Conflict, match=f"gs://bucket/{NAME} is there already, and nothing in the store is ever over"):
        await store.create("runs/a.json", TEXT)

    assert faulty.objects[NAME].data == b"a stranger's"


async def test_an_object_in_the_way_that_is_gone_when_looked_at_is_no_obstacle(store, faulty, faults):
    faulty.play("create", faults.refuses(412))

    await store.create("runs/a.json", TEXT)

    assert faulty.calls == ["create", "describe", "create"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_tried_again(store, faulty, faults, status):
    faulty.play("create", faults.refuses(status))
    faulty.play("describe", faults.refuses(status))
    faulty.play("download", faults.refuses(status))
    faulty.play("list", faults.refuses(status))

    await store.create("runs/a.json", TEXT)

    assert await store.read("runs/a.json") == TEXT
    assert await names(store) == ["runs/a.json"]


async def test_it_is_tried_again_no_sooner_than_google_asks_for(faulty, faults):
    store = BucketStore("bucket", "pre", "demo", faulty.url, deadline=3 * SECOND)
    at = []

    async def busy(request: web.Request, _: Any) -> web.Response:
        at.append(asyncio.get_running_loop().time())
        return faults.answered(429, Retry_After="1")

    async def well(request: web.Request, handler: Any) -> web.StreamResponse:
        at.append(asyncio.get_running_loop().time())
        return await handler(request)

    faulty.play("create", busy, well)
    await store.create("runs/a.json", TEXT)

    assert [later - earlier >= 1 for earlier, later in pairwise(at)] == [True]


async def test_a_wait_that_google_asks_for_beyond_the_deadline_is_not_begun(store, faulty, faults):
    faulty.always("create", faults.refuses(429, Retry_After="3600"))

    with pytest.raises(Transient, match="Google Cloud Storage answered 429") as raised:
        await store.create("runs/a.json", TEXT)

    assert (raised.value.retry_after, faulty.calls) == (timedelta(hours=1), ["create"])


@pytest.mark.parametrize(
    ("operation", "status", "message", "meaning", "remedy"),
    [
        ("create", 503, "", Transient, "status"),
        ("create", 401, "", Denied, "MEMBER|no Google credentials were found"),
        ("create", 403, "", Denied, "creator"),
        ("create", 404, "", Missing, "bucket"),
        ("create", 400, "", Unreadable, "proxy"),
        ("create", 308, "", Unreadable, "proxy"),
        ("describe", 403, "", Denied, "viewer"),
        ("describe", 404, "", Missing, "it is not there: it was never written, or somebody removed it"),
        ("describe", 404, "The specified bucket does not exist.", Missing, "bucket"),
        ("download", 404, "", Missing, "it is not there"),
        ("download", 403, "", Denied, "viewer"),
        ("list", 403, "", Denied, "viewer"),
        ("list", 404, "The specified bucket does not exist.", Missing, "bucket"),
        ("list", 500, "", Transient, "status"),
    ],
)
async def test_a_refusal_says_what_follows_and_what_to_type_and_nothing_google_wrote(
    store, faulty, faults, operation, status, message, meaning, remedy
):
    faulty.store("pre/demo/there.json", b"{}")
    faulty.always(operation, faults.refuses(status, message or "secret words of the server"))
    acts = {"create": lambda: store.create("runs/a.json", TEXT), "list": lambda: names(store)}

    with pytest.raises(meaning, match=REMEDY.get(remedy, remedy)) as raised:
        await acts.get(operation, lambda: store.read("there.json"))()

    assert type(raised.value) is meaning
    assert "secret words" not in f"{raised.value} {raised.value.__cause__}"


ODD = {
    "a page of HTML": (b"<html>log in</html>", "text/html"),
    "no object": (b"[]", "application/json"),
    "null": (b"null", "application/json"),
    "half an object": (b'{"size": "1', "application/json"),
    "a size that is none": (b'{"size": "large"}', "application/json"),
}


@pytest.mark.parametrize("odd", ODD)
async def test_an_answer_that_is_not_googles_proves_nothing(store, faulty, faults, odd):
    faulty.store("pre/demo/there.json", b"{}")
    faulty.always("describe", faults.says(*ODD[odd]))

    with pytest.raises(Unreadable, match=REMEDY["proxy"]):
        await store.read("there.json")


@pytest.mark.parametrize("odd", ["a page of HTML", "no object", "null", "half an object"])
async def test_a_list_that_is_not_googles_is_not_an_empty_one(store, faulty, faults, odd):
    faulty.always("list", faults.says(*ODD[odd]))

    with pytest.raises(Unreadable, match=REMEDY["proxy"]):
        await names(store)


async def test_bytes_that_changed_on_the_way_are_not_believed(store, faulty, faults):
    await store.create("runs/a.json", TEXT)
    kept = faulty.objects[NAME]

    async def flips(request: web.Request, _: Any) -> web.Response:
        return faults.sent(flipped(kept.data), kept)

    faulty.always("download", flips)
    with pytest.raises(Unreadable, match=r"runs/a\.json could not be read: the bytes that came are not"):
        await store.read("runs/a.json")


async def test_bytes_that_changed_on_the_way_are_found_without_a_checksum_beside_them(store, faulty):
    await store.create("runs/a.json", TEXT)
    kept = faulty.objects[NAME]

    async def flips(request: web.Request, _: Any) -> web.Response:
        return web.Response(body=flipped(kept.data))

    faulty.always("download", flips)
    with pytest.raises(Unreadable, match="is not what was written: what is stored there is damaged"):
        await store.read("runs/a.json")


async def test_a_bit_that_flips_in_the_header_of_the_gzip_is_found_though_it_unpacks_the_same(store, faulty):
    await store.create("runs/a.json", TEXT)
    kept = faulty.objects[NAME]
    kept.data = kept.data[:9] + b"\xff" + kept.data[10:]

    assert gzip.decompress(kept.data) == TEXT
    with pytest.raises(Unreadable, match="is not what was written"):
        await store.read("runs/a.json")


@pytest.mark.parametrize("without", ["crc32c", "generation", "size", "metadata"])
async def test_an_object_of_which_less_is_told_is_read_all_the_same(store, faulty, without):
    await store.create("runs/a.json", TEXT)
    told = {key: value for key, value in faulty.objects[NAME].resource.items() if key != without}

    async def tells_less(request: web.Request, _: Any) -> web.Response:
        return web.json_response(told)

    faulty.always("describe", tells_less)
    assert await store.read("runs/a.json") == TEXT


async def test_an_object_that_is_not_what_its_description_says_is_not_believed(store, faulty):
    faulty.store(NAME, TEXT)
    told = faulty.objects[NAME].resource | {"crc32c": "AAAAAA=="}

    async def tells_wrong(request: web.Request, _: Any) -> web.Response:
        return web.json_response(told)

    faulty.always("describe", tells_wrong)
    with pytest.raises(Unreadable, match="is not what was written"):
        await store.read("runs/a.json")


async def test_a_reply_that_was_unpacked_on_the_way_is_not_taken_for_what_is_stored(store, faulty):
    await store.create("runs/a.json", TEXT)

    async def transcodes(request: web.Request, _: Any) -> web.Response:
        return web.Response(body=TEXT, headers={"Warning": "214 UploadServer gunzipped"})

    faulty.always("download", transcodes)
    with pytest.raises(Unreadable, match="is not what was written"):
        await store.read("runs/a.json")


@pytest.mark.parametrize(
    ("data", "encoding", "why"),
    [
        (gzip.compress(bytes(MAX_OBJECT + 1), mtime=0), "gzip", r"unpacks to more than 8\.0 MiB"),
        (gzip.compress(TEXT, mtime=0)[:-1], "gzip", "ends where its gzip does not"),
        (gzip.compress(TEXT, mtime=0) + b"more", "gzip", "ends where its gzip does not"),
        (b"plain", "gzip", "is not the gzip that it says it is"),
        (b"plain", "br", "an encoding that maintd does not write"),
        (bytes(MAX_OBJECT + 1), None, r"is larger than 8\.0 MiB, so maintd did not write it"),
    ],
)
async def test_what_maintd_cannot_have_written_is_not_unpacked(store, faulty, data, encoding, why):
    faulty.store(NAME, data, contentEncoding=encoding)

    with pytest.raises(Unreadable, match=why):
        await store.read("runs/a.json")


async def test_a_download_that_is_longer_than_the_object_is_not_kept_in_memory(store, faulty):
    faulty.store(NAME, b"short")
    sent = 0

    async def endless(request: web.Request, _: Any) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 4 * MAX_OBJECT:
            await response.write(bytes(2**16))
            sent += 2**16
        return response

    faulty.always("download", endless)
    with pytest.raises(Unreadable, match="sends more bytes than it says it has"):
        await store.read("runs/a.json")


async def test_an_upload_that_was_kept_otherwise_than_sent_is_said(store, faulty):
    async def mangles(request: web.Request, handler: Any) -> web.StreamResponse:
        reply = await handler(request)
        return web.json_response(json.loads(reply.body) | {"crc32c": "AAAAAA=="})

    faulty.play("create", mangles)
    with pytest.raises(Unreadable, match="was written, and is not what was sent"):
        await store.create("runs/a.json", TEXT)


async def test_a_bucket_that_does_not_answer_holds_up_neither_the_loop_nor_the_caller_for_long(store, faulty, faults):
    faulty.always("create", faults.hangs())
    lags: list[float] = []

    async def beat() -> None:
        while True:
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0.01)
            lags.append(asyncio.get_running_loop().time() - before - 0.01)

    beating = asyncio.create_task(beat())
    hanging = [store.create(f"runs/{n}.json", TEXT) for n in range(12)]
    ended = await asyncio.gather(*hanging, return_exceptions=True)
    beating.cancel()

    assert {type(each) for each in ended} == {Transient}
    assert "gs://bucket did not answer within 0.5 s; look at the network" in str(ended[0])
    assert max(lags) < 0.5


async def test_calls_left_hanging_leave_room_for_others(store, faulty, faults):
    faulty.always("create", faults.hangs())
    await asyncio.gather(*(store.create(f"runs/{n}.json", TEXT) for n in range(8)), return_exceptions=True)
    faulty.always("create", None)

    await store.create("runs/a.json", TEXT)

    assert await store.read("runs/a.json") == TEXT


async def test_a_list_of_many_pages_is_whole_and_in_order_both_ways(store, faulty):
    expected = [f"samples/api/2026-11-{day}/{n:03}.ndjson" for day in (21, 22) for n in range(301)]
    for path in expected:
        faulty.store(f"pre/demo/{path}", b"")
    faulty.page = 100

    assert await names(store, "samples/") == expected
    assert await names(store, "samples/", reverse=True) == expected[::-1]


async def test_the_newest_are_found_without_listing_the_years(store, faulty):
    for year in range(2000, 2026):
        faulty.store(f"pre/demo/runs/{year}/11/22/r.json", b"")

    newest = await anext(store.names("runs/", reverse=True))

    assert (newest, len(faulty.calls)) == ("runs/2025/11/22/r.json", 4)


async def test_a_page_that_fails_half_way_is_asked_for_again_and_nothing_is_doubled(store, faulty, faults):
    for n in range(5):
        faulty.store(f"pre/demo/{n}", b"")
    faulty.page = 2

    async def well(request: web.Request, handler: Any) -> web.StreamResponse:
        return await handler(request)

    faulty.play("list", well, faults.refuses(503), well)

    assert await names(store) == ["0", "1", "2", "3", "4"]


async def test_a_list_that_goes_in_circles_ends(store, faulty, faults):
    page = json.dumps({"items": [{"name": "pre/demo/a"}], "nextPageToken": "same"}).encode()
    faulty.always("list", faults.says(page, "application/json"))

    with pytest.raises(Unreadable, match="is listed in circles"):
        await names(store)


async def test_what_others_put_there_is_no_name_of_ours(store, faulty):
    for name in ("runs/", "runs//x", "runs/.hidden", "runs/ok.json", "runs/a\nb"):
        faulty.store(f"pre/demo/{name}", b"")
    faulty.store("pre/demo-2/runs/other.json", b"")
    faulty.store("pre/other/runs/other.json", b"")

    assert await names(store) == await names(store, reverse=True) == ["runs/ok.json"]


async def test_more_than_a_thousand_names_come_from_the_real_listing_too(gcs_bucket, fake_gcs):
    store = open_store(gcs_bucket, "demo")
    expected = [f"samples/{n:04}.ndjson" for n in range(1001)]
    upload = f"{fake_gcs}/upload/storage/v1/b/{gcs_bucket.removeprefix('gs://')}/o"
    async with aiohttp.ClientSession() as session:
        for path in expected:
            async with session.post(upload, params={"uploadType": "media", "name": f"demo/{path}"}, data=b"") as reply:
                assert reply.status == 200

    assert [name async for name in store.names("samples/")] == expected
    assert [name async for name in store.names("samples/", reverse=True)] == expected[::-1]


async def test_files_of_a_backup_are_on_their_way_several_at_a_time_and_no_more_than_eight(faulty):
    store = BucketStore("bucket", "", "demo", faulty.url)
    under_way, most = 0, 0

    async def counts(request: web.Request, handler: Any) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1
        return await handler(request)

    faulty.always("create", counts)
    async with store.staging() as one, store.staging() as other:
        for n in range(20):
            await one.add(f"b/{n}.yaml", TEXT)
            await other.add(f"c/{n}.yaml", TEXT)
        await asyncio.gather(one.commit(), other.commit())

    assert (most, len(faulty.objects)) == (8, 40)


FIRST_CALL = """
    import asyncio, sys
    from datetime import timedelta
    from maintd.core.errors import JobError
    from maintd.storage.bucket import BucketStore

    async def main():
        store = BucketStore("bucket", "", "demo", deadline=timedelta(seconds=0))
        print(sorted({"google.cloud.storage", "google.auth", "requests"} & set(sys.modules)))
        try:
            await store.create("a", b"")
        except JobError as error:
            print(type(error).__name__, error)

    asyncio.run(main())
"""


async def first_call(home: Path, **environment: str) -> list[str]:
    """What a process of its own prints: which of Google's libraries it has loaded before the call, and what came."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-c", textwrap.dedent(FIRST_CALL)]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment | {"HOME": str(home)}, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    assert err == b""
    return out.decode().splitlines()


@pytest.mark.parametrize("file", ["", "/nowhere.json"])
async def test_without_credentials_the_store_opens_and_its_first_call_says_what_is_missing(file, tmp_path):
    """And Google's libraries are not loaded before."""
    loaded, said = await first_call(tmp_path, NO_GCE_CHECK="true", GOOGLE_APPLICATION_CREDENTIALS=file)

    assert loaded == "[]"
    assert said.startswith("Denied gs://bucket/ could not be opened: no Google credentials were found, or they cannot")


@pytest.fixture
async def metadata_server() -> AsyncIterator[str]:
    """As in GKE, but that it has no token."""
    said = {
        "": "",
        "computeMetadata/v1/project/project-id": "p",
        "computeMetadata/v1/universe/universe-domain": "googleapis.com",
    }

    async def answer(request: web.Request) -> web.Response:
        text = said.get(request.match_info["path"])
        headers = {"Metadata-Flavor": "Google"}
        return web.Response(text=text or "", status=403 if text is None else 200, headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"{host}:{port}"
    await runner.cleanup()


async def test_a_metadata_server_that_gives_no_token_may_give_one_later(tmp_path, metadata_server):
    _, said = await first_call(tmp_path, GCE_METADATA_HOST=metadata_server, GCE_METADATA_IP=metadata_server)

    assert said.startswith("Transient gs://bucket/demo/a could not be written: the metadata server gave out no token; ")
