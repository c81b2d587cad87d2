"""What the process still knows: of what it wrote, and of errors that it has told."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from maintd.objects.manifest_yaml import Emitter


def remembered() -> set[str]:
    """Every text that an emitter which is not gone remembers."""
    return {text for one in gc.get_objects() if isinstance(one, Emitter) for text in one._written}


@contextmanager
def uncollected() -> Iterator[Callable[[], list[object]]]:
    """What asks for the errors and frames that nobody can reach and that hold on to themselves, from here on."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)

    def found() -> list[object]:
        gc.collect()
        return [one for one in gc.garbage if isinstance(one, BaseException | FrameType)]

    try:
        yield found
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
