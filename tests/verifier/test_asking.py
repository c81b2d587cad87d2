"""What an API server says to the objects of a backup; nothing is changed by asking."""

import json
from datetime import UTC, datetime

import pytest
from pyrage import x25519

from maintd.cli.jobsfile import loader
from maintd.config.mistakes import BadJobs
from maintd.config.settings import Settings
from maintd.core.rehearsal import Answer, Answers
from maintd.core.rules import Rule
from maintd.objects.age import UNCHECKED, Identities
from maintd.objects.freshness import Freshnesses
from maintd.objects.verification import Verification
from maintd.sandbox.faults import Fault, raw, unavailable
from maintd.storage.folder import FolderStore
from tests.conftest import MERGE_PATCH
from tests.verifier.conftest import Scene, said

EMBEDDED = pytest.mark.parametrize("cluster_backend", ["sandbox"], indirect=True)
"""For what the embedded cluster alone can do: tell what was asked of it, and fail on purpose."""
RIGHTS_ARE_NOT_ASKED = "a dry run over what is there does not tell whether whoever restores may grant these rights"


async def everything(scene: Scene) -> list[str]:
    """Each object of the namespace with the version that it has."""
    root = f"/namespaces/{scene.space}"
    lists = [f"/api/v1{root}/{plural}" for plural in ("configmaps", "services")]
    lists += [f"/apis/apps/v1{root}/deployments", f"/apis/rbac.authorization.k8s.io/v1{root}/roles"]
    replies = [(await scene.backend.request("GET", path)).json["items"] for path in lists]
    return [f"{obj['metadata']['name']} {json.dumps(obj.get('spec'))}" for items in replies for obj in items]


async def test_of_an_unchanged_namespace_all_is_taken_but_rights_which_no_dry_run_tells(scene: Scene) -> None:
    made = await scene.backup()
    before = await everything(scene)

    answers = await scene.ask(made)

    role = (f"roles.rbac.authorization.k8s.io {scene.space}/reader",)
    assert (answers.taken, answers.refused) == (made.manifest.objects - 1, ())
    assert answers.unchecked == (Answer(why=RIGHTS_ARE_NOT_ASKED, count=1, objects=role, by_nature=True),)
    assert (answers.other_cluster, answers.server) == (False, scene.backend.url)
    assert await everything(scene) == before


@EMBEDDED
async def test_every_request_that_could_write_is_a_dry_run(scene: Scene) -> None:
    assert scene.backend.sandbox
    made = await scene.backup()
    await scene.delete(f"/api/v1/namespaces/{scene.space}/configmaps/flags")
    scene.backend.sandbox.requests.clear()

    await scene.ask(made)

    written = [asked for asked in scene.backend.sandbox.requests if asked.verb not in ("get", "list")]
    assert {asked.verb for asked in written} == {"create", "update"}
    assert [asked for asked in written if not asked.dry_run] == []


async def test_what_is_missing_or_was_changed_is_asked_about_too(scene: Scene) -> None:
    made = await scene.backup()
    maps = f"/api/v1/namespaces/{scene.space}/configmaps"
    await scene.delete(f"{maps}/flags")
    await scene.backend.request("PATCH", f"{maps}/other", {"data": {"A": "2"}}, content=MERGE_PATCH)

    answers = await scene.ask(made)

    assert (answers.taken, answers.refused) == (made.manifest.objects - 1, ())
    assert (await scene.backend.request("GET", f"{maps}/flags")).status == 404


async def test_a_namespace_that_is_gone_leaves_what_was_in_it_unchecked(scene: Scene) -> None:
    made = await scene.backup()
    if scene.backend.sandbox:
        scene.backend.sandbox.remove("v1", "Namespace", scene.space)
    else:
        await scene.delete(f"/api/v1/namespaces/{scene.space}")
        await scene.backend.wait_for(f"/api/v1/namespaces/{scene.space}", status=404)

    answers = await scene.ask(made)

    [gone] = answers.unchecked
    assert (answers.taken, answers.refused) == (1, ())  # the Namespace itself
    assert gone.why == f"there is no namespace {scene.space}, without which nobody can tell"
    assert (gone.count, gone.by_nature) == (made.manifest.objects - 1, False)


async def test_a_right_that_is_missing_says_nothing_of_the_object(scene: Scene) -> None:
    made = await scene.backup(kinds=["configmaps"])
    reading = [Rule("namespaces", "get"), Rule("configmaps", "list", "get")]

    answers = await scene.ask(made, await scene.backend.grant(reading))

    assert (answers.taken, answers.refused) == (0, ())
    [denied] = answers.unchecked
    assert denied.why.startswith(f"may not update configmaps in namespace {scene.space}; add to a Role")
    assert denied.by_nature is False


