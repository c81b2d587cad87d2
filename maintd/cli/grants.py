"""From jobs.yaml and the settings to the files that are deployed beside the daemon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from maintd.config.settings import Settings
from maintd.core.ports import Discovery

if TYPE_CHECKING:
    from maintd.cluster.api import Api


def rbac_text(*, live: bool = False) -> str:
    """The Roles for the jobs; `live` asks the cluster what it has. Raises ConfigError, and JobError when it asks."""
    from maintd.app.grants import grants_for
    from maintd.cli import jobsfile
    from maintd.derive import rbac

    settings, file = jobsfile.settings(), jobsfile.load()
    return rbac.text(grants_for(settings, file, asyncio.run(_discovered(settings)) if live else None))


def verifier_text(*, live: bool = False) -> str:
    """The Roles of the verifier; `live` asks the cluster what it has. Raises ConfigError, and JobError when it asks."""
    from maintd.cli import jobsfile
    from maintd.derive import verifier
    from maintd.scheduling.homes import state_needs

    settings, file = jobsfile.settings(), jobsfile.load()
    found = asyncio.run(_discovered(settings)) if live else None
    defined = asyncio.run(_defined(settings)) if live else frozenset[str]()
    state = state_needs(settings.state_namespace or settings.namespace)
    return verifier.text(verifier.Verifier(file, settings.namespace, state, found, defined))


async def _discovered(settings: Settings) -> Discovery:
    from maintd.cluster.discovery import discover

    async with _connected(settings) as api:
        return await discover(api)


async def _defined(settings: Settings) -> frozenset[str]:
    """Names of the CustomResourceDefinitions, which are those of the kinds that they define."""
    from maintd.cluster.reader import ClusterReader
    from maintd.core.resource import DEFINITIONS

    async with _connected(settings) as api:
        pages = [page async for page in ClusterReader(api).pages(DEFINITIONS)]
        return frozenset(obj["metadata"]["name"] for page in pages for obj in page.items)


@asynccontextmanager
async def _connected(settings: Settings) -> "AsyncIterator[Api]":
    from maintd.cluster.api import Api

    api = await Api.connect(context=settings.kube_context or None)
    try:
        yield api
    finally:
        await api.close()


def iam_text(*, verifier: bool = False) -> str:
    """The gcloud lines for the jobs and the store, or for the account of the verifier. Raises ConfigError."""
    from maintd.cli import jobsfile
    from maintd.derive import iam
    from maintd.storage.erasing import ERASED
    from maintd.storage.open import pruned_names

    settings, file = jobsfile.settings(), jobsfile.load()
    scheme, _, rest = settings.storage.partition("://")
    bucket = rest.partition("/")[0] if scheme == "gs" else ""
    if verifier:
        return iam.verifier_text(file.jobs, bucket, settings.namespace)
    pruned = pruned_names(settings.storage, settings.cluster, file.retention.terms)
    erasing = [job for job in file.jobs if job.enabled and job.kind.erases_backups and job.mode == "act"]
    erased = pruned_names(settings.storage, settings.cluster, ERASED) if erasing else []
    return iam.text(file.jobs, bucket, settings.namespace, pruned, erased)


def policy_text() -> str:
    """The NetworkPolicy for the probes. Raises ConfigError."""
    from maintd.cli import jobsfile
    from maintd.derive import egress

    return egress.text(jobsfile.load(), jobsfile.settings().namespace)


def jobs_text() -> str:
    """jobs.yaml as it is, byte for byte; one with mistakes ends the process as it does everywhere."""
    from maintd.cli import jobsfile

    return jobsfile.load().path.read_text(encoding="utf-8")
