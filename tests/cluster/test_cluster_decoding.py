import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintd.cluster.decoding import decode
from maintd.core.errors import Unreadable

TEXT = st.text(alphabet='ab"\\\n é☃', max_size=5)
INT64 = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=8,
)


@settings(max_examples=100)
@given(st.dictionaries(TEXT, JSON, max_size=4), st.sampled_from([None, 1]))
def test_a_body_means_what_json_says_it_means(value: dict[str, Any], indent: int | None) -> None:
    """Numbers as Go writes them: the API server knows int64 and float64 only."""
    raw = json.dumps(value, indent=indent).encode()

    assert decode(raw, "GET /pods") == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "the reply is empty"),
        (b" \n", "the reply is empty"),
        (b"<html>", "the reply is a web page"),
        (b'{"a": ', "the reply is cut off or is not JSON"),
        (b'{"a": 1} {"b": 2}', "the reply is cut off or is not JSON"),
        (b'{"a": NaN}', "the reply is cut off or is not JSON"),
        (b"\xff", "the reply is cut off or is not JSON"),
        (b'{"a":' * 100_000, "the reply is nested too deeply to be read"),
    ],
)
def test_what_came_instead_is_said_in_a_few_words(raw: bytes, why: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(raw, "GET /pods")

    assert str(caught.value) == f"GET /pods: {why}; is a proxy or a login page in between?"


def test_json_that_is_no_object_is_no_answer() -> None:
    with pytest.raises(Unreadable, match="JSON, but not an object"):
        decode(b"[]", "GET /pods")
