"""What a restore is asked to bring back, collected from the files of a backup."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from maintd.core.errors import ConfigError, JobError
from maintd.core.ports import Discovery
from maintd.core.resource import DEFINITIONS, NAMESPACES, Json, Resource
from maintd.objects.fields import mapping, text
from maintd.recovery.contents import Contents
from maintd.recovery.mapping import mentions, moved
from maintd.recovery.selection import Asked, choose


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object as it should be; `required`: nobody asked for it, and it is made only where there is none."""

    resource: Resource
    document: Json
    required: bool = False

    @property
    def name(self) -> str:
        return _name(self.document)

    @property
    def namespace(self) -> str:
        return text(mapping(self.document, "metadata"), "namespace")


@dataclass(slots=True)
class Collected:
    """What was read of the backup."""

    wanted: list[Wanted] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    """Files that cannot be read or opened → why."""
    mentioned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Objects that still mention the old name of their namespace → in which fields."""


async def collect(
    contents: Contents, discovery: Discovery, *, cluster_scoped: bool, names: Mapping[str, str]
) -> Collected:
    """Everything in scope, and what it requires. Raises ConfigError where that comes to nothing."""
    found, outside = Collected(), set[str]()
    async for resource, file, objects in contents.each():
        in_scope = resource.namespaced or resource.name == NAMESPACES.name or cluster_scoped
        if not in_scope:
            outside.add(resource.name)
        elif isinstance(objects, list):
            found.wanted += [Wanted(resource, each) for each in objects]
        else:
            found.unread[file.path] = str(objects)
    await _check(contents, found, outside)
    found.wanted += await _definitions(contents, found.wanted, discovery)
    found.wanted += await _namespaces(contents, found.wanted)
    return _moved(found, names)


async def _check(contents: Contents, found: Collected, outside: set[str]) -> None:
    selection = contents.selection
    if selection.names and not found.unread:
        every = replace(contents, selection=replace(selection, names=frozenset()))
        given = {(kind.name, _name(each)) async for kind, _, some in every.each() for each in _listed(some)}
        selection.check_found(given)
    if found.wanted or found.unread:
        return
    if outside:
        said = f"{', '.join(sorted(outside)[:3])} are in no namespace; add --cluster-scoped to restore them"
        raise ConfigError(f"nothing to restore: {said}")
    raise ConfigError(f"backup {selection.manifest.id} has nothing of what was asked for; nothing was changed")


def _listed(found: list[Json] | JobError) -> list[Json]:
    return found if isinstance(found, list) else []


def _name(document: Json) -> str:
    return text(mapping(document, "metadata"), "name")


async def _definitions(contents: Contents, wanted: Iterable[Wanted], discovery: Discovery) -> list[Wanted]:
    """Of the custom resources whose kind this server does not have."""
    served = {resource.name for resource in discovery.resources}
    given = {each.name for each in wanted if each.resource.name == DEFINITIONS.name}
    kinds = {each.resource.name for each in wanted if "." in each.resource.group} - served - given
    if not kinds:
        return []
    backed_up = await _all_of(contents, DEFINITIONS, Asked(kinds=(DEFINITIONS.name,)))
    return [replace(each, required=True) for each in backed_up if each.name in kinds]


async def _namespaces(contents: Contents, wanted: Iterable[Wanted]) -> list[Wanted]:
    """Those that the objects are in and that were not asked for themselves; as they were, where the backup has them."""
    given = {each.name for each in wanted if each.resource.name == NAMESPACES.name}
    homes = {each.namespace for each in wanted} - given - {""}
    if not homes:
        return []
    backed_up = {each.name: each for each in await _all_of(contents, NAMESPACES, Asked(kinds=(NAMESPACES.name,)))}
    bare = {"apiVersion": "v1", "kind": "Namespace"}
    return [
        replace(backed_up.get(home, Wanted(NAMESPACES, bare | {"metadata": {"name": home}})), required=True)
        for home in sorted(homes)
    ]


async def _all_of(contents: Contents, resource: Resource, asked: Asked) -> list[Wanted]:
    """Every object of a kind that the backup has, whatever was asked for."""
    manifest = contents.selection.manifest
    if all(file.resource != resource.name for file in manifest.files):
        return []
    found = []
    async for kind, _, objects in replace(contents, selection=choose(manifest, asked)).each():
        found += [Wanted(kind, each) for each in _listed(objects)]
    return found


def _moved(found: Collected, names: Mapping[str, str]) -> Collected:
    if not names:
        return found
    known = {each.namespace or each.name for each in found.wanted}
    if strangers := sorted(set(names) - known):
        raise ConfigError(
            f"--map-namespace {strangers[0]}={names[strangers[0]]}: nothing of {strangers[0]} is restored"
        )
    found.wanted = [replace(each, document=moved(each.document, names)) for each in found.wanted]
    for each in found.wanted:
        if fields := mentions(each.document, names):
            where = f"{each.namespace}/" if each.namespace else ""
            found.mentioned[f"{each.resource.name} {where}{each.name}"] = fields
    return found
