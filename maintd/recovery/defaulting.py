"""What a newer API server puts into objects by itself is nobody's change.

Both sides of a difference were defaulted by an API server, so no request is needed, unless the cluster was upgraded in
between: then a field that only one side has may be the server's. Whoever may update the object can ask, by a dry run of
what a restore would write; for whoever may not, the difference stands.
"""

from dataclasses import dataclass, replace

from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import JobError, Unreadable
from maintd.core.ports import Reader
from maintd.core.resource import Json
from maintd.objects.carrying import carried
from maintd.objects.cleaning import clean
from maintd.objects.differences import ABSENT, differences
from maintd.objects.versions import parse_version, server_version
from maintd.recovery.comparison import Compared, Comparison, State, veiled


@dataclass(frozen=True, slots=True)
class Defaulting:
    """Asks the server what it makes of objects that an older or newer one wrote."""

    reader: Reader
    writer: ClusterWriter

    async def settled(self, found: Comparison, backed_up: str, now: Json) -> Comparison:
        """The comparison as it is once the server has had its say; `backed_up` and `now` are its versions."""
        if _same_minor(backed_up, now):
            return found
        objects = [await self._asked(each) if _one_sided(each) else each for each in found.objects]
        different = tuple(each for each in objects if each.state is not State.CHANGED or each.differences)
        return replace(found, objects=different, same=found.same + len(objects) - len(different))

    async def _asked(self, compared: Compared) -> Compared:
        resource, wanted = compared.resource, compared.document or {}
        try:
            live = await self.reader.get(resource, compared.name, compared.namespace or None)
            today = await self.writer.replace(resource, carried(resource, wanted, live), dry_run=True)
            left = differences(clean(resource, live), clean(resource, today))
        except JobError:
            return compared
        paths = {each.path for each in veiled(resource, left)}
        return replace(compared, differences=tuple(each for each in compared.differences if each.path in paths))


def _one_sided(compared: Compared) -> bool:
    return compared.document is not None and any(ABSENT in (each.live, each.wanted) for each in compared.differences)


def _same_minor(backed_up: str, now: Json) -> bool:
    """True also where either cannot be told: then nothing is explained away."""
    before = parse_version(backed_up)
    try:
        return before is None or before.behind(server_version(now)) == 0
    except Unreadable:
        return True
