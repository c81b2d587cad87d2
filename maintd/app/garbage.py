"""Once a minute: what holds on to itself, as the transport of each connection that broke does.

Python looks for such circles by how many objects were made, not by time: nine minutes passed between two looks through
all of them under a load that packs days into an hour, and a daemon that does little makes far fewer. Meanwhile they lie
between what lives, so that memory which was needed once cannot be given back.
"""

import asyncio
import gc

PERIOD_SECONDS = 60.0


async def collect(period_seconds: float) -> None:
    """Collect until cancelled: 3 ms for ten thousand objects, and what was there before the jobs is not looked at."""
    while True:
        await asyncio.sleep(period_seconds)
        gc.collect()
