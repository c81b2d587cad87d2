"""What the process still knows of what it wrote."""

import gc

from maintd.objects.manifest_yaml import Emitter


def remembered() -> set[str]:
    """Every text that an emitter which is not gone remembers."""
    gc.collect()
    return {text for one in gc.get_objects() if isinstance(one, Emitter) for text in one._written}
