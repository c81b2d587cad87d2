"""One run of one kind on the small broken world, in this process, with at most one fault armed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from maintd.app.house import House, open_house
from maintd.cli import jobsfile
from maintd.config.jobs import Job
from maintd.config.settings import Settings
from maintd.core.outcome import Run, Status
from maintd.sandbox.app import SampleApp
from maintd.sandbox.audit import Request
from maintd.sandbox.faults import Fault
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE, broken_world
from tests.faults.evidence import backups, deleted_twice, records, state
from tests.faults.ground import CLUSTER

KINDS = (
    "cleanup-pods",
    "backup",
    "backup-verify",
    "backup-prune",
    "version-check",
    "http-check",
    "latency-sample",
)
"""All of them, the one that deletes from the cluster first."""
_JOBS = """version: 1
targets:
  shop: {{namespace: omtx-hub, deployment: omtx-hub-backend, url: "{url}"}}
defaults: {{target: shop, timeout: 10s}}
jobs:
  - {{name: cleanup-pods, kind: cleanup-pods, manual: true, mode: act, params: {{older_than: 1h}}}}
  - {{name: backup, kind: backup, manual: true}}
  - {{name: backup-verify, kind: backup-verify, manual: true}}
  - {{name: backup-prune, kind: backup-prune, manual: true, mode: act, params: {{keep_last: 1}}}}
  - {{name: version-check, kind: version-check, manual: true}}
  - {{name: http-check, kind: http-check, manual: true, params: {{checks: [{{name: docs, path: /docs}}]}}}}
  - name: latency-sample
    kind: latency-sample
    manual: true
    params: {{path: /docs, samples: 2, spacing: 10ms, slo: {{p95: 30s}}}}
"""
_NEEDS_BACKUPS = {"backup-verify": 1, "backup-prune": 2}


@dataclass(frozen=True, slots=True)
class Effects:
    """What a run changed, where others can see it."""

    pods: tuple[str, ...]
    backups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of a run after it."""

    run: Run
    effects: Effects
    requests: tuple[Request, ...]
    """What it asked of the API server; of a run that asked nothing, what maintd asked about its state."""
    gone: frozenset[str]
    """Uids of the pods that were there before and are not."""
    gone_names: frozenset[str]
    """Their names: the same in every round."""
    deleted_twice: tuple[str, ...]
    records: tuple[str, ...]
    """Ids of the records of this kind."""
    remembered: tuple[str, ...]
    """Ids of the runs that the state knows of this kind."""
    events: int
    """Events that the run announced itself by."""


@dataclass(slots=True)
class _Scene:
    folder: Path
    sandbox: Sandbox
    house: House
    jobs: dict[str, Job] = field(default_factory=dict)

    async def run(self, kind: str) -> Run:
        job = self.jobs[kind]
        mode = "act" if job.kind.has_mode else "run"
        return await self.house.runner.run_now(job, mode, actor="faults", reason="")

    @property
    def pods(self) -> dict[str, str]:
        """uid → name."""
        found = self.sandbox.select("v1", "Pod", NAMESPACE)
        return {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in found}


def in_peace(_: Sandbox) -> Iterable[Fault]:
    """No fault at all."""
    return ()


async def run_once(
    kind: str,
    folder: Path,
    arm: Callable[[Sandbox], Iterable[Fault]] = in_peace,
    *,
    furnish: Callable[[Sandbox], object] = in_peace,
) -> Seen:
    """Run it. `furnish` adds to the world; `arm` says what goes wrong, until maintd has put its things away."""
    async with _scene(folder) as scene:
        sandbox = scene.sandbox
        furnish(sandbox)
        await _made_ready(scene, kind, furnished=furnish is not in_peace)
        sandbox.faults.extend(arm(sandbox))
        before = scene.pods
        sandbox.requests.clear()
        run = await scene.run(kind)
        asked = tuple(sandbox.requests)
        await scene.house.state.close()
        return _seen(scene, run, asked, before)


async def _made_ready(scene: _Scene, kind: str, *, furnished: bool) -> None:
    """What the kind finds in the store. A backup of a furnished world has one of it before it."""
    wanted = int(furnished) if kind == "backup" else _NEEDS_BACKUPS.get(kind, 0)
    for _ in range(wanted):
        made = await scene.run("backup")
        if made.status is not Status.OK:
            raise RuntimeError(f"no ground to stand on: {made.status}, {made.summary}")
    if kind == "backup" and furnished:
        await asyncio.sleep(1)  # the times of two backups are told apart by the second
    await scene.house.state.flush()


def _seen(scene: _Scene, run: Run, asked: tuple[Request, ...], before: Mapping[str, str]) -> Seen:
    sandbox, store, kind = scene.sandbox, scene.folder / "store" / CLUSTER, run.kind
    gone = before.keys() - scene.pods.keys()
    last_runs = state(sandbox).get(kind, {}).get("last_runs", ())
    return Seen(
        run=run,
        effects=Effects(tuple(sorted(scene.pods.values())), tuple(map(tuple, backups(store)))),
        requests=asked or tuple(sandbox.requests),
        gone=frozenset(gone),
        gone_names=frozenset(before[uid] for uid in gone),
        deleted_twice=tuple(deleted_twice(sandbox)),
        records=tuple(record["run_id"] for record in records(store) if record["kind"] == kind),
        remembered=tuple(last["run_id"] for last in last_runs),
        events=len(sandbox.select("events.k8s.io/v1", "Event", "maintd")),
    )


@asynccontextmanager
async def _scene(folder: Path) -> AsyncIterator[_Scene]:
    async with Sandbox() as sandbox, SampleApp() as app:
        broken_world(sandbox)
        file = folder / "jobs.yaml"
        file.write_text(_JOBS.format(url=app.url), encoding="utf-8")
        settings = Settings(jobs_file=file, storage=f"file://{folder / 'store'}", cluster=CLUSTER)
        jobs = {job.name: job for job in jobsfile.load(file).jobs}
        async with open_house(settings, embedded=sandbox.kubeconfig(folder / "kubeconfig")) as house:
            await house.state.load()
            yield _Scene(folder, sandbox, house, jobs)
