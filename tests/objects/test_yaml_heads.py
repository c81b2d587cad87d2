"""What is in a file of YAML, read to its end without making objects of it: the same as PyYAML makes of it."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from maintd.core.errors import Unreadable
from maintd.objects.manifest_yaml import emit
from maintd.objects.yaml_heads import heads

_TEXT = st.text(st.sampled_from("ab *&-.:#{}[]|>%\n\r\t'\"\x85\u2028é0"), max_size=12)
_VALUES = st.recursive(
    st.one_of(_TEXT, st.booleans(), st.integers(0, 9), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=8,
)
_OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.just("v1"),
        "kind": st.sampled_from(["ConfigMap", "Secret"]),
        "metadata": st.fixed_dictionaries(
            {"name": st.sampled_from(["a", "1e3"]), "annotations": _VALUES, "namespace": st.sampled_from(["", "shop"])}
        ),
        "data": _VALUES,
    }
).flatmap(lambda obj: st.permutations(list(obj.items())).map(dict))


@settings(max_examples=300)
@given(st.lists(_OBJECTS, max_size=4))
def test_of_whatever_the_emitter_writes_the_objects_are_found_and_counted(objects):
    found = list(heads("".join(map(emit, objects)).encode()))

    assert [(head.kind, head.namespace, head.fields["metadata.name"], head.named) for head in found] == [
        (obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"], True) for obj in objects
    ]


FULL = "---\napiVersion: v1\nkind: A\nmetadata:\n  name: x\n"


@pytest.mark.parametrize(
    "tail",
    [
        "a: b\n...\n---\nc: d\n",
        "a: b\r---\rc: d\n",
        "a: b\x85---\x85c: d\n",
        "a: b\n--- {c: d}\n",
        "a: |\n  ---\n",
        "a: '---'\n",
    ],
)
def test_documents_are_counted_as_a_reader_counts_them(tail):
    data = (FULL + tail).encode()

    assert len(list(heads(data))) == len(list(yaml.load_all(data, yaml.CSafeLoader)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_another_encoding_hides_no_document(encoding):
    assert len(list(heads((FULL + FULL).encode(encoding)))) == 2


@pytest.mark.parametrize(
    "tail", ["a: *b\n", "*b : a\n", "a: [*b]\n", "a: {b: *c}\n", "a: &b c\nd:\n  - *b\n", "a: [1,*b]\n"]
)
def test_a_reference_anywhere_is_refused(tail):
    with pytest.raises(Unreadable, match=r"refers from one place|not YAML"):
        list(heads((FULL + tail).encode()))


@pytest.mark.parametrize("tail", ["a: [", "a: 'b\n", "a: b\n c: d\n", "a: \x01\n", "a:\n\tb: c\n", "- a\n", "a: @b\n"])
def test_what_is_no_yaml_is_found_behind_what_an_object_says_of_itself(tail):
    data = (FULL + tail).encode()
    with pytest.raises(yaml.YAMLError):
        list(yaml.load_all(data, yaml.CSafeLoader))

    with pytest.raises(Unreadable, match="it is not YAML"):
        list(heads(data))


@pytest.mark.parametrize(
    "tail", ["a: " + "[" * 5000, "a: " + "{b: " * 5000, "\n".join(" " * n + "a:" for n in range(2000))]
)
def test_what_is_nested_without_end_is_refused_soon(tail):
    with pytest.raises(Unreadable, match=r"nested more than 1,000 deep|not YAML"):
        list(heads(f"---\n{tail}\n".encode()))
