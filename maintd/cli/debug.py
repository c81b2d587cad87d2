"""`maintd debug`."""

import click

from maintd.cli.tables import OUTPUT, show, table


@click.group("debug")
def command() -> None:
    """What helps to prove maintd, and to find out what it did."""


@command.command("failpoints")
@OUTPUT
def failpoints(output: str) -> None:
    """List the places where MAINTD_FAILPOINTS can make a process die, fail or stand still.

    MAINTD_FAILPOINTS=backup-manifest-before:1:kill does it when the place is reached for the first time; `raise` and
    `sleep=SECONDS` instead of `kill`, and several of them with commas.
    """
    from maintd.core.failpoints import KNOWN

    if output == "table":
        click.echo(table(("FAILPOINT", "REACHED WHEN"), KNOWN.items()))
    else:
        show([{"failpoint": name, "reached_when": sentence} for name, sentence in KNOWN.items()], output)
