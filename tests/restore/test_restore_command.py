"""`maintd restore` as a person types it, and what the daemon may not."""

import importlib
import json
import os
import re
import shlex
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from string import Template

import pytest
import yaml

from maintd.cli.jobsfile import loader
from maintd.config.settings import Settings
from maintd.derive import rbac
from maintd.kinds import load_kinds
from maintd.rails.needs import rails_needs
from maintd.sandbox.server import Sandbox
from maintd.scheduling.homes import state_needs
from tests.forks import typed
from tests.kinds_backup.conftest import Desk

WRITES = {"create", "update", "patch", "deletecollection"}


class Night:
    """A shell beside an embedded cluster with one ConfigMap, which is in a backup."""

    def __init__(self, folder: Path, box: Sandbox) -> None:
        self.folder = folder
        self.box = box
        self.desk = Desk(folder / "store")

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, what it printed as data, and what it said."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
        settings = {"MAINTD_STORAGE": f"file://{self.desk.root}", "MAINTD_CLUSTER": "test"}
        environment = inherited | settings | {"KUBECONFIG": str(self.box.kubeconfig(self.folder / "kubeconfig"))}
        return await typed("restore", *words, folder=self.folder, environment=environment)

    def data(self) -> object:
        found = self.box.get("v1", "ConfigMap", "flags", "shop")
        return found and found["data"]

    def be_another_cluster(self) -> None:
        system = self.box.get("v1", "Namespace", "kube-system")
        assert system is not None
        self.box.put(system | {"metadata": system["metadata"] | {"uid": "another"}})


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    async with Sandbox() as box:
        found = Night(tmp_path, box)
        for name in ("flags", "other"):
            metadata = {"name": name, "namespace": "shop"}
            box.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"FLAG": "on"}})
        await found.desk.backup(box.kubeconfig(tmp_path / "kubeconfig"))
        box.remove("v1", "ConfigMap", "flags", "shop")
        yield found


async def test_it_shows_the_plan_and_without_a_terminal_and_yes_changes_nothing(night: Night) -> None:
    code, out, err = await night()

    assert (code, night.data()) == (2, None)
    assert "create configmaps in shop: flags" in out.splitlines()
    assert "nobody is there to be asked, so nothing was changed; to do it add --yes" in err
    assert "plan: 1 to create, " in err


async def test_with_yes_it_restores_says_where_the_record_lies_and_again_has_nothing_to_do(night: Night) -> None:
    code, out, _ = await night("--yes")
    again, said, _ = await night("--yes")

    assert (code, again, night.data()) == (0, 0, {"FLAG": "on"})
    [record] = [line.split()[1] for line in out.splitlines() if line.startswith("record ")]
    assert json.loads(Path(record.removeprefix("file://")).read_text())["status"] == "ok"
    assert "nothing to do: " in said


async def test_a_dry_run_prints_json_and_changes_nothing(night: Night) -> None:
    code, out, _ = await night("--dry-run", "-o", "json")

    run = json.loads(out)
    assert (code, night.data(), run["mode"], run["changes"][0]["result"]) == (0, None, "dry-run", "planned")


async def test_a_backup_of_another_cluster_takes_more_than_yes(night: Night) -> None:
    night.be_another_cluster()

    code, _, err = await night("--yes")
    assert (code, night.data()) == (2, None)
    assert "ATTENTION: this is another cluster than the one that was backed up as test" in err
    assert "to do it add --from-other-cluster" in err

    code, _, _ = await night("--yes", "--from-other-cluster")
    assert (code, night.data()) == (0, {"FLAG": "on"})


async def test_with_nothing_but_the_url_of_a_backup(night: Night) -> None:
    [folder] = (night.desk.root / "test" / "backups").iterdir()
    url, night.desk.root = f"file://{folder}", night.folder / "elsewhere"

    code, _, _ = await night("--from", url, "--yes")

    assert (code, night.data()) == (0, {"FLAG": "on"})


async def test_a_cluster_that_is_away_is_said_and_exits_with_one(night: Night) -> None:
    await night.box.__aexit__()
    try:
        code, _, err = await night("--yes")
    finally:
        await night.box.__aenter__()

    assert code == 1
    assert "Traceback" not in err


def test_every_command_of_the_page_for_the_worst_night_is_one_that_can_be_typed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text()
    typed = [line.partition(" #")[0] for line in page.splitlines() if line.startswith("maintd ")]
    values = dict(re.findall(r"^(?:export )?([A-Z_]+)=(\S+)", page, re.MULTILINE))

    for line in typed:
        _, name, *words = shlex.split(Template(line).safe_substitute(values))
        command = importlib.import_module(f"maintd.cli.{name}").command
        command.make_context(name, words)  # raises UsageError

    assert len(typed) >= 20


def test_whatever_the_jobs_the_daemon_has_no_right_to_restore() -> None:
    """Its Roles let it write its own state and Events, and nothing that a restore would write."""
    jobs = "version: 1\ntargets: {shop: {namespace: shop, url: http://web.shop.svc}}\ndefaults: {target: shop}\njobs:\n"
    for name, kind in load_kinds().items():
        mode = ", mode: act" if kind.acts else ""
        jobs += f"- {{name: {name}, kind: {name}, manual: true{mode}{NEEDED.get(name, '')}}}\n"
    file = loader(Settings()).parse(jobs.encode(), Path("/jobs.yaml"))
    grants = rbac.Grants(file, "maintd", partial(rails_needs, own_namespace="maintd"), state_needs("maintd"), None)

    written = {
        (resource, role["metadata"].get("namespace", ""))
        for role in yaml.safe_load_all(rbac.text(grants))
        for rule in role.get("rules", [])
        for resource in rule["resources"]
        if WRITES & set(rule["verbs"])
    }

    assert written <= {("configmaps", "maintd"), ("events", "maintd")}


NEEDED = {"http-check": ", params: {checks: [{name: a, path: /}]}"}
"""What a kind must be told."""
