"""What libyaml says about broken YAML, in words for the person who wrote it."""

import re

from maintd.config.sheet import Mark, Sheet

_BARE_CRON = re.compile(r":\s+[*@]")
_COLON = re.compile(r":\s")
_INDENT = "mend the indentation"
_QUOTE = "put the value in quotes"

_WORDS = (
    # what libyaml says · what is wrong · what to do
    ("alphabetic or numeric", "{char} begins an alias or an anchor in YAML", _QUOTE),
    ("cannot start any token", "{char} cannot begin a value in YAML", _QUOTE),
    ("mapping values are not", "this key is indented further than the one above", _INDENT),
    ("sequence entries are not", "a list cannot begin on the line of its key", "begin it on the next line"),
    ("'-' indicator", "this is neither an item of the list above nor a key beside it", f"add '- ', or {_INDENT}"),
    ("expected key", "this does not fit what stands above it", f"{_INDENT}, or {_QUOTE}"),
    ("expected ','", "a bracket is not closed where it should be", "close it, or separate its items with commas"),
    ("node content", "a value is missing here", "write one, or remove the bracket"),
    ("escape", "a backslash in double quotes begins an escape that does not exist", "use single quotes"),
    ("hexdecimal", "a backslash in double quotes begins an escape that does not exist", "use single quotes"),
    ("tag", "text that begins with ! is a tag in YAML", _QUOTE),
    ("<document start>", "there is more after the end of the document", "remove it"),
    ("YAML document", "a % line asks for another version of YAML", "remove it"),
    ("directive", "a line that begins with % is a directive of YAML", "remove it"),
)


def explain(problem: str, mark: Mark, began: Mark, sheet: Sheet) -> tuple[Mark, str, str]:
    """The place of the mistake, what is wrong, and the remedy.

    `problem` and `mark` are libyaml's; `began` is where the thing begins that it was reading then.
    """
    line = sheet.line(mark.line)
    char = line[mark.column : mark.column + 1]
    if char == "\t" or "tab character" in problem:
        return mark, "a tab cannot indent YAML", "use spaces"
    if "unexpected end" in problem or ("expected ','" in problem and mark.line > began.line):
        return began, "a quote or bracket that opens here is never closed", "close it"
    if "expected ':'" in problem:  # noticed on the next line
        return began, "a key without a colon", "write key: value"
    if bare := _BARE_CRON.search(line, 0, mark.column + 1):
        return began, f"{bare[0][-1]} cannot begin a value in YAML", "put the cron expression in quotes"
    if "mapping values" in problem and _COLON.search(line, 0, mark.column):
        return mark, "a second ': ' on one line", _QUOTE
    for phrase, message, remedy in _WORDS:
        if phrase in problem:
            return mark, message.format(char=char), remedy
    return mark, f"this is not YAML: {problem}", _QUOTE
