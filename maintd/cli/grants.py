"""From jobs.yaml and the settings to the files that are deployed beside the daemon."""

import asyncio

from maintd.config.settings import Settings
from maintd.core.ports import Discovery


def rbac_text(*, live: bool = False) -> str:
    """The Roles for the jobs; `live` asks the cluster what it has. Raises ConfigError, and JobError when it asks."""
    from maintd.app.grants import grants_for
    from maintd.cli import jobsfile
    from maintd.derive import rbac

    settings, file = jobsfile.settings(), jobsfile.load()
    return rbac.text(grants_for(settings, file, asyncio.run(_discovered(settings)) if live else None))


async def _discovered(settings: Settings) -> Discovery:
    from maintd.cluster.api import Api
    from maintd.cluster.discovery import discover

    api = await Api.connect(context=settings.kube_context or None)
    try:
        return await discover(api)
    finally:
        await api.close()


def iam_text() -> str:
    """The gcloud lines for the jobs and the store. Raises ConfigError."""
    from maintd.cli import jobsfile
    from maintd.derive import iam
    from maintd.storage.erasing import ERASED
    from maintd.storage.open import pruned_names

    settings, file = jobsfile.settings(), jobsfile.load()
    scheme, _, rest = settings.storage.partition("://")
    bucket = rest.partition("/")[0] if scheme == "gs" else ""
    pruned = pruned_names(settings.storage, settings.cluster, file.retention.terms)
    erasing = [job for job in file.jobs if job.enabled and job.kind.erases_backups and job.mode == "act"]
    erased = pruned_names(settings.storage, settings.cluster, ERASED) if erasing else []
    return iam.text(file.jobs, bucket, settings.namespace, pruned, erased)


def policy_text() -> str:
    """The NetworkPolicy for the probes. Raises ConfigError."""
    from maintd.cli import jobsfile
    from maintd.derive import egress

    return egress.text(jobsfile.load().jobs, jobsfile.settings().namespace)


def jobs_text() -> str:
    """jobs.yaml as it is, byte for byte; one with mistakes ends the process as it does everywhere."""
    from maintd.cli import jobsfile

    return jobsfile.load().path.read_text(encoding="utf-8")
