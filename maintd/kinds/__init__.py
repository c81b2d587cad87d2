"""The kinds of jobs: one module each, found by their folder or by the entry-point group `maintd.kinds`."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points

from maintd.core.errors import ConfigError
from maintd.core.kind import Kind

GROUP = "maintd.kinds"


@cache
def load_kinds() -> Mapping[str, Kind]:
    """Every kind by name, sorted; each is imported when it is first looked up.

    Raises ConfigError when a third party's kind takes a name that is in use; looking up raises it for one that
    cannot be imported, or that is not what its entry point says.
    """
    found = dict(_built_in())
    for entry in entry_points(group=GROUP):
        if entry.name in found:
            raise ConfigError(f"{entry.value} offers the kind {entry.name}, which exists already; rename its module")
        found[entry.name] = partial(_third_party, entry)
    return _Kinds(found)


class _Kinds(Mapping[str, Kind]):
    """Names at once, kinds when they are wanted: most files use few of them."""

    def __init__(self, sources: Mapping[str, Callable[[], Kind]]) -> None:
        self._sources = dict(sorted(sources.items()))
        self._loaded: dict[str, Kind] = {}

    def __getitem__(self, name: str) -> Kind:
        if name not in self._loaded:
            self._loaded[name] = self._sources[name]()
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def _built_in() -> Iterator[tuple[str, Callable[[], Kind]]]:
    for folder in ("observe", "protect", "act"):
        package = importlib.import_module(f"{__name__}.{folder}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            name = module.name.rpartition(".")[2].replace("_", "-")
            yield name, partial(_imported, module.name)


def _imported(module: str) -> Kind:
    kind: Kind = importlib.import_module(module).KIND
    return kind


def _third_party(entry: EntryPoint) -> Kind:
    try:
        kind = entry.load()
    except Exception as error:
        raise ConfigError(
            f"the kind {entry.name} ({entry.value}) cannot be imported: {error}; reinstall its package or remove it"
        ) from error
    if not isinstance(kind, Kind):
        raise ConfigError(f"{entry.value} is not a maintd.core.kind.Kind; point the entry point at the KIND value")
    if kind.name != entry.name:
        raise ConfigError(f"the entry point {entry.name} offers the kind {kind.name}; give both the same name")
    return kind
