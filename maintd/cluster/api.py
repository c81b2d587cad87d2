"""The one transport to the API server: raw JSON over a client that `kubernetes.aio` configured.

Every request has a deadline. What failed in passing is sent again inside it, by verb: reads always; PUT, PATCH and
DELETE when the caller says that they carry preconditions; anything that the server did not begin to work on.
What may change something is sent only while the guard of its view allows it, each time anew.
"""

import asyncio
import itertools
import json
import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp

from maintd.cluster.broken import Untrusted, once, translated
from maintd.cluster.credentials import Credentials
from maintd.cluster.decoding import decode
from maintd.cluster.endpoints import Endpoint, Source, find
from maintd.cluster.leave import asking
from maintd.cluster.replies import NotTaken, Reply, Unauthorized, Unreachable, read_body, refusal, server_time
from maintd.cluster.request import Request
from maintd.cluster.wire import Wire
from maintd.core.errors import NotLeading, Transient
from maintd.core.guard import ByHand, Guard

TIMEOUT = timedelta(seconds=30)
_JITTER = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class _Raw:
    status: int
    body: bytes
    server_time: datetime


class Api:
    """Sends requests. `scoped` makes a view of the same connections with its own name and bound."""

    def __init__(
        self,
        wire: Wire,
        user_agent: str,
        in_flight: int,
        *,
        patience: timedelta = timedelta.max,
        guard: Guard | None = None,
    ) -> None:
        self._wire = wire
        self._patience = patience
        self._guard = guard or ByHand()
        self._user_agent = user_agent
        self._slots = asyncio.Semaphore(in_flight)

    @classmethod
    async def connect(
        cls,
        kubeconfig: Path | None = None,
        context: str | None = None,
        user_agent: str = "maintd",
        in_flight: int = 8,
        *,
        hurried: bool = False,
    ) -> "Api":
        """The given kubeconfig, else KUBECONFIG, else ~/.kube/config, else in-cluster. Raises ConfigError.

        `hurried`: somebody waits. The first connection that cannot be made ends all calls, this one and those after
        it, with a JobError that is not Transient.
        """
        return await cls.over(find(kubeconfig, context), user_agent, in_flight, hurried=hurried)

    @classmethod
    async def over(
        cls, source: Source, user_agent: str = "maintd", in_flight: int = 8, *, hurried: bool = False
    ) -> "Api":
        """With the address and credentials that `source` gives. Raises ConfigError when it has none."""
        credentials = Credentials(source)
        await credentials.endpoint()
        return cls(Wire(credentials, hurried=hurried), user_agent, in_flight)

    async def close(self) -> None:
        """Close the connections of this view and of all others."""
        await self._wire.close()

    async def server(self) -> str:
        """The URL of the API server."""
        return (await self._wire.credentials.endpoint()).url

    @property
    def problem(self) -> str:
        """Why the last request had no answer; empty once one has."""
        return self._wire.problem

    def scoped(
        self,
        *,
        user_agent: str | None = None,
        in_flight: int = 8,
        patience: timedelta = timedelta.max,
        guard: Guard | None = None,
    ) -> "Api":
        """The same connections under another User-Agent, with its own bound on requests in flight.

        `patience` bounds every call: a run that has little time should hear why there is no answer before it is over.
        `guard` is asked before anything is sent that may change something; unless said, the guard that this view has.
        """
        agent, guard = user_agent or self._user_agent, guard or self._guard
        return Api(self._wire, agent, in_flight, patience=patience, guard=guard)

    def apart(self, *, patience: timedelta) -> "Api":
        """The same server and credentials over connections of its own, which no guard asks about.

        For the lease: a connection that died under another caller must not cost the leadership. What the server asks
        for it asks of this whole process, so a wish that outlasts a reign ends it: it could have written nothing.
        """
        return Api(self._wire.apart(), self._user_agent, 4, patience=patience)

    async def call(self, request: Request, timeout: timedelta = TIMEOUT) -> Reply:
        """The JSON object that the server answers with.

        `timeout` is for all attempts together, from when one of the slots is free. Raises the errors of core.errors;
        besides `replies.Expired` (410), `replies.Rejected` (400, 422) and `replies.TooLarge`. NotLeading says that
        nothing was sent; where something was before the guard said no, what became of that is raised.
        """
        raw = await self._fetch(request, timeout)
        return Reply(raw.status, decode(raw.body, str(request)), raw.server_time, len(raw.body))

    async def text(self, request: Request, timeout: timedelta = TIMEOUT) -> str:
        """The body as text: a log. What is not UTF-8 in it is replaced."""
        return (await self._fetch(request, timeout)).body.decode(errors="replace")

    async def _fetch(self, request: Request, timeout: timedelta) -> _Raw:
        timeout = min(timeout, self._patience)
        async with self._slots:
            deadline = asyncio.get_running_loop().time() + timeout.total_seconds()
            socket = _socket_timeouts(request, timeout, self._wire.connect_seconds)
            return await self._until_sure(request, deadline, socket)

    async def _until_sure(self, request: Request, deadline: float, socket: aiohttp.ClientTimeout) -> _Raw:
        clock = asyncio.get_running_loop().time
        unsure: Transient | None = None
        try:
            for attempt in itertools.count():
                try:
                    return await self._attempt(request, deadline, socket)
                except NotLeading as error:
                    raise unsure or error from None
                except Transient as error:
                    unsure = unsure if isinstance(error, NotTaken) else error
                    pause = _pause(attempt, error)
                    hopeless = clock() + pause >= deadline
                    if hopeless or not (request.may_repeat or isinstance(error, NotTaken)):
                        self._wire.problem = str(error)
                        raise
                await asyncio.sleep(pause)
        finally:
            unsure = None  # it would hold this frame, which holds it, until somebody collects garbage
        raise AssertionError("unreachable")

    async def _attempt(self, request: Request, deadline: float, socket: aiohttp.ClientTimeout) -> _Raw:
        self._wire.check_given_up()
        try:
            async with asyncio.timeout_at(deadline):
                await self._wire.backpressure.turn()
                return await self._with_credentials(request, socket)
        except TimeoutError:
            raise Transient(f"{request}: no answer before the deadline") from None
        except Unreachable as error:
            self._wire.unreached(error)
            raise
        except NotTaken as error:
            if error.retry_after is not None:
                self._wire.backpressure.asked_for(error.retry_after)
            raise

    async def _with_credentials(self, request: Request, socket: aiohttp.ClientTimeout) -> _Raw:
        """Once more with newer credentials or a newer CA, where the server refused the old and there are any."""
        endpoint = await self._wire.credentials.endpoint()
        try:
            return await self._send(request, endpoint, socket)
        except (Unauthorized, Untrusted):
            newer = await self._wire.credentials.renewed(endpoint)
            if newer is None:
                raise
        return await self._send(request, newer, socket)

    async def _send(self, request: Request, endpoint: Endpoint, socket: aiohttp.ClientTimeout) -> _Raw:
        what = str(request)
        with translated(what, endpoint):
            async with (
                asyncio.timeout(self._seconds(request)),
                self._wire.session.request(
                    request.method,
                    request.url(endpoint.url),
                    data=None if request.body is None else json.dumps(request.body).encode(),
                    headers=self._headers(request, endpoint),
                    ssl=endpoint.tls,
                    proxy=endpoint.proxy,
                    server_hostname=endpoint.server_hostname,
                    allow_redirects=False,
                    timeout=socket,
                    middlewares=(once, asking(partial(self._seconds, request))),
                ) as response,
            ):
                self._wire.problem = ""
                if response.status != 429:
                    self._wire.backpressure.over()
                if not 200 <= response.status < 300:
                    raise await refusal(response, what, request.needs)
                body = await read_body(response, request.cap, what)
                return _Raw(response.status, body, server_time(response, what))

    def _seconds(self, request: Request) -> float | None:
        """How long it may be under way, once it is sent; None: as long as the caller waits. Raises NotLeading."""
        left = self._guard.seconds_left() if request.may_change else math.inf
        return None if left == math.inf else left

    def _headers(self, request: Request, endpoint: Endpoint) -> dict[str, str]:
        found = {"Accept": request.accept, "Accept-Encoding": "identity", "User-Agent": self._user_agent}
        if request.body is not None:
            found["Content-Type"] = request.content_type
        if endpoint.authorization:
            found["Authorization"] = endpoint.authorization
        return found


def _socket_timeouts(request: Request, timeout: timedelta, connect: float) -> aiohttp.ClientTimeout:
    """A connection that died in silence must leave time for a second one; the deadline is kept by `_attempt`."""
    silence = timeout.total_seconds() / 2 if request.may_repeat else None
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=silence)


def _pause(attempt: int, error: Transient) -> float:
    """Seconds until the next attempt: what the server asked for, else twice as long each time; never in step."""
    if error.retry_after is not None:
        return error.retry_after.total_seconds() * _JITTER.uniform(1.0, 1.1)
    return min(8.0, 0.1 * 2.0**attempt) * _JITTER.uniform(0.5, 1.0)
