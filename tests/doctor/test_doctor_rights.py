"""Each job and each right, in the embedded cluster and in a real one: told by the daemon and by the admin alike."""

import asyncio
import os
import re

from maintd.app.doctor.line import Verdict
from maintd.core.rules import Rule
from maintd.sandbox.grants import roles

RBAC = "rbac.authorization.k8s.io"

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {}}],
    },
}
HEREDOC = re.compile(r"^(kubectl .*apply -f - <<'EOF'\n(.*?)^EOF$)", re.DOTALL | re.MULTILINE)


def all_ok(lines):
    return {line.verdict for line in lines} == {Verdict.OK}


def without_jobs(rules):
    """Without the right to list Jobs."""
    return [rule for rule in rules if "jobs" not in rule["resources"]]


async def test_with_the_rendered_roles_every_job_has_every_right(installed):
    await installed.until(all_ok)

    of_itself, by_the_admin = await installed.both()

    assert [line.subject for line in of_itself] == ["maintd itself", "tidy", "copies", "versions"]
    assert of_itself == by_the_admin


async def test_a_right_that_is_taken_away_is_named_to_both_and_the_yaml_that_is_printed_mends_it(installed, need_tool):
    await installed.until(all_ok)
    await installed.rules(without_jobs)
    await installed.until(lambda lines: not all_ok(lines))

    of_itself, by_the_admin = await installed.both()
    broken = {line.subject: line for line in of_itself if line.verdict is Verdict.PROBLEM}
    role = f"Role maintd-{installed.patient.own} in {installed.space}"
    assert of_itself == by_the_admin
    assert set(broken) == {"tidy", "copies", role}
    assert broken["tidy"].message == f"may not list jobs.batch in namespace {installed.space}"
    assert '#   - {apiGroups: ["batch"], resources: ["jobs"], verbs: ["list"]}' in broken["tidy"].remedy
    assert "maintd render rbac --live | kubectl apply -f -\n" in broken[role].remedy

    [(command, text)] = HEREDOC.findall(broken[role].remedy)
    if installed.backend.sandbox:
        await installed.apply(text)
    else:
        need_tool("kubectl")
        environ = dict(os.environ) | {"KUBECONFIG": str(installed.backend.kubeconfig)}
        typed = await asyncio.create_subprocess_shell(command, env=environ, stdout=asyncio.subprocess.DEVNULL)
        assert await typed.wait() == 0
    await installed.until(all_ok)


async def test_a_right_that_comes_by_a_group_is_one_to_both(installed):
    """The authorizer knows nobody's groups: whoever asks about another has to say them."""
    await installed.until(all_ok)
    await installed.rules(without_jobs)
    await installed.until(lambda lines: not all_ok(lines))

    group = {"kind": "Group", "apiGroup": RBAC, "name": f"system:serviceaccounts:{installed.patient.own}"}
    for obj in roles("by-group", group, [Rule("jobs.batch", "list", namespace=installed.space)]):
        await installed.backend.apply(obj)

    await installed.until(all_ok)


async def test_who_may_not_ask_about_others_is_told_so_in_one_line_that_is_not_ok(installed):
    stranger = await installed.backend.grant([])

    lines = await installed.rights(stranger)

    name = f"system:serviceaccount:{installed.patient.own}:maintd"
    assert [(line.verdict, line.subject) for line in lines] == [(Verdict.UNKNOWN, name)]
    assert "you may not ask what others may" in lines[0].message
    assert f"kubectl exec -n {installed.patient.own} deploy/maintd -- maintd doctor" in lines[0].remedy


async def test_the_right_that_is_then_printed_is_enough_to_ask(installed):
    await installed.until(all_ok)
    allowed = await installed.backend.grant([Rule("subjectaccessreviews.authorization.k8s.io", "create")])

    async with asyncio.timeout(20):
        while not all_ok(await installed.rights(allowed)):
            await asyncio.sleep(0.05)


async def test_the_daemon_is_asked_about_whoever_asks_and_that_is_said(installed):
    by_the_admin = (await installed.patient.examine(installed.patient.kubeconfig))["api server"]
    of_itself = (await installed.patient.examine(installed.daemon))["api server"]

    name = f"system:serviceaccount:{installed.patient.own}:maintd"
    assert (by_the_admin[1].subject, "not yours" in by_the_admin[1].message) == (name, True)
    assert [f"takes us for {name}" in line.message for line in of_itself] == [True]


async def test_a_pod_under_another_service_account_is_a_problem(installed):
    """Its own rights are asked for: they are what it will have."""
    stranger = await installed.backend.grant([])
    installed.patient.in_pod = True

    found = await installed.patient.examine(stranger)

    assert [line.verdict for line in found["api server"]] == [Verdict.OK, Verdict.PROBLEM]
    assert '"serviceAccountName":"maintd"' in found["api server"][1].remedy
    assert {line.verdict for line in found["rights"] if line.subject == "tidy"} == {Verdict.PROBLEM}


async def test_a_custom_resource_that_a_backup_may_not_list_is_a_right_that_is_missing(patient, sandbox, tmp_path):
    user = "system:serviceaccount:maintd:maintd"
    grants_without_found = [
        Rule("configmaps", "list", namespace="shop"),
    ]
    sandbox.grant(user, grants_without_found)
    sandbox.put(WIDGETS)
    patient.jobs_text = patient.jobs_text.split("jobs:")[0] + "jobs: [{name: copies, kind: backup, manual: true}]\n"

    lines = (await patient.examine(sandbox.kubeconfig(tmp_path / "daemon", user)))["rights"]

    [copies] = [line for line in lines if line.subject == "copies"]
    assert '#   - {apiGroups: ["example.com"], resources: ["widgets"], verbs: ["list"]}' in copies.remedy
    assert "configmaps" not in copies.remedy


async def test_a_job_that_is_not_enabled_needs_nothing(patient):
    patient.jobs_text = patient.jobs_text.replace("name: tidy,", "name: tidy, enabled: false,")

    lines = (await patient.examine())["rights"]

    assert [line.subject for line in lines] == ["maintd itself", "copies", "versions"]
