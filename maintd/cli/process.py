"""What a process sets once: before its imports, and after them."""

import gc
import os
import resource
import sys
from contextlib import suppress
from typing import NoReturn

from maintd.core import failpoints

_FEW = (100_000, 10, 10)
_SELDOM = (20_000, 10, 10)


def prepare() -> None:
    """Before the imports: collect garbage seldom, and load no plugins into pydantic.

    With Python's own settings a tenth of a short command's time goes into looking for garbage among what was just
    imported. A plugin of pydantic's would be code that nobody named in jobs.yaml. A core file would hold Secrets that
    a backup was about to encrypt.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.set_threshold(*_FEW)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def arm() -> None:
    """Arm what MAINTD_FAILPOINTS names, which almost nobody has. Raises ConfigError."""
    if any(name.upper() == "MAINTD_FAILPOINTS" for name in os.environ):
        from maintd.config.settings import read_settings

        failpoints.arm(failpoints.parse(read_settings().failpoints))


def settle() -> None:
    """After the imports: spare the garbage collector what lives as long as the process.

    A page of 500 objects is a hundred thousand dicts and strings that all stay or all go: with Python's own settings
    collecting takes as long as parsing them. Were it as seldom as during the imports, errors that hold on to their
    frames, as those of any kind may, would take 12 MiB in an outage.
    """
    gc.freeze()
    gc.set_threshold(*_SELDOM)


def leave(code: str | int | None) -> NoReturn:
    """End the process as SystemExit would, but without taking the interpreter down module by module.

    That takes a third of a short command's time, and waits for threads that wait for servers that never answer.
    """
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    if log := sys.modules.get("logging"):  # where nothing was logged there is nothing to write
        log.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # whoever read it is gone
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
