"""From YAML text to a tree, one event of libyaml at a time.

So what is too deep or too large, or what means something else than it says (anchors, tags, merge keys, a key that is
written twice), is met before it has any effect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from yaml import CSafeLoader, MarkedYAMLError, events

from maintd.config.nodes import Entries, Items, Node, Step, Text, joined
from maintd.config.scalars import resolve
from maintd.config.sheet import At, Mark, Sheet
from maintd.config.syntax import explain

MAX_DEPTH = 20
MAX_NODES = 40_000


def compose(sheet: Sheet) -> Node | None:
    """The one document on the sheet; None for one that is a mistake as a whole, and noted.

    Raises BadJobs for what is not YAML, and for more than anybody would write.
    """
    composer = _Composer(sheet)
    for event in _events(sheet):
        composer.take(event)
    if not composer.documents:
        sheet.stop(At(), "the file is empty", "begin it with version: 1 and jobs:")
    return composer.root


class _Event(Protocol):
    """What libyaml hands out. The stubs doubt that it sets marks; it does."""

    start_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None


def _events(sheet: Sheet) -> Iterator[Any]:
    parser = CSafeLoader(sheet.text)
    try:
        while (event := parser.get_event()) is not None:
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or At()
        sheet.stop(*explain(error.problem or "", mark, error.context_mark or mark, sheet))


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet, and the key that waits for its value."""

    node: Items | Entries
    key: str | None = None


class _Composer:
    def __init__(self, sheet: Sheet) -> None:
        self.root: Node | None = None
        self.documents = 0
        self._sheet = sheet
        self._open: list[_Open] = []
        self._count = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.ScalarEvent: self._scalar,
            events.MappingStartEvent: self._mapping,
            events.MappingEndEvent: self._end,
            events.SequenceStartEvent: self._sequence,
            events.SequenceEndEvent: self._end,
            events.AliasEvent: self._alias,
            events.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        """Add one event to the tree."""
        if handler := self._handlers.get(type(event)):
            handler(event)

    def _document(self, event: _Event) -> None:
        self.documents += 1
        if self.documents > 1:
            self._sheet.stop(event.start_mark, "a second document begins here", "keep one, and remove the ---")

    def _scalar(self, event: _Event) -> None:
        self._admit(event)
        text = event.value
        if not text.isprintable():
            self._refuse_unseen(event.start_mark, text)
        if (entries := self._awaiting_key()) is not None:
            self._key(entries, event.start_mark, text)
            return
        value = text if event.style else resolve(text)
        if value is None:
            self._note(self._key_mark() or event.start_mark, "there is no value", "write one, or remove the line")
            self._put(None)
        else:
            self._put(Text(event.start_mark, text, value))

    def _key(self, entries: Entries, mark: Mark, text: str) -> None:
        self._open[-1].key = text
        if text == "<<":
            self._note(mark, "merge keys are not supported", "write the keys out")
        if text in entries.keys:
            self._note(mark, f"the key is written twice, first on line {entries.keys[text].line + 1}", "keep one")
        else:
            entries.keys[text] = mark

    def _mapping(self, event: _Event) -> None:
        self._begin(event, Entries(event.start_mark))

    def _sequence(self, event: _Event) -> None:
        self._begin(event, Items(event.start_mark))

    def _begin(self, event: _Event, node: Items | Entries) -> None:
        self._admit(event)
        if self._awaiting_key() is not None:
            self._sheet.stop(node.mark, "a key must be a word", "put text that begins with { or [ in quotes")
        if len(self._open) == MAX_DEPTH:
            self._sheet.stop(node.mark, f"this is nested more than {MAX_DEPTH} deep", "make it flatter")
        self._open.append(_Open(node))

    def _end(self, _event: _Event) -> None:
        self._put(self._open.pop().node)

    def _alias(self, event: _Event) -> None:
        self._count_one(event.start_mark)
        if self._awaiting_key() is not None:
            self._sheet.stop(event.start_mark, "a key must be a word", "put text that begins with * in quotes")
        self._refuse_alias(event.start_mark, f"*{event.anchor}")
        self._put(None)

    def _admit(self, event: _Event) -> None:
        self._count_one(event.start_mark)
        if event.anchor is not None:
            self._refuse_alias(event.start_mark, f"&{event.anchor}")
        if event.tag is not None:
            shown = event.tag[:80].replace("tag:yaml.org,2002:", "!!")
            self._note(event.start_mark, f"{shown}: tags are not supported", "remove it, or put the text in quotes")

    def _count_one(self, mark: Mark) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            self._sheet.stop(mark, f"the file holds more than {MAX_NODES:,} values", "split it up")

    def _refuse_alias(self, mark: Mark, name: str) -> None:
        remedy = "write the value out; text that begins with * or & needs quotes"
        self._note(mark, f"{name[:40]}: anchors and aliases are not supported", remedy)

    def _refuse_unseen(self, mark: Mark, text: str) -> None:
        for char in text:
            if not char.isprintable() and char not in "\n\t":
                self._note(mark, f"the text holds U+{ord(char):04X}, which cannot be seen", "remove it")
                return

    def _awaiting_key(self) -> Entries | None:
        if self._open and self._open[-1].key is None:
            node = self._open[-1].node
            return node if isinstance(node, Entries) else None
        return None

    def _put(self, node: Node | None) -> None:
        if not self._open:
            self.root = node
            return
        level = self._open[-1]
        if isinstance(level.node, Items):
            level.node.nodes.append(node)
        elif level.key is not None:
            level.node.nodes[level.key] = node
            level.key = None

    def _key_mark(self) -> Mark | None:
        level = self._open[-1] if self._open else None
        if level is None or level.key is None or not isinstance(level.node, Entries):
            return None
        return level.node.keys[level.key]

    def _note(self, mark: Mark, message: str, remedy: str) -> None:
        steps: list[Step] = []
        for level in self._open:
            if isinstance(level.node, Items):
                steps.append(len(level.node.nodes))
            elif level.key is not None:
                steps.append(level.key)
        self._sheet.note(mark, joined("", steps), message, remedy)
