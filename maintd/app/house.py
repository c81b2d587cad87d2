"""Everything one process needs to run jobs, built once and taken down in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from maintd import __version__
from maintd.app.contexts import Contexts, now
from maintd.app.home import find_homes
from maintd.app.leadership import Leadership
from maintd.cluster.api import Api
from maintd.config.settings import Settings
from maintd.core.errors import ConfigError
from maintd.core.ports import Http, Store
from maintd.core.rehearsal import Rehearser
from maintd.core.signing import Opener
from maintd.election.lease_homes import LeaseHome
from maintd.gcp.gke import Google
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard
from maintd.scheduling.orders import Orders
from maintd.scheduling.runner import Runner
from maintd.scheduling.state import State
from maintd.sinks.fanout import Fanout, Sink
from maintd.sinks.history import History
from maintd.sinks.log import LogSink
from maintd.sinks.metrics import MetricsSink
from maintd.storage.open import open_store
from maintd.storage.spool import SpooledStore
from maintd.telemetry import logs
from maintd.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class House:
    """What `serve`, `run` and `demo` share."""

    settings: Settings
    api: Api | str
    """The API server, or why there is none."""
    store: Store
    history: History
    state: State
    fanout: Fanout
    metrics: Metrics
    runner: Runner
    leadership: Leadership
    lease: LeaseHome
    http: Http
    """Sends what probes send, where probes may go."""

    @property
    def orders(self) -> Orders:
        """Who obeys what people ask of this process through the state."""
        log, leadership = logs.get("maintd"), self.leadership
        return Orders(self.state, self.runner, log, clock=now, reign=lambda: leadership.reign)

    @property
    def unsaved(self) -> str:
        """What waits for a store that is away, and why; empty while nothing does."""
        return self.store.problem if isinstance(self.store, SpooledStore) else ""


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    next_due: Callable[[str], datetime | None] | None = None,
    sinks: tuple[Sink, ...] = (),
    embedded: Path | None = None,
    hurried: bool = False,
    spooling: bool = False,
    opener: Opener | None = None,
    rehearser: Rehearser | None = None,
) -> AsyncIterator[House]:
    """Build everything; nothing is asked of the store, and of the API server only where the state lives.

    `next_due` of a job goes into the log line of its run. `embedded`: the kubeconfig of a cluster whose loopback
    addresses probes may reach. `hurried`: who waits hears in seconds of a server that is away. `spooling`: records may.
    """
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(_connected(settings, embedded, hurried=hurried))
        metrics, leadership = Metrics(), Leadership()
        store = await stack.enter_async_context(_store(settings, metrics, spooling=spooling))
        log, homes = logs.get("maintd"), await find_homes(settings, api, leadership)
        state = State(homes.state, log)
        stack.push_async_callback(state.close)
        history = History(store, log)
        fanout = _fanout(metrics, state, (history, *((LogSink(next_due),) if next_due else ()), *sinks))
        http, google = await _probes(api, embedded), await stack.enter_async_context(Google(settings.gke_endpoint))
        contexts = Contexts(api, store, http, state, settings, google, opener, rehearser)
        runner = Runner(contexts.open, state, fanout, log, clock=now, leadership=leadership, recall=history.read)
        yield House(settings, api, store, history, state, fanout, metrics, runner, leadership, homes.lease, http)


@asynccontextmanager
async def _store(settings: Settings, metrics: Metrics, *, spooling: bool) -> AsyncIterator[Store]:
    store = open_store(settings.storage, settings.cluster)
    if not spooling:
        yield store
        return
    spool = SpooledStore(store, settings.spool / settings.cluster, settings.spool_limit, logs.get("maintd"))
    metrics.watch_spool(waiting_bytes=lambda: spool.waiting_bytes, lost=lambda: spool.lost)
    async with spool.running() as spooled:
        yield spooled


def _fanout(metrics: Metrics, state: State, sinks: tuple[Sink, ...]) -> Fanout:
    counted = MetricsSink(metrics, lambda job: state.of(job).consecutive_failures)
    return Fanout((*sinks, counted), logs.get("maintd"), on_failure=metrics.sink_failed)


async def _probes(api: Api | str, embedded: Path | None) -> Curl:
    server = await api.server() if isinstance(api, Api) else ""
    return Curl(Guard(allow_loopback=embedded is not None, api_server=server), user_agent=f"maintd/{__version__}")


@asynccontextmanager
async def _connected(settings: Settings, kubeconfig: Path | None, *, hurried: bool) -> AsyncIterator[Api | str]:
    try:
        context = settings.kube_context or None
        api = await Api.connect(kubeconfig, context, f"maintd/{__version__}", hurried=hurried)
    except ConfigError as error:
        yield str(error)
        return
    try:
        yield api
    finally:
        await api.close()
