"""The table that the harness is for: promise, fault, rounds, violations, the worst figure, and the seed of it."""

from collections.abc import Iterable, Iterator

from tests.faults.rounds import Row

_HEAD = ("PROMISE", "FAULT", "ROUNDS", "VIOLATIONS", "WORST", "SEED")


def table(rows: Iterable[Row]) -> str:
    """The rows, sorted by promise; what was violated is told below, with how to see it again."""
    found = sorted(rows, key=lambda row: row.scenario.promise)
    cells = [_HEAD, *map(_cells, found)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join((*lines, *_troubles(found)))


def _cells(row: Row) -> tuple[str, ...]:
    unit = row.scenario.unit
    worst = f"{row.worst:.3g} {unit}" if unit else ""
    counts = (f"{row.rounds:,}", str(len(row.violations)))
    return (row.scenario.promise, row.scenario.fault, *counts, worst, str(row.seed))


def _troubles(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        if row.violations:
            yield f"\n{row.scenario.promise} {row.scenario.fault}, seed {row.seed}; the shortest plan that fails:"
            yield f"  {row.failing}"
            yield from (f"  - {said}" for said in row.said[:5])
