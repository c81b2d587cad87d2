"""What of a backup is meant: namespaces, kinds and names as they were typed, held against what its manifest says."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from maintd.core.errors import ConfigError
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.core.text import did_you_mean
from maintd.objects.backup_manifest import ListRead, Manifest, NotWhole, StoredFile
from maintd.objects.kind_names import called, kind_names

Name = tuple[str, str]
"""A kind as kubectl spells it, empty for any, and the name of an object of it."""
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed; empty means all of it."""

    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """As kubectl knows them: `deploy`, `Deployment`, `deployments.apps`."""
    names: tuple[str, ...] = ()
    """`web`, or `deployment/web`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of a selection: how it was listed, and the files that may hold objects which are meant."""

    resource: Resource
    lists: tuple[ListRead, ...]
    files: tuple[StoredFile, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is meant of one backup."""

    manifest: Manifest
    parts: tuple[Part, ...]
    not_whole: tuple[NotWhole, ...]
    """What is meant and not in the backup, or not all of it."""
    namespaces: frozenset[str] = frozenset()
    """Empty: all."""
    names: frozenset[Name] = field(default=frozenset())
    """Empty: all."""

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All that need be read."""
        return tuple(chain.from_iterable(part.files for part in self.parts))

    def wants(self, resource: Resource, obj: Json) -> bool:
        """Whether this object, live or backed up, is meant. A Namespace goes with what is in it."""
        name = obj["metadata"]["name"]
        home = name if resource.name == NAMESPACES.name else obj["metadata"].get("namespace", "")
        if self.namespaces and home not in self.namespaces:
            return False
        return not self.names or (resource.name, name) in self.names or ("", name) in self.names

    def check_found(self, found: Collection[Name]) -> None:
        """Raises ConfigError for a name that was asked for and that none of `found` has."""
        known = {name for _, name in found}
        for kind, name in sorted(self.names):
            if not ((kind, name) in found if kind else name in known):
                where = f" in namespace {' or '.join(sorted(self.namespaces))}" if self.namespaces else ""
                near = did_you_mean(name, known) or f"; `maintd backups {self.manifest.id}` lists what the backup has"
                raise ConfigError(f"nothing was found that is called {kind} {name}{where}{near}".replace("  ", " "))


def choose(manifest: Manifest, asked: Asked, served: Collection[Resource] = ()) -> Selection:
    """Raises ConfigError for what this backup has nothing of, with what to type instead.

    `served`: what a cluster has, which knows the short names of custom resources; a backup does not.
    """
    parts = tuple(_parts(manifest, {resource.name: resource.short_names for resource in served}))
    for namespace in asked.namespaces:
        _check_namespace(manifest, namespace)
    names = frozenset(chain.from_iterable(_named(manifest, parts, name) for name in asked.names))
    wanted = _kinds(manifest, parts, asked, names)
    namespaces = frozenset(asked.namespaces)
    meant = [_narrowed(part, namespaces) for part in parts if wanted is None or part.resource.name in wanted]
    meant = [part for part in meant if part.lists]
    missed = tuple(row for row in manifest.not_whole if _concerns(row, wanted, namespaces))
    if not meant and not missed:
        kinds, spaces = ", ".join(sorted(wanted or ())), ", ".join(sorted(namespaces))
        raise ConfigError(
            f"backup {manifest.id} has no {kinds or 'objects'} of namespace {spaces}; leave out -n or --kind"
        )
    return Selection(manifest, tuple(meant), missed, namespaces, names)


def _parts(manifest: Manifest, short: Mapping[str, frozenset[str]]) -> Iterable[Part]:
    lists: dict[str, list[ListRead]] = {}
    for row in manifest.lists:
        lists.setdefault(row.resource, []).append(row)
    files: dict[str, list[StoredFile]] = {}
    for file in manifest.files:
        files.setdefault(file.resource, []).append(file)
    for name, rows in lists.items():
        resource = replace(_resource(rows[0]), short_names=short.get(name, frozenset()))
        yield Part(resource, tuple(rows), tuple(files.get(name, ())))


def _resource(row: ListRead) -> Resource:
    plural, _, group = row.resource.partition(".")
    return Resource(group, row.api_version.rpartition("/")[2], plural, row.kind, row.namespaced)


def _narrowed(part: Part, namespaces: Collection[str]) -> Part:
    if not namespaces or part.resource.name == NAMESPACES.name:
        return part
    lists = (row for row in part.lists if row.namespaced and (not row.namespace or row.namespace in namespaces))
    return Part(part.resource, tuple(lists), tuple(file for file in part.files if file.namespace in namespaces))


def _concerns(row: NotWhole, kinds: Collection[str] | None, namespaces: Collection[str]) -> bool:
    asked = kinds is None or row.resource in kinds
    return asked and (not namespaces or not row.namespace or row.namespace in namespaces)


def _check_namespace(manifest: Manifest, namespace: str) -> None:
    known = {file.namespace for file in manifest.files} | {row.namespace for row in manifest.lists}
    known = (known | {row.namespace for row in manifest.not_whole}) - {""}
    if namespace not in known:
        raise ConfigError(
            f"backup {manifest.id} has nothing of namespace {namespace}{did_you_mean(namespace, known)}"
            f"{_listed('it has', known)}"
        )


def _kinds(manifest: Manifest, parts: Iterable[Part], asked: Asked, names: Iterable[Name]) -> set[str] | None:
    """The kinds that are meant; None: all."""
    if asked.kinds:
        return set(chain.from_iterable(_meant(manifest, parts, kind) for kind in asked.kinds))
    kinds = {kind for kind, _ in names}
    return None if "" in kinds or not kinds else kinds


def _named(manifest: Manifest, parts: Iterable[Part], word: str) -> Iterable[Name]:
    kind, slash, name = word.rpartition("/")
    return [(found, name) for found in _meant(manifest, parts, kind)] if slash else [("", name)]


def _meant(manifest: Manifest, parts: Iterable[Part], word: str) -> list[str]:
    resources = [part.resource for part in parts]
    found = [resource.name for resource in called(word, resources)]
    found += [row.resource for row in manifest.not_whole if _may_mean(word, row.resource)]
    if found:
        return found
    for row in manifest.left_out:
        if row.rule != "kinds" and _may_mean(word, row.resource):
            raise ConfigError(f"backup {manifest.id} has no {row.resource}: they were left out, {row.reason}")
    known = set(chain.from_iterable(map(kind_names, resources)))
    raise ConfigError(
        f"backup {manifest.id} has no kind {word}{did_you_mean(word.lower(), known)}"
        f"{_listed('it has', {part.resource.name for part in parts if part.files})}"
    )


def _may_mean(word: str, name: str) -> bool:
    """For a kind of which only the plural is known."""
    plural, asked = name.partition(".")[0], word.lower()
    return asked in {name, plural, plural.removesuffix("s"), plural.removesuffix("es")}


def _listed(lead: str, names: Collection[str]) -> str:
    shown = sorted(names)[:_MOST_NAMED]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"; {lead} {', '.join(shown)}{more}" if shown else ""
