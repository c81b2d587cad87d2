"""What is written as YAML is read back as the same by a YAML 1.1 and by a YAML 1.2 reader."""

import re
import string
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maintd.objects.manifest_yaml import emit


class Yaml12(yaml.SafeLoader):
    """Plain scalars as the core schema of YAML 1.2.2 resolves them (section 10.3.2)."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for tag, pattern in {
    "null": r"null|Null|NULL|~|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}.items():
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), None)
Yaml12.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value, 0))
Yaml12.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))

WORDS = """
y n Y N yes No on OFF true FALSE null Null ~ = << - -- --- ... ? : , | > * & ! % @ ` # [] {} [a] {a} 0 -0 +1 007 0o17
0O7 0b1 0x1F 1_000 1e3 1E5 1e-3 12e4567 0e0 1. .5 -.5 1.5 1.30 +.inf .NaN 1:30 22:30:00 2026-11-22 2026-11-22T03:00:00Z
190:20:30.15 685_230.15 1,000 0x 0o 1n 2T 5E infinity nan inf a: :a a#b #a -a --a ?a a'b ' '' " \\ %YAML !tag &b *a
"""
BROKEN_BY_BARS = (
    "a: b|a #b|- a|? a|a |  a| |%YAML 1.1|\t|a\tb|\ta\nb|a\n|\na|\n|\n\n|a\n\n|  a\nb|a\n  b\n|a\n   |a\n  \n|a\n\n\nb|"
    "a\r\nb|a\r|---\n|a\n---\nb|# a\nb|a: b\nc|'\n'|\x00|\x07\n|\x7f|\x85|a\x85b\nc|\xa0|\u2028|\u2029a\n|\ufeff|"
    "\ufffe|\uffff|é|é\nü|😀|😀\na|"
)
MISREAD = [*WORDS.split(), *BROKEN_BY_BARS.split("|"), "x" * 2000, "x " * 2000, "a line\n" * 500, "é" * 1200]
READ_BY_ALL = """
a nginx --config=/etc/app.conf -v /bin/sh 64Mi 500m 100Mi 4h 1h30m 10.0.0.1 10.0.0.0/16 1.2.3 registry/app:1.2.3 _x
app.kubernetes.io/name http://a.b/c?d=e $(POD_NAME) Always ClusterIP prometheus
"""

text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text("0123456789eExXoObB_.:+-TZ", max_size=8),
    st.text("ynaTF \n\t:#-'\"|\\,[]{}", max_size=8),
    st.sampled_from(MISREAD),
)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
documents = st.dictionaries(
    text,
    st.recursive(
        st.none() | st.booleans() | numbers | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def read_by_both(written: str) -> tuple[Any, Any]:
    return yaml.load(written, yaml.CSafeLoader), yaml.load(written, Yaml12)


@settings(max_examples=250)
@given(documents)
@example({"a": {"b": ["c", ["d", {"e": []}]], "f": {}}})
def test_readers_of_yaml_1_1_and_1_2_read_what_was_written(document: dict[str, Any]) -> None:
    written = emit(document)

    assert read_by_both(written) == (document, document)


@pytest.mark.parametrize("value", MISREAD, ids=lambda value: ascii(value)[:30])
def test_text_that_looks_like_something_else_stays_text(value: str) -> None:
    document = {
        "as value": value,
        "in a list": [value, [value]],
        "as key": {value: 1},
        "deeper": [{"a": [{value: value}]}],
    }

    assert read_by_both(emit(document)) == (document, document)


def test_every_short_word_stays_text() -> None:
    letters = string.ascii_letters + string.digits + "+-._~=<:"
    words = [a + b for a in ["", *letters] for b in letters]
    document = {word: [word] for word in words}

    assert read_by_both(emit(document)) == (document, document)


@pytest.mark.parametrize("value", READ_BY_ALL.split())
def test_what_everyone_reads_as_text_is_not_quoted(value: str) -> None:
    assert emit({"a": value}) == f"---\na: {value}\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a\nb", "|-\n  a\n  b"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\n\nb\n\n", "|+\n  a\n\n  b\n"),
        ("  a\nb\n", "|2\n    a\n  b"),
        ("\n a", "|2-\n\n   a"),
        ("#!/bin/sh\nif x; then\n    y: 1\nfi\n", "|\n  #!/bin/sh\n  if x; then\n      y: 1\n  fi"),
    ],
)
def test_text_of_several_lines_stays_readable(value: str, written: str) -> None:
    assert emit({"a": value}) == f"---\na: {written}\n"


def test_collections_are_laid_out_as_kubectl_does() -> None:
    document = {"a": {"b": [{"c": 1, "d": ["e"]}, {"f": {}}], "g": []}, "h": [[1, 2], [[]]]}

    assert emit(document) == (
        "---\na:\n  b:\n  - c: 1\n    d:\n    - e\n  - f: {}\n  g: []\nh:\n- - 1\n  - 2\n- - []\n"
    )


def test_numbers_and_nothing_keep_their_type() -> None:
    document = {"a": [0, -1, 2**70, 1.0, -0.0, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, True, False, None]}

    read = read_by_both(emit(document))

    assert [repr(found) for found in read] == [repr(document)] * 2


def test_documents_can_simply_be_joined() -> None:
    documents = [{"a": "b\n\n"}, {}, {"a": "c"}, {"a": "---\n"}]

    assert list(yaml.load_all("".join(map(emit, documents)), yaml.CSafeLoader)) == documents


@pytest.mark.parametrize("length", [63, 64, 65, 999, 1000, 1001, 1030, 5000])
def test_long_keys_are_read_as_keys(length: int) -> None:
    document = {"x" * length: {"'" * length: ["a\nb"], "z": {"y " * length: "a\n"}}}

    assert read_by_both(emit(document)) == (document, document)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({1: "a"}, "a key that is no string: 1"),
        ({None: "a"}, "a key that is no string: None"),
        ({"a": float("nan")}, "what JSON has no word for: nan"),
        ({"a": [float("-inf")]}, "what JSON has no word for: -inf"),
        ({"a": {"b"}}, "what JSON has no word for: {'b'}"),
        ({"a": b"b"}, "what JSON has no word for: b'b'"),
        ({"a": "b\ud800"}, "half of a surrogate pair, U+D800"),
        ({"a\udfff": "b"}, "half of a surrogate pair, U+DFFF"),
        ({"a": "b\n\udc00\n"}, "half of a surrogate pair, U+DC00"),
    ],
)
def test_what_yaml_cannot_say_is_refused(value: dict[Any, Any], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        emit(value)


def test_a_nesting_without_end_is_refused() -> None:
    document: dict[str, Any] = {}
    for _ in range(5000):
        document = {"a": [document]}

    with pytest.raises(ValueError, match="nested too deep"):
        emit(document)


def test_remembering_short_text_is_bounded_and_changes_nothing() -> None:
    document = {f"key{number}": f"{number}e1" for number in range(20_000)}

    assert yaml.load(emit(document), yaml.CSafeLoader) == document
    assert emit(document) == emit(document)
