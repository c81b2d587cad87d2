"""`maintd render [WHAT] [--write|--check]`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click


def _files() -> dict[str, dict[Path, Callable[[], str]]]:
    from maintd.cli.kinds import gate_rules
    from maintd.derive import docs, schema
    from maintd.kinds import load_kinds

    kinds = {name: kind for name, kind in load_kinds().items() if kind.run.__module__.startswith("maintd.")}
    pages = {Path(f"docs/kinds/{name}.md"): partial(docs.kind_page, kind, gate_rules) for name, kind in kinds.items()}
    return {
        "schema": {Path("jobs.schema.json"): schema.text},
        "docs": {
            Path("docs/jobs-file.md"): docs.jobs_file_page,
            Path("docs/kinds/README.md"): lambda: docs.index_page(kinds),
            **pages,
        },
    }


@click.command("render")
@click.argument("what", required=False, type=click.Choice(["schema", "docs"]))
@click.option("--write", is_flag=True, help="Write the files where they belong, below the current folder.")
@click.option("--check", is_flag=True, help="Exit 1 and name the files that are not what would be written.")
def command(what: str | None, write: bool, check: bool) -> None:
    """Print the derived files (the JSON schema of jobs.yaml, the pages of the kinds), write them, or check them."""
    groups = _files()
    wanted = {path: text for name, files in groups.items() if what in (None, name) for path, text in files.items()}
    if not (write or check) and what is None:
        raise click.UsageError("say what to print (schema or docs), or --write or --check for all of them")
    stale = [path for path, text in wanted.items() if not _same(path, text())]
    if write:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path](), encoding="utf-8")
            click.echo(f"wrote {path}", err=True)
    elif check:
        for path in stale:
            click.echo(f"{path} is not what the code says; run: maintd render --write", err=True)
        raise SystemExit(1 if stale else 0)
    else:
        for text in wanted.values():
            click.echo(text(), nl=False)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
