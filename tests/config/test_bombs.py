"""Files made to hurt: each is refused before it can, and says why. A test that hangs here is a defect."""

import tracemalloc
from pathlib import Path

import pytest

from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs

HERE = Path("jobs.yaml")
KIB = 1024

LAUGHS = "version: 1\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "version: 1\na: &a {k: v}\n" + "".join(f"m{n}: {{<<: [{', '.join(['*a'] * 200)}]}}\n" for n in range(100))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("content", "first"),
    [
        pytest.param("version: 1\njobs: " + "[" * 200_000, "nested more than 20 deep", id="brackets"),
        pytest.param("version: 1\njobs: " + "{a: " * 60_000, "nested more than 20 deep", id="braces"),
        pytest.param("- " * 130_000, "nested more than 20 deep", id="dashes"),
        pytest.param("? " * 130_000, "a key must be a word", id="questions"),
        pytest.param("version: 1\njobs: [" + "x," * 130_000 + "]", "more than 40,000 values", id="many-values"),
        pytest.param("version: 1\njobs:" + "\n-" * 130_000, "there is no value", id="many-nothings"),
        pytest.param("version: 1\nx: " + "y" * 10 * KIB * KIB, "at most 256.0 KiB are read", id="ten-mebibytes"),
        pytest.param(LAUGHS, "anchors and aliases are not supported", id="billion-laughs"),
        pytest.param(MERGES, "anchors and aliases are not supported", id="merge-keys"),
        pytest.param("a: &a [*a]\n", "anchors and aliases are not supported", id="alias-of-itself"),
        pytest.param("version: 1\n" + "k" * 250_000 + ": 1\njobs: []", "key without a colon", id="endless-key"),
        pytest.param("version: 1\n? " + "k" * 250_000 + "\n: 1\njobs: []", "unknown key", id="endless-odd-key"),
        pytest.param("version: 1\njobs: []\nx: '" + "y" * 250_000, "never closed", id="endless-quote"),
        pytest.param("version: 1\njobs: []\nmax_running: " + "9" * 250_000, "whole number", id="endless-number"),
        pytest.param("version: 1\njobs: [{timeout: " + "9m" * 120_000 + "}]", "must be at most 1d", id="endless-time"),
        pytest.param("version: 1\njobs: [{schedule: '" + "*," * 120_000 + "'}]", "schedule", id="endless-schedule"),
        pytest.param("%" * 250_000, "%", id="endless-directive"),
        pytest.param("a" * 1000 + "\n" + " : x\n" * 50_000, "", id="keys-without-words"),
        pytest.param("version: 1\njobs: !" + "t" * 250_000 + " []", "tags are not supported", id="endless-tag"),
        pytest.param("\ufeff" * 80_000, "", id="byte-order-marks"),
    ],
)
def test_a_file_made_to_hurt_is_refused(loader: Loader, content: str, first: str) -> None:
    with pytest.raises(BadJobs) as refused:
        loader.parse(content.encode(), HERE)

    report = refused.value.report()
    assert first in report
    assert len(report) < 100_000


@pytest.mark.timeout(20)
def test_many_unknown_names_against_many_known_ones_cost_no_more_than_a_hundred_guesses(loader: Loader) -> None:
    targets = "".join(f"  target-{number}: {{}}\n" for number in range(1000))
    jobs = "".join(f"- {{name: j{n}, kind: version-check, every: 1h, target: tarjet-{n}}}\n" for n in range(1000))

    with pytest.raises(BadJobs) as refused:
        loader.parse(f"version: 1\ntargets:\n{targets}jobs:\n{jobs}".encode(), HERE)

    assert len(refused.value.mistakes) == 100
    assert refused.value.mistakes[0].remedy == "did you mean target-0?"


def test_the_fullest_file_that_is_read_at_all_takes_less_than_64_mebibytes(bare: Loader) -> None:
    names = ",".join(f"n{number % 1000}" for number in range(39_900))
    text = f"version: 1\njobs: [{{name: a, kind: look-around, every: 1h, params: {{names: [{names}]}}}}]\n"
    text += "#" * (256 * KIB - len(text))

    tracemalloc.start()
    file = bare.parse(text.encode(), HERE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(file.jobs[0].params.model_dump()["names"]) == 39_900
    assert peak < 64 * KIB * KIB


def test_no_more_of_a_file_is_read_than_is_allowed(loader: Loader, tmp_path: Path) -> None:
    """A jobs.yaml that is a link to an endless file is refused like any other that is too long."""
    endless = tmp_path / "jobs.yaml"
    endless.symlink_to("/dev/zero")

    with pytest.raises(BadJobs, match=r"at most 256\.0 KiB are read"):
        loader.load(endless)
