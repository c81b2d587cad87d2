"""Who answers for an object: the owner that is marked as its controller."""

from dataclasses import dataclass

from maintd.core.errors import Unreadable
from maintd.core.resource import Json
from maintd.objects.fields import mapping, mappings, text, word


@dataclass(frozen=True, slots=True)
class Controller:
    """The one owner reference with `controller: true`."""

    group: str
    kind: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def controller_of(obj: Json) -> Controller | None:
    """The controller, or None where nobody answers for the object. Raises Unreadable."""
    for reference in mappings(mapping(obj, "metadata"), "ownerReferences"):
        if reference.get("controller") is True:
            group, slash, _ = text(reference, "apiVersion").partition("/")
            kind, name, uid = word(reference, "kind"), word(reference, "name"), text(reference, "uid")
            found = Controller(group if slash else "", kind, name, uid)
            if not (found.kind and found.uid):
                raise Unreadable(f"ownerReferences name a controller without kind or uid: {ascii(reference)[:60]}")
            return found
    return None
