"""What an unquoted word of YAML means: the core schema of YAML 1.2, and where that surprises, text.

`22:30`, `on`, `no` and `1_000` are text, as YAML 1.2 has it. Beyond it, `0777` is text, since some read it as 511
and some as 777; so are `.inf`, `.nan` and numbers too long for 64 bits, as no value in jobs.yaml can be one.
"""

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"(?P<int>[-+]?(?:0|[1-9][0-9]{0,17}))"
    r"|0o(?P<octal>[0-7]{1,20})"
    r"|0x(?P<hex>[0-9a-fA-F]{1,15})"
    r"|[-+]?(?:\.[0-9]{1,17}|(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{0,17})?)(?:[eE][-+]?[0-9]{1,2})?"
)


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isalpha() and (number := _NUMBER.fullmatch(text)):
        return _number(number)
    return text


def _number(number: re.Match[str]) -> int | float:
    if number["int"]:
        return int(number["int"])
    if number["octal"]:
        return int(number["octal"], 8)
    if number["hex"]:
        return int(number["hex"], 16)
    return float(number[0])
