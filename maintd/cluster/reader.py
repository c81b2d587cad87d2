"""Reads objects and whole lists: what core.ports.Reader promises, over the raw transport."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from maintd.cluster.addresses import object_path
from maintd.cluster.api import Api
from maintd.cluster.discovery import discover
from maintd.cluster.replies import Expired, Reply, TooLarge
from maintd.cluster.request import Request
from maintd.core.errors import Unreadable
from maintd.core.ports import Discovery, Page
from maintd.core.resource import Json, Resource
from maintd.core.rules import Rule
from maintd.core.text import counted

PAGE_SIZE = 500
PAGE_CAP = 16 * 1024 * 1024
"""Bytes of one page: a list whose pages are larger is read in smaller ones, so that memory stays bounded."""

_PAGE_TIMEOUT = timedelta(seconds=60)
_EMPTY_PAGES = 100


class ClusterReader:
    """The Reader that kinds are handed."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def discover(self) -> Discovery:
        """Aggregated discovery where the server has it."""
        return await discover(self._api)

    async def version(self) -> Json:
        """`/version`."""
        return (await self._api.call(Request(method="GET", path="/version"))).json

    async def server_time(self) -> datetime:
        """The `Date` of a reply."""
        return (await self._api.call(Request(method="GET", path="/version"))).server_time

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Json:
        """One object. Raises Missing, and Unreadable for a reply that is another object."""
        needs = Rule(resource.name, "get", namespace=namespace)
        path = object_path(resource, namespace, name)
        found = (await self._api.call(Request(method="GET", path=path, needs=needs))).json
        metadata = found.get("metadata")
        if found.get("kind") != resource.kind or not isinstance(metadata, dict) or metadata.get("name") != name:
            raise Unreadable(f"GET {path}: the reply is not that {resource.kind}")
        return found

    def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[Page]:
        """The whole list; started over once when the server forgets the version it was being read at."""
        wanted = {"labelSelector": label_selector, "fieldSelector": field_selector}
        return self._pages(resource, namespace, {key: value for key, value in wanted.items() if value})

    async def _pages(
        self, resource: Resource, namespace: str | None, selectors: Mapping[str, str]
    ) -> AsyncIterator[Page]:
        restarted = False
        while True:
            try:
                async for page in self._once(_Listing(self._api, resource, namespace, selectors)):
                    yield page
            except Expired as error:
                if restarted:
                    raise Unreadable(
                        f"{error}, twice: {resource.name} change faster than they can be listed; nothing was concluded"
                    ) from None
                restarted = True
            else:
                return

    @staticmethod
    async def _once(listing: "_Listing") -> AsyncIterator[Page]:
        first = True
        while first or listing.token:
            reply = await listing.next()
            yield Page(
                items=reply.json["items"],
                first=first,
                last=not listing.token,
                resource_version=listing.version,
                server_time=reply.server_time,
            )
            first = False


class _Listing:
    """One pass through a list: the token for what comes next, and what must not change on the way."""

    def __init__(self, api: Api, resource: Resource, namespace: str | None, selectors: Mapping[str, str]) -> None:
        self._api = api
        self._resource = resource
        self._path = resource.path(namespace)
        self._needs = Rule(resource.name, "list", namespace=namespace)
        self._selectors = selectors
        self._size = PAGE_SIZE
        self._seen: set[str] = set()
        self._empty = 0
        self.token = ""
        self.version = ""

    async def next(self) -> Reply:
        """The next page, checked. Raises Expired (410), and Unreadable for what is not a page of this list."""
        reply = await self._fetch()
        metadata = self._checked(reply.json)
        version = metadata.get("resourceVersion", "")
        if self._seen and version != self.version:
            raise Expired(f"GET {self._path}: the list changed its version between two pages")
        self.version = version
        self.token = self._advanced(metadata.get("continue") or "", reply.json["items"])
        return reply

    async def _fetch(self) -> Reply:
        """A page over the cap is asked for again at half the size; a single object has only the transport's cap."""
        while True:
            query = {**self._selectors, "limit": str(self._size)} | ({"continue": self.token} if self.token else {})
            request = Request(method="GET", path=self._path, query=query, needs=self._needs)
            if self._size == 1:
                return await self._api.call(request, _PAGE_TIMEOUT)
            try:
                return await self._api.call(replace(request, cap=PAGE_CAP), _PAGE_TIMEOUT)
            except TooLarge:
                self._size //= 2

    def _checked(self, reply: Json) -> Json:
        """The list's metadata. An empty list is `[]`; `null`, as a cut or translated reply has it, proves nothing."""
        metadata, items = reply.get("metadata"), reply.get("items")
        if not str(reply.get("kind")).endswith("List") or not isinstance(metadata, dict):
            raise Unreadable(f"GET {self._path}: the reply is not a list of {self._resource.kind}")
        if not isinstance(items, list):
            raise Unreadable(f"GET {self._path}: the list has no items, not even an empty list of them")
        odd = sum(1 for item in items if not _is_object(item))
        if odd:
            raise Unreadable(f"GET {self._path}: {counted(odd, 'item')} of the list without a name")
        return metadata

    def _advanced(self, token: Any, items: list[Json]) -> str:
        """The token, once it is sure that the list gets on. A page may be empty (all filtered out), not for ever."""
        if not token:
            return ""
        marks = {f"token {token}", *map(_mark, items[:1])}
        self._empty = 0 if items else self._empty + 1
        if not isinstance(token, str) or marks & self._seen or self._empty > _EMPTY_PAGES:
            raise Unreadable(f"GET {self._path}: the server sends the list round in a circle; nothing was concluded")
        self._seen |= marks
        return token


def _is_object(item: Any) -> bool:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)


def _mark(item: Json) -> str:
    return f"object {item['metadata'].get('namespace')}/{item['metadata']['name']}"
