"""Puts together what is looked at: as the daemon would, for somebody who waits."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from maintd import __version__
from maintd.app.contexts import now
from maintd.app.doctor.examine import PATIENCE_SECONDS
from maintd.app.doctor.visit import Visit
from maintd.cluster.api import Api
from maintd.cluster.endpoints import SERVICE_ACCOUNT
from maintd.config.jobs import JobsFile
from maintd.config.settings import Settings
from maintd.core.errors import ConfigError
from maintd.gcp.gke import Google
from maintd.storage.open import open_store

_GOOGLE = timedelta(seconds=8)


@asynccontextmanager
async def called(settings: Settings, file: JobsFile, context: str) -> AsyncIterator[tuple[Visit, Api | str]]:
    """What to look at, and the API server, or why there is none. Raises ConfigError for a store that cannot be."""
    async with AsyncExitStack() as stack:
        visit = Visit(
            settings=settings,
            file=file,
            store=open_store(settings.storage, settings.cluster, hurried=True),
            google=await stack.enter_async_context(Google(settings.gke_endpoint, deadline=_GOOGLE)),
            environ=dict(os.environ),
            in_pod="KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").is_file(),
            now=now,
            mounts=_mounts(),
            context=context,
        )
        api = await _connected(context)
        if isinstance(api, Api):
            stack.push_async_callback(api.close)
        yield visit, api


async def _connected(context: str) -> Api | str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await Api.connect(None, context or None, f"maintd/{__version__} (doctor)", hurried=True)
    except TimeoutError:
        return f"the kubeconfig's plugin gave no credentials in {PATIENCE_SECONDS:g} s; see: kubectl version"
    except ConfigError as error:
        return str(error)


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
