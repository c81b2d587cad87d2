"""What holds on to itself goes within a minute, however little is made."""

import asyncio
import gc
import weakref

import pytest

from maintd.app import garbage


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def seldom():
    """Python's own collector, at rest."""
    gc.disable()
    yield
    gc.enable()


async def test_a_circle_is_collected_though_python_would_not_look_for_it_yet(seldom: None) -> None:
    circle = weakref.ref(Circle())
    collecting = asyncio.create_task(garbage.collect(0.02))

    assert circle() is not None
    async with asyncio.timeout(5):
        while circle() is not None:
            await asyncio.sleep(0.01)

    assert not collecting.done()
    collecting.cancel()
