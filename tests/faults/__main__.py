"""`make faults MINUTES=60`: as many rounds as fit, spread evenly over the scenarios, and the table of what they showed.

`python -m tests.faults A1 --minutes 5` plays the rows of one promise; `--seed 17 --rounds 1` plays one round again.
"""

import argparse
import asyncio
import itertools
import os
import sys
import time
from collections.abc import Sequence

from maintd.telemetry import logs
from tests.faults.catalogue import SCENARIOS
from tests.faults.matrix import write_page
from tests.faults.rounds import Row, play_all
from tests.faults.table import table


def main(arguments: Sequence[str]) -> int:
    """Exit code: 1 where a promise was not kept."""
    said = _asked(arguments)
    logs.configure("json", "critical")
    rows = [Row(scenario) for scenario in SCENARIOS if scenario.promise.startswith(said.promise)]
    began = time.monotonic()
    try:
        asyncio.run(_play(rows, said))
    finally:
        logs.shutdown()
    print(table(rows))
    print(f"\n{sum(row.rounds for row in rows):,} rounds in {(time.monotonic() - began) / 60:.1f} minutes")
    return int(any(row.violations for row in rows))


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("promise", nargs="?", default="", help="rows whose promise begins so: A1, D")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--rounds", type=int, default=0, help="this many of each row, however long it takes")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="rows; more than there are cores is slow")
    return parser.parse_args(arguments)


async def _play(rows: Sequence[Row], said: argparse.Namespace) -> None:
    until = time.monotonic() + said.minutes * 60
    if not said.promise and not said.rounds:
        print(await write_page())
    for number in itertools.count():
        if number >= said.rounds if said.rounds else time.monotonic() >= until and number:
            return
        await play_all(rows, said.seed + number, quick=False, at_once=said.at_once)
        print(f"{number + 1} rounds of each of {len(rows)} rows", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
