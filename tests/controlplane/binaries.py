"""The compiled binaries, where they are kept, and what a machine must have."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "v1.35.4"
KWOK = "v0.7.0"
SOURCE = Path(__file__).resolve().parent / "src"
BINARIES = ("controlplane", "kwok")
TOOLS = {
    "go": "Go 1.25 or newer: https://go.dev/dl, or Debian's package golang-go where that is new enough",
    "openssl": "Debian's package openssl",
    "jq": "Debian's package jq",
    "ps": "Debian's package procps",
    "kubectl": "Debian's package kubernetes-client, or https://kubernetes.io/docs/tasks/tools",
    "promtool": "Debian's package prometheus",
    "age": "Debian's package age",
    "age-keygen": "Debian's package age",
}


class Problem(Exception):
    """Something that the person at the keyboard has to mend; the message says how."""


def need(*tools: str) -> None:
    """Raises Problem, naming every tool that is missing and where it comes from."""
    missing = [
        f"{tool} is missing; install it: {TOOLS.get(tool, 'no package known')}"
        for tool in tools
        if shutil.which(tool) is None
    ]
    if missing:
        raise Problem("\n".join(missing))


def cache() -> Path:
    """The folder of the compiled binaries of exactly these versions."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "maintd-controlplane" / f"{VERSION}-kwok-{KWOK}"


def build() -> Path:
    """Compile what is missing. A build that was interrupted leaves nothing that looks finished."""
    home = cache()
    if all((home / name).exists() for name in BINARIES):
        return home
    need("go")
    scratch = home / "unfinished"
    scratch.mkdir(parents=True, exist_ok=True)
    major, minor, _ = VERSION[1:].split(".")
    names = {"gitVersion": VERSION, "gitMajor": major, "gitMinor": minor}
    stamp = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in names.items())
    go(["build", "-trimpath", f"-ldflags=-s -w {stamp}", "-o", str(scratch / "controlplane"), "."], SOURCE, scratch)
    go(["install", f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}"], scratch, scratch)
    for name in BINARIES:
        (scratch / name).rename(home / name)
    shutil.rmtree(scratch)
    return home


def go(arguments: list[str], folder: Path, binaries: Path) -> None:
    print(f"go {arguments[0]} (minutes, when it is the first time)", file=sys.stderr, flush=True)
    environment = os.environ | {"CGO_ENABLED": "0", "GOBIN": str(binaries)}
    if subprocess.run(["go", *arguments], cwd=folder, env=environment, check=False).returncode:
        raise Problem(f"go {arguments[0]} failed; its own words are above")
