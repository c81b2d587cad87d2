"""What every bench prints: a plain table, and percentiles by nearest rank."""

from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of figures in ascending order."""
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def table(titles: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Columns three spaces apart."""
    cells = [[str(value) for value in row] for row in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
