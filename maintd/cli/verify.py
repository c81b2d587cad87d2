"""`maintd verify [ID]`."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintd.cli.keys import IDENTITY, VERIFY_KEY, identities, public_key
from maintd.cli.tables import OUTPUT

if TYPE_CHECKING:
    from maintd.config.settings import Settings

_KIND = "backup-verify"


@click.command("verify")
@click.argument("backup", required=False, metavar="[ID]", default="")
@VERIFY_KEY
@IDENTITY
@OUTPUT
def command(backup: str, verify_key: Path | None, identity: Path | None, output: str) -> None:
    """Read a backup back: every byte and every object of it, held against its manifest.

    ID may be the beginning of one; without it, the newest of each job. What is found is kept beside the backups, and
    `maintd backups` shows it. It is what a job of kind backup-verify does.
    """
    from maintd.cli import adhoc, jobsfile
    from maintd.cli.run import execute, report
    from maintd.cli.talk import talk
    from maintd.telemetry import logs

    settings, loader = jobsfile.settings(), jobsfile.loader()
    params, opener = {"verify_key": public_key(verify_key)}, identities(identity)
    talk(settings)
    try:
        if backup:
            params["id"] = asyncio.run(_found(settings, backup))
        chosen = adhoc.of_kind(_KIND, None, (), loader)
        chosen = replace(chosen, params=chosen.kind.params.model_validate(params))
        run, url = asyncio.run(execute(settings, chosen, False, "", opener))
    finally:
        logs.shutdown()
    report(run, url, (), output)
    raise SystemExit(run.status.exit_code)


async def _found(settings: "Settings", wanted: str) -> str:
    """The whole id. Raises ConfigError for none and for several."""
    from maintd.objects import archive
    from maintd.storage.open import open_store

    store = open_store(settings.storage, settings.cluster, hurried=True)
    return (await archive.find(store, wanted)).id
