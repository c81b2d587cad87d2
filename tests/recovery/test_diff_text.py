"""How a diff looks."""

from typing import Any

import pytest

from maintd.cli.diff_text import summary, text
from maintd.core.resource import CONFIG_MAPS
from maintd.objects.differences import ABSENT, Difference
from maintd.recovery.comparison import Compared, Comparison, State, Unchecked


def shown(*differences: Difference, name: str = "c") -> list[str]:
    compared = Compared(CONFIG_MAPS, "shop", name, State.CHANGED, differences)
    return list(text(Comparison((compared,)), colour=False))


@pytest.mark.parametrize(
    ("live", "wanted", "line"),
    [
        ("b", "a", "~ p: a -> b"),
        ("b", ABSENT, "+ p: b"),
        (ABSENT, "a", "- p: a"),
        ("", " a", '~ p: " a" -> ""'),
        (None, 1, "~ p: 1 -> null"),
        ("a\n", "a", r'~ p: a -> "a\n"'),
        ({"a": True}, ABSENT, '+ p: {"a": true}'),
        ("x" * 500, ABSENT, f"+ p: {'x' * 400} … (100 characters more)"),
    ],
)
def test_a_value_takes_one_line(live: Any, wanted: Any, line: str) -> None:
    assert shown(Difference("p", live, wanted)) == ["~ configmaps shop/c", f"    {line}"]


def test_of_text_of_several_lines_only_the_ends_of_lines_may_differ() -> None:
    assert shown(Difference("p", "a\r\nb\n", "a\nb\n"))[2:] == [
        "      @@ -1,2 +1,2 @@",
        "      - a",
        "      + a?",
        "        b",
    ]


def test_nothing_that_others_wrote_acts_on_the_terminal() -> None:
    bell, csi = "\x1b[2J", "\x9b2J"
    lines = shown(
        Difference(f"data{csi}", f"a{bell}", f"b{csi}"),
        Difference("text", f"one\n{bell}\ttwo\n", f"one\n{csi}two\n"),
        name=f"c{bell}",
    )
    assert [line for line in lines if not line.isprintable()] == []


def test_colour_is_by_the_sign() -> None:
    found = Comparison((Compared(CONFIG_MAPS, "shop", "c", State.ADDED),), (Unchecked("pods", "denied"),), 3)
    assert list(text(found, colour=True)) == [
        "\x1b[32m+ configmaps shop/c: only in the cluster\x1b[0m",
        "\x1b[35m? pods: denied\x1b[0m",
    ]
    assert summary(found) == "1 only in the cluster, 3 objects as they were, 1 thing could not be compared (?)"
