"""`maintd restore`."""

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from maintd.cli.backup_options import Meant, of_a_backup
from maintd.cli.tables import OUTPUT, colour_wanted, show
from maintd.core.errors import ConfigError

if TYPE_CHECKING:
    from maintd.cli.restoring import Restoring
    from maintd.core.outcome import Run
    from maintd.recovery.restore import Prepared


@click.command("restore")
@of_a_backup
@click.option(
    "--existing",
    type=click.Choice(["skip", "update"]),
    default="skip",
    show_default=True,
    help="What to do with objects that are there and differ; update also removes what was added since.",
)
@click.option("--cluster-scoped", is_flag=True, help="Also what is in no namespace: ClusterRoles, StorageClasses …")
@click.option(
    "--map-namespace", "mapped", multiple=True, metavar="OLD=NEW", help="Restore into another namespace. Repeatable."
)
@click.option("--dry-run", is_flag=True, help="Only the plan; the server is asked about every object.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--from-other-cluster", is_flag=True, help="Restore a backup of another cluster into this one.")
@OUTPUT
def command(meant: Meant, output: str, **given: bool | str | tuple[str, ...]) -> None:
    """Bring back what a backup has: what is missing, and with --existing update what was changed.

    The newest backup, unless an ID (or the beginning of one), --as-of or --from says which; all namespaces in it,
    unless -n, --kind or names say what. It shows what it would do, asks, keeps what it overwrites, and then writes
    with your own rights. It can be stopped at any point and started again. Exit codes are those of run.
    """
    from maintd.cli import jobsfile
    from maintd.cli.restoring import Restoring, Wishes
    from maintd.cli.talk import talk
    from maintd.telemetry import logs

    settings = jobsfile.settings()
    talk(settings)
    restoring = Restoring(settings, meant, Wishes(**given))  # type: ignore[arg-type]  # click has checked them
    try:
        run = asyncio.run(restoring.run(lambda prepared, server: _agreed(prepared, server, restoring, output)))
    finally:
        logs.shutdown()
    _print(run, restoring, output)
    raise SystemExit(run.status.exit_code)


def _agreed(prepared: "Prepared", server: str, restoring: "Restoring", output: str) -> bool:
    """Show the plan and ask. Raises ConfigError where nobody can be asked."""
    from maintd.cli import restore_text

    wishes, stranger = restoring.wishes, restore_text.other_cluster(prepared)
    click.echo("\n".join([*restore_text.head(prepared, server), *([stranger] if stranger else [])]), err=True)
    for line in restore_text.plan(prepared, colour=colour_wanted()):
        click.echo(line, err=output != "table")
    click.echo(restore_text.summary(prepared), err=True)
    if wishes.dry_run or not prepared.plan.writes:
        return True
    sys.stdout.flush()
    agreed = wishes.yes and (not stranger or wishes.from_other_cluster)
    if not agreed and not sys.stdin.isatty():
        missing = "--yes" if not wishes.yes else ""
        missing += " --from-other-cluster" if stranger and not wishes.from_other_cluster else ""
        raise ConfigError(f"nobody is there to be asked, so nothing was changed; to do it add {missing.strip()}")
    return agreed or click.confirm("restore this?" if not stranger else "restore this into another cluster?", err=True)


def _print(run: "Run", restoring: "Restoring", output: str) -> None:
    from maintd.cli.restore_text import results

    if output != "table":
        show(run.model_dump(mode="json"), output)
        return
    for line in results(run, restoring.findings, restoring.kept, restoring.where):
        click.echo(line)
