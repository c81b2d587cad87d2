"""A value of the file together with where it stands: what it says, and which model it fits."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from maintd.config.fields import keys_of, meaning, models_at, refusal
from maintd.config.messages import is_echo, words
from maintd.config.nodes import Entries, Items, Node, Step, Text, child, joined, plain, shallow
from maintd.config.sheet import Sheet
from maintd.core.text import did_you_mean

M = TypeVar("M", bound=BaseModel)
Hints = Mapping[str, str]
"""What to say of a key that is unknown here and means something elsewhere."""
NO_HINTS: Hints = MappingProxyType({})


@dataclass(slots=True)
class Part:
    """A node of the tree, and its path. Without a node: something that is not there, or was noted as a mistake."""

    sheet: Sheet
    node: Node | None
    steps: tuple[Step, ...] = ()

    @property
    def path(self) -> str:
        """As people write it: `jobs[0].params.older_than`."""
        return joined(self.steps)

    def __getitem__(self, step: Step) -> "Part":
        """What stands under a key or at a position."""
        return Part(self.sheet, child(self.node, step), (*self.steps, step))

    def __contains__(self, key: Step) -> bool:
        return isinstance(self.node, Entries) and key in self.node.keys

    @property
    def is_mapping(self) -> bool:
        """True where it has keys, or could have."""
        return isinstance(self.node, Entries)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping, in the order of the file; none for anything else."""
        return tuple(self.node.keys) if isinstance(self.node, Entries) else ()

    def items(self) -> "Iterator[Part]":
        """The items of a list; none for anything else."""
        for index in range(len(self.node.nodes) if isinstance(self.node, Items) else 0):
            yield self[index]

    def mapping(self, key: str) -> "Part":
        """What stands under a key, or an empty mapping where the key is not written."""
        if self.node is None or key in self:
            return self[key]
        return Part(self.sheet, Entries(self.node.mark), (*self.steps, key))

    def text(self) -> str | None:
        """What a scalar says, if it is text."""
        return self.node.value if isinstance(self.node, Text) and isinstance(self.node.value, str) else None

    def wrong(self, message: str, remedy: str = "") -> None:
        """Note a mistake in this value."""
        if self.node is not None:
            self.sheet.note(self.node.mark, self.path, message, remedy)

    def wrong_about(self, error: Exception) -> None:
        """Note what an error says of this value: a message, a semicolon, a remedy."""
        message, _, remedy = str(error).partition("; ")
        self.wrong(message, remedy)

    def wrong_key(self, key: str, message: str, remedy: str = "") -> None:
        """Note a mistake in a key of this mapping."""
        if isinstance(self.node, Entries):
            self.sheet.note(self.node.keys[key], joined((*self.steps, key)), message, remedy)

    def missing(self, key: str, remedy: str) -> None:
        """Note that a mapping lacks a key."""
        if self.node is not None:
            self.sheet.note(self.node.mark, joined((*self.steps, key)), "is missing", remedy)

    def read(self, model: type[M], hints: Hints = NO_HINTS) -> M | None:
        """The value as the model has it; None where it does not fit, and then every reason is noted."""
        return self._fitted(plain(self.node), model, hints)

    def read_top(self, model: type[M], apart: str) -> M | None:
        """The same, with whatever is nested in the mapping taken for empty, and without the key `apart`."""
        value = shallow(self.node)
        return self._fitted({key: value[key] for key in value if key != apart}, model, NO_HINTS)

    def _fitted(self, value: Any, model: type[M], hints: Hints) -> M | None:
        # Strictly, and as JSON: so lists become tuples and texts become enums, but "8" is no number.
        try:
            return model.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                self._note(detail, model, hints)
            return None

    def _note(self, detail: ErrorDetails, model: type[BaseModel], hints: Hints) -> None:
        match detail["type"], detail["loc"]:
            case "extra_forbidden", (*steps, last):
                self._below(steps).unknown_key(str(last), models_at(model, steps), hints)
            case "missing", (*steps, last):
                self._below(steps).missing(str(last), meaning(models_at(model, steps), str(last)))
            case _, (*steps, key, "[key]"):
                self._below(steps).wrong_key(str(key), *words(detail, None))
            case _, steps:
                part = self._below(steps)
                if not is_echo(detail, part.node):
                    part.wrong(*words(detail, part.node))

    def _below(self, steps: Iterable[Step]) -> "Part":
        """The part that pydantic means; steps that are no keys (it names the branch of a union) are passed over."""
        part = self
        for step in steps:
            if step in part or isinstance(step, int):
                part = part[step]
        return part

    def unknown_key(self, key: str, models: Sequence[type[BaseModel]], hints: Hints) -> None:
        """Note a key that none of the models takes."""
        hint = hints.get(key) or refusal(models, key)
        if hint is None:
            hint = f"unknown key{did_you_mean(key[:80], keys_of(models))}"
        message, _, remedy = hint.partition("; ")
        self.wrong_key(key, message, remedy)
