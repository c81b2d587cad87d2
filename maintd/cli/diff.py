"""`maintd diff`."""

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from maintd.cli.backup_options import Meant, of_a_backup
from maintd.cli.process import settle
from maintd.cli.tables import colour_wanted, show

if TYPE_CHECKING:
    from maintd.config.settings import Settings
    from maintd.recovery.against import Held


@click.command("diff")
@of_a_backup
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def command(meant: Meant, output: str) -> None:
    """Say what has changed in the cluster since a backup: field by field, what went, and what was added.

    The newest backup, unless an ID (or the beginning of one) or --as-of says which. It only reads. Exit codes: 0 all
    is as it was, 1 something differs, 2 usage, 3 something could not be compared.
    """
    from maintd.cli import jobsfile
    from maintd.cli.diff_text import data
    from maintd.cli.talk import talk
    from maintd.core.errors import JobError

    settings = jobsfile.settings()
    talk(settings, "error")
    try:
        held = asyncio.run(_held(settings, meant))
    except JobError as error:
        click.echo(f"maintd: nothing was compared: {error}", err=True)
        raise SystemExit(3) from error
    if output == "json":
        show(data(held), output)
    else:
        _print(held)
    raise SystemExit(held.comparison.exit_code)


def _print(held: "Held") -> None:
    from maintd.cli.diff_text import head, summary, text

    click.echo("\n".join(head(held)), err=True)
    for line in text(held.comparison, colour=colour_wanted()):
        click.echo(line)
    sys.stdout.flush()
    click.echo(summary(held.comparison), err=True)


async def _held(settings: "Settings", meant: Meant) -> "Held":
    from maintd.cluster.api import Api
    from maintd.cluster.reader import ClusterReader
    from maintd.cluster.writer import ClusterWriter
    from maintd.recovery.against import hold_against

    settle()
    contents = await meant.contents(settings)
    api = await Api.connect(context=meant.context or settings.kube_context or None, hurried=True)
    try:
        return await hold_against(ClusterReader(api), ClusterWriter(api), await api.server(), contents)
    finally:
        await api.close()
