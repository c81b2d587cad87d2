"""Words for people: the nearest spelling, a plural, a size, a time."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean older_than?`, or nothing where no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def instead(word: str, known: Iterable[str], listing: str) -> str:
    """What to type for a name that nothing has: `; did you mean cleanup-pods?`, else the command that lists them."""
    names = list(known)
    parts = [name for name in names if len(word) >= 3 and word in name][:3]
    whole = f"; did you mean {' or '.join(parts)}?" if parts else ""
    return whole or did_you_mean(word, names) or f"; `{listing}` lists them"


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 pod`, `3 pods`, `0 pods`; `plural` where an s is not enough."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def sized(number: float) -> str:
    """Bytes as people read them: `512 B`, `18.4 KiB`, `2.0 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    raise AssertionError("unreachable")


def elapsed(seconds: float) -> str:
    """How long something took, as jobs.yaml writes times: `0.4ms`, `412ms`, `1.41s`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f}ms"
    return f"{seconds * 1000:.0f}ms" if seconds < 0.9995 else f"{seconds:.2f}s"
