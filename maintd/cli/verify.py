"""`maintd verify [ID]`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintd.cli.keys import IDENTITY, VERIFY_KEY, identities, public_key
from maintd.cli.tables import OUTPUT

if TYPE_CHECKING:
    from maintd.config.jobs import Job
    from maintd.config.settings import Settings
    from maintd.core.outcome import Run
    from maintd.core.rehearsal import Rehearser
    from maintd.objects.age import Identities

_KIND = "backup-verify"


@click.command("verify")
@click.argument("backup", required=False, metavar="[ID]", default="")
@click.option(
    "--depth",
    type=click.Choice(["read", "apply"]),
    default="read",
    show_default=True,
    help="apply: also ask the API server, by dry runs, whether it would take each object.",
)
@VERIFY_KEY
@IDENTITY
@click.option("--context", default="", help="The context of the kubeconfig; MAINTD_KUBE_CONTEXT unless given.")
@OUTPUT
def command(
    backup: str, *, depth: str, verify_key: Path | None, identity: Path | None, context: str, output: str
) -> None:
    """Read a backup back: every byte and every object of it, held against its manifest.

    ID may be the beginning of one; without it, the newest of each job. What is found is kept beside the backups, and
    `maintd backups` shows it. It is what a job of kind backup-verify does. With --depth apply the API server says of
    each object whether a restore could write it, as dry runs that change nothing; that takes your right to write.
    """
    from maintd.cli import adhoc, jobsfile
    from maintd.cli.run import report
    from maintd.cli.talk import talk
    from maintd.telemetry import logs

    settings, loader = jobsfile.settings(), jobsfile.loader()
    settings = settings.model_copy(update={"kube_context": context or settings.kube_context})
    params, opener = {"depth": depth, "verify_key": public_key(verify_key)}, identities(identity)
    talk(settings)
    try:
        if backup:
            params["id"] = asyncio.run(_found(settings, backup))
        chosen = adhoc.of_kind(_KIND, None, (), loader)
        chosen = replace(chosen, params=chosen.kind.params.model_validate(params))
        run, url = asyncio.run(_verified(settings, chosen, params, opener))
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


async def _verified(
    settings: "Settings", job: "Job", params: dict[str, str], opener: "Identities | None"
) -> "tuple[Run, str]":
    from maintd.cli.run import execute

    if params["depth"] == "read":
        return await execute(settings, job, False, "", opener)
    async with _rehearser(settings, opener, params["verify_key"]) as rehearser:
        return await execute(settings, job, False, "", opener, rehearser=rehearser)


@asynccontextmanager
async def _rehearser(settings: "Settings", opener: "Identities | None", verify_key: str) -> "AsyncIterator[Rehearser]":
    """With the rights of whoever types. Raises ConfigError where there is no cluster to ask."""
    from maintd import __version__
    from maintd.cluster.api import Api
    from maintd.recovery.asking import Asking

    agent = f"maintd/{__version__} (verify)"
    api = await Api.connect(context=settings.kube_context or None, user_agent=agent, hurried=True)
    try:
        yield Asking(api, opener, verify_key)
    finally:
        await api.close()
