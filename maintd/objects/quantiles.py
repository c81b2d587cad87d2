"""Quantiles of a handful of measurements."""

from collections.abc import Iterable


def nearest_rank(values: Iterable[float], percent: int) -> float:
    """The smallest of `values` that at least `percent` of them do not exceed; always one of them.

    Nothing is interpolated, so a p95 of fewer than 20 values is the largest. ValueError without values.
    """
    ordered = sorted(values)
    if not ordered or not 0 < percent <= 100:
        raise ValueError(f"no {percent}th percentile of {len(ordered)} values")
    return ordered[-(-percent * len(ordered) // 100) - 1]
