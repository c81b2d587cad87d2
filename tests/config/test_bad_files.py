"""The corpus of tests/bad: every file is refused, with exactly the words that stand beside it."""

from pathlib import Path

import pytest

from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs

CORPUS = Path(__file__).parent.parent / "bad"
FILES = sorted(CORPUS.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS).with_suffix("")))
def test_a_bad_file_is_refused_with_the_words_that_stand_beside_it(path: Path, loader: Loader) -> None:
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")

    with pytest.raises(BadJobs) as refused:
        loader.parse(path.read_bytes(), Path(path.name))

    assert refused.value.report() + "\n" == expected


def test_the_corpus_is_there_and_has_no_stray_files() -> None:
    texts = sorted(path.with_suffix(".yaml") for path in CORPUS.rglob("*.txt"))

    assert texts == FILES
    assert len(FILES) >= 120


def test_no_message_is_in_the_words_of_a_library() -> None:
    said = "\n".join(path.with_suffix(".txt").read_text(encoding="utf-8") for path in FILES)

    foreign = ("Input should", "Value error", "Extra inputs", "Field required", "pydantic", "did not find", "datetime.")
    assert [words for words in foreign if words in said] == []
