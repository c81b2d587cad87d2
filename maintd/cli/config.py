"""`maintd config`."""

import click

from maintd.cli.tables import OUTPUT, show, table


@click.command("config")
@OUTPUT
def command(output: str) -> None:
    """Print every setting, its value, and where that came from: the environment, or the default.

    No setting is a secret. An unknown MAINTD_ variable, or a value that cannot be, is an error and exit code 2.
    """
    from maintd.cli import jobsfile
    from maintd.config.settings import PREFIX

    settings = jobsfile.settings()
    values, given = settings.model_dump(mode="json"), settings.model_fields_set
    rows = [
        (f"{PREFIX}{name.upper()}", values[name], "environment" if name in given else "default", info.description)
        for name, info in type(settings).model_fields.items()
    ]
    if output == "table":
        click.echo(table(("SETTING", "VALUE", "FROM", "MEANING"), rows))
    else:
        show([dict(zip(("setting", "value", "from", "meaning"), row, strict=True)) for row in rows], output)
