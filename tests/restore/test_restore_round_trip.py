"""The worst night on a real control plane: namespace and definitions are gone, and all of it comes back as it was."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from maintd.core.outcome import Status
from tests.conftest import MERGE_PATCH
from tests.kinds_backup.conftest import Made
from tests.restore.conftest import Rescue, contents

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("cluster_backend", ["controlplane"], indirect=True),
]

HERE = Path(__file__).parent
APPLICATION = HERE.parent / "kinds_backup"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(controlplane: Path, need_tool: Callable[[str], str]) -> Kubectl:
    def run(*arguments: str, given: str = "") -> str:
        command = [need_tool("kubectl"), *arguments]
        environment = os.environ | {"KUBECONFIG": str(controlplane)}
        ran = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture
async def application(rescue: Rescue, kubectl: Kubectl) -> AsyncIterator[Rescue]:
    """All that the runbook's application has and more, in its namespace and around it."""
    space, group = rescue.space, f"{rescue.space}.example.com"

    def of(path: Path) -> str:
        return path.read_text().replace("NAMESPACE", space).replace("GROUP", group)

    wide = of(APPLICATION / "cluster_wide.yaml") + "\n---\n" + of(HERE / "definitions.yaml")
    kubectl("apply", "-f", "-", given=wide)
    for plural in ("widgets", "gadgets"):
        kubectl("wait", "--for=condition=Established", f"crd/{plural}.{group}", "--timeout=30s")
    kubectl("apply", "-n", space, "-f", "-", given=of(HERE / "custom.yaml"))
    kubectl("apply", "-n", space, "-f", "-", given=of(APPLICATION / "application.yaml").replace("30081", "30083"))
    kubectl("wait", "-n", space, "--for=jsonpath={.status.replicas}=2", "deployment/hub", "--timeout=60s")
    kubectl("wait", "-n", space, "--for=jsonpath={.spec.volumeName}", "pvc/files", "--timeout=60s")
    yield rescue
    await loosen(rescue)
    kubectl("delete", "namespace", space, "--timeout=60s", "--ignore-not-found")  # its chosen address is free then
    kubectl("delete", "-f", "-", "--wait=false", "--ignore-not-found", given=wide)


async def loosen(rescue: Rescue) -> None:
    """Let go of the object that nobody's controller lets go of."""
    path = f"/apis/{rescue.space}.example.com/v1/namespaces/{rescue.space}/widgets/first"
    await rescue.backend.request("PATCH", path, {"metadata": {"finalizers": None}}, content=MERGE_PATCH)


async def everything(rescue: Rescue) -> Made:
    """The namespace, and because of the pattern also what is in none: the definitions of its custom resources."""
    made = await rescue.backup(namespaces=[rescue.space, "no-*"])
    assert made.manifest.complete, made.manifest.not_whole
    return made


def ours(made: Made, space: str) -> dict[str, list[dict[str, object]]]:
    """Without what other tests left in the same cluster."""
    found = {}
    for path, documents in contents(made).items():
        kept = [each for each in documents if space in str(each["metadata"])]
        if kept:
            found[path] = kept
    return found


async def lose(rescue: Rescue, kubectl: Kubectl) -> None:
    """The namespace and the definitions are deleted, and gone."""
    group = f"{rescue.space}.example.com"
    await loosen(rescue)
    kubectl("delete", "namespace", rescue.space, "--timeout=120s")
    kubectl("delete", "crd", f"widgets.{group}", f"gadgets.{group}", "--timeout=60s")


async def test_a_namespace_and_its_definitions_that_were_deleted_come_back_as_they_were(
    application: Rescue, kubectl: Kubectl
) -> None:
    before = await everything(application)
    await lose(application, kubectl)

    run = await application.restore(namespaces=(application.space,))
    again = await application.restore(namespaces=(application.space,))
    after = await everything(application)

    assert [(str(c.object), c.reason) for c in run.changes if c.result != "done" or c.reason] == []
    assert run.status in (Status.OK, Status.ATTENTION)
    assert ours(after, application.space) == ours(before, application.space)
    assert again.summary.startswith("nothing to do"), again.changes
    kinds = {path.partition("/")[2].partition(".yaml")[0] for path in ours(before, application.space)}
    assert len(kinds) >= 28, kinds


async def killed(rescue: Rescue, folder: Path, after_seconds: float) -> None:
    """A restore as a process of its own, killed so long after it made the first object."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")} | {
        "KUBECONFIG": str(rescue.backend.kubeconfig),
        "MAINTD_STORAGE": f"file://{rescue.desk.root}",
        "MAINTD_CLUSTER": "test",
    }
    command = [sys.executable, "-m", "maintd", "restore", "-n", rescue.space, "--yes"]
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdin=nothing, stdout=nothing, stderr=nothing
    )
    await rescue.backend.wait_for(f"/api/v1/namespaces/{rescue.space}")
    await asyncio.sleep(after_seconds)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL


async def test_killed_in_the_middle_and_started_again_it_ends_in_the_same_state(
    application: Rescue, kubectl: Kubectl, tmp_path: Path
) -> None:
    before = await everything(application)
    left_to_do = []

    for after_seconds in (0, 0.05, 0.15):
        await lose(application, kubectl)
        await killed(application, tmp_path, after_seconds)
        run = await application.restore(namespaces=(application.space,))
        assert [(str(c.object), c.result, c.reason) for c in run.changes if c.result != "done" or c.reason] == []
        assert ours(await everything(application), application.space) == ours(before, application.space)
        left_to_do.append(len(run.changes))

    assert left_to_do[0] > 0


async def test_what_is_in_no_namespace_comes_back_when_it_is_asked_for(application: Rescue, kubectl: Kubectl) -> None:
    space = application.space
    before = await everything(application)
    lost = {
        "clusterrole": (f"all:{space}", f"part:{space}"),
        "clusterrolebinding": (f"all:{space}",),
        "flowschema": (f"flow-{space}",),
        "ingressclass": (f"class-{space}",),
        "priorityclass": (f"high-{space}",),
        "runtimeclass": (f"runtime-{space}",),
        "storageclass": (f"manual-{space}",),
        "validatingwebhookconfiguration": (f"hook-{space}",),
    }
    for kind, names in lost.items():
        kubectl("delete", kind, *names)

    without = await application.restore()
    run = await application.restore(cluster_scoped=True)
    kubectl("wait", "--for=jsonpath={.rules[0].verbs[0]}=get", f"clusterrole/all:{space}", "--timeout=30s")
    after = await everything(application)

    assert without.summary.startswith("nothing to do"), without.summary
    made = {c.object.name for c in run.changes if c.result == "done"}
    assert made >= {name for names in lost.values() for name in names}
    assert ours(after, space) == ours(before, space)
