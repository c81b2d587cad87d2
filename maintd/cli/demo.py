"""`maintd demo`: the real daemon, wired as `serve` wires it, on the embedded cluster and its small broken world."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import click

from maintd.app.daemon import Daemon
from maintd.app.house import House, open_house
from maintd.cli import jobsfile
from maintd.cli.demo_night import worst_night
from maintd.cli.jobs import next_due, words
from maintd.cli.process import settle
from maintd.cli.tables import age, coloured, now, table
from maintd.config.jobs import JobsFile
from maintd.config.settings import Settings
from maintd.core.outcome import Run, Status
from maintd.core.text import counted
from maintd.core.units import format_duration
from maintd.sandbox.api import Version
from maintd.sandbox.app import SampleApp
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world, goes_on_breaking
from maintd.sinks.fanout import Start
from maintd.telemetry import logs

CLUSTER = "demo"
PATIENCE_SECONDS = 30.0
BREAKS_EVERY = timedelta(seconds=15)
FOLDER = Path(".maintd/demo")
_PARTS = {
    "backups": "manifests",
    "evidence": "what was deleted, as it was",
    "runs": "one record a run",
    "samples": "response times",
}
_NOT_RUN = (Status.SKIPPED, Status.MISSED)


@dataclass
class _FirstRuns:
    """A sink that keeps each job's first run and tells when all have had one."""

    wanted: set[str]
    name: str = "demo"
    runs: dict[str, Run] = field(default_factory=dict)
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    def started(self, start: Start) -> None:
        """Nothing: only what has ended is shown."""

    async def emit(self, run: Run) -> None:
        if run.status not in _NOT_RUN:
            self.runs.setdefault(run.job, run)
        if self.wanted <= self.runs.keys():
            self.all_there.set()


@click.command("demo")
@click.option("--serve", "keep", is_flag=True, help="Keep it running until Ctrl-C.")
def command(keep: bool) -> None:
    """Run the daemon on an embedded cluster with a small broken world, and show what it did.

    Needs no cluster, cloud or network; writes below .maintd/demo in the current folder and nowhere else.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    logs.configure("console", "info")
    try:
        asyncio.run(_demo(keep=keep))
    finally:
        logs.shutdown()


async def _demo(*, keep: bool) -> None:
    settle()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    before = _written()
    async with _world() as (box, settings, jobs):
        seen = _FirstRuns({job.name for job in jobs.jobs})
        async with open_house(
            settings,
            next_due=lambda name: daemon.next_due(name),  # noqa: PLW0108 - the daemon is made of the house that asks it
            sinks=(seen,),
            embedded=FOLDER / "kubeconfig",
        ) as house:
            daemon = Daemon(house, jobs)
            serving = asyncio.create_task(daemon.run(jobsfile.edits(jobs, settings)))
            await _until(seen.all_there, stop, serving)
            if keep:
                _tell(jobs, seen.runs, house, before)
                _tell_on(daemon, settings, seen.runs)
                await _break_until(stop, box)
            daemon.stop()
            await serving
            if not keep:
                logs.shutdown()  # the log has a thread of its own: its last line comes before the table
                _tell(jobs, seen.runs, house, before)
                await worst_night(box, settings, FOLDER / "kubeconfig")
                _tell_next(seen.runs)
                click.echo(f"  {_typed()} demo --serve")


@asynccontextmanager
async def _world() -> AsyncIterator[tuple[Sandbox, Settings, JobsFile]]:
    """The embedded cluster with its application, and the settings and jobs of a daemon on it."""
    from maintd.sandbox.gke_world import google_of, tight_budget  # Google's libraries come with it

    async with Sandbox(version=Version(build="-gke.1071000")) as box, SampleApp() as app, google_of(box) as google:
        broken_world(box)
        tight_budget(box)
        box.kubeconfig(FOLDER / "kubeconfig")
        file = FOLDER / "jobs.yaml"
        text = files("maintd.sandbox").joinpath("jobs.yaml").read_text(encoding="utf-8")
        file.write_text(text.replace("http://127.0.0.1:0", app.url), encoding="utf-8")
        settings = Settings(
            jobs_file=file,
            storage=f"file://{FOLDER / 'store'}",
            cluster=CLUSTER,
            http_address="127.0.0.1:0",
            gke_endpoint=google.endpoint,
        )
        click.echo(f"embedded cluster at {box.url}, with a sample application at {app.url}")
        yield box, settings, jobsfile.load(file)


async def _until(done: asyncio.Event, stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    waits = {asyncio.create_task(done.wait()), asyncio.create_task(stop.wait())}
    await asyncio.wait({*waits, serving}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    if serving.done():
        await serving  # it raised: say so


async def _break_until(stop: asyncio.Event, box: Sandbox) -> None:
    """Let the application go on failing, so that there is something to look at and to clean up by hand."""
    trouble = asyncio.create_task(goes_on_breaking(box, BREAKS_EVERY))
    await stop.wait()
    trouble.cancel()


def _written() -> dict[str, int]:
    """How many files lie in each part of the store, those of earlier demos among them."""
    store = FOLDER / "store" / CLUSTER
    return {part: sum(path.is_file() for path in (store / part).rglob("*")) for part in _PARTS}


def _tell(jobs: JobsFile, runs: dict[str, Run], house: House, before: Mapping[str, int]) -> None:
    rows = []
    for job in jobs.jobs:
        run = runs.get(job.name)
        did = (coloured(run.status), run.summary) if run else ("not yet", "")
        rows.append((job.name, job.kind.name, words(job), *did, age(next_due(job), now())))
    click.echo("\n" + table(("JOB", "KIND", "SCHEDULE", "STATUS", "WHAT IT DID", "NEXT"), rows))
    click.echo(f"\nwritten to {house.store.url('')} by these runs and those that followed them")
    for part, count in _written().items():
        click.echo(f"  {part + '/':<10} {counted(count - before[part], 'file'):>9}   {_PARTS[part]}")


def _tell_next(runs: dict[str, Run]) -> None:
    maintd = _typed()
    demo = f"MAINTD_CLUSTER={CLUSTER} MAINTD_STORAGE=file://{FOLDER / 'store'} {maintd}"
    click.echo("\nnext")
    click.echo(f"  {demo} runs {next((run.run_id for run in runs.values() if run.changes), '')}")
    click.echo(f"  {maintd} validate jobs.yaml")


def _typed() -> str:
    """How this program was called, to be called again."""
    return f"{sys.executable} -m maintd" if sys.argv[0].endswith("__main__.py") else sys.argv[0]


def _tell_on(daemon: Daemon, settings: Settings, runs: dict[str, Run]) -> None:
    _tell_next(runs)
    click.echo(f"\nrunning until Ctrl-C\n  {daemon.url}/readyz\n  {daemon.url}/metrics")
    click.echo("the sample application gets slower on purpose: watch health and response-times notice")
    click.echo(f"a pod fails every {format_duration(BREAKS_EVERY)}, and is too young for the job to delete")
    click.echo("to talk to it from another shell:")
    click.echo(f"  export KUBECONFIG={FOLDER / 'kubeconfig'} MAINTD_JOBS_FILE={FOLDER / 'jobs.yaml'}")
    click.echo(f"  export MAINTD_CLUSTER={CLUSTER} MAINTD_STORAGE=file://{FOLDER / 'store'}")
    click.echo(f"  export MAINTD_GKE_ENDPOINT={settings.gke_endpoint}")
    click.echo(f"  {_typed()} run cleanup-failed-pods --set older_than=5s   # with --act it does it")
