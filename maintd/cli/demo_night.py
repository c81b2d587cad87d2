"""The last act of the demo: things are lost, the difference is shown, they are brought back, and proven equal."""

from pathlib import Path

import click

from maintd.cli import restore_text
from maintd.cli.backup_options import Meant
from maintd.cli.diff_text import summary, text
from maintd.cli.restoring import Restoring, Wishes
from maintd.cli.tables import colour_wanted
from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.config.settings import Settings
from maintd.core.errors import JobError
from maintd.recovery.against import Held, hold_against
from maintd.recovery.restore import Prepared
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE

_MEANT = Meant((), (NAMESPACE,), (), None, "", None, "")
_WISHES = Wishes("update", cluster_scoped=False, mapped=(), dry_run=False, yes=True, from_other_cluster=False)


async def worst_night(box: Sandbox, settings: Settings, kubeconfig: Path) -> None:
    """Break the application beyond what any job mends, and mend it. Raises JobError where it is not as it was then."""
    _break(box)
    click.echo("\nsomebody deletes the Deployment and its ConfigMap, and points the Service elsewhere\n\n$ maintd diff")
    _show(await _held(settings, kubeconfig))
    click.echo("\n$ maintd restore --existing update")
    restoring = Restoring(settings, _MEANT, _WISHES, kubeconfig=kubeconfig, say=click.echo)
    run = await restoring.run(_agreed)
    for line in restore_text.results(run, restoring.findings, "", ""):
        click.echo(line)
    click.echo("\n$ maintd diff")
    after = await _held(settings, kubeconfig)
    _show(after)
    if after.comparison.exit_code:
        raise JobError("the application is not as it was: a defect of the demo")


def _break(box: Sandbox) -> None:
    box.remove("apps/v1", "Deployment", "omtx-hub-backend", NAMESPACE)
    box.remove("v1", "ConfigMap", "omtx-hub-config", NAMESPACE)
    service = box.get("v1", "Service", "omtx-hub-backend-service", NAMESPACE)
    if service is None:
        raise JobError("the world of the demo has no Service: a defect of the demo")
    box.put(service | {"spec": service["spec"] | {"selector": {"app": "omtx-hub-frontend"}}})


async def _held(settings: Settings, kubeconfig: Path) -> Held:
    contents = await _MEANT.contents(settings)
    api = await Api.connect(kubeconfig, hurried=True)
    try:
        return await hold_against(ClusterReader(api), ClusterWriter(api), await api.server(), contents)
    finally:
        await api.close()


def _show(held: Held) -> None:
    for line in text(held.comparison, colour=colour_wanted()):
        click.echo(line)
    click.echo(summary(held.comparison))


def _agreed(prepared: Prepared, _server: str) -> bool:
    click.echo(restore_text.summary(prepared))
    return True
