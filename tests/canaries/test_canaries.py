"""200 canaries: what is in Secrets appears nowhere in clear, what is elsewhere in the manifests that hold it alone."""

import asyncio
import base64
import contextlib
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pyrage import x25519

from maintd.core.resource import Json
from maintd.objects.age import Identities
from maintd.sandbox.faults import Fault, null_items, truncated
from maintd.sandbox.reply import Reply
from maintd.sandbox.server import Sandbox
from tests.cli.conftest import Serving, Shell

KEY = x25519.Identity.generate()
SECRETS, PER_OTHER = 80, 40
JOBS = f"""version: 1
targets: {{app: {{namespace: app}}}}
defaults: {{target: app}}
jobs:
  - {{name: plain, kind: backup, every: 2s}}
  - {{name: counted, kind: backup, every: 2s, params: {{count_secrets: true}}}}
  - {{name: sealed, kind: backup, every: 1s, params: {{secrets: {{recipients: [{KEY.to_public()}]}}}}}}
  - {{name: tidy, kind: cleanup-pods, every: 2s, mode: act, params: {{older_than: 1h}}}}
"""
IN_CLEAR = re.compile(rb"canary-[a-z]+-[0-9]{3}-end")


def canaries(what: str, count: int) -> list[str]:
    return [f"canary-{what}-{number:03}-end" for number in range(count)]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def scene() -> Iterator[Json]:
    """One namespace full of them, and a pod that failed long ago."""
    for number, canary in enumerate(canaries("secret", SECRETS)):
        applied = json.dumps({"kind": "Secret", "stringData": {"k": canary}})
        notes = {"kubectl.kubernetes.io/last-applied-configuration": applied} if number % 2 else {"note": canary}
        yield named("v1", "Secret", f"s{number}", notes) | {"type": "Opaque", "data": {"k": encoded(canary)}}
    for number, canary in enumerate(canaries("note", PER_OTHER)):
        kind = ("ConfigMap", "ServiceAccount")[number % 2]
        yield named("v1", kind, f"n{number}", {"note": canary})
    for number, canary in enumerate(canaries("url", PER_OTHER)):
        yield named("v1", "ConfigMap", f"u{number}") | {"data": {"url": f"https://user:{canary}@db.app.svc/"}}
    for number, canary in enumerate(canaries("env", PER_OTHER)):
        containers = [{"name": "c", "image": "i", "env": [{"name": "PASSWORD", "value": canary}]}]
        if number % 4:
            labels = {"app": f"d{number}"}
            template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
            spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
            yield named("apps/v1", "Deployment", f"d{number}") | {"spec": spec}
        else:
            ended = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:00:00Z"}}
            status = {"phase": "Failed", "containerStatuses": [{"name": "c", "state": ended}]}
            yield named("v1", "Pod", f"p{number}") | {"spec": {"containers": containers}, "status": status}


