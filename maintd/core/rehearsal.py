"""Asking an API server whether it would take what a backup holds; nothing is changed by it."""

from typing import Protocol

from maintd.core.outcome import Frozen
from maintd.core.ports import Store


class Answer(Frozen):
    """One thing that was said of some objects."""

    why: str
    """What the server has against them, or why it cannot be asked; with what to type."""
    count: int
    objects: tuple[str, ...]
    """`configmaps hub/flags`; of very many the first ones."""
    by_nature: bool = False
    """No dry run could ever tell, so that it says nothing about this backup or this cluster."""


class Answers(Frozen):
    """What came of asking about every object of one backup."""

    server: str
    other_cluster: bool
    """The server is not known to be of the cluster that was backed up."""
    taken: int = 0
    """Objects that a restore could write as they are."""
    refused: tuple[Answer, ...] = ()
    unchecked: tuple[Answer, ...] = ()

    @property
    def refusals(self) -> int:
        """Objects that the server would not take."""
        return sum(answer.count for answer in self.refused)

    @property
    def open_questions(self) -> int:
        """Objects of which nobody knows whether the server takes them."""
        return sum(answer.count for answer in self.unchecked)


class Rehearser(Protocol):
    """Whoever may write, and asks for dry runs alone. The daemon has none."""

    async def rehearse(self, store: Store, backup_id: str) -> Answers:
        """Raises JobError where nothing can be asked at all."""
        ...
