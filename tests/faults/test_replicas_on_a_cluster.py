"""L1 to L3, D1 and S4 on a real control plane: three daemons, of which one after the other is stopped or ended."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MERGE_PATCH, Backend
from tests.faults.books import wrong
from tests.faults.evidence import records
from tests.faults.process import maintd
from tests.faults.proxy import Proxy
from tests.faults.trio import LEASE_SECONDS, Reign, Replicas, scaled

pytestmark = [pytest.mark.cluster, pytest.mark.parametrize("cluster_backend", ["controlplane"], indirect=True)]

JOBS = """version: 1
targets: {{shop: {{namespace: {space}}}}}
defaults: {{target: shop, timeout: 4s, timezone: UTC}}
jobs:
  - {{name: tidy, kind: cleanup-pods, every: 1s, mode: act, params: {{older_than: 1s}}}}
  - {{name: backup, kind: backup, every: 2s, params: {{kinds: [configmaps]}}}}
  - {{name: hourly, kind: backup, schedule: "0 * * * *", start_deadline: 59m, params: {{kinds: [configmaps]}}}}
"""
AWAY = timedelta(hours=25)


class Cluster:
    """A real control plane with maintd's namespace and the application's."""

    def __init__(self, backend: Backend, folder: Path, home: str, space: str) -> None:
        self.backend, self.folder, self.home, self.space = backend, folder, home, space

    @property
    def records(self) -> list[dict[str, Any]]:
        return records(self.folder / "store" / "plane")

    def new(self, job: str, known: set[str]) -> list[dict[str, Any]]:
        """Its records that are not known yet."""
        return [record for record in self.records if record["job"] == job and record["run_id"] not in known]

    def serve(self, way: Proxy, **more: str):
        config = json.loads(self.backend.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{way.port}"
        (path := self.folder / f"kubeconfig-{way.port}").write_text(json.dumps(config))
        environment = {
            "KUBECONFIG": str(path),
            "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
            "MAINTD_STORAGE": f"file://{self.folder / 'store'}",
            "MAINTD_CLUSTER": "plane",
            "MAINTD_NAMESPACE": self.home,
        }
        return maintd("serve", folder=self.folder, environment=environment | more)

    async def pod(self, name: str, phase: str) -> str:
        """A pod; a failed one has been so for an hour. Returns its uid."""
        ended = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        status: dict[str, Any] = {"phase": phase, "startTime": ended}
        if phase == "Failed":
            terminated = {"exitCode": 1, "reason": "Error", "startedAt": ended, "finishedAt": ended}
            about = {"name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 0}
            status["containerStatuses"] = [about | {"state": {"terminated": terminated}}]
        made = await self.backend.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": self.space},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
                "status": status,
            }
        )
        return str(made["metadata"]["uid"])

    async def pods(self) -> dict[str, str]:
        """uid → name."""
        found = await self.backend.request("GET", f"/api/v1/namespaces/{self.space}/pods")
        return {each["metadata"]["uid"]: each["metadata"]["name"] for each in found.json["items"]}

    async def made_anew(self, name: str) -> str:
        """A pod that failed, and is made anew, by somebody else, about when maintd deletes it; the new one's uid."""
        await self.pod(name, "Failed")
        await asyncio.sleep(0.3)
        path = f"/api/v1/namespaces/{self.space}/pods/{name}"
        await self.backend.request("DELETE", f"{path}?gracePeriodSeconds=0")
        await self.backend.wait_for(path, status=404)
        return await self.pod(name, "Running")

    async def entries(self) -> dict[str, dict[str, Any]]:
        found = await self.backend.request("GET", self._state)
        return {job: json.loads(text) for job, text in found.json["data"].items()}

    async def date_back(self, job: str, by: timedelta) -> datetime:
        """As if nobody had served for so long; up to when the job's due instants are accounted for then."""
        entry = (await self.entries())[job]
        for key in entry.keys() & {"since", "last_due"}:
            entry[key] = (datetime.fromisoformat(entry[key]) - by).isoformat()
        await self.backend.request("PATCH", self._state, {"data": {job: json.dumps(entry)}}, content=MERGE_PATCH)
        return max(datetime.fromisoformat(entry[key]) for key in entry.keys() & {"since", "last_due"})

    @property
    def _state(self) -> str:
        return f"/api/v1/namespaces/{self.home}/configmaps/maintd-state"


@pytest.fixture
async def cluster(cluster_backend: Backend, tmp_path: Path) -> Cluster:
    home, space = await cluster_backend.namespace(), await cluster_backend.namespace()
    (tmp_path / "jobs.yaml").write_text(JOBS.format(space=space))
    return Cluster(cluster_backend, tmp_path, home, space)


@asynccontextmanager
async def replicas(cluster: Cluster) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        found = Replicas(
            folder=cluster.folder,
            url=cluster.backend.url,
            serve=cluster.serve,
            environment=scaled(3),
            stack=stack,
        )
        for _ in range(3):
            await found.join()
        yield found


async def after(found: Replicas, reign: Reign) -> tuple[Reign, datetime]:
    """Who leads next, and since when."""
    following = await found.reign(above=reign.epoch)
    line = await following.replica.process.said("state taken over", epoch=following.epoch)
    return following, datetime.fromisoformat(line["time"])


@pytest.mark.timeout(240)
async def test_at_most_one_of_three_acts_and_what_was_missed_is_made_up_for_once(cluster: Cluster) -> None:
    healthy = [await cluster.pod("well", "Running")]
    async with replicas(cluster) as found:
        reign = await found.reign()
        for cut in (signal.SIGSTOP, "Lease deleted"):
            failed = {await cluster.pod(f"failed-{reign.epoch}-{number}", "Failed") for number in range(6)}
            stopped = reign
            if cut == signal.SIGSTOP:
                stopped.replica.process.tell(signal.SIGSTOP)
            else:
                lease = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.home}/leases/maintd"
                assert (await cluster.backend.request("DELETE", lease)).status == 200
            healthy.append(await cluster.made_anew(f"anew-{reign.epoch}"))
            reign, _ = await after(found, reign)
            healthy.append(await cluster.made_anew(f"anew-{reign.epoch}-later"))
            stopped.replica.process.tell(signal.SIGCONT)
            async with asyncio.timeout(30):
                while failed & (await cluster.pods()).keys():
                    await asyncio.sleep(0.2)

        reign.replica.process.tell(signal.SIGKILL)
        killed = datetime.now(UTC)
        reign, since = await after(found, reign)
        assert since - killed < timedelta(seconds=LEASE_SECONDS + 4)

        reign.replica.process.tell(signal.SIGTERM)
        released = await reign.replica.process.said("leadership released")
        reign, since = await after(found, reign)
        assert since - datetime.fromisoformat(released["time"]) < timedelta(seconds=2)

        reign.replica.process.tell(signal.SIGKILL)
        await reign.replica.process.ended()
        known = {record["run_id"] for record in cluster.records}
        accounted = await cluster.date_back("hourly", AWAY)
        await found.join()
        reign, since = await after(found, reign)
        async with asyncio.timeout(20):
            while len(cluster.new("hourly", known)) < 2:
                await asyncio.sleep(0.2)
        assert await found.stop() == [0]

    missed, made = sorted(cluster.new("hourly", known), key=lambda record: record["status"] != "missed")
    due = int(since.timestamp() // 3600 - accounted.timestamp() // 3600)
    assert (missed["status"], missed["count"]) == ("missed", due - 1)
    assert made["status"] in ("ok", "attention")
    assert set(healthy) == (await cluster.pods()).keys()
    assert [*wrong(found.lines, cluster.records, await cluster.entries())] == []
