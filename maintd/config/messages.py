"""What pydantic found wrong, in words for the person who wrote the file."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic_core import ErrorDetails

from maintd.config.nodes import Entries, Items, Node, Text
from maintd.config.scalars import resolve
from maintd.core.target import DNS_LABEL
from maintd.core.text import counted, did_you_mean
from maintd.core.units import format_duration

Words = tuple[str, str]
"""What is wrong, and what to do about it; the second may be empty."""

DNS_LABEL_REMEDY = "use at most 63 lower-case letters, digits and hyphens"
_BOOLEANS = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}
_TIMEDELTA = re.compile(r"(days|seconds|microseconds)=(\d+)")
_QUOTED = re.compile(r"'([^']*)'")


def words(detail: ErrorDetails, node: Node | None) -> Words:
    """The words for one error of pydantic about the value at `node`."""
    translate = _TRANSLATIONS.get(detail["type"], _other)
    return translate(detail.get("ctx", {}), node)


def is_echo(detail: ErrorDetails, node: Node | None) -> bool:
    """True for a list called too short only because what is wrong in it was not counted."""
    return detail["type"] == "too_short" and isinstance(node, Items) and len(node.nodes) >= detail["ctx"]["min_length"]


def shown(node: Node | None) -> str:
    """A value as it may stand in a sentence."""
    match node:
        case Text():
            text = node.text if len(node.text) <= 40 else node.text[:40] + "…"
            return repr(text)
        case Items():
            return "a list"
        case Entries():
            return "a mapping of keys to values"
        case _:
            return "nothing"


def _text(_ctx: dict[str, Any], node: Node | None) -> Words:
    if isinstance(node, Text):
        return "must be text", f"put it in quotes: '{node.text[:40]}'"
    return f"must be text, not {shown(node)}", ""


def _number(what: str) -> Callable[[dict[str, Any], Node | None], Words]:
    def translate(_ctx: dict[str, Any], node: Node | None) -> Words:
        return f"must be {what}, not {shown(node)}", "remove the quotes" if _needlessly_quoted(node) else ""

    return translate


def _needlessly_quoted(node: Node | None) -> bool:
    """True for text that would be a number or a boolean without its quotes."""
    return isinstance(node, Text) and isinstance(node.value, str) and isinstance(resolve(node.text), int | float)


def _boolean(_ctx: dict[str, Any], node: Node | None) -> Words:
    if _needlessly_quoted(node):
        return f"must be true or false, not {shown(node)}", "remove the quotes"
    meant = _BOOLEANS.get(node.text.lower()) if isinstance(node, Text) else None
    return f"must be true or false, not {shown(node)}", f"write {meant}" if meant else ""


def _mapping(_ctx: dict[str, Any], node: Node | None) -> Words:
    return f"must be a mapping of keys to values, not {shown(node)}", ""


def _list(_ctx: dict[str, Any], node: Node | None) -> Words:
    remedy = f"write [{node.text[:40]}]" if isinstance(node, Text) else ""
    return f"must be a list, not {shown(node)}", remedy


def _choice(ctx: dict[str, Any], node: Node | None) -> Words:
    expected = str(ctx.get("expected") or ctx.get("expected_tags"))
    known = _QUOTED.findall(expected) or [expected.lower()]
    listed = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
    return f"must be {listed}, not {shown(node)}", _nearest(node, known)


def _nearest(node: Node | None, known: list[str]) -> str:
    if not isinstance(node, Text):
        return ""
    if node.text in known:  # so it is not the text that is wrong
        return "remove the quotes"
    return did_you_mean(node.text[:80], known).removeprefix("; ")


def _bound(phrase: str, key: str) -> Callable[[dict[str, Any], Node | None], Words]:
    def translate(ctx: dict[str, Any], node: Node | None) -> Words:
        limit = _limit(ctx[key])
        return f"must be {phrase} {limit}, not {shown(node)}", ""

    return translate


def _limit(bound: Any) -> str:
    if isinstance(bound, str) and (parts := _TIMEDELTA.findall(bound)):  # pydantic prints it instead of giving it
        return format_duration(timedelta(**{unit: int(count) for unit, count in parts}))
    return f"{bound:,}" if isinstance(bound, int) else str(bound)


def _pattern(ctx: dict[str, Any], node: Node | None) -> Words:
    what = shown(node) if node else "the key"
    if ctx["pattern"] == DNS_LABEL:
        return f"{what} is not a DNS label", DNS_LABEL_REMEDY
    return f"{what} has the wrong form", f"it must match {ctx['pattern']}"


def _too_long(ctx: dict[str, Any], _node: Node | None) -> Words:
    return f"is longer than {counted(ctx['max_length'], 'character')}", "shorten it"


def _too_short(ctx: dict[str, Any], _node: Node | None) -> Words:
    return f"needs at least {counted(ctx['min_length'], 'character')}", ""


def _too_few(ctx: dict[str, Any], _node: Node | None) -> Words:
    return f"needs at least {counted(ctx['min_length'], 'item')}", ""


def _too_many(ctx: dict[str, Any], _node: Node | None) -> Words:
    return f"takes at most {counted(ctx['max_length'], 'item')}", "remove some"


def _raised(ctx: dict[str, Any], _node: Node | None) -> Words:
    message, _, remedy = str(ctx["error"]).partition("; ")
    return message, remedy


def _other(_ctx: dict[str, Any], node: Node | None) -> Words:
    return f"{shown(node)} cannot be used here", ""


_TRANSLATIONS: dict[str, Callable[[dict[str, Any], Node | None], Words]] = {
    **dict.fromkeys(("string_type", "string_unicode"), _text),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _number("a whole number")),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _number("a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), _boolean),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "dataclass_type"), _mapping),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _list),
    **dict.fromkeys(("literal_error", "enum", "union_tag_invalid"), _choice),
    "greater_than_equal": _bound("at least", "ge"),
    "greater_than": _bound("more than", "gt"),
    "less_than_equal": _bound("at most", "le"),
    "less_than": _bound("less than", "lt"),
    "multiple_of": _bound("a multiple of", "multiple_of"),
    "string_pattern_mismatch": _pattern,
    "string_too_long": _too_long,
    "string_too_short": _too_short,
    "too_short": _too_few,
    "too_long": _too_many,
    **dict.fromkeys(("value_error", "assertion_error"), _raised),
}
