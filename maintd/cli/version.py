"""`maintd version`."""

import platform
from importlib.metadata import version

import click

from maintd import __version__
from maintd.cli.tables import OUTPUT, show, table

_STANDS_ON = ("apscheduler", "kubernetes", "google-cloud-container", "google-cloud-storage", "structlog", "pydantic")


@click.command("version")
@OUTPUT
def command(output: str) -> None:
    """Print the version of maintd, of Python, and of the libraries that matter in a report of a fault."""
    found = {"maintd": __version__, "python": platform.python_version()} | {name: version(name) for name in _STANDS_ON}
    if output == "table":
        click.echo(table(("PART", "VERSION"), found.items()))
    else:
        show(found, output)
