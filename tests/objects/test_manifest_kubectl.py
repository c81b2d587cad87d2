"""kubectl, which needs no server for this, reads what was written as what it was."""

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from maintd.core.resource import Json
from maintd.objects.manifest_yaml import emit

pytestmark = pytest.mark.cluster

PIECES = [
    *"ynNaeExXobB0179.-+_:TZ#'\"|>&*!%@`{}[],?=<~\\/mi \t\n\r",
    *("\x00", "\x1b", "\x7f", "\x85", "\xa0", "é", "\u2028", "\u2029", "\ue000", "\ufeff", "\uffff", "😀"),
]
ENDS = [
    "a",
    "a\n",
    "\na",
    "a\n\n",
    " a\nb",
    "a\n b\n",
    "\ta\nb",
    "a\n\t",
    "a\n  ",
    "a\n  \n\n",
    "  \n a",
    "a\n---\n",
    "\n\n",
]


def tricky(seed: int, count: int) -> Iterator[str]:
    """Random spellings, of which many look like a number, a bool, a time, or like YAML."""
    chance = random.Random(seed)
    yield from ENDS
    yield from ("x" * 3000, "y " * 3000, "a line\n" * 1000, "é\n" * 1000, "")
    for _ in range(count):
        yield "".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 9)))
        yield "".join(chance.choice("0123456789eExXobB_.:+-") for _ in range(chance.randrange(1, 7)))
        yield f"{chance.randrange(16**7):07x}"


def read_by_kubectl(documents: list[Json]) -> list[Json]:
    """kubectl adds a label, which is taken off again, and prints what it understood."""
    ran = subprocess.run(
        ["kubectl", "label", "--local", "-f", "-", "-o", "json", "added=here"],
        input="".join(map(emit, documents)).encode(),
        capture_output=True,
        env=os.environ | {"KUBECONFIG": os.devnull},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    found, at, printed = [], 0, ran.stdout.decode()
    while at < len(printed):
        document, at = json.JSONDecoder().raw_decode(printed, at)
        at += len(printed[at:]) - len(printed[at:].lstrip())
        found += document["items"] if document["kind"] == "List" else [document]
    for document in found:
        assert document["metadata"].pop("labels") == {"added": "here"}
    return found


def config_map(number: int, values: list[str]) -> Json:
    data = {f"key{place}": value for place, value in enumerate(values)}
    annotations = {value: value for value in values}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"c{number}", "annotations": annotations},
        "data": data,
    }


@pytest.mark.parametrize("seed", range(3))
def test_kubectl_reads_tricky_text_as_it_was(seed: int, need_tool: Callable[[str], str]) -> None:
    need_tool("kubectl")
    values = list(tricky(seed, 2000))
    documents = [config_map(at, values[at : at + 100]) for at in range(0, len(values), 100)]

    assert read_by_kubectl(documents) == documents


def test_kubectl_reads_lists_numbers_and_nesting_as_they_were(need_tool: Callable[[str], str]) -> None:
    need_tool("kubectl")
    values = list(tricky(9, 200))
    numbers: list[Any] = [0, -1, 2**53, -(2**63), 1.5, 1e21, 1.25e-7, 5e-324, 1.7976931348623157e308, True, False, None]
    spec = {
        "text": values,
        "numbers": numbers,
        "lists": [[], [[values]], {}],
        "map": {value: [{value: 1}] for value in values},
    }
    document = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}

    assert read_by_kubectl([document]) == [document]
