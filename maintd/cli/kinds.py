"""`maintd kinds [KIND]`."""

from collections.abc import Iterable

import click

from maintd.cli.tables import OUTPUT, show, table
from maintd.core.rules import Rule


@click.command("kinds")
@click.argument("kind", required=False)
@OUTPUT
def command(kind: str | None, output: str) -> None:
    """List the kinds of jobs, or print one kind's manual: what it does, its parameters, limits and rights."""
    from maintd.core.errors import ConfigError
    from maintd.core.text import instead
    from maintd.derive.docs import first_line, kind_page
    from maintd.kinds import load_kinds

    kinds = load_kinds()
    if kind is None and output == "table":
        click.echo(table(("KIND", "LEVEL", "WHAT IT DOES"), ((k.name, k.level, first_line(k)) for k in kinds.values())))
    elif kind is None:
        show([{"kind": k.name, "level": k.level, "summary": first_line(k)} for k in kinds.values()], output)
    elif kind not in kinds:
        raise ConfigError(f"no kind is called {kind}{instead(kind, kinds, 'maintd kinds')}")
    elif output == "table":
        click.echo(kind_page(kinds[kind], gate_rules), nl=False)
    else:
        found = kinds[kind]
        show(
            {"kind": kind, "level": found.level, "manual": found.manual, "params": found.params.model_json_schema()},
            output,
        )


def gate_rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """What the gate needs for a kind that needs `rules`, with maintd in the namespace maintd."""
    from maintd.rails.needs import rails_needs

    return rails_needs(rules, "maintd")
