"""`make mutants`: takes each guard away in a scratch copy, and shows that the named test goes red.

`python -m tests.mutants fence nonce` plays those whose guard, file or test has one of these words. Exits 1 where a
mutant lives on, where it is out of date, and where a named test is red without any mutant.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import ROOT, Mutant

COPIES = 2
"""How many are played at once."""
LONGEST_SECONDS = 60
"""A test that hangs has noticed, too."""
_RED, _GREEN = 1, 0
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--timeout={LONGEST_SECONDS}")
_COPIED = ("maintd", "tests", "docs", "deploy", "jobs.yaml", "jobs.schema.json", "pyproject.toml", "README.md")


def main(words: Sequence[str]) -> int:
    """Exit code."""
    chosen = [one for one in MUTANTS if not words or any(word in f"{one}".lower() for word in words)]
    with _copies() as copies:
        problems = [*_stale(chosen), *_red_already(chosen, copies)]
        if problems:
            print("\n".join(problems))
            return 1
        with ThreadPoolExecutor(COPIES) as pool:
            caught = list(pool.map(lambda mutant: _played(mutant, copies), chosen))
    print(f"{sum(caught)} of {len(chosen)}")
    return int(not all(caught))


@contextmanager
def _copies() -> Iterator[SimpleQueue[Path]]:
    """Copies of the working tree, as it is now; whoever takes one out puts it back as it was."""
    queue = SimpleQueue[Path]()
    with tempfile.TemporaryDirectory(prefix="maintd-mutants-") as folder:
        for number in range(COPIES):
            copy = Path(folder) / str(number)
            for name in _COPIED:
                _copy(ROOT / name, copy / name)
            queue.put(copy)
        yield queue


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _stale(mutants: Sequence[Mutant]) -> Iterator[str]:
    for mutant in mutants:
        try:
            mutant.applied(ROOT)
            mutant.check_test(ROOT)
        except ValueError as error:
            yield f"STALE  {mutant.guard}: {error}"


def _red_already(mutants: Sequence[Mutant], copies: SimpleQueue[Path]) -> Iterator[str]:
    tests = sorted({mutant.test for mutant in mutants})
    code, output = _tested(tests, copies)
    if code != _GREEN:
        yield f"the named tests are not green without any mutant:\n{output}"


def _played(mutant: Mutant, copies: SimpleQueue[Path]) -> bool:
    started = time.monotonic()
    code, output = _tested([mutant.test], copies, mutant)
    verdict = {_RED: "red", _GREEN: "LIVES"}.get(code, "BROKEN")
    seconds = time.monotonic() - started
    print(f"{verdict:<6}  {seconds:4.1f} s  {mutant.guard}\n{'':16}{mutant.test}", flush=True)
    if code not in (_RED, _GREEN):
        print(output, flush=True)
    return code == _RED


def _tested(tests: Sequence[str], copies: SimpleQueue[Path], mutant: Mutant | None = None) -> tuple[int, str]:
    """pytest's exit code and what it said, in a copy that has the mutant."""
    copy = copies.get()
    file = copy / mutant.file if mutant else None
    whole = file.read_text(encoding="utf-8") if file else ""
    try:
        if file and mutant:
            file.write_text(mutant.applied(copy), encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            (*_PYTEST, *tests), cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]
    finally:
        if file:
            file.write_text(whole, encoding="utf-8")
        copies.put(copy)


if __name__ == "__main__":
    sys.exit(main([word.lower() for word in sys.argv[1:]]))
