"""How large all entries together may be: a ConfigMap takes 1 MiB, and without room no job could be claimed."""

import json
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from maintd.scheduling.entry import JobState

LARGEST = 900 * 1024
"""Bytes, keys included."""
ROOMY = LARGEST * 3 // 4
"""Trimming a thousand entries takes a fifth of a second: not for every write."""

Trim = Callable[[JobState], JobState]


def fitted(texts: dict[str, str]) -> dict[str, str]:
    """The same entries, made small enough: first older runs go, then long summaries, at last large memories.

    What another maintd wrote, or nobody can read, is left as it is.
    """
    if size(texts) > LARGEST:
        texts = _small(texts, (_runs(3, 160), _runs(1, 80), _runs(1, 0)), ROOMY)
    return _small(texts, (_memory(2048), _memory(512), _memory(0)), LARGEST)


def _small(texts: dict[str, str], trims: Iterable[Trim], enough: int) -> dict[str, str]:
    for trim in trims:
        if size(texts) <= enough:
            break
        texts = {job: _trimmed(text, trim) for job, text in texts.items()}
    return texts


def size(texts: Mapping[str, str]) -> int:
    """Bytes of these entries."""
    return sum(len(job) + len(text.encode()) for job, text in texts.items())


def _trimmed(text: str, trim: Trim) -> str:
    try:
        entry = JobState.model_validate_json(text)
    except ValidationError:
        return text
    return text if entry.newer else trim(entry).text()


def _runs(number: int, summary: int) -> Trim:
    def trim(entry: JobState) -> JobState:
        kept = (run.model_copy(update={"summary": run.summary[:summary]}) for run in entry.last_runs[:number])
        return entry.model_copy(update={"last_runs": tuple(kept)})

    return trim


def _memory(longest: int) -> Trim:
    """A kind that remembers nothing starts its comparison anew, and says so; a claim or a pause must not be lost."""

    def trim(entry: JobState) -> JobState:
        return entry if len(json.dumps(entry.memory)) <= longest else entry.model_copy(update={"memory": {}})

    return trim
