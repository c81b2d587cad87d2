"""The store: written, read and listed, as a run would."""

import secrets
from string import ascii_lowercase

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Visit
from maintd.core.errors import Denied, JobError
from maintd.storage.bucket import BucketStore

_WORDS = b"maintd doctor wrote this to see whether the store can be written.\n"


async def store(visit: Visit) -> list[Line]:
    """A new object each time: one that is there already would hide that no other can be written."""
    url = visit.store.url("")
    try:
        await _use(visit)
    except JobError as error:
        if isinstance(error, Denied) and not visit.in_pod:
            return [_as_somebody_else(visit, url, error)]
        return [problem(url, str(error))]
    done = "written, read and listed"
    return [ok(url, done if visit.in_pod else f"{done}, as you and not as maintd"), *_of_folder(visit, url)]


async def _use(visit: Visit) -> None:
    """Raises JobError."""
    folder = f"doctor/{visit.now():%Y-%m-%d}/"
    path = f"{folder}{''.join(secrets.choice(ascii_lowercase) for _ in range(12))}.txt"
    await visit.store.create(path, _WORDS)
    if await visit.store.read(path) != _WORDS:
        raise JobError(f"{visit.store.url(path)} is not what was written there; see who else writes to the store")
    if path not in [name async for name in visit.store.names(folder)]:
        raise JobError(f"{visit.store.url(path)} was read and is not listed: records and backups would not be found")


def _as_somebody_else(visit: Visit, url: str, error: Denied) -> Line:
    remedy = f"{visit.kubectl} exec -n {visit.settings.namespace} deploy/maintd -- maintd doctor"
    return warning(url, f"you may not use it, which says nothing about maintd: {error}", remedy)


def _of_folder(visit: Visit, url: str) -> list[Line]:
    if isinstance(visit.store, BucketStore):
        return []
    if visit.in_pod:
        said = "a folder: unless it is on a PersistentVolume, records and backups are gone with the pod"
        return [warning(url, said, "# in the Deployment: MAINTD_STORAGE=gs://BUCKET/PREFIX")]
    return [warning(url, "a folder of this machine, and not what the daemon in the cluster writes to")]
