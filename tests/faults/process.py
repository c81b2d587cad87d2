"""A real `maintd` under a round's hands: its log as it comes, its memory, its end."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE_SECONDS = 60.0
_LONGEST_LINE = 2**22
_ROOT = Path(__file__).parents[2]


@dataclass
class Maintd:
    """One process."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)
    """Every line of its log so far, parsed as strict JSON."""
    noise: list[str] = field(default_factory=list)
    """What was on stdout and is no JSON."""
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)
    _ended: bool = False

    async def said(self, message: str, *, since: int = 0, **fields: Any) -> dict[str, Any]:
        """The first line with this message and these fields, from line `since` on. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._more:
            while True:
                for line in self.lines[since:]:
                    if line["message"] == message and fields.items() <= line.items():
                        return line
                if self._ended:
                    raise RuntimeError(f"it ended before it said {message!r}; its last lines: {self.lines[-5:]}")
                await self._more.wait()

    def all(self, message: str, **fields: Any) -> list[dict[str, Any]]:
        """Every such line so far."""
        return [line for line in self.lines if line["message"] == message and fields.items() <= line.items()]

    async def get(self, path: str) -> tuple[int, str]:
        """What its own HTTP server answers."""
        url = (await self.said("daemon started"))["url"]
        async with aiohttp.ClientSession() as session, session.get(url + path) as reply:
            return reply.status, await reply.text()

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def rss(self) -> int:
        """Bytes of memory that are its own and not any file's."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code, once it is over. Raises TimeoutError."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)

    async def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.tell(signal.SIGTERM)
        return await self.ended()

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        while raw := await self.process.stdout.readline():
            async with self._more:
                try:
                    self.lines.append(json.loads(raw, parse_constant=_refuse))
                except ValueError:
                    self.noise.append(raw.decode(errors="replace"))
                self._more.notify_all()
        async with self._more:
            self._ended = True
            self._more.notify_all()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@asynccontextmanager
async def maintd(
    *words: str, folder: Path, environment: Mapping[str, str], module: str = "maintd"
) -> AsyncIterator[Maintd]:
    """`maintd WORDS` in this folder, with no other MAINTD_ variable than these; killed if it is still there after."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    with (folder / "stderr").open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *words),
            cwd=folder,
            env=inherited | {"PYTHONPATH": str(_ROOT)} | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=_LONGEST_LINE,
        )
    started = Maintd(process)
    listening = asyncio.create_task(started._listen())
    try:
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening
