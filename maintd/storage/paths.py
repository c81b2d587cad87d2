"""Which paths a store takes: the same for a folder and for a bucket."""

from maintd.core.errors import Refused
from maintd.core.text import sized

MAX_OBJECT = 8 * 1024 * 1024
"""Bytes of one object; what is larger is written in numbered parts."""
_MAX_NAME = 255
_MAX_PATH = 1024


def check_path(path: str) -> None:
    """Raises Refused for a path that could leave the cluster's folder, or that some store cannot hold."""
    for name in path.split("/"):
        if not name or name.startswith("."):
            raise Refused(f"the store takes no path like {path!r}: it must be relative, with no dot before a name")
        if not name.isprintable():
            raise Refused(f"the store takes no path like {path!r}: it holds a character that cannot be printed")
        if len(name.encode()) > _MAX_NAME:
            raise Refused(f"the store takes no path like {path[:80]!r}…: a part is longer than {_MAX_NAME} bytes")
    if len(path.encode()) > _MAX_PATH:
        raise Refused(f"the store takes no path like {path[:80]!r}…: it is longer than {_MAX_PATH} bytes")


def is_path(name: str) -> bool:
    """Whether the store would take it: a bucket may hold what others wrote, or what the console made for a folder."""
    try:
        check_path(name)
    except Refused:
        return False
    return True


def check_size(path: str, size: int) -> None:
    """Raises Refused for more bytes than one object may hold."""
    if size > MAX_OBJECT:
        raise Refused(f"{path} would be {sized(size)}; an object holds at most {sized(MAX_OBJECT)}, write it in parts")
