"""Whatever a file holds, it is read or refused with its mistakes: nothing else ever comes out."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs

GOOD = (Path(__file__).parent / "good.yaml").read_bytes()
HERE = Path("jobs.yaml")
PIECES = [
    *(bytes([code]) for code in b"*&!%@`'\"{}[],:#|>-?\\<~\t\n\r\0 -"),
    *(text.encode() for text in ("é", "漢", "\u0085", "\u202e", "1e9", "null", "<<: ", "&a ", "*a", "!!binary ")),
    *(b"? ", b"- ", b": ", b"  ", b"---\n", b"...\n", b"\xff", b"\xc3"),
]
Mutation = Callable[[random.Random, bytes], bytes]


def cut(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 60) :]


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice(PIECES) * rng.choice((1, 1, 2, 30)) + data[at:]


def flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def swap_lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def repeat(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    start = rng.randrange(len(lines))
    part = lines[start : start + rng.randrange(1, 6)]
    return b"".join([*lines[:start], *part * rng.choice((2, 3)), *lines[start + len(part) :]])


def swap_words(rng: random.Random, data: bytes) -> bytes:
    words = data.split(b" ")
    one, other = rng.randrange(len(words)), rng.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return b" ".join(words)


MUTATIONS: list[Mutation] = [cut, insert, flip, swap_lines, repeat, swap_words]


def test_the_file_that_is_mutated_is_good(loader: Loader) -> None:
    assert [job.name for job in loader.parse(GOOD, HERE).jobs] == ["tidy", "speed", "health", "nodes", "by-hand"]


@pytest.mark.parametrize("seed", range(12))
def test_a_mutated_file_is_read_or_refused_and_nothing_else(loader: Loader, seed: int) -> None:
    rng = random.Random(seed)
    refused: list[tuple[bytes, BadJobs]] = []
    for _ in range(60):
        data = GOOD
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            data = rng.choice(MUTATIONS)(rng, data)
        try:
            loader.parse(data, HERE)
        except BadJobs as error:
            refused.append((data, error))

    assert len(refused) > 20
    for data, error in refused:
        assert error.mistakes
        assert "Input should" not in error.report()
        assert error.mistakes[-1].place.line <= data.count(b"\n") + data.count(b"\r") + 1


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_refused(loader: Loader, seed: int) -> None:
    rng = random.Random(1000 + seed)
    for _ in range(100):
        data = b"".join(rng.choices(PIECES, k=rng.randrange(1, 40)))

        with pytest.raises(BadJobs):
            loader.parse(data, HERE)
