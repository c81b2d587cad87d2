"""One `maintd restore`: what it is wired of, and in which order."""

import asyncio
import getpass
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from maintd import __version__
from maintd.app.home import find_homes
from maintd.cli.backup_options import Meant
from maintd.cli.process import settle
from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.config.settings import Settings
from maintd.core.errors import MaintdError, Refused
from maintd.core.outcome import Finding, Outcome, Run, Status, new_run_id, run_path
from maintd.core.ports import Store
from maintd.objects.backup_manifest import Manifest
from maintd.recovery.account import outcome
from maintd.recovery.contents import Contents
from maintd.recovery.making import AT_ONCE, PATIENCE, Making, Patience
from maintd.recovery.mapping import parsed
from maintd.recovery.overwritten import FOLDER, keep
from maintd.recovery.plan import Action, Existing
from maintd.recovery.restore import Options, Prepared, prepare
from maintd.scheduling.hold import held
from maintd.scheduling.state import State
from maintd.sinks.history import History
from maintd.storage.open import open_store
from maintd.telemetry import logs

_LOCAL = "file://.maintd"
_AGENT = f"maintd/{__version__} (restore)"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options that are restore's own."""

    existing: Existing
    cluster_scoped: bool
    mapped: tuple[str, ...]
    dry_run: bool
    yes: bool
    from_other_cluster: bool


