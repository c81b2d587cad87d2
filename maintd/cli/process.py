"""What a process that does work sets once, after its imports."""

import gc


def settle() -> None:
    """Spare the garbage collector what lives as long as the process, and let it look less often.

    A page of 500 objects is a hundred thousand dicts and strings that all stay or all go: with Python's own settings
    collecting takes longer than parsing them.
    """
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)
