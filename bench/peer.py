"""supercronic, the cron for containers: a peer that is built from its module where it is not installed."""

import os
import shutil
import subprocess
from pathlib import Path

MODULE = "github.com/aptible/supercronic@v0.2.33"


def supercronic(folder: Path) -> str:
    """Its binary; `folder` takes it where it has to be built."""
    binary = shutil.which("supercronic") or str(folder / "supercronic")
    if not Path(binary).exists():
        environment = os.environ | {"GOBIN": str(folder)}
        subprocess.run(["go", "install", MODULE], env=environment, check=True, capture_output=True)
    return binary
