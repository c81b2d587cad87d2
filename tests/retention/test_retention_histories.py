"""Random histories of a store: nothing younger than its term goes, and nothing that is not known to be spared."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from maintd.core.errors import Transient
from maintd.storage.prunable import AREAS
from maintd.storage.pruning import FolderPruner
from maintd.storage.sweep import Sweep

START, END = datetime(2025, 1, 1), datetime(2027, 1, 1)
times = st.datetimes(START, END).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
jobs = st.sampled_from(["tidy", "omtx-latency", "backup-nightly"])
nonces = st.text("0123456789abcdef", min_size=1, max_size=4)
Written = tuple[str, datetime | None]
"""A path, and when the object was written; None for one that must never go."""


@st.composite
def records(draw: st.DrawFn) -> list[Written]:
    at, run = draw(times), f"{draw(jobs)}-{draw(nonces)}"
    record = f"runs/{at:%Y/%m/%d/%Y%m%dT%H%M%SZ}-{run}"
    lists = draw(st.sets(st.sampled_from(["changes", "considered", "findings"])))
    return [(f"{record}.json", at), *((f"{record}.{name}.0001.ndjson", at) for name in sorted(lists))]


@st.composite
def others(draw: st.DrawFn) -> list[Written]:
    at, job, nonce = draw(times), draw(jobs), draw(nonces)
    run = f"{at:%Y%m%dT%H%M%SZ}-{job}-{nonce}"
    day = at.replace(hour=0, minute=0, second=0)
    one: Written = draw(
        st.sampled_from(
            [
                (f"samples/{job}/{at:%Y-%m-%d/%H%M%S}Z-{nonce}.ndjson", at),
                (f"evidence/{run}/shop/pods/{nonce}/manifest.yaml", at),
                (f"doctor/{at:%Y-%m-%d}/pod.txt", day),
                (f"backups/{at:%Y%m%dT%H%M%SZ}-{nonce}/manifest.json", None),
                (f"backups/{at:%Y%m%dT%H%M%SZ}-{nonce}/runs/{run}.json", None),
                (f"verifications/{at:%Y%m%dT%H%M%SZ}-{nonce}/{at:%Y%m%dT%H%M%SZ}-read.json", None),
                (f"runs/{at:%Y/%m/%d}/{nonce}.json", None),
                (f"runs/{at:%Y/%m}/{run}.json", None),
                (f"runs/{at + timedelta(days=1):%Y/%m/%d}/{run}.json", None),
                (f"samples/{at:%Y-%m-%d/%H%M%S}Z-{nonce}.ndjson", None),
                (f"evidence/{job}/{run}.yaml", None),
                (f"state/{nonce}.json", None),
            ]
        )
    )
    return [one]


histories = st.lists(records() | others(), max_size=30).map(lambda many: dict(pair for some in many for pair in some))


class Crashing:
    """A pruner that is gone after so many deletions; it writes down what was asked of it."""

    def __init__(self, pruner: FolderPruner, calls: int) -> None:
        self.entries = pruner.entries
        self._pruner = pruner
        self._left = calls

    async def delete(self, path: str, before: datetime) -> None:
        if not self._left:
            raise Transient("the process is gone")
        self._left -= 1
        await self._pruner.delete(path, before)


def paths(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def headless(left: set[str], history: dict[str, datetime | None]) -> list[str]:
    """Records that are there, and of whose lists some are not."""
    lost = {path.split(".")[0] + ".json" for path in history if path.endswith(".ndjson") and path not in left}
    return sorted(lost & left)


async def swept(pruner: Crashing | FolderPruner, befores: dict[str, datetime], keep: frozenset[str]) -> None:
    for area in AREAS:
        await Sweep(pruner, befores[area], keep).run(area)


@settings(max_examples=100)
@given(
    history=histories,
    now=times,
    terms=st.fixed_dictionaries({area: st.integers(1, 400).map(lambda days: timedelta(days=days)) for area in AREAS}),
    crash=st.integers(0, 12),
    data=st.data(),
)
def test_in_all_histories_what_goes_is_ours_and_old_and_a_crash_leaves_nothing_half(
    history: dict[str, datetime | None],
    now: datetime,
    terms: dict[str, timedelta],
    crash: int,
    data: st.DataObject,
) -> None:
    befores = {area: now - term for area, term in terms.items()}
    runs = sorted({path.split("/")[4].split(".")[0] for path in history if path.startswith("runs/") and history[path]})
    keep = frozenset(data.draw(st.sets(st.sampled_from(runs)))) if runs else frozenset[str]()
    goes = {
        path
        for path, at in history.items()
        if at and at < befores[path.split("/")[0]] and keep.isdisjoint(part.split(".")[0] for part in path.split("/"))
    }
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "demo"
        for path in history:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("{}")
        pruner = FolderPruner(Path(root), "demo")

        try:
            asyncio.run(swept(Crashing(pruner, crash), befores, keep))
        except Transient:
            assert headless(paths(folder), history) == []
        assert history.keys() - paths(folder) <= goes
        asyncio.run(swept(pruner, befores, keep))

        assert history.keys() - paths(folder) == goes
