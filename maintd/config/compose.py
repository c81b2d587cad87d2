"""From YAML text to a tree, one event of libyaml at a time.

So what is too deep or too large, or what means something else than it says (anchors, tags, merge keys, a key that is
written twice), is met before it has any effect.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from yaml import CSafeLoader, MarkedYAMLError, events

from maintd.config.nodes import Entries, Items, Node, Step, Text, joined
from maintd.config.scalars import resolve
from maintd.config.sheet import At, Mark, Sheet
from maintd.config.syntax import explain

MAX_DEPTH = 20
MAX_NODES = 40_000

_Steps = tuple[Step, ...]
_Event = Any
"""One of `yaml.events`; their stubs doubt that libyaml sets the marks, and it does."""


def compose(sheet: Sheet) -> Node | None:
    """The one document on the sheet; None for one that is a mistake as a whole, and noted.

    Raises BadJobs for what is not YAML, and for more than anybody would write.
    """
    try:
        return _Composer(sheet, CSafeLoader(sheet.text).get_event).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or At()
        sheet.stop(*explain(error.problem or "", mark, error.context_mark or mark, sheet))


class _Composer:
    def __init__(self, sheet: Sheet, next_event: Callable[[], Any]) -> None:
        self._sheet = sheet
        self._next = next_event
        self._count = 0

    def document(self) -> Node | None:
        """The tree of the whole stream."""
        self._next()  # the stream begins
        if type(start := self._next()) is events.StreamEndEvent:
            self._refuse_empty()
        event = self._next()
        if type(event) is events.ScalarEvent and not event.value:
            self._refuse_empty()
        root = self._node(event, (), start.start_mark)
        self._next()  # the document ends
        after = self._next()
        mark = after.start_mark
        if type(after) is events.DocumentStartEvent:
            self._sheet.stop(mark, "a second document begins here", "keep one, and remove the ---")
        return root

    def _refuse_empty(self) -> NoReturn:
        self._sheet.stop(At(), "the file is empty", "begin it with version: 1 and jobs:")

    def _node(self, event: _Event, steps: _Steps, owner: Mark) -> Node | None:
        """The node that begins with `event`; `owner` is where its key or item begins."""
        self._admit(event, steps)
        kind = type(event)
        if kind is events.ScalarEvent:
            return self._text(event, steps, owner)
        if kind is events.AliasEvent:
            return None
        if len(steps) == MAX_DEPTH:
            self._sheet.stop(event.start_mark, f"this is nested more than {MAX_DEPTH} deep", "make it flatter")
        return self._entries(event, steps) if kind is events.MappingStartEvent else self._items(event, steps)

    def _text(self, event: _Event, steps: _Steps, owner: Mark) -> Text | None:
        text = event.value
        if not text.isprintable():
            self._refuse_unseen(event.start_mark, text, steps)
        if not text and not event.style:
            self._note(owner, steps, "there is no value", "write one, or remove the line")
            return None
        return Text(event.start_mark, text, text if event.style else resolve(text))

    def _items(self, event: _Event, steps: _Steps) -> Items:
        items = Items(event.start_mark)
        while type(item := self._next()) is not events.SequenceEndEvent:
            items.nodes.append(self._node(item, (*steps, len(items.nodes)), item.start_mark))
        return items

    def _entries(self, event: _Event, steps: _Steps) -> Entries:
        entries = Entries(event.start_mark)
        while type(key := self._next()) is not events.MappingEndEvent:
            mark = key.start_mark
            if type(key) is not events.ScalarEvent:
                self._sheet.stop(mark, "a key must be a word", "put text that begins with {, [ or * in quotes")
            below = (*steps, key.value)
            self._admit_key(key, entries, below)
            entries.nodes[key.value] = self._node(self._next(), below, mark)
        return entries

    def _admit_key(self, event: _Event, entries: Entries, steps: _Steps) -> None:
        self._admit(event, steps)
        key, mark = event.value, event.start_mark
        if not key.isprintable():
            self._refuse_unseen(mark, key, steps)
        if key == "<<":
            self._note(mark, steps, "merge keys are not supported", "write the keys out")
        if key in entries.keys:
            self._note(mark, steps, f"the key is written twice, first on line {entries.keys[key].line + 1}", "keep one")
        else:
            entries.keys[key] = mark

    def _admit(self, event: _Event, steps: _Steps) -> None:
        """Count it, and refuse what would make it mean something else."""
        self._count += 1
        if self._count > MAX_NODES:
            self._sheet.stop(event.start_mark, f"the file holds more than {MAX_NODES:,} values", "split it up")
        if event.anchor is not None:
            name = ("*" if type(event) is events.AliasEvent else "&") + event.anchor[:40]
            remedy = "write the value out; text that begins with * or & needs quotes"
            self._note(event.start_mark, steps, f"{name}: anchors and aliases are not supported", remedy)
        elif event.tag is not None:
            tag = event.tag[:80].replace("tag:yaml.org,2002:", "!!")
            remedy = "remove it; text that begins with ! needs quotes"
            self._note(event.start_mark, steps, f"{tag}: tags are not supported", remedy)

    def _refuse_unseen(self, mark: Mark, text: str, steps: _Steps) -> None:
        unseen = next((char for char in text if not char.isprintable() and char not in "\n\t"), None)
        if unseen:
            self._note(mark, steps, f"the text holds U+{ord(unseen):04X}, which cannot be seen", "remove it")

    def _note(self, mark: Mark, steps: _Steps, message: str, remedy: str) -> None:
        self._sheet.note(mark, joined(steps), message, remedy)