@EMBEDDED
async def test_an_object_that_changed_after_it_was_listed_is_asked_about_once_more(scene: Scene) -> None:
    made = await scene.backup(kinds=["configmaps"])
    fault = Fault("update", "*/configmaps/flags", answer=unavailable(409))
    scene.backend.sandbox.faults.append(fault)

    answers = await scene.ask(made)

    assert (fault.seen, answers.taken, answers.unchecked) == (2, made.manifest.objects, ())


@EMBEDDED
async def test_an_admission_that_refuses_is_told_from_one_that_knows_no_dry_run(scene: Scene) -> None:
    made = await scene.backup(kinds=["configmaps"])
    says = "admission webhook 'a' denied the request: ssh, a secret"
    refusal = raw(json.dumps({"kind": "Status", "message": says, "reason": "Invalid", "code": 422}).encode(), 422)
    scene.backend.sandbox.faults.append(Fault("update", "*/configmaps/flags", answer=refusal))
    no_dry_runs = {"kind": "Status", "message": 'admission webhook "a" does not support dry run', "code": 400}
    scene.backend.sandbox.faults.append(
        Fault("update", "*/configmaps/other", answer=raw(json.dumps(no_dry_runs).encode(), 400))
    )

    answers = await scene.ask(made)

    [refused], [unknown] = answers.refused, answers.unchecked
    assert (refused.objects, "secret" in refused.why) == ((f"configmaps {scene.space}/flags",), False)
    assert (unknown.why, unknown.by_nature) == ("an admission webhook of the cluster takes no dry runs", True)


async def test_secrets_that_cannot_be_opened_here_are_unchecked_and_with_the_key_taken(scene: Scene) -> None:
    key = x25519.Identity.generate()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "canary"}}
    await scene.make(secret)
    recipients = {"recipients": [str(key.to_public())]}
    made = await scene.backup(kinds=["secrets"], secrets=recipients)

    without = await scene.ask(made)
    opened = await scene.ask(made, identities=Identities(str(key)))

    assert said(without.unchecked) == {UNCHECKED: (f"{scene.space}/secrets.yaml.age",)}
    assert without.unchecked[0].by_nature is True
    assert (opened.taken, opened.refused, opened.unchecked) == (made.manifest.objects, (), ())


async def test_the_command_keeps_what_it_found_and_the_list_tells_how_deeply(scene: Scene) -> None:
    made = await scene.backup()

    code, out = await scene.maintd("verify", "--depth", "apply")
    _, listed = await scene.maintd("backups")
    _, page = await scene.maintd("backups", made.manifest.id)

    note = scene.note(made)
    assert code == 0, out
    assert f"the API server would take {made.manifest.objects - 1}, unchecked are 1" in out
    assert (note["depth"], note["damaged"], note["answers"]["taken"]) == ("apply", [], made.manifest.objects - 1)
    assert "(apply: 1 unchecked)" in listed
    fresh = await Freshnesses(FolderStore(scene.desk.root, "test")).look(frozenset({"backup"}))
    assert fresh["backup"].verified == datetime.fromisoformat(note["ended"])
    assert f"unchecked roles.rbac.authorization.k8s.io {scene.space}/reader: {RIGHTS_ARE_NOT_ASKED}" in page


async def test_of_what_is_damaged_no_server_is_asked(scene: Scene) -> None:
    made = await scene.backup()
    file = next(made.folder.glob(f"{scene.space}/configmaps*"))
    file.write_bytes(file.read_bytes().replace(b"on", b"no"))

    code, out = await scene.maintd("verify", "--depth", "apply")

    assert code == 1
    assert "DAMAGED" in out
    assert (scene.note(made)["depth"], scene.note(made)["answers"]) == ("read", None)


def test_a_job_of_the_daemon_cannot_ask_and_is_told_who_can() -> None:
    text = "version: 1\njobs:\n- {name: v, kind: backup-verify, manual: true, params: {depth: apply}}\n"

    with pytest.raises(BadJobs, match=r"depth apply takes the right to write .* `maintd verify --depth apply`, or"):
        loader(Settings()).parse(text.encode(), __file__)


def test_answers_are_counted_by_object() -> None:
    some = Answer(why="x", count=3, objects=("a", "b", "c"))

    answers = Answers(server="s", other_cluster=False, refused=(some, some), unchecked=(some,))

    assert (answers.refusals, answers.open_questions) == (6, 3)


def test_a_backup_of_which_the_cluster_refuses_something_is_sound_all_the_same() -> None:
    """Else pruning could take the last good one because of a policy."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    answers = Answers(server="s", other_cluster=False, refused=(Answer(why="x", count=2, objects=("a", "b")),))

    found = Verification(backup="b", depth="apply", run_id="r", started=now, ended=now, complete=True, answers=answers)

    assert (found.ok, found.result) == (True, "2 refused")
