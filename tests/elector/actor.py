"""A candidate in a process of its own: writes down each moment at which its guard lets it act. Started by a test."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

from maintd.core.errors import NotLeading
from maintd.core.guard import Guard
from maintd.election.elector import Elector, identity
from maintd.election.lease_homes import FolderLease
from maintd.election.reign import boottime


class Silence:
    """A Log; importing the test's own would take longer than the election."""

    debug = info = warning = error = staticmethod(lambda *_, **__: None)


async def lead(reign: Guard) -> None:
    acts = os.open(Path(sys.argv[1]) / "acts", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        before = boottime()
        try:
            reign.seconds_left()
        except NotLeading:
            pass
        else:
            os.write(acts, f"{before} {reign.epoch} {os.getpid()}\n".encode())
        await asyncio.sleep(0.005)


asyncio.run(Elector(FolderLease(Path(sys.argv[1])), identity(), timedelta(seconds=1), Silence()).run(lead))
