"""An object that has not changed is told by its text, whatever is in it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintd.core.errors import Unreadable
from maintd.core.resource import CONFIG_MAPS, Json
from maintd.objects.backup_manifest import Manifest, StoredFile
from maintd.objects.manifest_yaml import emit
from maintd.recovery.contents import Contents
from maintd.recovery.selection import Selection
from maintd.recovery.texts import Texts
from maintd.storage.folder import FolderStore

NASTY = [
    "---\n",
    "\n---\n",
    "a\n---\napiVersion: v1\n",
    "--- {}\n",
    "\n\n",
    " \n",
    "x\n\n\n",
    "",
    "12e4567",
    "\u2028",
    "---",
]
VALUES = st.sampled_from(NASTY) | st.text(st.sampled_from("-\n a:#'\"\t\r\x85"), max_size=12)
DATA = st.lists(st.dictionaries(VALUES, VALUES, max_size=4), min_size=1, max_size=5)


def objects(data: list[Any]) -> list[Json]:
    """Cleaned ConfigMaps of these contents."""
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{n}", "namespace": "shop"}, "data": each}
        for n, each in enumerate(data)
    ]


def texts(documents: list[Json], count: int | None = None) -> Texts:
    manifest = Manifest.model_construct(id="20261120T030000Z-abcdef")
    contents = Contents(FolderStore(Path("/nowhere"), "c"), Selection(manifest, (), ()))
    sums: dict[str, Any] = {"size": 1, "sha256": "a", "stored_size": 1, "stored_sha256": "a"}
    number = len(documents) if count is None else count
    file = StoredFile(
        path="shop/configmaps.yaml", resource="configmaps", kind="ConfigMap", namespace="shop", count=number, **sums
    )
    found = Texts(CONFIG_MAPS, contents)
    found.add(file, "".join(map(emit, documents)).encode())
    found.begin()
    return found


@settings(max_examples=200)
@given(DATA)
def test_each_object_finds_its_own_text_and_what_is_left_reads_as_it_was(data: list[Any]) -> None:
    documents = objects(data)
    waiting = texts(documents)
    assert waiting.left() == documents
    assert [waiting.take(each) for each in documents[1:]] == [None] * (len(documents) - 1)
    assert waiting.left() == documents[:1]
    changed = documents[0] | {"data": {"other": "x"}}
    assert waiting.take(changed) == changed
    assert waiting.left() == documents[:1]


def test_a_list_that_begins_anew_is_compared_from_the_start() -> None:
    documents = objects([{"a": "1"}])
    waiting = texts(documents)
    assert waiting.take(documents[0]) is None
    assert waiting.take(documents[0]) == documents[0]
    waiting.begin()
    assert waiting.take(documents[0]) is None


def test_a_file_with_more_or_fewer_objects_than_its_manifest_counts_is_not_read() -> None:
    with pytest.raises(Unreadable, match=r"shop/configmaps.yaml holds 1 object, and its manifest counts 2"):
        texts(objects([{"a": "1"}]), 2)
