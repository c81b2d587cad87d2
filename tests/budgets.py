"""The size budgets of the house: a file of at most 250 lines (a kind 150), a function of at most 30.

Run by `make check`; exits 1 and names what is too large.
"""

import ast
import sys
from pathlib import Path

FILE, KIND, FUNCTION = 250, 150, 30
BANNED = {"utils", "helpers", "common", "manager"}


def complaints(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines, limit = text.count("\n"), KIND if "kinds" in path.parts else FILE
        if lines > limit:
            found.append(f"{path}: {lines} lines, the budget is {limit}")
        if path.stem in BANNED:
            found.append(f"{path}: {path.stem} says nothing; name the idea")
        found += [f"{path}:{line}: {name} has {size} lines, not {FUNCTION}" for name, line, size in long(text)]
    return found


def long(text: str) -> list[tuple[str, int, int]]:
    nodes = ast.walk(ast.parse(text))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    sizes = [(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions]
    return [(name, line, size) for name, line, size in sizes if size > FUNCTION]


if __name__ == "__main__":
    problems = complaints(Path("maintd"))
    print("\n".join(problems) or "size budgets kept")
    sys.exit(1 if problems else 0)
