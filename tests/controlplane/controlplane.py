#!/usr/bin/env python3
"""A real Kubernetes control plane on loopback: etcd, kube-apiserver, controller manager, scheduler, and kwok's nodes.

controlplane.py build         compile it, once; minutes, and again no time at all
controlplane.py up DIR        start one whose files live in DIR; prints the path of its admin kubeconfig
controlplane.py down DIR      stop it; the logs stay in DIR
controlplane.py status DIR    one line a process: name, pid, resident memory
controlplane.py check [TOOL]  what `make test-cluster` needs and this machine lacks

The binaries go to ${XDG_CACHE_HOME:-~/.cache}/maintd-controlplane. Every port is free, on loopback, and the system's
choice. Real: storage, admission, validation, RBAC, garbage collection, controllers, scheduling. Pretended: kubelets.
"""

import argparse
import base64
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from binaries import TOOLS, Problem, build, need


class ControlPlane:
    """One running (or stopped) control plane and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.pids = self.folder / "pids.json"
        self.kubeconfig = self.folder / "admin.kubeconfig"
        self.token = ""
        self.url = ""

    def up(self) -> Path:
        """Start everything, and wait until objects can be created."""
        need("openssl", "ps")
        binaries = build()
        if self.running():
            raise Problem(f"{self.folder} holds a running control plane; stop it: controlplane.py down {self.folder}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pids.unlink(missing_ok=True)
        self.write_credentials()
        try:
            self.start_all(str(binaries / "controlplane"), str(binaries / "kwok"))
        except BaseException:
            self.down()
            raise
        return self.kubeconfig

    def start_all(self, plane: str, kwok: str) -> None:
        etcd, peer, api = free_ports(3)
        self.url = f"https://127.0.0.1:{api}"
        (self.folder / "etcd.url").write_text(f"http://127.0.0.1:{etcd}")
        self.start("etcd", [plane, "etcd", *self.etcd_flags(etcd, peer)])
        self.start("apiserver", [plane, "apiserver", *self.apiserver_flags(etcd, api)])
        self.wait_for("/readyz", seconds=60)
        self.write_kubeconfig()
        config = f"--kubeconfig={self.kubeconfig}"
        alone = [config, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=400", "--kube-api-burst=800"]
        keys = [
            f"--service-account-private-key-file={self.folder}/sa.key",
            f"--root-ca-file={self.folder}/certs/apiserver.crt",
        ]
        self.start("controllers", [plane, "controllers", *alone, *keys])
        self.start("scheduler", [plane, "scheduler", *alone])
        self.start("kwok", [kwok, config, *self.kwok_flags()])
        self.wait_for("/api/v1/namespaces/default/serviceaccounts/default", seconds=30)

    def etcd_flags(self, client: int, peer: int) -> list[str]:
        here, other = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        return [
            f"--data-dir={self.folder}/etcd",
            "--log-level=error",
            "--unsafe-no-fsync=true",
            "--quota-backend-bytes=4294967296",
            f"--listen-client-urls={here}",
            f"--advertise-client-urls={here}",
            f"--listen-peer-urls={other}",
            f"--initial-advertise-peer-urls={other}",
            f"--initial-cluster=default={other}",
        ]

    def apiserver_flags(self, etcd: int, port: int) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            f"--secure-port={port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--cert-dir={self.folder}/certs",
            f"--token-auth-file={self.folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={self.folder}/sa.key",
            f"--service-account-signing-key-file={self.folder}/sa.key",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--endpoint-reconciler-type=none",
        ]

    def kwok_flags(self) -> list[str]:
        (port,) = free_ports(1)
        return [
            "--manage-all-nodes=true",
            "--node-ip=127.0.0.1",
            "--cidr=10.244.0.0/16",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{port}",
        ]

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd=self.folder
            )
        self.pids.write_text(json.dumps(self.processes() | {name: process.pid}))

    def write_credentials(self) -> None:
        tokens, key = self.folder / "tokens.csv", self.folder / "sa.key"
        if not tokens.exists():
            tokens.touch(mode=0o600)
            tokens.write_text(f"{secrets.token_hex(16)},admin,admin,system:masters\n")
        if not key.exists():
            subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        self.token = tokens.read_text().split(",")[0]

    def write_kubeconfig(self) -> None:
        authority = base64.b64encode((self.folder / "certs" / "apiserver.crt").read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "admin",
            "clusters": [{"name": "local", "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "admin", "context": {"cluster": "local", "user": "admin"}}],
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(config, indent=1))

    def wait_for(self, path: str, seconds: float) -> None:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        unverified = ssl._create_unverified_context()
        deadline, problem = time.monotonic() + seconds, "no answer"
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(request, timeout=2, context=unverified):
                    return
            except (urllib.error.URLError, OSError) as error:
                problem = str(error)
                time.sleep(0.1)
        raise Problem(f"{path} was not there after {seconds:.0f} s ({problem}); read the logs in {self.folder}")

    def processes(self) -> dict[str, int]:
        """Name to pid, as they were started."""
        found: dict[str, int] = json.loads(self.pids.read_text()) if self.pids.exists() else {}
        return found

    def running(self) -> dict[str, int]:
        """Those that still run. Each has our folder among its arguments; a number used again since does not."""
        return {name: pid for name, pid in self.processes().items() if f"{self.folder}/" in command_line(pid)}

    def down(self) -> None:
        """Ask everything to end, then make it."""
        for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
            for pid in self.running().values():
                os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while self.running() and time.monotonic() < deadline:
                time.sleep(0.05)
        self.pids.unlink(missing_ok=True)

    def status(self) -> str:
        rows = [f"{name}\t{pid}\t{resident(pid)}" for name, pid in self.running().items()]
        return "\n".join(rows) or "not running"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; held together, so that no two are the same."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def command_line(pid: int) -> str:
    """Empty for a process that is gone; one that waits to be collected has no arguments any more."""
    return about(pid, "args")


def resident(pid: int) -> str:
    return f"{int(about(pid, 'rss') or 0) // 1024} MiB"


def about(pid: int, field: str) -> str:
    found = subprocess.run(
        ["ps", "-ww", "-o", f"{field}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build")
    commands.add_parser("check").add_argument("tools", nargs="*", metavar="TOOL", help=", ".join(TOOLS))
    for name in ("up", "down", "status"):
        commands.add_parser(name).add_argument("folder", type=Path)
    given = parser.parse_args()
    try:
        print(run(given) or "")
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def run(given: argparse.Namespace) -> object:
    if given.command == "build":
        return build()
    if given.command == "check":
        need(*(given.tools or TOOLS))
        return "nothing is missing"
    plane = ControlPlane(given.folder)
    return {"up": plane.up, "down": plane.down, "status": plane.status}[given.command]()


if __name__ == "__main__":
    sys.exit(main())
