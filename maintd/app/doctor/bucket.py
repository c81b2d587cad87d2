"""The bucket's settings that protect backups, or endanger them."""

import asyncio

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Visit
from maintd.core.errors import Denied, Missing, Unreadable
from maintd.core.units import format_duration
from maintd.storage.bucket import BucketStore
from maintd.storage.bucket_settings import BucketSettings
from maintd.storage.refusals import DESCRIBER

_LEAST_DAYS = 30
"""A backup that is deleted sooner may be gone before anybody notices what it is needed for."""
_DESTROYING = ("storage.objects.delete", "storage.buckets.update", "storage.buckets.delete")
"""What it takes to lose backups, or what protects them."""
_FIELDS = (
    "versioning_enabled,soft_delete_policy,retention_policy,lifecycle_config,"
    "public_access_prevention,uniform_bucket_level_access"
)


async def bucket(visit: Visit) -> list[Line]:
    """Nothing for a folder."""
    if not isinstance(visit.store, BucketStore):
        return []
    lines = await asyncio.gather(_settings(visit, visit.store), _powers(visit, visit.store))
    return [line for each in lines for line in each]


async def _settings(visit: Visit, store: BucketStore) -> list[Line]:
    """Not to be allowed to know is no fault: maintd works without."""
    url = store.bucket_url
    try:
        settings = await store.settings()
    except Denied:
        return [_not_told(url)]
    return [_lifecycle(visit, store, settings), _way_back(url, settings), *_access(url, settings)]


async def _powers(visit: Visit, store: BucketStore) -> list[Line]:
    """Only in the pod, where the credentials are the daemon's. A right under a condition, as `retention` has it, is
    not one on the whole bucket."""
    if not visit.in_pod:
        return []
    url = store.bucket_url
    try:
        held = await store.held(*_DESTROYING)
    except (Denied, Missing, Unreadable) as error:
        return [warning("rights", f"not known whether maintd may delete backups: {error}")]
    if not held:
        return [ok("rights", "maintd may not delete backups, nor change the bucket")]
    said = f"whoever takes maintd over may destroy every backup: it has {', '.join(held)}"
    remedy = f"gcloud storage buckets get-iam-policy {url}\n# take away what `maintd render iam` does not print"
    return [problem("rights", said, remedy)]


def _not_told(url: str) -> Line:
    remedy = (
        f"gcloud storage buckets describe {url} --format='default({_FIELDS})'\n"
        "# or let maintd see it; the role holds no right to read, write or delete an object:\n"
        f"gcloud storage buckets add-iam-policy-binding {url} --member=MEMBER --role={DESCRIBER}\n"
        "# `maintd render iam` prints the MEMBER"
    )
    return warning(url, "its settings are not known: that takes storage.buckets.get, which no job needs", remedy)


def _lifecycle(visit: Visit, store: BucketStore, settings: BucketSettings) -> Line:
    folder = store.name("backups/")
    days = settings.deleted_after(folder, visit.now().date())
    if days is None:
        return ok("lifecycle", f"no rule deletes what lies in {folder}")
    said = f"a rule deletes what lies in {folder} after {days} days"
    if days >= _LEAST_DAYS:
        return ok("lifecycle", f"{said}, the newest backup too if none follows")
    remedy = (
        f"gcloud storage buckets describe {store.bucket_url} --format='json(lifecycle_config)'\n"
        f"# give that rule an age of {_LEAST_DAYS} or more, or a matchesPrefix that backups/ is not in; then:\n"
        f"gcloud storage buckets update {store.bucket_url} --lifecycle-file=FILE"
    )
    return problem("lifecycle", f"{said}: sooner than {_LEAST_DAYS}", remedy)


def _way_back(url: str, settings: BucketSettings) -> Line:
    lock = "locked" if settings.retention.is_locked else "not locked"
    ways = [
        *([f"soft delete for {format_duration(settings.soft_deleted_for)}"] if settings.soft_deleted_for else []),
        *(["versioning"] if settings.versioning.enabled else []),
        *([f"retention of {format_duration(settings.retained_for)}, {lock}"] if settings.retained_for else []),
    ]
    if ways:
        return ok("deletion", f"what somebody deletes is not lost: {'; '.join(ways)}")
    remedy = f"gcloud storage buckets update {url} --soft-delete-duration=30d --versioning"
    return problem("deletion", "what somebody deletes is lost: no soft delete, no versioning, no retention", remedy)


def _access(url: str, settings: BucketSettings) -> list[Line]:
    update = f"gcloud storage buckets update {url}"
    prevented = settings.iam.public_access_prevention == "enforced"
    uniform = settings.iam.uniform_bucket_level_access.enabled
    open_to_all = "not prevented by the bucket itself; its organization may do so"
    own_lists = "off: single objects can be opened to others by access lists of their own"
    return [
        ok("public access", "prevented")
        if prevented
        else warning("public access", open_to_all, f"{update} --public-access-prevention"),
        ok("uniform access", "on: no object has an access list of its own")
        if uniform
        else warning("uniform access", own_lists, f"{update} --uniform-bucket-level-access"),
    ]