def named(version: str, kind: str, name: str, notes: Json | None = None) -> Json:
    metadata = {"name": name, "namespace": "app", "annotations": notes or {}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def nowhere(reply: Reply) -> Reply:
    """An edit that no kind is prepared for: namespaces that are no text."""
    found = json.loads(reply.body)
    for item in found["items"]:
        item["metadata"]["namespace"] = [item["data"]["k"]]
    return reply.with_body(json.dumps(found).encode())


def unlike_a_secret(reply: Reply) -> Reply:
    """An edit: canaries where an error would show the value that it is about."""
    found = json.loads(reply.body)
    for item in found["items"]:
        item["metadata"]["annotations"] = item["data"]["k"]
    return reply.with_body(json.dumps(found).encode())


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox() as box:
        long_ago = f"{box.now() - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
        box.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maintd"}})
        for obj in scene():
            box.put(obj | {"metadata": obj["metadata"] | {"creationTimestamp": long_ago}})
        (tmp_path / "jobs.yaml").write_text(JOBS)
        (tmp_path / "tmp").mkdir()
        yield Shell(tmp_path, box, {"MAINTD_LOG_LEVEL": "debug", "TMPDIR": str(tmp_path / "tmp")})


@pytest.fixture
async def serving(shell: Shell) -> AsyncIterator[Serving]:
    with (shell.folder / "stderr").open("wb") as stderr:
        process = await shell.start("serve", stdout=asyncio.subprocess.PIPE, stderr=stderr, limit=2**24)
        try:
            yield Serving(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


async def has_run(serving: Serving, shell: Shell) -> dict[str, bytes]:
    """Everything that a daemon said and wrote: through good runs, a crash, half answers, and a store that is away."""
    for job in ("plain", "counted", "sealed", "tidy"):
        await ended(serving, job, "ok")
    for edit in (nowhere, truncated, null_items, unlike_a_secret):
        fault = Fault("list", "/api/v1/namespaces/app/secrets", times=1_000_000, edit=edit)
        shell.box.faults.append(fault)
        begun = len(serving.lines)
        await ended(serving, "sealed", "crashed" if edit is nowhere else "partial", after=begun)
        shell.box.faults.remove(fault)
    pages = {path: (await serving.get(path))[1].encode() for path in ("/metrics", "/readyz", "/livez")}
    await take_away(shell)
    await serving.said("records kept aside")
    await ended(serving, "sealed", "failed")
    assert await serving.stop() == 0
    events = {"events": json.dumps(shell.box.select("v1", "Event")).encode()}
    state = {"state": json.dumps(shell.box.get("v1", "ConfigMap", "maintd-state", "maintd")).encode()}
    log = {"log": json.dumps(serving.lines).encode()}
    files = {str(path.relative_to(shell.folder)): path for path in shell.folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items()} | pages | events | state | log


async def ended(serving: Serving, job: str, status: str, *, after: int = 0) -> None:
    """Wait until a run of the job has ended so; `after` so many lines of the log."""
    async with asyncio.timeout(30):
        while not any(is_end(line, job, status) for line in serving.lines[after:]):
            assert serving.process.stdout is not None
            serving.lines.append(json.loads(await serving.process.stdout.readline()))


def is_end(line: Json, job: str, status: str) -> bool:
    # A traceback follows the first words in the message itself.
    return line["message"].startswith("run finished") and (job_of(line), line["status"]) == (job, status)


def job_of(line: Json) -> str:
    return str(line["logging.googleapis.com/labels"]["job"])


async def take_away(shell: Shell) -> None:
    store = shell.folder / ".maintd/store/default"
    while not store.is_file():  # a run may make the folder anew in between
        with contextlib.suppress(OSError):
            store.rename(shell.folder / f"aside-{len(list(shell.folder.iterdir()))}")
            store.touch(exist_ok=False)
        await asyncio.sleep(0)


def kind_of_place(name: str) -> str:
    """`backup: app/configmaps.yaml`, `evidence: pod.yaml`, or the place itself."""
    if found := re.search(r"/backups/[^/]+/(.+)", name):
        return f"backup: {found[1]}"
    if found := re.search(r"/evidence/[^/]+/app/pods/[^/]+/(.+)", name):
        return f"evidence: {found[1]}"
    return name


async def test_what_is_in_secrets_is_nowhere_and_what_is_elsewhere_is_in_its_manifests_alone(
    serving: Serving, shell: Shell
) -> None:
    said = await has_run(serving, shell)

    secret = canaries("secret", SECRETS)
    forms = [
        form.encode() for canary in secret for form in (canary, encoded(canary), canary[:-4], encoded(canary)[:24])
    ]
    assert [name for name, data in said.items() if any(form in data for form in forms)] == []

    places = defaultdict(set)
    for name, data in said.items():
        for canary in IN_CLEAR.findall(data):
            places[canary.decode()].add(kind_of_place(name))
    config_maps, accounts = {"backup: app/configmaps.yaml"}, {"backup: app/serviceaccounts.yaml"}
    deployments, evidence = {"backup: app/deployments.apps.yaml"}, {"evidence: manifest.yaml"}
    notes, urls, env = (canaries(what, PER_OTHER) for what in ("note", "url", "env"))
    expected = {canary: accounts if number % 2 else config_maps for number, canary in enumerate(notes)}
    expected |= dict.fromkeys(urls, config_maps)
    expected |= {canary: deployments if number % 4 else evidence for number, canary in enumerate(env)}
    assert places == expected

    sealed = [data for name, data in said.items() if name.endswith("/app/secrets.yaml.age")]
    inside = [Identities(str(KEY)).opened(data) for data in sealed]
    assert inside
    assert [{encoded(canary) for canary in secret} - values(data) for data in inside] == [set()] * len(inside)
    assert [name for name in said if ".maintd/spool/" in name]


async def test_a_process_that_may_hold_secrets_leaves_no_core_file(serving: Serving) -> None:
    await serving.said("daemon started")

    limits = Path(f"/proc/{serving.process.pid}/limits").read_text()

    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def values(data: bytes) -> set[str]:
    return {document["data"]["k"] for document in yaml.safe_load_all(data)}
