"""From lists to files: sorted by namespace, in parts, the same bytes for the same objects."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from maintd.core.errors import Denied, JobError, Missing, Transient
from maintd.core.outcome import Finding, Status
from maintd.core.ports import Stored
from maintd.core.resource import CONFIG_MAPS, NAMESPACES, Json, Resource
from maintd.objects.backup_copy import ListCopy
from maintd.objects.backup_manifest import Claim, LeftOut, Manifest, NotWhole, StoredFile, opened
from maintd.objects.backup_record import Copied, filled, nothing, outcome
from maintd.objects.backup_scope import Scope, Selection

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
THEN = datetime(2026, 11, 22, 3, tzinfo=UTC)


def config_map(namespace: str, name: str, size: int = 10) -> Json:
    return {"metadata": {"namespace": namespace, "name": name, "uid": "u"}, "data": {"k": "x" * size}}


def copied(objects: list[Json], resource: Resource = CONFIG_MAPS, **how: Any) -> tuple[ListCopy, dict[str, bytes]]:
    copy = ListCopy(resource, how.pop("scope", Scope()), **how)
    files = [file for obj in objects for file in copy.take(obj)] + copy.finish()
    assert [file for file, _ in files] == copy.files
    return copy, {file.path: data for file, data in files}


def names(data: bytes) -> list[str]:
    return [document["metadata"]["name"] for document in yaml.safe_load_all(data)]


def test_each_namespace_has_its_own_file() -> None:
    objects = [config_map(space, name) for space in ("a", "b") for name in ("x", "y")]

    copy, files = copied(objects)

    assert {path: names(data) for path, data in files.items()} == {
        "a/configmaps.yaml": ["x", "y"],
        "b/configmaps.yaml": ["x", "y"],
    }
    assert copy.objects == 4
    assert [file.count for file in copy.files] == [2, 2]
    assert next(yaml.safe_load_all(files["a/configmaps.yaml"])) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "a", "name": "x"},
        "data": {"k": "x" * 10},
    }


def test_what_is_in_no_namespace_lies_apart_and_a_group_is_in_the_name() -> None:
    _, files = copied([{"metadata": {"name": "a"}}], NAMESPACES)
    _, more = copied([{"metadata": {"name": "a", "namespace": "n"}}], DEPLOYMENTS)

    assert [*files, *more] == ["_cluster/namespaces.yaml", "n/deployments.apps.yaml"]


def test_a_file_that_is_full_goes_on_in_numbered_parts() -> None:
    objects = [config_map("a", f"c{number}", 300) for number in range(7)] + [config_map("b", "d")]

    _, files = copied(objects, max_file=1000)

    assert {path: names(data) for path, data in files.items()} == {
        "a/configmaps.yaml": ["c0", "c1"],
        "a/configmaps.0002.yaml": ["c2", "c3"],
        "a/configmaps.0003.yaml": ["c4", "c5"],
        "a/configmaps.0004.yaml": ["c6"],
        "b/configmaps.yaml": ["d"],
    }
    assert all(len(data) <= 1000 for data in files.values())


def test_a_list_that_is_not_sorted_costs_parts_and_loses_nothing() -> None:
    objects = [config_map(space, name) for name in ("x", "y") for space in ("a", "b")]

    _, files = copied(objects)

    assert {path: names(data) for path, data in files.items()} == {
        "a/configmaps.yaml": ["x"],
        "b/configmaps.yaml": ["x"],
        "a/configmaps.0002.yaml": ["y"],
        "b/configmaps.0002.yaml": ["y"],
    }


def test_a_namespaces_files_do_not_depend_on_its_neighbours() -> None:
    inside = [config_map("b", f"c{number}", 300) for number in range(5)]

    _, alone = copied(inside, max_file=1000)
    _, beside = copied([config_map("a", "x", 700), *inside, config_map("c", "x")], max_file=1000)

    assert alone == {path: data for path, data in beside.items() if path.startswith("b/")}


def test_what_is_left_out_is_counted_by_rule_and_namespace() -> None:
    objects = [config_map(space, name) for space in ("a", "b", "kube-system") for name in ("kube-root-ca.crt", "mine")]

    copy, files = copied(objects, scope=Scope(exclude_namespaces=("kube-*",)))

    assert list(files) == ["a/configmaps.yaml", "b/configmaps.yaml"]
    assert [(row.rule, row.resource, row.count, row.namespaces) for row in copy.left_out] == [
        ("namespaces", "configmaps", 2, {"kube-system": 2}),
        ("root-certificate", "configmaps", 2, {"a": 1, "b": 1}),
    ]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"data": {"k": "\ud800"}}, "half of a surrogate pair"),
        ({"data": {"k": float("nan")}}, "no word for"),
        ({"data": {"k": "x" * 1100}}, "more than one file holds"),
        ({"metadata": {"namespace": "a", "name": "odd", "ownerReferences": 1}}, "ownerReferences is not a list"),
    ],
)
def test_an_object_that_cannot_be_written_is_named_and_the_others_are_there(odd: Json, why: str) -> None:
    objects = [config_map("a", "x"), config_map("a", "odd") | odd, config_map("a", "y")]

    copy, files = copied(objects, max_file=1000)

    assert names(files["a/configmaps.yaml"]) == ["x", "y"]
    assert [(str(problem), problem.remedy) for problem in copy.not_whole] == [
        ("configmaps odd in a", "look at it: kubectl get configmaps odd -n a -o yaml")
    ]
    assert why in copy.not_whole[0].why


def test_every_claim_in_scope_is_named_whether_it_is_in_the_backup_or_not() -> None:
    spec = {"volumeName": "pv", "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}
    owner = [{"controller": True, "kind": "StatefulSet", "uid": "u"}]
    objects = [
        {"metadata": {"namespace": "a", "name": "x"}, "spec": spec},
        {"metadata": {"namespace": "a", "name": "y", "ownerReferences": owner}},
        {"metadata": {"namespace": "z", "name": "elsewhere"}},
    ]

    copy, files = copied(objects, CLAIMS, scope=Scope(namespaces=("a",)))

    assert names(files["a/persistentvolumeclaims.yaml"]) == ["x"]
    assert copy.claims == [
        Claim(namespace="a", name="x", volume="pv", storage_class="fast", request="1Gi"),
        Claim(namespace="a", name="y"),
    ]


HEAD = Manifest(
    id="20261122T030000Z-abc",
    run_id="r",
    cluster="c",
    kube_system_uid="u",
    server_version="v1.35.4",
    maintd_version="0.1.0",
    started=THEN,
    ended=THEN,
)
SECRETS = LeftOut(rule="secrets", reason="r", resource="secrets")


def result(objects: list[Json], resource: Resource = CONFIG_MAPS, namespace: str = "") -> Copied:
    copy, files = copied(objects, resource)
    stored = [Stored(f"backups/x/{path}", len(data), "plain", 7, "stored") for path, data in files.items()]
    return Copied(copy, namespace, stored)


def test_the_manifest_names_every_file_every_list_and_everything_that_is_not_in_it() -> None:
    bad = config_map("a", "odd") | {"data": {"k": "\ud800"}}
    missing = NotWhole(resource="widgets.example.com", why="down", remedy="r")
    failed = NotWhole(resource="pods", why="forbidden", remedy="r")
    selection = Selection(read=(), left_out=(SECRETS,), not_whole=(missing,))

    manifest = filled(
        HEAD, selection, [result([config_map("a", "x"), config_map("a", "kube-root-ca.crt"), bad]), failed]
    )

    size = len(copied([config_map("a", "x")])[1]["a/configmaps.yaml"])
    assert manifest.files == (
        StoredFile(
            path="a/configmaps.yaml",
            resource="configmaps",
            kind="ConfigMap",
            namespace="a",
            count=1,
            size=size,
            sha256="plain",
            stored_size=7,
            stored_sha256="stored",
        ),
    )
    assert [(row.resource, row.api_version, row.kind, row.objects) for row in manifest.lists] == [
        ("configmaps", "v1", "ConfigMap", 1)
    ]
    assert [row.rule for row in manifest.left_out] == ["secrets", "root-certificate"]
    assert [str(row) for row in manifest.not_whole] == ["widgets.example.com", "pods", "configmaps odd in a"]
    assert (manifest.complete, manifest.objects, manifest.size) == (False, 1, size)


def test_a_manifest_is_read_back_as_it_was_and_has_a_row_a_line() -> None:
    manifest = filled(HEAD, Selection((), (SECRETS,), ()), [result([config_map("a", "x"), config_map("b", "y")])])

    lines = manifest.sealed().decode().splitlines()

    assert opened(manifest.sealed()) == manifest
    assert [line.strip()[:28] for line in lines if "configmaps.yaml" in line] == [
        '{"path": "a/configmaps.yaml"',
        '{"path": "b/configmaps.yaml"',
    ]


def test_each_changed_byte_of_a_manifest_is_found() -> None:
    sealed = filled(HEAD, Selection((), (SECRETS,), ()), [result([config_map("a", "x")])]).sealed()
    unchanged = opened(sealed)

    for place in range(len(sealed)):
        spoiled = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        try:
            assert opened(spoiled) == unchanged, place
        except ValueError:
            continue
        assert sealed[place : place + 1].isspace(), place


def test_more_files_than_a_manifest_can_name_are_no_backup() -> None:
    file = StoredFile(
        path="a/b.yaml", resource="r", kind="K", count=1, size=1, sha256="", stored_size=1, stored_sha256=""
    )

    with pytest.raises(JobError, match=r"90,000 files are more than one manifest can name .* make several jobs of it"):
        HEAD.model_copy(update={"files": (file,) * 90_000}).sealed()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": 2}', b'{"format": 1}', b"\xff"])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        opened(data)


def test_a_whole_backup_is_ok_and_says_what_is_not_in_it() -> None:
    claims = result([{"metadata": {"namespace": "a", "name": "x"}}], CLAIMS)
    counted = LeftOut(rule="secrets", reason="r", resource="secrets", count=3, namespaces={"a": 3})

    plain = outcome(filled(HEAD, Selection((), (SECRETS,), ()), [result([config_map("a", "x")]), claims]), "p")
    with_count = outcome(filled(HEAD, Selection((), (counted,), ()), [result([config_map("a", "x")])]), "p")

    assert plain.summary.startswith("2 objects in 2 files, ")
    assert plain.summary.endswith("B, Secrets left out")
    assert with_count.summary.endswith("B, Secrets left out (3)")
    assert [(found.severity, found.subject) for found in plain.findings] == [("info", "1 PersistentVolumeClaim")]
    assert plain.judged() is Status.OK
    assert plain.artifacts == ("p",)
    assert plain.metrics.keys() == {"objects", "files", "bytes", "left_out_objects"}


def test_a_backup_that_is_not_whole_is_partial_by_name() -> None:
    missing = [NotWhole(resource=f"kind{number}", namespace="a", why="w", remedy="r") for number in range(7)]

    found = outcome(filled(HEAD, Selection((), (), tuple(missing)), [result([config_map("a", "x")])]), "p")

    assert found.judged() is Status.PARTIAL
    assert found.summary.endswith("not whole: kind0 in a, kind1 in a, kind2 in a, kind3 in a, kind4 in a and 2 more")
    assert found.findings[0] == Finding(severity="error", subject="kind0 in a", message="w", remedy="r")
    assert len(found.findings) == 7


def test_a_backup_of_nothing_asks_for_attention() -> None:
    assert outcome(filled(HEAD, Selection((), (), ()), []), "p").judged() is Status.ATTENTION


def test_where_nothing_could_be_read_there_is_no_backup() -> None:
    found = nothing(filled(HEAD, Selection((), (), ()), [NotWhole(resource="pods", why="w", remedy="r")]))

    assert (found.judged(), found.artifacts, [row.subject for row in found.findings]) == (Status.FAILED, (), ["pods"])


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (Denied("may not"), "grant the right, or leave it out: exclude_kinds: [pods]"),
        (Missing("gone"), "see what there is: kubectl get pods, or leave it out: exclude_kinds: [pods]"),
        (Transient("503"), "run the job again, or leave it out: exclude_kinds: [pods]"),
    ],
)
def test_a_list_that_could_not_be_read_says_what_to_do(error: JobError, remedy: str) -> None:
    assert NotWhole.because("pods", error, "a") == NotWhole(
        resource="pods", namespace="a", why=str(error), remedy=remedy
    )
