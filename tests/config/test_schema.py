"""jobs.schema.json says what the loader does, as far as a schema can."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maintd.config.load import Loader
from maintd.derive import schema

ROOT = Path(__file__).parents[2]
SCHEMA = schema.schema()


def test_the_file_in_the_checkout_is_what_the_models_say() -> None:
    """If not: maintd render schema --write."""
    assert (ROOT / "jobs.schema.json").read_text(encoding="utf-8") == schema.text()


def test_it_is_the_same_each_time() -> None:
    assert schema.text() == schema.text()


def test_the_first_line_of_jobs_yaml_names_it_and_jobs_yaml_is_good(loader: Loader) -> None:
    text = (ROOT / "jobs.yaml").read_text(encoding="utf-8")

    assert text.splitlines()[0] == "# yaml-language-server: $schema=./jobs.schema.json"
    assert [job.name for job in loader.load(ROOT / "jobs.yaml").jobs] == [
        "cleanup-failed-pods",
        "backup-nightly",
        "backup-verify",
        "backup-prune",
        "response-times",
        "health",
        "node-versions",
    ]


def test_jobs_yaml_changes_nothing_until_somebody_says_so_and_probes_inside_the_cluster_only(loader: Loader) -> None:
    jobs = loader.load(ROOT / "jobs.yaml").jobs

    assert {job.mode for job in jobs} == {"dry-run", "run"}
    assert {job.target.url for job in jobs} == {"http://omtx-hub-backend-service.omtx-hub.svc"}


def test_each_kind_has_a_branch_of_its_own_and_no_one_of(loader: Loader) -> None:
    """With oneOf over the kinds editors blame the wrong branch."""
    entry = SCHEMA["$defs"]["Entry"]
    branches = {branch["if"]["properties"]["kind"]["const"]: branch["then"] for branch in entry["allOf"]}

    assert list(branches) == entry["properties"]["kind"]["enum"] == list(loader.kinds)
    assert branches["cleanup-pods"] == {"properties": {"params": {"$ref": "#/$defs/CleanupPods"}}}
    assert branches["version-check"] == {
        "properties": {"params": {"$ref": "#/$defs/VersionCheck"}, "mode": False, "limits": False}
    }
    assert branches["http-check"]["required"] == ["params"]
    assert entry["oneOf"] == [{"required": [key]} for key in ("schedule", "every", "manual")]


def test_a_kind_of_somebody_else_gets_its_branch_too(bare: Loader) -> None:
    entry = schema.schema(bare.kinds)["$defs"]["Entry"]

    assert entry["properties"]["kind"]["enum"] == ["sweep-up", "look-around", "broken"]
    assert [branch["then"]["properties"]["params"] for branch in entry["allOf"]] == [{"$ref": "#/$defs/Sweep"}] * 3


def mappings(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from mappings(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from mappings(value, f"{path}/{index}")


def test_every_reference_leads_somewhere() -> None:
    references = {node["$ref"] for _, node in mappings(SCHEMA) if isinstance(node.get("$ref"), str)}

    assert references <= {f"#/$defs/{name}" for name in SCHEMA["$defs"]}
    assert len(references) > 8


@pytest.mark.parametrize("name", sorted(SCHEMA["$defs"].keys() - {"JsonValue"}))
def test_every_key_has_a_description_and_unknown_ones_are_refused(name: str) -> None:
    definition = SCHEMA["$defs"][name]
    if "enum" in definition:
        return

    assert [key for key, prop in definition["properties"].items() if not prop.get("description")] == []
    assert definition["additionalProperties"] is False


def test_defaults_are_written_as_in_jobs_yaml() -> None:
    definitions = SCHEMA["$defs"]

    assert definitions["CleanupPods"]["properties"]["older_than"]["default"] == "1d"
    assert definitions["Slo"]["properties"]["error_rate"]["default"] == "5%"
    assert definitions["Retry"]["properties"]["backoff"]["default"] == "10s"
    assert not re.search(r'"P(T|\d)', json.dumps(SCHEMA))
