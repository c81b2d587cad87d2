"""Forks `maintd` off a process that has imported it already: each is a process of its own, in a fifth of the time.

A process that is killed is reaped only when it is asked for its end, so that its number is nobody else's until then.
"""

import asyncio
import atexit
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import maintd.__main__
from maintd.cli.process import prepare

_LOOK_SECONDS = 0.005
_NOT_FORKED = ("maintd.gcp.session", "maintd.storage.gcs")
"""Google's libraries have threads, which a fork leaves behind."""


@dataclass(frozen=True)
class Nursery:
    """The process that forks."""

    process: "subprocess.Popen[str]"
    turn: threading.Lock = field(default_factory=threading.Lock)

    async def born(
        self, *words: str, folder: Path, environment: Mapping[str, str], out: Path, err: Path | None = None
    ) -> "Child":
        """`maintd WORDS` in this folder, with this environment and nothing else; what it prints is added to files."""
        streams = [str(out), str(err or out)]
        order = {"words": words, "folder": str(folder), "environment": dict(environment), "streams": streams}
        return Child(self, int(await asyncio.to_thread(self.told, order)))

    def told(self, order: dict[str, Any]) -> str:
        """What the process answers."""
        assert self.process.stdin
        assert self.process.stdout
        with self.turn:
            print(json.dumps(order), file=self.process.stdin, flush=True)
            return self.process.stdout.readline()


@dataclass(frozen=True)
class Child:
    """One `maintd`."""

    nursery: Nursery
    pid: int

    def kill(self) -> None:
        """As `kill -9` does; one that has ended already does not mind."""
        os.kill(self.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Its exit code; less than nothing: the signal that killed it."""
        while not (code := (await asyncio.to_thread(self.nursery.told, {"of": self.pid})).strip()):
            await asyncio.sleep(_LOOK_SECONDS)
        return int(code)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Started, and ended with what it forked."""
    command = [sys.executable, "-m", "tests.forks"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            process.stdin and process.stdin.close()


@cache
def _shared() -> Nursery:
    """One a test process, ended with it."""
    started = nursery()
    atexit.register(started.__exit__, None, None, None)
    return started.__enter__()


async def typed(*words: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `maintd WORDS`; its stdin is empty."""
    with tempfile.TemporaryDirectory() as kept:
        out, err = Path(kept) / "out", Path(kept) / "err"
        child = await _shared().born(*words, folder=folder, environment=environment, out=out, err=err)
        code = await asyncio.wait_for(child.ended(), 60)
        return code, out.read_text(), err.read_text()


def _serve(orders: TextIO) -> None:
    while line := orders.readline():
        order = json.loads(line)
        if "of" in order:
            pid, status = os.waitpid(order["of"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if pid else "", flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            _live(order["words"], order["folder"], order["environment"], order["streams"])


def _live(words: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for stream, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - it is the process's own, and what it replaces holds orders
    sys.modules["__main__"] = maintd.__main__
    sys.argv = [maintd.__main__.__file__, *words]
    maintd.__main__.main()
    os._exit(0)


def _import_all() -> None:
    for module in pkgutil.walk_packages(maintd.__path__, "maintd."):
        if module.name not in _NOT_FORKED:
            importlib.import_module(module.name)


if __name__ == "__main__":
    prepare()
    _import_all()
    _serve(sys.stdin)
