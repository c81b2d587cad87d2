"""Blocking calls to a store, in threads of their own: a slow disk delays neither the loop nor its DNS look-ups."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ParamSpec, TypeVar

from maintd.core.errors import Transient

P = ParamSpec("P")
T = TypeVar("T")

_SPARE = 8


class Offload:
    """A few threads, and a deadline for each call that counts from when a thread is free for it."""

    def __init__(
        self,
        name: str,
        *,
        threads: int = 4,
        deadline: timedelta = timedelta(seconds=30),
        remedy: str = "look at the disk or mount behind it",
    ) -> None:
        self._name = name
        # A thread that hangs is left behind, so there are more of them than calls at a time.
        self._pool = ThreadPoolExecutor(threads * _SPARE, thread_name_prefix=name)
        self._turn = asyncio.Semaphore(threads)
        self._deadline = deadline.total_seconds()
        self._remedy = remedy

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `call`. Raises Transient when it takes too long; the thread itself cannot be stopped."""
        async with self._turn:
            work = asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*args, **kwargs))
            try:
                async with asyncio.timeout(self._deadline):
                    return await work
            except TimeoutError:
                if work.done() and not work.cancelled():
                    raise
                raise Transient(f"{self._name} did not answer within {self._deadline:g} s; {self._remedy}") from None
