"""`maintd doctor`."""

import asyncio
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from maintd.cli.tables import show, table

if TYPE_CHECKING:
    from maintd.app.doctor.line import Examined
    from maintd.config.jobs import JobsFile
    from maintd.config.settings import Settings


@click.command("doctor")
@click.option("--context", default="", help="The context of the kubeconfig; MAINTD_KUBE_CONTEXT unless given.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def command(context: str, output: str) -> None:
    """Say what will not work, before it does not, and what to type.

    In the pod it looks at what the daemon finds. Elsewhere rights are asked for maintd's ServiceAccount and not for
    you; the store, Google and the environment are yours. It writes one small object below doctor/ of the store, and
    changes nothing else. Exit 0 when nothing is a problem and nothing that must be known is unknown, else 1.
    """
    from maintd.cli import jobsfile
    from maintd.cli.talk import talk

    settings = jobsfile.settings()
    file = jobsfile.load()
    talk(settings, "error")
    asyncio.run(_doctor(settings, file, context or settings.kube_context, output))


async def _doctor(settings: "Settings", file: "JobsFile", context: str, output: str) -> None:
    from maintd.app.doctor.call import called
    from maintd.app.doctor.examine import examine

    async with called(settings, file, context) as (visit, api):
        found = await examine(visit, api)
        healthy = not any(line.verdict.fails for each in found for line in each.lines)
        if output == "table":
            click.echo("\n".join(_text(found)))
        else:
            show(_data(found, healthy=healthy), output)
        sys.stdout.flush()
        # A thread that waits for a name server or a metadata server that never answers must not hold up the end.
        os._exit(0 if healthy else 1)


def _text(found: "list[Examined]") -> Iterator[str]:
    lines = [(each.check, line) for each in found for line in each.lines]
    yield table(
        ("CHECK", "RESULT", "ABOUT", "DETAIL"),
        [(check, line.verdict, line.subject or "-", line.message) for check, line in lines],
    )
    for check, line in lines:
        if line.remedy:
            yield f"\n# {line.verdict}: {check} {line.subject}"
            yield line.remedy


def _data(found: "list[Examined]", *, healthy: bool) -> dict[str, object]:
    lines = [
        {
            "check": each.check,
            "result": str(line.verdict),
            "about": line.subject,
            "detail": line.message,
            "remedy": line.remedy,
        }
        for each in found
        for line in each.lines
    ]
    return {"format": 1, "healthy": healthy, "lines": lines}
