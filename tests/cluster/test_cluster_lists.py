"""A list is read whole, or it is not read at all."""

from urllib.parse import parse_qs, urlsplit

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.errors import Denied, Unreadable
from maintd.core.ports import Page
from maintd.core.resource import PODS
from tests.cluster.conftest import Scripted, Seen, Stage, page, refusal, reply

PAGES = 8
GONE = refusal(410, "Expired", "the resourceVersion for the provided list is too old")


def query(seen: Seen) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(seen.target).query).items()}


def whole_list(seen: Seen) -> bytes:
    """PAGES pages of two pods each; the token is the number of the page."""
    number = int(query(seen).get("continue", "0"))
    names = [f"pod-{number}-{i}" for i in range(2)]
    return page(names, str(number + 1) if number + 1 < PAGES else "")


async def collected(api: Api) -> list[str]:
    """What one who keeps to the rules has at the end: dropped at every `first`, used after `last`."""
    names: list[str] = []
    last = False
    async for each in ClusterReader(api).pages(PODS):
        names = [*([] if each.first else names), *(item["metadata"]["name"] for item in each.items)]
        last = each.last
    assert last
    return names


EVERYTHING = [f"pod-{number}-{i}" for number in range(PAGES) for i in range(2)]


async def test_a_list_is_read_page_by_page_to_its_end(stage: Stage) -> None:
    server = await stage.serve(script=whole_list)
    api = await stage.connect(server)

    found = [
        each async for each in ClusterReader(api).pages(PODS, "a", label_selector="x in (y)", field_selector="z=1")
    ]

    assert [each.first for each in found] == [True] + [False] * (PAGES - 1)
    assert [each.last for each in found] == [False] * (PAGES - 1) + [True]
    assert [item["metadata"]["name"] for each in found for item in each.items] == EVERYTHING
    assert {seen.path for seen in server.seen} == {"/api/v1/namespaces/a/pods"}
    assert [query(seen) for seen in server.seen][:2] == [
        {"limit": "500", "labelSelector": "x in (y)", "fieldSelector": "z=1"},
        {"limit": "500", "labelSelector": "x in (y)", "fieldSelector": "z=1", "continue": "1"},
    ]


@pytest.mark.parametrize("at", range(1, PAGES + 1))
async def test_a_410_on_any_page_starts_the_list_over_and_nothing_is_twice(stage: Stage, at: int) -> None:
    server: Scripted = await stage.serve(script=lambda seen: GONE if len(server.seen) == at else whole_list(seen))
    api = await stage.connect(server)

    assert await collected(api) == EVERYTHING
    assert len(server.seen) == at + PAGES


@pytest.mark.parametrize("at", range(1, PAGES + 1))
async def test_a_second_410_ends_the_list_by_name(stage: Stage, at: int) -> None:
    server: Scripted = await stage.serve(script=lambda seen: GONE if len(server.seen) >= at else whole_list(seen))
    api = await stage.connect(server)

    with pytest.raises(Unreadable, match=r"^GET /api/v1/pods: 410 Expired: .*, twice: pods change faster than"):
        await collected(api)

    assert len(server.seen) == at + 1


async def test_a_list_whose_version_changes_on_the_way_is_started_over(stage: Stage) -> None:
    answers = [page(["a"], "1"), page(["b"], version="8"), page(["c"], "1", version="8"), page(["d"], version="8")]
    api = await stage.connect(await stage.serve(*answers))

    assert await collected(api) == ["c", "d"]


async def test_a_list_that_ends_in_an_error_has_no_last_page(stage: Stage) -> None:
    server: Scripted = await stage.serve(
        script=lambda seen: refusal(403, "Forbidden") if len(server.seen) == 3 else whole_list(seen)
    )
    api = await stage.connect(server)
    seen: list[Page] = []

    with pytest.raises(Denied):
        async for each in ClusterReader(api).pages(PODS):
            seen += [each]

    assert [each.last for each in seen] == [False, False]


CIRCLES = {
    "the same token for ever": lambda number: page([f"pod-{number}"], "same"),
    "two tokens in turn": lambda number: page([f"pod-{number}"], str(number % 2)),
    "the same page under new tokens": lambda number: page(["pod"], str(number)),
    "empty pages for ever": lambda number: page([], str(number)),
}


@pytest.mark.parametrize("name", CIRCLES)
async def test_a_list_that_goes_round_in_a_circle_is_unreadable(stage: Stage, name: str) -> None:
    server: Scripted = await stage.serve(script=lambda _: CIRCLES[name](len(server.seen)))
    api = await stage.connect(server)

    with pytest.raises(Unreadable, match="the server sends the list round in a circle"):
        await collected(api)

    assert len(server.seen) <= 102


async def test_a_page_on_which_all_was_filtered_out_is_no_end(stage: Stage) -> None:
    api = await stage.connect(await stage.serve(page(["a"], "1"), page([], "2"), page(["b"])))

    assert await collected(api) == ["a", "b"]


async def test_a_page_over_the_cap_is_asked_for_at_half_the_size_until_it_fits(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maintd.cluster.reader.PAGE_CAP", 10_000)

    def script(seen: Seen) -> bytes:
        wanted = query(seen)
        start, limit = int(wanted.get("continue", "0")), int(wanted["limit"])
        end = min(start + limit, 300)
        return page([f"pod-{i:03}" for i in range(start, end)], str(end) if end < 300 else "")

    server = await stage.serve(script=script)
    api = await stage.connect(server)

    assert await collected(api) == [f"pod-{i:03}" for i in range(300)]
    assert [query(seen)["limit"] for seen in server.seen] == ["500", "250", "125", "125", "125"]


async def test_an_object_that_is_larger_than_a_page_may_be_is_read_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maintd.cluster.reader.PAGE_CAP", 100)
    server = await stage.serve(page(["a"]))
    api = await stage.connect(server)

    assert await collected(api) == ["a"]
    assert [query(seen)["limit"] for seen in server.seen][-1] == "1"


async def test_the_servers_clock_is_taken_from_its_replies(stage: Stage) -> None:
    api = await stage.connect(await stage.serve(reply({"kind": "PodList", "metadata": {}, "items": []})))

    times = [each.server_time.isoformat() async for each in ClusterReader(api).pages(PODS)]

    assert times == ["2026-11-22T10:00:00+00:00"]
