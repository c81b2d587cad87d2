"""A restore that is killed at any of its steps, and typed again: the same end, as if nothing had happened."""

import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintd.core.resource import Json
from maintd.sandbox.server import Sandbox
from tests.faults.shell import ROUNDS, Shell
from tests.forks import Nursery

pytestmark = pytest.mark.xdist_group("killed processes")

JOBS = """version: 1
jobs:
  - {name: nightly, kind: backup, manual: true, params: {namespaces: [shop], kinds: [configmaps, serviceaccounts]}}
"""
RESTORE = ("restore", "--existing", "update", "--yes")
WRITES = 4
"""What a night takes."""
KILLED = [("restore-kept", 1)] + [
    (name, nth) for name in ("restore-write-before", "restore-write-after") for nth in range(1, WRITES + 1)
]


@dataclass
class Shop(Shell):
    """A namespace with ConfigMaps and a ServiceAccount."""

    def open(self) -> None:
        for name in ("flags", "prices", "texts"):
            self._put("ConfigMap", name, {"data": {"k": "v"}})
        self._put("ServiceAccount", "web", {"automountServiceAccountToken": False})

    def night(self) -> None:
        """Two ConfigMaps and the ServiceAccount are deleted, one ConfigMap is changed."""
        for kind, name in (("ConfigMap", "prices"), ("ConfigMap", "texts"), ("ServiceAccount", "web")):
            self.sandbox.remove("v1", kind, name, "shop")
        self._put("ConfigMap", "flags", {"data": {"k": "changed", "added": "since"}})

    def goods(self) -> dict[str, Json | None]:
        """What is there, without what the server writes."""
        names = [("ConfigMap", name) for name in ("flags", "prices", "texts")] + [("ServiceAccount", "web")]
        found = {name: self.sandbox.get("v1", kind, name, "shop") for kind, name in names}
        return {name: obj and {key: obj[key] for key in obj.keys() - {"metadata"}} for name, obj in found.items()}

    def _put(self, kind: str, name: str, content: Json) -> None:
        self.sandbox.put({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}} | content)


@pytest.fixture
async def shop(sandbox: Sandbox, tmp_path: Path, forks: Nursery) -> Shop:
    (tmp_path / "jobs.yaml").write_text(JOBS)
    found = Shop(forks, tmp_path, sandbox)
    found.open()
    assert await found.run("run", "nightly") == 0, found.said()
    return found


async def test_killed_at_each_of_its_steps_and_typed_again_it_ends_the_same(shop: Shop) -> None:
    whole = shop.goods()
    for name, nth in KILLED if ROUNDS > 2 else KILLED[::4]:
        shop.night()
        assert await shop.run(*RESTORE, failpoints=f"{name}:{nth}:kill") == -signal.SIGKILL
        assert (shop.goods() != whole) == ((name, nth) != ("restore-write-after", WRITES))

        assert await shop.run(*RESTORE) == 0, f"{name} {nth}: {shop.said()}"
        assert shop.goods() == whole, (name, nth)
    shop.said()

    assert await shop.run(*RESTORE) == 0
    assert "nothing to do" in shop.said()


async def test_what_it_overwrote_before_it_was_killed_can_be_put_back(shop: Shop) -> None:
    shop.night()
    before = shop.goods()["flags"]
    assert await shop.run(*RESTORE, failpoints=f"restore-write-after:{WRITES}:kill") == -signal.SIGKILL
    assert shop.goods()["flags"] != before

    [kept] = (shop.folder / "store/test/before-restore/backups").iterdir()
    assert await shop.run("restore", "--from", kept.as_uri(), *RESTORE[1:]) == 0, shop.said()
    assert shop.goods()["flags"] == before
