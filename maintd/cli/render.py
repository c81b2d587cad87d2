"""`maintd render [WHAT] [--write|--check] [--live]`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

Files = dict[Path, Callable[[], str]]
WRITTEN = ("schema", "docs", "rbac", "verifier", "deploy")
LIVE = ("rbac", "verifier")
PRINTED = ("iam",)


@click.command("render")
@click.argument("what", required=False, type=click.Choice([*WRITTEN, *PRINTED]))
@click.option("--write", is_flag=True, help="Write the files where they belong, below the current folder.")
@click.option("--check", is_flag=True, help="Exit 1 and name the files that are not what would be written.")
@click.option(
    "--live", is_flag=True, help="rbac, verifier: ask the cluster too, so that its custom resources are listed."
)
@click.option("--verifier", is_flag=True, help="iam: for the account of the verifier, which needs the bucket alone.")
def command(what: str | None, write: bool, check: bool, live: bool, verifier: bool) -> None:
    """Print the derived files, write them, or check them.

    schema: the JSON schema of jobs.yaml. docs: the pages of the kinds. rbac: the Roles that these jobs need. verifier:
    the Roles of whoever verifies their backups at depth apply. deploy: the copy of the jobs that is mounted, and the
    NetworkPolicy for their probes. iam: what Google Cloud must grant, as gcloud lines to read and run, in no file.
    """
    if not (write or check) and what is None:
        raise click.UsageError(f"say what to print ({', '.join(WRITTEN + PRINTED)}), or --write or --check for all")
    if live and what not in LIVE:
        raise click.UsageError("--live is for the Roles: maintd render rbac --live, maintd render verifier --live")
    if verifier and what not in PRINTED:
        raise click.UsageError("--verifier is for what Google Cloud grants: maintd render iam --verifier")
    if what in PRINTED:
        _print_iam(to_file=write or check, verifier=verifier)
    elif write:
        _write(_wanted(what, live))
    elif check:
        raise SystemExit(1 if _stale(_wanted(what, live)) else 0)
    else:
        for text in _wanted(what, live).values():
            click.echo(text(), nl=False)


def _wanted(what: str | None, live: bool) -> Files:
    groups: dict[str, Callable[[], Files]] = {
        "schema": _schema,
        "docs": _docs,
        "rbac": partial(_rbac, live),
        "verifier": partial(_verifier, live),
        "deploy": _deploy,
    }
    return {path: text for name, files in groups.items() if what in (None, name) for path, text in files().items()}


def _schema() -> Files:
    from maintd.derive import schema

    return {Path("jobs.schema.json"): schema.text}


def _docs() -> Files:
    from maintd.cli.kinds import gate_rules
    from maintd.derive import docs
    from maintd.kinds import load_kinds

    kinds = {name: kind for name, kind in load_kinds().items() if kind.run.__module__.startswith("maintd.")}
    pages = {Path(f"docs/kinds/{name}.md"): partial(docs.kind_page, kind, gate_rules) for name, kind in kinds.items()}
    return {
        Path("docs/jobs-file.md"): docs.jobs_file_page,
        Path("docs/kinds/README.md"): lambda: docs.index_page(kinds),
        **pages,
    }


def _rbac(live: bool) -> Files:
    from maintd.cli.grants import rbac_text

    return {Path("deploy/base/rbac.yaml"): partial(rbac_text, live=live)}


def _verifier(live: bool) -> Files:
    from maintd.cli.grants import verifier_text

    return {Path("deploy/components/verifier/rbac.yaml"): partial(verifier_text, live=live)}


def _deploy() -> Files:
    from maintd.cli.grants import jobs_text, policy_text

    return {Path("deploy/base/jobs.yaml"): jobs_text, Path("deploy/base/probes-policy.yaml"): policy_text}


def _print_iam(*, to_file: bool, verifier: bool) -> None:
    from maintd.cli.grants import iam_text

    if to_file:
        raise click.UsageError("what Google Cloud grants is in no file; to read it: maintd render iam")
    click.echo(iam_text(verifier=verifier), nl=False)


def _write(wanted: Files) -> None:
    for path, content in wanted.items():
        text = content()
        if not _same(path, text):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path}", err=True)


def _stale(wanted: Files) -> bool:
    stale = [path for path, text in wanted.items() if not _same(path, text())]
    for path in stale:
        click.echo(f"{path} is not what the code and the jobs say; run: maintd render --write", err=True)
    return bool(stale)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
