"""Replicas that an autoscaler chose are no difference: an HPA of the cluster or of the backup owns them."""

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import replace

from maintd.core.errors import JobError, Missing
from maintd.core.ports import Reader
from maintd.core.resource import Json
from maintd.objects import archive
from maintd.objects.autoscaling import AUTOSCALERS, Scaled, scaled_by
from maintd.objects.differences import REPLICAS
from maintd.recovery.comparison import Compared, Comparison, State, Unchecked
from maintd.recovery.contents import Contents


async def without_scaled(reader: Reader, contents: Contents, found: Comparison) -> Comparison:
    """The comparison without the replicas that are somebody else's to say; asks only where some differ."""
    doubtful = [each for each in found.objects if any(one.path == REPLICAS for one in each.differences)]
    if not doubtful:
        return found
    spaces = {each.namespace for each in doubtful}
    try:
        autoscalers = [one async for one in _backed_up(contents, spaces)] + [one async for one in _live(reader, spaces)]
        scaled = scaled_by(autoscalers)
    except JobError as error:
        why = f"whether an autoscaler owns their replicas: {error}"
        return replace(found, unchecked=(*found.unchecked, Unchecked(", ".join(map(str, doubtful)), why)))
    return _settled(found, scaled)


def _settled(found: Comparison, scaled: Collection[Scaled]) -> Comparison:
    objects = [_freed(each) if _owned(each, scaled) else each for each in found.objects]
    different = tuple(each for each in objects if each.state is not State.CHANGED or each.differences)
    return replace(found, objects=different, same=found.same + len(objects) - len(different))


def _owned(compared: Compared, scaled: Collection[Scaled]) -> bool:
    resource = compared.resource
    return Scaled(compared.namespace, resource.group, resource.kind, compared.name) in scaled


def _freed(compared: Compared) -> Compared:
    return replace(compared, differences=tuple(one for one in compared.differences if one.path != REPLICAS))


async def _backed_up(contents: Contents, spaces: Collection[str]) -> AsyncIterator[Json]:
    manifest = contents.selection.manifest
    for file in manifest.files:
        if file.resource == AUTOSCALERS.name and file.namespace in spaces:
            for document in archive.documents(await contents.data(file), file):
                yield document


async def _live(reader: Reader, spaces: Iterable[str]) -> AsyncIterator[Json]:
    for space in sorted(spaces):
        try:
            async for page in reader.pages(AUTOSCALERS, space):
                for one in page.items:
                    yield one
        except Missing:
            return  # a server without autoscaling/v2 has nothing that scales
