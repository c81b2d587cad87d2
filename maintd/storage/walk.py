"""Through the folders of a store, in the order of the characters of the paths or backwards."""

from collections.abc import AsyncIterator, Awaitable, Callable

from maintd.storage.paths import check_path

Entries = Callable[[str], Awaitable[list[str]]]
"""What is in a folder, given with its slash (the topmost is empty): names, those of folders with a slash behind."""


def folder_of_prefix(prefix: str) -> str:
    """The folder, with its slash, that all paths beginning with `prefix` are in. Raises Refused for none of ours."""
    folder = prefix.rpartition("/")[0]
    if folder:
        check_path(folder)
    return f"{folder}/" if folder else ""


async def walk(entries: Entries, prefix: str, *, reverse: bool) -> AsyncIterator[str]:
    """Paths that begin with `prefix`; only folders that can hold such are looked into, one at a time."""
    pending = [folder_of_prefix(prefix)]
    while pending:
        path = pending.pop()
        if path and not path.endswith("/"):
            yield path
            continue
        found = [path + name for name in await entries(path)]
        # With its slash a folder sorts among files as its content does: the order in which a bucket lists.
        pending += sorted((name for name in found if name.startswith(prefix)), reverse=not reverse)


async def folders(entries: Entries, folder: str) -> list[str]:
    """Names of the folders in a folder, sorted."""
    check_path(folder)
    return sorted(name.removesuffix("/") for name in await entries(f"{folder}/") if name.endswith("/"))
