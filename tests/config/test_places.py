"""Where the caret stands, and how much is said at once."""

from pathlib import Path

import pytest

from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs
from maintd.config.sheet import MAX_MISTAKES

HERE = Path("jobs.yaml")


def refused(loader: Loader, text: str) -> BadJobs:
    with pytest.raises(BadJobs) as caught:
        loader.parse(text.encode(), HERE)
    return caught.value


def marked(loader: Loader, text: str) -> str:
    """What stands above the caret of the one mistake, as a terminal with 8-column tabs and wide characters shows it."""
    (mistake,) = refused(loader, text).mistakes
    _, line, caret = mistake.report().split("\n")
    column = len(caret.expandtabs()) - 1
    shown = "".join(char * (2 if char >= "\u1100" else 1) for char in line.expandtabs())
    return shown[column : column + 6]


def test_the_caret_stands_under_the_key_when_the_key_is_wrong(bare: Loader) -> None:
    text = "version: 1\njobs: [{name: a, kind: look-around, every: 1h, params: {stritc: true}}]\n"

    assert marked(bare, text) == "stritc"


def test_the_caret_stands_under_the_value_when_the_value_is_wrong(bare: Loader) -> None:
    text = "version: 1\njobs: [{name: a, kind: look-around, every: 1h, params: {strict: WRONG!}}]\n"

    assert marked(bare, text) == "WRONG!"


def test_the_caret_stands_right_after_tabs_and_wide_characters(bare: Loader) -> None:
    tabs = "version: 1\njobs: [{name: a,\tkind: look-around,\tevery: 1h, params:\t{strict: WRONG!}}]\n"
    wide = "version: 1\njobs: [{runbook: 漢字です, name: a, kind: look-around, every: 1h, params: {strict: WRONG!}}]\n"

    assert (marked(bare, tabs), marked(bare, wide)) == ("WRONG!", "WRONG!")


def test_of_a_long_line_the_part_around_the_mistake_is_shown(bare: Loader) -> None:
    start = f"version: 1\njobs: [{{runbook: {'x' * 2000}, name: a, kind: look-around, every: 1h, "

    error = refused(bare, start + "params: {strict: WRONG!}}]\n").mistakes[0]

    assert marked(bare, start + "params: {strict: WRONG!}}]\n") == "WRONG!"
    assert all(len(line) <= 102 for line in error.report().split("\n")[1:])


def test_lines_are_counted_as_editors_count_them(bare: Loader) -> None:
    for line_end in ("\n", "\r\n", "\r"):
        text = line_end.join(["# a", "version: 1", "", "jobs:", "- name: WRONG!", "  kind: look-around", "  every: 1h"])

        (mistake,) = refused(bare, text).mistakes

        assert (mistake.place.line, mistake.place.column, mistake.line_text) == (5, 9, "- name: WRONG!")


def test_control_characters_of_the_file_never_reach_the_terminal(bare: Loader) -> None:
    report = refused(bare, "version: 1\njobs: \x1b[31m[]\n").report()

    assert "\x1b" not in report
    assert "U+001B" in report


def test_the_lines_of_the_file_are_in_the_report_and_not_in_the_text_that_is_logged(bare: Loader) -> None:
    error = refused(bare, "version: 1\njobs: [] # hunter2\nmax_running: many\nx: 1\n")
    hidden = refused(bare, "version: 1\njobs: [{name: a, kind: look, every: 1h, params: {password: hunter2}}]\n")

    assert str(error).splitlines() == [
        "jobs.yaml:3:14: max_running: must be a whole number, not 'many'",
        "jobs.yaml:4:1: x: unknown key",
        "2 mistakes in jobs.yaml",
    ]
    assert "hunter2" in hidden.report()
    assert "hunter2" not in str(hidden)


def test_a_file_wrong_throughout_is_given_up_after_a_hundred_mistakes(bare: Loader) -> None:
    error = refused(bare, "version: 1\njobs: []\n" + "".join(f"key{number}: x\n" for number in range(5000)))

    assert len(error.mistakes) == MAX_MISTAKES == 100
    assert error.summary == "100 mistakes in jobs.yaml, and there may be more"
    assert error.mistakes[0].path == "key0"
