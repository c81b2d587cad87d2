"""Forks `maintd` off a process that has imported it already: each is a process of its own, in a fifth of the time.

A process that is killed is reaped only when it is asked for its end, so that its number is nobody else's until then.
"""

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from maintd.__main__ import main
from maintd.cli.process import prepare
from maintd.sandbox.server import Sandbox

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
"""How often what is done at random is done; with as few as these, not every step of a restore is tried either."""
SEED = int(os.environ.get("FAULT_SEED", "1"))


@dataclass(frozen=True)
class Nursery:
    """The process that forks."""

    process: "subprocess.Popen[str]"

    async def born(self, *words: str, folder: Path, environment: Mapping[str, str]) -> "Child":
        """`maintd WORDS` in this folder, with this environment and nothing else; what it prints is in `output`."""
        order = {"words": words, "folder": str(folder), "environment": dict(environment)}
        return Child(self, int(await asyncio.to_thread(self.told, json.dumps(order))))

    def told(self, order: str) -> str:
        """What the process answers."""
        assert self.process.stdin
        assert self.process.stdout
        print(order, file=self.process.stdin, flush=True)
        return self.process.stdout.readline()


@dataclass(frozen=True)
class Child:
    """One `maintd`; it must be waited for before the next one is born."""

    nursery: Nursery
    pid: int

    def kill(self) -> None:
        """As `kill -9` does; one that has ended already does not mind."""
        os.kill(self.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Its exit code; less than nothing: the signal that killed it."""
        return int(await asyncio.to_thread(self.nursery.told, json.dumps({"wait": self.pid})))


@dataclass
class Shell:
    """A folder in which `maintd` is typed, beside an embedded cluster."""

    forks: Nursery
    folder: Path
    sandbox: Sandbox

    async def start(self, *words: str, failpoints: str = "") -> Child:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.sandbox.kubeconfig(self.folder / "kubeconfig")),
            "MAINTD_CLUSTER": "test",
            "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
            "MAINTD_STORAGE": (self.folder / "store").as_uri(),
            "MAINTD_FAILPOINTS": failpoints,
        }
        return await self.forks.born(*words, folder=self.folder, environment=environment)

    async def asking(self, *words: str) -> Child:
        """One that has sent its first request."""
        self.sandbox.requests.clear()
        child = await self.start(*words)
        while not self.sandbox.requests:
            await asyncio.sleep(0.001)
        return child

    async def run(self, *words: str, failpoints: str = "") -> int:
        """The exit code of a command."""
        return await (await self.start(*words, failpoints=failpoints)).ended()

    def time_passes(self) -> None:
        """So much of it that what a killed process had claimed is nobody's any more."""
        file = self.folder / "store/test/state/state.json"
        if not file.exists():
            return
        state = json.loads(file.read_text())
        for entry in state["jobs"].values():
            if claim := entry.get("open_claim"):
                claim["until"] = "2000-01-01T00:00:00Z"
        file.write_text(json.dumps(state))

    def said(self) -> str:
        """What was printed since the last time, and by whom it does not matter."""
        file = self.folder / "output"
        text = file.read_text()
        file.unlink()
        return text


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Started, and ended with what it forked."""
    command = [sys.executable, "-m", "tests.faults.nursery"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            process.stdin and process.stdin.close()


def _serve(orders: TextIO) -> None:
    while line := orders.readline():
        order = json.loads(line)
        if "wait" in order:
            print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            _live(order["words"], order["folder"], order["environment"])


def _live(words: list[str], folder: str, environment: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["maintd", *words]
    main()
    os._exit(0)


if __name__ == "__main__":
    prepare()
    for needed in ("maintd.app.house", "maintd.cli.run", "maintd.cli.restore", "maintd.cli.restoring"):
        importlib.import_module(needed)
    _serve(sys.stdin)
