"""What somebody should know before a restore, beside what becomes of each object."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from maintd.cluster.reader import ClusterReader
from maintd.core.errors import JobError, Missing
from maintd.core.limits import is_system_namespace
from maintd.core.outcome import Finding
from maintd.core.ports import Discovery
from maintd.core.resource import NAMESPACES
from maintd.objects.backup_manifest import NotWhole
from maintd.recovery.dependencies import CLAIMS, Dependency, missing
from maintd.recovery.plan import Action, Plan
from maintd.recovery.request import Collected, Wanted

_MOST_NAMED = 10


def leave_system_namespaces(found: Collected, asked: Iterable[str]) -> list[Finding]:
    """What the platform keeps there is another cluster's business, or an older version's, unless it is asked for."""
    asked = set(asked)
    spaces = {each.namespace or each.name for each in found.wanted if each.namespace or each.resource == NAMESPACES}
    alone = sorted(space for space in spaces - asked if is_system_namespace(space))
    if not alone:
        return []
    found.wanted = [each for each in found.wanted if _home(each) not in alone]
    message = "the platform's own namespaces are left alone"
    remedy = f"to restore them too, name them: {' '.join(f'-n {space}' for space in alone[:_MOST_NAMED])}"
    return [Finding(severity="info", subject=_some(alone), message=message, remedy=remedy)]


def _home(wanted: Wanted) -> str:
    return wanted.name if wanted.resource.name == NAMESPACES.name else wanted.namespace


def unread(found: Collected) -> list[Finding]:
    """Files that are damaged, or that take a key which was not given."""
    return [
        Finding(severity="error", subject=path, message=f"nothing of this file is restored: {why}")
        for path, why in found.unread.items()
    ]


def not_whole(rows: Iterable[NotWhole]) -> list[Finding]:
    """What the backup itself lacks."""
    return [Finding(subject=str(row), message=f"it is not in the backup, or not all of it: {row.why}") for row in rows]


def undiscovered(discovery: Discovery, wanted: Iterable[Wanted]) -> list[Finding]:
    """Groups of which nobody knows now whether the server has them."""
    groups = {each.resource.group for each in wanted}
    return [
        Finding(subject=version, message=f"it could not be discovered: {why}", remedy="see: kubectl get apiservices")
        for version, why in discovery.failed.items()
        if version.rpartition("/")[0] in groups
    ]


def mentioned(found: Collected, names: Mapping[str, str]) -> list[Finding]:
    """What --map-namespace cannot rewrite."""
    into = ", ".join(f"{old} in {new}" for old, new in names.items())
    return [
        Finding(
            subject=name,
            message=f"restored from {into}, it still mentions the old name in {_some(fields)}",
            remedy="it is text that only its owner can judge; look at it and change it by hand",
        )
        for name, fields in found.mentioned.items()
    ]


def volumes(plan: Plan) -> list[Finding]:
    """Claims whose data somebody must bring."""
    claims = [f"{step.namespace}/{step.name}" for step in plan.of(Action.CREATE) if step.resource.name == CLAIMS.name]
    if not claims:
        return []
    message = "these claims are made anew; what was in their volumes is not in a backup of manifests"
    remedy = "bring the data back from snapshots of the volumes, before the workloads write into empty ones"
    return [Finding(subject=_some(claims), message=message, remedy=remedy)]


async def needed(reader: ClusterReader, plan: Plan) -> list[Finding]:
    """Secrets and claims that the restored objects refer to and that will not be there."""
    given = [Dependency(s.resource, s.namespace, s.name) for s in plan.steps if s.action is not Action.CANNOT]
    absent = missing((step.wanted for step in plan.steps if step.writes), given)
    looked = await asyncio.gather(*(_looked(reader, each) for each in absent))
    found: dict[tuple[str, str], list[str]] = {}
    for each, state in zip(absent, looked, strict=True):
        if state:
            found.setdefault((each.resource.name, state), []).append(f"{each.namespace}/{each.name}")
    return [
        Finding(
            subject=f"{resource} {_some(names)}",
            message=f"restored objects need this, and it is {state}",
            remedy="bring it, and what waits for it starts by itself",
        )
        for (resource, state), names in found.items()
    ]


async def _looked(reader: ClusterReader, wanted: Dependency) -> str:
    """Empty where it is there."""
    try:
        await reader.get(wanted.resource, wanted.name, wanted.namespace)
    except Missing:
        return "not there"
    except JobError as error:
        return f"not known to be there: {error}"
    return ""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
