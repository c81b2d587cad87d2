"""`maintd backups [ID]`, `maintd backups pin|unpin ID`."""

import asyncio
import getpass
from typing import TYPE_CHECKING, Any

import click

from maintd.cli.tables import OUTPUT, age, now, show, table, utc
from maintd.core.text import sized

if TYPE_CHECKING:
    from maintd.core.ports import Store
    from maintd.objects.inventory import Entry

_TITLES = ("ID", "AGE", "JOB", "OBJECTS", "BYTES", "STATE", "VERIFIED", "PINNED")


@click.command("backups")
@click.argument("words", nargs=-1, metavar="[ID | pin ID | unpin ID]")
@click.option("-n", "limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@click.option("--reason", default="", help="Why it is pinned or unpinned; it is kept with it.")
@OUTPUT
def command(words: tuple[str, ...], limit: int, reason: str, output: str) -> None:
    """List the backups, newest first, in which state each is, and when it was last verified.

    With an ID, or the beginning of one: what is in it, what is not and why, and what changed since the one before.
    A backup that is pinned is never pruned.
    """
    if words and words[0] in ("pin", "unpin"):
        if len(words) != 2:
            raise click.UsageError(f"write maintd backups {words[0]} ID")
        asyncio.run(_pin(words[1], reason, on=words[0] == "pin"))
    elif len(words) > 1:
        raise click.UsageError(f"one ID at a time; did you mean maintd backups pin {words[-1]}?")
    elif words:
        _one(words[0], output)
    else:
        _list(limit, output)


def _store() -> "Store":
    from maintd.cli.jobsfile import settings
    from maintd.cli.talk import talk
    from maintd.storage.open import open_store

    found = settings()
    talk(found)
    return open_store(found.storage, found.cluster, hurried=True)


def _list(limit: int, output: str) -> None:
    from maintd.objects import archive
    from maintd.objects.inventory import inventory

    store = _store()

    async def looked() -> "tuple[int, list[Entry]]":
        return len(await archive.ids(store)), await inventory(store, limit)

    number, found = asyncio.run(looked())
    if output != "table":
        show([row(entry) for entry in found], output)
    elif found:
        click.echo(table(_TITLES, map(_cells, found)))
        if number > len(found):
            click.echo(f"the newest {len(found)} of {number}; all: maintd backups -n {number}", err=True)
    else:
        where = store.url(archive.BACKUPS)
        click.echo(f"there is no backup in {where}; a job of kind backup makes one: maintd run JOB", err=True)


def _one(wanted: str, output: str) -> None:
    from maintd.cli.backup_page import page, whole
    from maintd.objects import archive
    from maintd.objects.backup_changes import one_before
    from maintd.objects.inventory import entry

    store = _store()

    async def looked() -> Any:
        found = await entry(store, await archive.find(store, wanted))
        manifest = found.backup.manifest
        return found, await one_before(store, manifest, complete=False) if manifest else None

    found, before = asyncio.run(looked())
    if output == "table":
        click.echo(page(found, before, store.url(f"{archive.BACKUPS}/{found.backup.id}")))
    else:
        show(row(found) | whole(found, before), output)


async def _pin(wanted: str, reason: str, *, on: bool) -> None:
    from maintd.core.errors import ConfigError
    from maintd.objects import archive, pins

    store = _store()
    found = await archive.find(store, wanted)
    if on and found.state == "unfinished":
        raise ConfigError(f"{found.id} has no manifest, so it is no backup, and there is nothing to pin")
    changed = await pins.pin(store, found.id, on=on, at=now(), by=getpass.getuser(), reason=reason)
    state = "pinned: it is never pruned" if on else "no longer pinned"
    click.echo(
        f"{found.id} is {state}" if changed else f"{found.id} {'is' if on else 'was not'} pinned already", err=True
    )


def row(entry: "Entry") -> dict[str, Any]:
    """What is known of one, in as many words as a table has columns."""
    backup, verified = entry.backup, entry.verified
    manifest = backup.manifest
    return {
        "id": backup.id,
        "began": utc(backup.at),
        "job": backup.job,
        "state": backup.state,
        "complete": backup.complete,
        "problem": backup.problem or entry.problem,
        "objects": manifest.objects if manifest else None,
        "bytes": manifest.size if manifest else None,
        "verified": verified and {"at": utc(verified.ended), "depth": verified.depth, "result": verified.result},
        "pinned": entry.pinned,
    }


def _cells(entry: "Entry") -> tuple[Any, ...]:
    from maintd.cli.backup_page import verified_words

    backup, manifest = entry.backup, entry.backup.manifest
    figures = (f"{manifest.objects:,}", sized(manifest.size)) if manifest else ("", "")
    pinned = "yes" if entry.pinned else "no"
    return backup.id, age(backup.at, now()), backup.job, *figures, backup.state, verified_words(entry), pinned
