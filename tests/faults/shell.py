"""A folder in which `maintd` is typed, and killed, beside an embedded cluster."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

from maintd.sandbox.server import Sandbox
from tests.forks import Child, Nursery

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
"""How often what is done at random is done; with as few as these, not every step of a restore is tried either."""
SEED = int(os.environ.get("FAULT_SEED", "1"))


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
        return await self.forks.born(*words, folder=self.folder, environment=environment, out=self.folder / "output")

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
