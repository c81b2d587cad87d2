"""A process that lives in virtual time; the clock is the whole process's."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


async def lived(module: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """The JSON object that `python -m MODULE FOLDER ARGUMENTS` says at its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(folder), *arguments),
        cwd=_ROOT,
        env=inherited | {"HOME": str(folder), "KUBECONFIG": str(folder / "none")},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found
