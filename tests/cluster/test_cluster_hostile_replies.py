"""Whatever stands in for an answer ends in one named error, and nothing of it is used."""

import gzip
import json
from datetime import timedelta

import pytest

from maintd.cluster.reader import ClusterReader
from maintd.cluster.replies import Expired, Rejected, TooLarge
from maintd.cluster.request import Request
from maintd.core.errors import Conflict, Denied, JobError, Missing, Transient, Unreadable
from maintd.core.ports import Page
from maintd.core.resource import PODS
from tests.cluster.conftest import Answer, Stage, cut, flood, page, refusal, reply, reset, silence, trickle

LIST = page(["a", "b"])
SHORT = timedelta(seconds=0.4)

NOT_AN_ANSWER: dict[str, tuple[Answer, type[JobError]]] = {
    "html 200": (reply(b"<html><body>canary</body></html>", content="text/html"), Unreadable),
    "empty 200": (reply(b""), Unreadable),
    "truncated json": (reply(b'{"kind": "PodList", "items": [{"canary'), Unreadable),
    "json that is a list": (reply([1, 2]), Unreadable),
    "json that is null": (reply(b"null"), Unreadable),
    "two objects": (reply(b"{}{}"), Unreadable),
    "bad utf-8": (reply(b'{"kind": "\xff\xfe"}'), Unreadable),
    "nesting bomb": (reply(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), Unreadable),
    "nesting bomb in a large body": (reply(b'{"a":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}"), Unreadable),
    "a number of 5,000 digits": (reply(b'{"a":' + b"1" * 5000 + b"}"), Unreadable),
    "gzip bomb": (reply(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"), Unreadable),
    "an endless body": (flood, TooLarge),
    "redirect": (reply(b"", 302, Location="http://127.0.0.1:9/canary"), Unreadable),
    "no date": (reply({"kind": "PodList"}, date=""), Unreadable),
    "nonsense for a date": (reply({"kind": "PodList"}, date="yesterday"), Unreadable),
    "a date out of range": (reply({"kind": "PodList"}, date="Sun, 99 Nov 2026 10:00:00 GMT"), Unreadable),
    "not http": (cut(b"220 mail.example ESMTP\r\n\r\n", 30), Unreadable),
    "a header line without end": (cut(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, 100_100), Unreadable),
    "cut in the body": (cut(LIST, len(LIST) - 20), Transient),
    "cut before the answer": (cut(LIST, 0), Transient),
    "reset": (reset, Transient),
    "silence": (silence, Transient),
    "a byte at a time": (trickle, Transient),
    "400": (refusal(400, "BadRequest", "canary"), Rejected),
    "401": (refusal(401, "Unauthorized", "canary"), Denied),
    "403": (refusal(403, "Forbidden", "canary"), Denied),
    "404": (refusal(404, "NotFound", "canary"), Missing),
    "405": (refusal(405, "MethodNotAllowed", "canary"), Rejected),
    "409": (refusal(409, "Conflict", "canary"), Conflict),
    "410": (refusal(410, "Expired", "canary"), Expired),
    "412": (refusal(412, "PreconditionFailed", "canary"), Conflict),
    "422": (refusal(422, "Invalid", "canary"), Rejected),
    "429": (refusal(429, "TooManyRequests", "canary"), Transient),
    "429 with patience": (refusal(429, "TooManyRequests", "canary", Retry_After="30"), Transient),
    "500": (refusal(500, "InternalError", "canary"), Transient),
    "501": (refusal(501, "NotImplemented", "canary"), Rejected),
    "502 html": (reply(b"<html>canary</html>", 502, content="text/html"), Transient),
    "503": (refusal(503, "ServiceUnavailable", "canary"), Transient),
    "504": (refusal(504, "Timeout", "canary"), Transient),
    "403 that is not a Status": (reply([["canary"]], 403), Denied),
    "403 without end": (cut(reply(b"x" * 500_000, 403), 400_000), Denied),
}

NOT_A_PAGE = {
    "items null": reply(json.loads(LIST.partition(b"\r\n\r\n")[2]) | {"items": None}),
    "items missing": reply({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}),
    "items an object": page([], items={"a": {}}),
    "a Status": reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "items": []}),
    "a table": reply({"kind": "Table", "metadata": {"resourceVersion": "7"}, "items": []}),
    "no kind": reply({"metadata": {"resourceVersion": "7"}, "items": []}),
    "no metadata": reply({"kind": "PodList", "apiVersion": "v1", "items": []}),
    "metadata a list": page([], metadata=[]),
    "an item that is null": page([], items=[{"metadata": {"name": "a"}}, None]),
    "an item without metadata": page([], items=[{"spec": {}}]),
    "an item without a name": page([], items=[{"metadata": {"uid": "u"}}]),
    "an item whose name is a number": page([], items=[{"metadata": {"name": 5}}]),
    "a token that is a number": page(["a"], metadata={"resourceVersion": "7", "continue": 5}),
}


@pytest.mark.parametrize("name", NOT_AN_ANSWER)
async def test_what_is_no_answer_ends_in_a_named_error_without_a_word_of_it(stage: Stage, name: str) -> None:
    answer, wanted = NOT_AN_ANSWER[name]
    api = await stage.connect(await stage.serve(answer))

    with pytest.raises(JobError) as caught:
        await api.call(Request(method="GET", path="/api/v1/pods", cap=1_000_000), SHORT)

    assert isinstance(caught.value, wanted), repr(caught.value)
    assert str(caught.value).startswith("GET /api/v1/pods: ")
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", NOT_A_PAGE)
async def test_what_is_no_page_ends_the_list_as_unreadable(stage: Stage, name: str) -> None:
    api = await stage.connect(await stage.serve(NOT_A_PAGE[name]))
    seen: list[Page] = []

    with pytest.raises(Unreadable, match="GET /api/v1/pods: "):
        async for found in ClusterReader(api).pages(PODS):
            seen += [found]

    assert seen == []


async def test_an_empty_list_is_an_empty_page(stage: Stage) -> None:
    api = await stage.connect(await stage.serve(page([])))

    found = [each async for each in ClusterReader(api).pages(PODS)]

    assert [(each.items, each.first, each.last, each.resource_version) for each in found] == [([], True, True, "7")]


async def test_unknown_fields_and_a_line_of_5_mib_are_taken_as_they_are(stage: Stage) -> None:
    odd = {"metadata": {"name": "a", "annotations": {"big": "x" * 5 * 1024 * 1024}}, "later": [None, {"a": 1e3}]}
    api = await stage.connect(await stage.serve(page([], items=[odd], unknown={"x": 1})))

    found = [each async for each in ClusterReader(api).pages(PODS)]

    assert [each.items for each in found] == [[odd]]


async def test_a_reply_that_came_compressed_unasked_is_not_unpacked(stage: Stage) -> None:
    answer = reply(gzip.compress(b'{"kind": "Answer"}'), Content_Encoding="gzip")
    api = await stage.connect(await stage.serve(answer))

    with pytest.raises(Unreadable, match=r"^GET /version: the reply is compressed though none was asked for"):
        await api.call(Request(method="GET", path="/version"))


async def test_a_422_names_the_field_and_not_the_value_it_quotes(stage: Stage) -> None:
    causes = [{"reason": "FieldValueInvalid", "message": 'Invalid value: "canary"', "field": "data[password]"}]
    answer = refusal(422, "Invalid", 'Secret "a" is invalid: data: Invalid value: "canary"', {"causes": causes})
    api = await stage.connect(await stage.serve(answer))

    with pytest.raises(Rejected) as caught:
        await api.call(Request(method="PUT", path="/api/v1/namespaces/a/secrets/b", body={"data": "canary"}))

    assert str(caught.value) == "PUT /api/v1/namespaces/a/secrets/b: 422 Invalid at data[password]"


async def test_a_reason_that_is_no_name_is_left_out(stage: Stage) -> None:
    api = await stage.connect(
        await stage.serve(refusal(400, "canary: <b>", details={"causes": ["canary", {"field": 1}]}))
    )

    with pytest.raises(Rejected, match=r"^GET /version: 400 Words$"):
        await api.call(Request(method="GET", path="/version"))
