"""The dead man's switch: tells a receiver outside that all is well, and tells it nothing when it is not.

Not a job: a job that reports that jobs run would report a scheduler that stands still as well.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from maintd.config.heartbeat import Heartbeat
from maintd.core.errors import MaintdError
from maintd.core.ports import Http, HttpRequest, Log

AGAIN_SECONDS: Final = 30.0
"""The longest pause after one that was withheld or not taken: an hour's heartbeat would be silent for two."""


class Heart:
    """Of one `serve`. Its log lines name the receiver's host alone, since whoever knows the URL can send one."""

    def __init__(self, http: Http, duties: Mapping[str, Callable[[], str]], sent: Callable[[], None], log: Log) -> None:
        """`duties`: by name, why it is not done now, or an empty text. `sent` is told of each heartbeat."""
        self._http = http
        self._duties = duties
        self._sent = sent
        self._log = log
        self._wish: Heartbeat | None = None
        self._changed = asyncio.Event()
        self._said = ""

    def take(self, wish: Heartbeat | None) -> None:
        """Beat like this from now on, or not at all."""
        if wish != self._wish:
            self._wish, self._said = wish, ""
            self._changed.set()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self._changed.clear()
            pause = await self.beat(self._wish) if self._wish else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def beat(self, wish: Heartbeat) -> float:
        """Send one if all is well; the seconds until the next."""
        every = wish.every.total_seconds()
        undone = {duty: why for duty in self._duties if (why := self._undone(duty))}
        if undone:
            self._say("heartbeat withheld", wish, undone=undone)
            return min(every, AGAIN_SECONDS)
        if why := await self._refusal(wish):
            self._say("heartbeat not taken", wish, why=why)
            return min(every, AGAIN_SECONDS)
        self._sent()
        self._say("heartbeat sent", wish)
        return every

    def _undone(self, duty: str) -> str:
        try:
            return self._duties[duty]()
        except Exception as error:  # noqa: BLE001 - not known to be done, and the next beat asks again
            return _defect(error)

    async def _refusal(self, wish: Heartbeat) -> str:
        """Why the receiver did not get it, or nothing."""
        try:
            sample = await self._http.sample(HttpRequest(wish.url, max_body=0))
        except MaintdError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - the next one must come, whatever became of this one
            return _defect(error)
        if sample.status is None:
            return sample.error
        return "" if 200 <= sample.status < 300 else f"the receiver answered {sample.status}; look at `heartbeat.url`"

    def _say(self, event: str, wish: Heartbeat, **why: object) -> None:
        """Once a change: whoever reads the log has read of the trouble itself where it was met."""
        if self._said != event:
            self._said = event
            say = self._log.warning if why else self._log.info
            say(event, host=urlsplit(wish.url).hostname, **why)


def _defect(error: Exception) -> str:
    return f"a defect of maintd, {error!r}; report it"
