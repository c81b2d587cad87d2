"""What holds for every kind, whoever wrote it."""

import textwrap
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintd.app.house import House, open_house
from maintd.cli.jobsfile import loader
from maintd.config.jobs import Job
from maintd.config.settings import Settings
from maintd.core.outcome import Run, Status
from maintd.core.rules import Rule
from maintd.derive.docs import kind_page
from maintd.kinds import load_kinds
from maintd.rails.needs import rails_needs
from maintd.sandbox.app import SampleApp
from maintd.sandbox.gke import GkeStandIn
from maintd.sandbox.gke_world import google_of
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world
from maintd.scheduling.homes import state_needs

KINDS = load_kinds()
PARAMS = {
    "backup": "{}",
    "backup-prune": "{}",
    "backup-verify": "{}",
    "cleanup-pods": "{older_than: 1h}",
    "http-check": "{checks: [{path: /docs}]}",
    "latency-sample": "{path: /health, samples: 1}",
    "version-check": "{}",
}
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
USER = "system:serviceaccount:maintd:maintd"


@dataclass
class World:
    """The broken world with one job in it, run with some rights."""

    box: Sandbox
    app: SampleApp
    folder: Path
    google: GkeStandIn

    def job(self, kind: str) -> Job:
        mode = "\n  mode: act" if KINDS[kind].acts else ""
        gke = self.google.where.model_dump_json()
        text = (
            "version: 1\ntargets:\n"
            f"  t: {{namespace: omtx-hub, deployment: backend, url: '{self.app.url}', gke: {gke}}}\n"
            f"jobs:\n- name: it\n  kind: {kind}\n  target: t\n  manual: true{mode}\n  params: {PARAMS[kind]}\n"
        )
        return loader(Settings()).parse(text.encode(), Path("jobs.yaml")).jobs[0]

    def needs(self, job: Job) -> tuple[Rule, ...]:
        rules = job.kind.rules(job.params, job.target)
        return (*rules, *(rails_needs(rules, "maintd") if job.kind.acts else ()))

    async def run(self, job: Job, rules: Iterable[Rule], user: str = USER) -> Run:
        self.box.grant(user, (*rules, *state_needs("maintd")))
        path = self.box.kubeconfig(self.folder / "kubeconfig", user)
        self.box.requests.clear()
        async with self.house(path) as house:
            return await house.runner.run_now(job, job.mode, actor="a test", reason="")

    @asynccontextmanager
    async def house(self, kubeconfig: Path) -> AsyncIterator[House]:
        store = f"file://{self.folder / 'store'}"
        settings = Settings(storage=store, cluster="test", gke_endpoint=self.google.endpoint)
        async with open_house(settings, embedded=kubeconfig) as house:
            yield house


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Sandbox() as box, SampleApp() as app, google_of(box) as google:
        broken_world(box)
        yield World(box, app, tmp_path, google)


def test_every_kind_is_tested_here():
    assert set(PARAMS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_manuals_example_is_a_valid_job(kind):
    _, marker, example = KINDS[kind].manual.partition("Example:\n")
    assert marker, "a manual ends with `Example:` and a job"
    head = (
        "version: 1\ntargets: {omtx-hub: {namespace: omtx-hub, url: 'http://backend.omtx-hub.svc', deployment: d}}\n"
        "defaults: {target: omtx-hub}\njobs:\n"
    )
    jobs = loader(Settings()).parse((head + textwrap.dedent(example)).encode(), Path("jobs.yaml")).jobs

    assert [job.kind.name for job in jobs] == [kind] * len(jobs)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_and_limit_is_explained_on_its_page(kind):
    page = kind_page(KINDS[kind])
    for name, info in KINDS[kind].params.model_fields.items():
        assert info.description, f"{name} has no description"
        assert f"| `{name}` |" in page
    assert ("## Limits" in page) is KINDS[kind].acts


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_runs_with_exactly_the_rights_it_declares(kind, world):
    job = world.job(kind)
    run = await world.run(job, world.needs(job))

    assert run.status in (Status.OK, Status.ATTENTION), run.summary
    assert [request for request in world.box.requests if request.status == 403] == []
    if not job.kind.acts:
        assert [asked for asked in world.box.requests if asked.verb in WRITES and asked.resource != "configmaps"] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_asks_google_for_exactly_the_permissions_it_declares(kind, world):
    job = world.job(kind)
    declared = {permission.name for permission in job.kind.permissions(job.params, job.target)}
    good = {}
    for missing in ["", *sorted(declared)]:
        world.google.permissions = declared - {missing}
        good[missing] = (await world.run(job, world.needs(job))).status.good

    assert good == {"": True} | dict.fromkeys(declared, False)
    assert bool(world.google.calls) is bool(declared)


def each_less(rules: tuple[Rule, ...]) -> list[tuple[str, tuple[Rule, ...]]]:
    """The rules with each verb of each rule taken away in turn."""
    found = []
    for rule in rules:
        for verb in rule.verbs:
            rest = [verb_left for verb_left in rule.verbs if verb_left != verb]
            others = [other for other in rules if other != rule]
            kept = [*others, Rule(rule.resource, *rest, namespace=rule.namespace, names=rule.names)] if rest else others
            found.append((f"{verb} {rule.resource}", tuple(kept)))
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_no_right_of_a_kind_is_for_nothing(kind, tmp_path):
    async with SampleApp() as app, google_of(Sandbox()) as google:
        reference = World(Sandbox(), app, tmp_path, google)
        unused = []
        for name, rules in each_less(reference.needs(reference.job(kind))):
            async with Sandbox() as box:
                broken_world(box)
                world = World(box, app, tmp_path, google)
                run = await world.run(world.job(kind), rules)
                if run.status.good and not any(request.status == 403 for request in box.requests):
                    unused.append(name)

    assert unused == []
