"""Fixtures that every part shares: the embedded cluster."""

from collections.abc import AsyncIterator

import pytest

from maintd.sandbox.server import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A started embedded cluster: four namespaces, no nodes, no pods."""
    async with Sandbox() as started:
        yield started
