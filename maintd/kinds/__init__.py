"""The kinds of jobs: one module each, found by their folder or by the entry-point group `maintd.kinds`."""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from maintd.core.errors import ConfigError
from maintd.core.kind import Kind

GROUP = "maintd.kinds"


@cache
def load_kinds() -> dict[str, Kind]:
    """Every kind by name, sorted.

    Raises ConfigError when a third party's kind cannot be imported or takes a name that is in use.
    """
    found = {kind.name: kind for kind in _built_in()}
    for entry in entry_points(group=GROUP):
        kind = _third_party(entry)
        if kind.name in found:
            raise ConfigError(f"{entry.value} offers the kind {kind.name}, which exists already; rename its module")
        found[kind.name] = kind
    return dict(sorted(found.items()))


def _built_in() -> list[Kind]:
    modules = []
    for folder in ("observe", "protect", "act"):
        package = importlib.import_module(f"{__name__}.{folder}")
        modules += [
            importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)
        ]
    return [module.KIND for module in modules]


def _third_party(entry: EntryPoint) -> Kind:
    try:
        kind = entry.load()
    except Exception as error:
        raise ConfigError(
            f"the kind {entry.name} ({entry.value}) cannot be imported: {error}; reinstall its package or remove it"
        ) from error
    if not isinstance(kind, Kind):
        raise ConfigError(f"{entry.value} is not a maintd.core.kind.Kind; point the entry point at the KIND value")
    return kind
