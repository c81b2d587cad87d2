"""The commands: each in its own file, imported only when it is typed."""

import importlib

import click

from maintd import __version__
from maintd.cli.process import arm
from maintd.core.errors import ConfigError, MaintdError
from maintd.core.text import did_you_mean

COMMANDS = {
    "serve": "run the jobs of jobs.yaml when they are due",
    "validate": "check jobs.yaml; show each job's next runs",
    "next": "when a job, or any cron expression, is due next",
    "run": "run one job now; a dry run unless --act",
    "jobs": "each job with its last status and next due time",
    "pause": "keep a job, or every acting one, from starting for a while",
    "resume": "end a pause",
    "cancel": "end a run that is under way, wherever it runs",
    "runs": "what has run; one run's record",
    "backups": "the backups, their state and when they were verified; what is in one",
    "verify": "read a backup back, every byte and object of it",
    "diff": "what has changed in the cluster since a backup",
    "restore": "bring back what a backup has; shows the plan and asks first",
    "kinds": "the kinds of jobs; one kind's manual",
    "render": "write the files that are derived: schema, docs, Roles; print gcloud lines",
    "doctor": "what will not work, before it does not, and what to type",
    "config": "each setting, its value and where it came from",
    "debug": "what helps to prove maintd: the places where it can be made to die",
    "demo": "the daemon on an embedded cluster, in ten seconds",
    "version": "the version of maintd and of what it stands on",
}


class _Lazy(click.Group):
    """Knows every command's name and help line, and imports only the one that is used."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"maintd.cli.{name}").command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Errors that maintd raises on purpose are for people: their text, and the exit code that follows."""
        try:
            arm()
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(f"maintd: {error}", err=True)
            ctx.exit(2)
        except MaintdError as error:
            click.echo(f"maintd: {error}", err=True)
            ctx.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command: {args[0]}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="maintd %(version)s")
def cli() -> None:
    """Scheduled maintenance for Kubernetes and GKE.

    Settings are MAINTD_* environment variables; KUBECONFIG is honoured. Exit codes: 0 ok, 1 failed or needs
    attention, 2 usage or a bad file, 3 partial, 4 refused or skipped, 130 interrupted.
    """
