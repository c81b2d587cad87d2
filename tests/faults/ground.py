"""What a round of real processes stands on: the embedded cluster, a proxy before it, a folder, a jobs.yaml."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world
from tests.faults.process import Maintd, maintd
from tests.faults.proxy import Proxy, proxy

CLUSTER = "faults"


@dataclass
class Ground:
    """One round's cluster and files."""

    folder: Path
    sandbox: Sandbox
    proxy: Proxy
    """Between maintd and the API server."""

    @property
    def history(self) -> Path:
        """Every request that reached the API server, as JSON, one a line."""
        return self.folder / "history.jsonl"

    @property
    def store(self) -> Path:
        """This cluster's folder in the store."""
        return self.folder / "store" / CLUSTER

    def kubeconfig(self, through: Proxy | None = None, user: str = "admin") -> Path:
        """One that leads through a proxy: the round's own, unless another is given."""
        chosen = through or self.proxy
        path = self.sandbox.kubeconfig(self.folder / f"kubeconfig-{chosen.port}", user)
        path.write_text(path.read_text().replace(self.sandbox.url, chosen.url))
        return path

    def environment(self, through: Proxy | None = None, **more: str) -> dict[str, str]:
        """Of one maintd."""
        return {
            "KUBECONFIG": str(self.kubeconfig(through)),
            "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
            "MAINTD_STORAGE": f"file://{self.folder / 'store'}",
            "MAINTD_CLUSTER": CLUSTER,
        } | more

    def serve(
        self, through: Proxy | None = None, *, module: str = "maintd", **more: str
    ) -> AbstractAsyncContextManager[Maintd]:
        """A `maintd serve`; `more` are environment variables."""
        return maintd("serve", folder=self.folder, environment=self.environment(through, **more), module=module)

    def serve_embedded(self, **more: str) -> AbstractAsyncContextManager[Maintd]:
        """A `maintd serve` whose probes may reach this machine."""
        return self.serve(module="tests.faults.embedded", **more)


@asynccontextmanager
async def ground(folder: Path, jobs: str) -> AsyncIterator[Ground]:
    """The small broken world of the demo, with these jobs."""
    (folder / "jobs.yaml").write_text(jobs, encoding="utf-8")
    async with Sandbox(history=folder / "history.jsonl") as sandbox, proxy(sandbox.url) as way:
        broken_world(sandbox)
        yield Ground(folder, sandbox, way)
