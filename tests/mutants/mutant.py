"""A guard, what taking it away looks like, and the test that must notice."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard less."""

    guard: str
    """What is taken away, as a sentence about maintd without it."""
    file: str
    old: str
    """Stands in the file exactly once."""
    new: str
    test: str
    """`tests/rails/test_gate_limits.py::test_max_count…`, as pytest takes it."""

    def applied(self, root: Path) -> str:
        """The file's text without the guard. Raises ValueError where this mutant is no longer of this program."""
        text = (root / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.file} has it {found} times: {self.old.strip()!r}; bring the mutant up to date")
        mutated = text.replace(self.old, self.new)
        ast.parse(mutated, self.file)
        return mutated

    def check_test(self, root: Path) -> None:
        """Raises ValueError where the named test is gone."""
        file, _, name = self.test.partition("::")
        function = name.partition("[")[0].rpartition("::")[2]
        if not (root / file).exists() or f"def {function}(" not in (root / file).read_text(encoding="utf-8"):
            raise ValueError(f"there is no {self.test}; name the test that guards this now")
