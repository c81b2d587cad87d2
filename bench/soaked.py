"""`maintd serve` that says, when it gets SIGUSR1, how many asyncio tasks it has; its probes may reach this machine.

python bench/soaked.py FILE serve
"""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from maintd.__main__ import main
from maintd.app import house

if __name__ == "__main__":
    said = Path(sys.argv.pop(1))
    signal.signal(signal.SIGUSR1, lambda *_: said.write_text(str(len(asyncio.all_tasks()))) and None)
    house.open_house = partial(house.open_house, embedded=Path(os.environ["KUBECONFIG"]))
    main()
