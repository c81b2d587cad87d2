"""`python -m tests.faults.asleep`: maintd on a machine that sleeps when a file says so.

The clock that runs on through a suspend is ahead by as many seconds as the file in SLEPT says; faketime moves the
wall clock alone. Probes may reach this machine, as in the demo.
"""

import os
import time
from pathlib import Path

from tests.faults.embedded import serve

_SLEPT = Path(os.environ["SLEPT"])
_clock_gettime = time.clock_gettime


def _through_sleep(clock: int) -> float:
    slept = float(_SLEPT.read_text(encoding="ascii")) if clock == time.CLOCK_BOOTTIME else 0.0
    return _clock_gettime(clock) + slept


if __name__ == "__main__":
    time.clock_gettime = _through_sleep
    serve()
