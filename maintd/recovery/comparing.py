"""Holds a backup against the cluster: every object that is meant, in both directions, with a request a list."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from maintd.core.errors import JobError, Missing, Unreadable
from maintd.core.ports import Discovery, Reader
from maintd.core.resource import Json
from maintd.objects.backup_scope import Scope
from maintd.objects.cleaning import clean
from maintd.objects.differences import Difference, differences
from maintd.objects.exclusions import SECRETS, left_out
from maintd.recovery.comparison import Compared, Comparison, State, Unchecked, together, veiled
from maintd.recovery.contents import Contents
from maintd.recovery.listing import Listing, listings, scope_of
from maintd.recovery.selection import Name
from maintd.recovery.texts import Texts

_LISTS_AT_ONCE = 4
_Key = tuple[str, str]
"""Namespace and name."""


@dataclass(slots=True)
class _Seen:
    """What the cluster has of one list."""

    same: int = 0
    otherwise: dict[_Key, Json] = field(default_factory=dict)
    """Cleaned; it is not as it was, or was not there."""
    set_aside: set[_Key] = field(default_factory=set)
    """What a backup would leave out now."""
    unreadable: dict[_Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparing:
    """One backup and one cluster."""

    reader: Reader
    contents: Contents
    discovery: Discovery

    async def compare(self) -> Comparison:
        """Everything that is meant. What cannot be had is among the `unchecked`, and never taken for the same."""
        turn = asyncio.Semaphore(_LISTS_AT_ONCE)
        scope = scope_of(self.contents.selection)

        async def one(listing: Listing) -> Comparison:
            async with turn:
                return await _List(self, listing, scope).compare()

        wanted = [listing for listing in listings(self.contents.selection) if not self._in_clear(listing)]
        found = await asyncio.gather(*map(one, wanted))
        missed = [
            Unchecked(str(row), f"it is not in the backup: {row.why}") for row in self.contents.selection.not_whole
        ]
        return together([*found, Comparison(unchecked=tuple(missed))])

    def _in_clear(self, listing: Listing) -> bool:
        """Secrets that the backup holds for nobody: left out on purpose, and counted at most."""
        manifest = self.contents.selection.manifest
        return listing.resource.name == SECRETS.rule and any(row.rule == SECRETS.rule for row in manifest.left_out)


class _List:
    """One list on its way."""

    def __init__(self, comparing: Comparing, listing: Listing, scope: Scope) -> None:
        self._reader = comparing.reader
        self._contents = comparing.contents
        self._discovery = comparing.discovery
        self._listing = listing
        self._scope = scope
        self._texts = Texts(listing.resource, comparing.contents)
        self._unread: set[str] = set()
        self._unchecked: list[Unchecked] = []
        self._names: set[Name] = set()

    async def compare(self) -> Comparison:
        await self._load()
        if self._unread and self._texts.empty:
            return self._comparison([], 0)
        try:
            seen = await self._see()
        except Missing:
            return self._unserved()
        except JobError as error:
            return self._failed(str(error))
        try:
            left = self._texts.left()
        except Unreadable as error:
            return self._failed(str(error))
        return await self._paired(seen, {_key(obj): obj for obj in left})

    async def _load(self) -> None:
        for file in self._listing.files:
            try:
                self._texts.add(file, await self._contents.data(file))
            except JobError as error:
                self._unread.add(file.namespace)
                self._unchecked.append(Unchecked(f"{file.resource} in {file.path}", str(error)))

    async def _see(self) -> _Seen:
        seen = _Seen()
        async for objects, anew in self._listing.batches(self._reader):
            if anew:
                seen = _Seen()
                self._texts.begin()
            for obj in objects:
                self._look(seen, obj)
            await asyncio.sleep(0)
        return seen

    def _look(self, seen: _Seen, obj: Json) -> None:
        resource, key = self._listing.resource, _key(obj)
        if not self._contents.selection.wants(resource, obj) or not self._scope.covers_object(resource, obj):
            return
        self._note(key)
        try:
            if left_out(resource, obj):
                seen.set_aside.add(key)
                return
            cleaned = self._texts.take(obj)
        except (Unreadable, ValueError) as error:
            seen.unreadable[key] = "it holds what no Secret can" if resource.name == SECRETS.rule else str(error)
            return
        if cleaned is None:
            seen.same += 1
        else:
            seen.otherwise[key] = cleaned

    async def _paired(self, seen: _Seen, wanted: dict[_Key, Json]) -> Comparison:
        held = [each for key, document in wanted.items() if (each := await self._held(seen, key, document))]
        held += [self._compared(key, State.ADDED) for key in seen.otherwise if self._known(key)]
        self._unchecked += [Unchecked(self._name(key), why) for key, why in seen.unreadable.items()]
        different = [each for each in held if each.state is not State.CHANGED or each.differences]
        return self._comparison(different, seen.same + len(held) - len(different))

    async def _held(self, seen: _Seen, key: _Key, document: Json) -> Compared | None:
        """One that the backup has against what the cluster has of that name; None where that cannot be had."""
        self._note(key)
        if key in seen.unreadable:
            return None
        try:
            live = seen.otherwise.pop(key, None) or (await self._aside(key) if key in seen.set_aside else None)
        except JobError as error:
            seen.unreadable[key] = str(error)
            return None
        if live is None:
            return self._compared(key, State.MISSING)
        found = differences(live, document)
        return replace(self._compared(key, State.CHANGED, veiled(self._listing.resource, found)), document=document)

    async def _aside(self, key: _Key) -> Json | None:
        """An object that a backup would leave out today, and that this one holds."""
        resource, (namespace, name) = self._listing.resource, key
        try:
            live = await self._reader.get(resource, name, namespace or None)
        except Missing:
            return None
        going = live["metadata"].get("deletionTimestamp")
        cleaned = clean(resource, live)
        return cleaned | {"metadata": cleaned["metadata"] | {"deletionTimestamp": going}} if going else cleaned

    def _known(self, key: _Key) -> bool:
        """Whether the backup would hold it, had it been there."""
        namespace, name = key
        missed = ((row.resource, row.namespace, row.name) for row in self._contents.selection.manifest.not_whole)
        return namespace not in self._unread and (self._listing.resource.name, namespace, name) not in set(missed)

    def _unserved(self) -> Comparison:
        """The server knows no such list: the kind went, or only this version of it."""
        resource = self._listing.resource
        others = [each for each in self._discovery.resources if each.name == resource.name]
        if others:
            served = f"it is served as {others[0].api_version} now, and no longer as {resource.api_version}"
            return self._failed(served)
        if any(version.startswith(f"{resource.group}/") for version in self._discovery.failed):
            return self._failed(f"{resource.group} could not be discovered; see: kubectl get apiservices")
        self._texts.begin()
        try:
            left = self._texts.left()
        except Unreadable as error:
            return self._failed(str(error))
        keys = list(map(_key, left))
        for key in keys:
            self._note(key)
        return self._comparison([self._compared(key, State.MISSING) for key in keys], 0)

    def _failed(self, why: str) -> Comparison:
        self._unchecked.append(Unchecked(str(self._listing), why))
        return self._comparison([], 0)

    def _comparison(self, found: Iterable[Compared], same: int) -> Comparison:
        return Comparison(tuple(found), tuple(self._unchecked), same, frozenset(self._names))

    def _note(self, key: _Key) -> None:
        if self._contents.selection.names:
            self._names.add((self._listing.resource.name, key[1]))

    def _compared(self, key: _Key, state: State, found: tuple[Difference, ...] = ()) -> Compared:
        return Compared(self._listing.resource, *key, state, found)

    def _name(self, key: _Key) -> str:
        return str(self._compared(key, State.CHANGED))


def _key(obj: Json) -> _Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