@dataclass(slots=True)
class Restoring:
    """What is known of it as it goes."""

    settings: Settings
    meant: Meant
    wishes: Wishes
    patience: Patience = PATIENCE
    kubeconfig: Path | None = None
    """Instead of the environment's."""
    say: Callable[[str], None] = field(default=partial(click.echo, err=True))
    """Told what happens beside the results."""
    where: str = ""
    """Where the record lies, or why there is none."""
    kept: str = ""
    """Where what was overwritten lies; empty where nothing was."""
    findings: tuple[Finding, ...] = ()
    """What was said with the plan."""
    _nonce: str = field(default_factory=lambda: secrets.token_hex(3))
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def run(self, agreed: Callable[[Prepared, str], bool]) -> Run:
        """Prepare, ask, write, record. Raises ConfigError and JobError where nothing was begun."""
        settle()
        names = parsed(self.wishes.mapped)
        contents = await self.meant.contents(self.settings)
        options = Options(self.wishes.existing, self.wishes.cluster_scoped, names, rehearse=self.wishes.dry_run)
        async with self._api(hurried=True) as api:
            prepared = await prepare(api, contents, options)
            self.findings = prepared.findings
            if not agreed(prepared, await api.server()):
                return self._record(prepared, Outcome("nothing was changed", status=Status.REFUSED))
        if self.wishes.dry_run or not prepared.plan.writes:
            return self._record(prepared, outcome(prepared, (), dry_run=self.wishes.dry_run))
        return await self._performed(prepared, contents)

    @asynccontextmanager
    async def _api(self, *, hurried: bool) -> AsyncIterator[Api]:
        """Hurried while somebody waits to be asked; once it writes, a server that is away is waited for."""
        context = self.meant.context or self.settings.kube_context or None
        api = await Api.connect(self.kubeconfig, context, _AGENT, AT_ONCE, hurried=hurried)
        try:
            yield api
        finally:
            await api.close()

    async def _performed(self, prepared: Prepared, contents: Contents) -> Run:
        base = contents.store.url("").rstrip("/").removesuffix(f"/{FOLDER}")
        await self._keep(prepared, contents, base)
        async with self._api(hurried=False) as api:
            run = await self._made(api, prepared)
        await self._remember(run, base)
        return run

    async def _keep(self, prepared: Prepared, contents: Contents, base: str) -> None:
        """First into the store, else into a folder here. Raises Refused where neither can be written."""
        steps = list(prepared.plan.of(Action.UPDATE))
        if not steps:
            return
        for url in (base, f"{_LOCAL}/{prepared.manifest.cluster}"):
            try:
                self.kept = await keep(open_store(url, FOLDER), self._head(prepared), steps, contents.identities)
            except MaintdError as error:
                self.say(f"maintd: what is overwritten cannot be kept in {url}: {error}")
            else:
                self.say(f"kept what is overwritten in {self.kept}")
                return
        raise Refused("nothing was changed: what would be overwritten can be kept nowhere")

    def _head(self, prepared: Prepared) -> Manifest:
        return Manifest(
            id=f"{self._started:%Y%m%dT%H%M%SZ}-{self._nonce}",
            run_id=self._run_id,
            cluster=self.settings.cluster,
            kube_system_uid=prepared.uid,
            server_version=prepared.version,
            maintd_version=__version__,
            started=self._started,
            ended=datetime.now(UTC),
        )

    async def _made(self, api: Api, prepared: Prepared) -> Run:
        steps = prepared.plan.steps
        total = sum(step.writes for step in steps)
        existing, reader, writer = self.wishes.existing, ClusterReader(api), ClusterWriter(api)
        making = Making(reader, writer, existing, lambda done: _progress(done, total), self.patience)
        log = logs.get("maintd")
        state = State((await find_homes(self.settings, api)).state, log)
        artifacts = [self.kept] if self.kept else []
        homes = {step.home for step in steps if step.writes} - {""}
        try:
            async with held(state, self._run_id, homes, lambda: datetime.now(UTC), log):
                await _until_interrupted(making.run(steps))
        except asyncio.CancelledError:
            found = outcome(prepared, making.changes, artifacts=artifacts)
            said = "stopped from outside before it was done; start it again and it goes on"
            stopped = found.model_copy(update={"status": Status.INTERRUPTED, "summary": f"{said}: {found.summary}"})
            return self._record(prepared, stopped)
        finally:
            _progress(0, 0)
            await state.close()
        return self._record(prepared, outcome(prepared, making.changes, artifacts=artifacts))

    def _record(self, prepared: Prepared, found: Outcome) -> Run:
        told = found.model_dump(exclude={"status"})
        return Run(
            run_id=self._run_id,
            job="restore",
            kind="restore",
            level=3,
            mode="dry-run" if self.wishes.dry_run else "act",
            trigger="manual",
            actor=getpass.getuser(),
            started=self._started,
            ended=datetime.now(UTC),
            status=found.judged(),
            config={"backup": prepared.manifest.id, "cluster": prepared.manifest.cluster} | self._asked(),
            maintd_version=__version__,
            **told,
        )

    def _asked(self) -> dict[str, str | list[str]]:
        said = {"words": self.meant.words, "namespaces": self.meant.namespaces, "kinds": self.meant.kinds}
        asked: dict[str, str | list[str]] = {name: list(value) for name, value in said.items() if value}
        return asked | {"existing": self.wishes.existing, "map_namespace": list(self.wishes.mapped)}

    @property
    def _run_id(self) -> str:
        return new_run_id("restore", self._started, self._nonce)

    async def _remember(self, run: Run, base: str) -> None:
        try:
            store = _store_at(base)
            await History(store, logs.get("maintd")).emit(run)
        except MaintdError as error:
            self.where = f"NOT KEPT: {error}"
        else:
            self.where = store.url(run_path(run.run_id))


def _store_at(url: str) -> Store:
    """The store of a cluster by the URL of that cluster's folder."""
    root, _, cluster = url.rpartition("/")
    return open_store(root + "/" * (root == "file://"), cluster)


async def _until_interrupted(work: Coroutine[None, None, None]) -> None:
    """Ctrl-C and SIGTERM end it in order: what is under way is told in the record."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await task


def _progress(done: int, total: int) -> None:
    """One line that is written over, on a terminal; nothing left of it in the end."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{done:,} of {total:,}" if total else "\r\x1b[K", err=True, nl=False)
