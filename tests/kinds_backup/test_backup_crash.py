"""A backup whose run ended at any step of writing is none, for everybody who reads backups."""

from pathlib import Path
from typing import Any

import pytest

from maintd.core.errors import ConfigError
from maintd.core.outcome import Status
from maintd.core.ports import Stored
from maintd.objects import archive
from maintd.objects.backup_census import UNFINISHED, census
from maintd.objects.freshness import Freshness, Freshnesses
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore
from tests.kinds_backup.conftest import Desk
from tests.kinds_backup.test_backup_verify import verify


class Killed(BaseException):
    """The process ends here."""


class Mortal(FolderStore):
    """Its process dies before the nth object is written; or in the middle of it, half of which lies there."""

    def __init__(self, root: Path, cluster: str, lives: int, *, half: bool) -> None:
        super().__init__(root, cluster)
        self._file = root / cluster
        self._lives = lives
        self._half = half

    async def create(self, path: str, data: bytes) -> Stored:
        if self._lives == 0:
            if self._half:
                (self._file / path).parent.mkdir(parents=True, exist_ok=True)
                (self._file / path).write_bytes(data[: len(data) // 2])
            raise Killed
        self._lives -= 1
        return await super().create(path, data)


@pytest.fixture
def kubeconfig(sandbox: Sandbox, tmp_path: Path) -> Path:
    for number in range(4):
        metadata = {"name": f"c{number}", "namespace": f"space-{number % 2}"}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}})
    return sandbox.kubeconfig(tmp_path / "kubeconfig")


async def died(desk: Desk, kubeconfig: Path, lives: int, **how: Any) -> bool:
    """Whether a run died before it wrote so many objects and one more."""
    try:
        await desk.run(kubeconfig, store=Mortal(desk.root, "test", lives, **how))
    except (Killed, BaseExceptionGroup):
        return True
    return False


@pytest.mark.parametrize("half", [False, True], ids=["before it", "in the middle of it"])
async def test_killed_at_each_object_that_is_written_nothing_is_left_that_is_taken_for_a_backup(
    desk: Desk, kubeconfig: Path, half: bool
) -> None:
    store = FolderStore(desk.root, "test")
    deaths = 0
    while await died(desk, kubeconfig, deaths, half=half):
        deaths += 1
        states = [found.state async for found in archive.backups(store)]
        torn = ["damaged"] if half and "damaged" in states else []
        assert sorted(states) == sorted([*torn, *["unfinished"] * (len(states) - len(torn))])
        assert all(each.unknown and not each.complete for each in await census(store))
        assert await Freshnesses(store).look(frozenset({"backup"})) == {"backup": Freshness(None, None)}
        with pytest.raises(ConfigError, match="there is no backup"):
            await archive.find(store)
        assert (await verify(store)).judged() is Status.ATTENTION

    assert deaths > 3
    whole = [found async for found in archive.backups(store) if found.complete]
    assert len(whole) == 1
    assert (await verify(store, id=whole[0].id)).judged() is Status.OK
    assert [each.unknown for each in await census(store)].count(UNFINISHED) >= deaths - 2 - half
