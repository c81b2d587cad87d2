import asyncio
import gc
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintd.cluster import decoding
from maintd.cluster.decoding import decode
from maintd.core.errors import Unreadable

TEXT = st.text(alphabet='ab"\\\n é☃', max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(TEXT, JSON, max_size=4), st.sampled_from([None, 1]))
def test_a_large_body_means_what_json_says_it_means(value: dict[str, Any], indent: int | None) -> None:
    raw = json.dumps(value, indent=indent).encode()

    assert decoding._by_members(raw) == json.loads(raw)


@given(st.text(alphabet='{}[]:,"a1 \\n', max_size=20))
def test_a_large_body_that_json_refuses_is_refused(text: str) -> None:
    def outcome(read: Any) -> Any:
        try:
            return read(text.encode())
        except ValueError:
            return ValueError

    assert outcome(decoding._by_members) == outcome(json.loads)


async def test_a_large_list_is_decoded_without_holding_up_the_loop() -> None:
    """The C decoder keeps the interpreter's lock: called once for all, it would stop the loop."""
    item = {"metadata": {"name": "a", "labels": {f"label-{i}": "value" for i in range(20)}}}
    raw = json.dumps({"kind": "PodList", "items": [item] * 20_000}).encode()
    turns = 0

    async def heart() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    beating = asyncio.ensure_future(heart())
    gc.disable()  # a collection may run callbacks, in which the lock is given back
    try:
        found = await decode(raw, "GET /pods")
    finally:
        gc.enable()
    beating.cancel()

    assert len(found["items"]) == 20_000
    assert turns >= 10


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b" \n", "the reply is empty"),
        (b"<html>", "the reply is a web page"),
        (b'{"a": ', "the reply is cut off or is not JSON"),
        (b"\xff", "the reply is cut off or is not JSON"),
    ],
)
async def test_what_came_instead_is_said_in_a_few_words(raw: bytes, why: str) -> None:
    with pytest.raises(Unreadable) as caught:
        await decode(raw, "GET /pods")

    assert str(caught.value) == f"GET /pods: {why}; is a proxy or a login page in between?"
