"""Sampling a server that takes 100 ms, beside `curl -w`: are they the same figures?

    python bench/probe.py [ROUNDS]

One sample and one curl in turn, against a server in a process of its own, over http and https; then the same with
sixty other endpoints that hang, and with a busy loop in our own process. Prints tables and asserts nothing.

Over TLS the two are linked with different OpenSSLs, which shows in the handshake. On a machine that others use too,
a curl process that has to start suffers more than a thread that runs already: `chrt -f 10 python bench/probe.py`.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import trustme
from tables import table

from maintd.core.ports import HttpRequest
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard

SERVER = """
import asyncio, ssl, sys

async def speak(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    if b"GET /hang" in head:
        await asyncio.sleep(600)
    await asyncio.sleep(0.1)
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\nfine")
    await writer.drain()
    writer.close()

async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1])
    plain = await asyncio.start_server(speak, "127.0.0.1", 0)
    secure = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=tls)
    print(plain.sockets[0].getsockname()[1], secure.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
PHASES = {
    "dns": "time_namelookup",
    "connect": "time_connect",
    "tls": "time_appconnect",
    "first_byte": "time_starttransfer",
    "total": "time_total",
}
Times = dict[str, list[float]]


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """The URLs of the two ports; their authority is `ca.pem` in the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder / "server.pem")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        plain, secure = process.stdout.readline().split()
        yield f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"
    finally:
        process.terminate()
        process.wait(10)


async def by_curl(url: str, folder: Path) -> dict[str, float]:
    """What `curl -w` says."""
    command = ["curl", "-s", "-o", "/dev/null", "--cacert", str(folder / "ca.pem"), "-w", "%{json}", url]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    said = json.loads((await process.communicate())[0])
    return {phase: said[name] for phase, name in PHASES.items()}


async def by_maintd(curl: Curl, url: str) -> dict[str, float]:
    sample = await curl.sample(HttpRequest(url))
    assert sample.status == 200, sample.error
    return {phase: getattr(sample, f"{phase}_seconds") or 0.0 for phase in PHASES}


async def in_turn(url: str, folder: Path, curl: Curl, rounds: int) -> tuple[Times, Times]:
    """One of each in turn, whoever is first changing, so that whatever else the machine does hits both alike."""
    peer: Times = {phase: [] for phase in PHASES}
    ours: Times = {phase: [] for phase in PHASES}
    for turn in range(rounds):
        for who in (peer, ours) if turn % 2 else (ours, peer):
            found = await (by_curl(url, folder) if who is peer else by_maintd(curl, url))
            for phase, seconds in found.items():
                who[phase].append(seconds)
    return peer, ours


def compared(peer: Times, ours: Times) -> list[tuple[str, str, str, str]]:
    rows = []
    for phase in PHASES:
        theirs, mine = (statistics.median(times[phase]) * 1000 for times in (peer, ours))
        if theirs:
            rows.append((phase, f"{theirs:.2f}", f"{mine:.2f}", f"{100 * (mine - theirs) / theirs:+.2f}%"))
    return rows


async def with_hung(url: str, folder: Path, curl: Curl, rounds: int) -> tuple[Times, Times]:
    request = HttpRequest(f"{url}/hang", timeout=timedelta(minutes=5))
    hung = [asyncio.create_task(curl.sample(request)) for _ in range(60)]
    await asyncio.sleep(0.5)
    try:
        return await in_turn(url, folder, curl, rounds)
    finally:
        for task in hung:
            task.cancel()


async def with_work(url: str, folder: Path, curl: Curl, rounds: int) -> tuple[Times, Times]:
    """A thread that computes 30 ms of every 50, as emitting a backup does."""
    done = threading.Event()

    def compute() -> None:
        while not done.wait(0.02):
            until = time.perf_counter() + 0.03
            while time.perf_counter() < until:
                sum(range(100))

    busy = threading.Thread(target=compute)
    busy.start()
    try:
        return await in_turn(url, folder, curl, rounds)
    finally:
        done.set()
        busy.join()


async def main(rounds: int, version: str) -> None:
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (plain, secure):
        folder = Path(name)
        curl = Curl(Guard(allow_loopback=True), ca_file=str(folder / "ca.pem"), threads=64)
        for title, url, measure in (
            ("http", plain, in_turn),
            ("https", secure, in_turn),
            ("http, 60 other probes hang", plain, with_hung),
            ("http, our process computes 30 ms of every 50", plain, with_work),
        ):
            print(f"\n{title}: medians of {rounds}, ms, cumulative")
            print(
                table(
                    ("phase", f"curl {version} -w", "maintd", "difference"),
                    compared(*await measure(url, folder, curl, rounds)),
                )
            )


if __name__ == "__main__":
    said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, said.split()[1]))
