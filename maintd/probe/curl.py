"""HTTP probes over libcurl, each in a thread of its own, so that one that hangs delays no other.

libcurl takes the times itself, in C; they are those of `curl -w`, whatever the event loop is busy with.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi

from maintd.core.errors import ConfigError, Transient
from maintd.core.ports import HttpRequest, HttpSample
from maintd.core.units import format_duration
from maintd.probe.exchange import Exchange
from maintd.probe.guard import Guard
from maintd.probe.hop import Client

_GRACE = timedelta(seconds=2)


class Curl:
    """Sends probes, as core.ports.Http describes it.

    Certificates are checked against `ca_file`, else the file that SSL_CERT_FILE names, else certifi's. At most
    `threads` are alive at once: one a sample under way, and one for each sample that was answered for but whose
    name lookup has not come back. Proxies in the environment are ignored. ConfigError when the file of authorities
    cannot be used.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        ca_file: str = "",
        user_agent: str = "maintd",
        threads: int = 64,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = Client(guard, _authorities(ca_file), user_agent, now)
        self._threads = threads
        self._free = threading.BoundedSemaphore(threads)

    async def sample(self, request: HttpRequest) -> HttpSample:
        """One request and what came of it, within its timeout.

        Raises Refused for what may not be probed, Transient when no thread is free.
        """
        self._client.guard.check(request)
        if not self._free.acquire(blocking=False):
            raise Transient(
                f"the probe was not sent: {self._threads} others are still under way, most likely waiting for DNS; "
                "look at the cluster's DNS: kubectl -n kube-system get pods -l k8s-app=kube-dns"
            )
        at = self._client.now()
        answer: Future[HttpSample] = Future()
        answer.set_running_or_notify_cancel()
        given_up = threading.Event()
        # A daemon thread: one that waits for DNS does not hold up the end of the process.
        threading.Thread(target=self._work, args=(request, answer, given_up), name="probe", daemon=True).start()
        try:
            async with asyncio.timeout((request.timeout + _GRACE).total_seconds()):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            # A libcurl built without its threaded resolver waits for DNS as long as DNS likes.
            error = f"no answer within {format_duration(request.timeout)}; the name lookup hangs"
            return HttpSample(at, None, error, None, None, None, None, None)
        finally:  # a run that was stopped has no use for it, and others have for its thread
            given_up.set()

    def _work(self, request: HttpRequest, answer: Future[HttpSample], given_up: threading.Event) -> None:
        exchange = Exchange(request, self._client, given_up)
        try:
            answer.set_result(exchange.run())
        except Exception as error:  # noqa: BLE001  whatever it is belongs to whoever awaits the sample
            answer.set_exception(error)
        finally:
            # Last, since closing waits for a lookup that was given up.
            exchange.close()
            self._free.release()


def _authorities(path: str) -> str:
    named = path or os.environ.get("SSL_CERT_FILE")
    if not named:
        return certifi.where()
    try:
        found = b"-----BEGIN " in Path(named).read_bytes()
    except OSError:
        found = False
    if not found:
        raise ConfigError(
            f"{named} holds no certificates that can be read; name a PEM file in SSL_CERT_FILE, or unset it"
        )
    return named
