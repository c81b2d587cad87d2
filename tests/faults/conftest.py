"""What kills processes shares one that forks them."""

from collections.abc import Iterator

import pytest

from tests.forks import Nursery, nursery


@pytest.fixture(scope="session")
def forks() -> Iterator[Nursery]:
    with nursery() as started:
        yield started
