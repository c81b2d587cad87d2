"""Secrets: in a backup as age and in no other way, and only where a job names whom they are for."""

import base64
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from pyrage import x25519

from maintd.core.outcome import Status
from maintd.core.ports import Staging, Stored
from maintd.core.resource import Json, Resource
from maintd.core.target import Target
from maintd.kinds.protect.backup import KIND
from maintd.objects.age import GROWTH, Identities
from maintd.objects.backup_copy import ListCopy
from maintd.objects.backup_manifest import MAX_FILE
from maintd.objects.backup_scope import Encryption, Scope
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore
from tests.conftest import Backend
from tests.kinds_backup.conftest import Desk
from tests.memory import remembered

CANARY = "canary-that-must-not-leak"
ENCODED = base64.b64encode(CANARY.encode()).decode()
SECRETS = Resource("", "v1", "secrets", "Secret")
KEY = x25519.Identity.generate()
PUBLIC = str(KEY.to_public())
FOR_ME = {"recipients": [PUBLIC]}


def secret(space: str, name: str, **more: object) -> Json:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", **more}


def opened(data: bytes) -> list[Json]:
    return list(yaml.safe_load_all(Identities(str(KEY)).opened(data)))


@pytest.fixture
async def space(cluster_backend: Backend) -> str:
    name = await cluster_backend.namespace()
    await cluster_backend.apply(secret(name, "db", data={"password": ENCODED}))
    return name


async def test_the_secrets_of_a_namespace_are_in_one_file_that_the_key_opens(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    made = await desk.backup(cluster_backend.kubeconfig, namespaces=[space], secrets=FOR_ME)

    path = f"{space}/secrets.yaml.age"
    assert made.outcome.judged() is Status.OK
    assert made.outcome.summary.endswith("1 Secret encrypted for 1 recipient")
    assert opened(made.files[path]) == [secret(space, "db", data={"password": ENCODED})]
    [row] = [file for file in made.manifest.files if file.resource == "secrets"]
    assert (row.path, row.namespace, row.count, row.recipients) == (path, space, 1, (PUBLIC,))
    assert [file.recipients for file in made.manifest.files if file is not row] == [()] * (len(made.files) - 1)
    assert [row.objects for row in made.manifest.lists if row.resource == "secrets"] == [1]
    everything = b"".join(file.read_bytes() for file in desk.root.rglob("*") if file.is_file())
    assert CANARY.encode() not in everything
    assert ENCODED.encode() not in everything


async def test_the_rights_follow_from_the_recipients(cluster_backend: Backend, desk: Desk, space: str) -> None:
    target = Target(namespace=space)
    plain = await cluster_backend.grant(KIND.rules(KIND.params(), target))
    sealed = await cluster_backend.grant(KIND.rules(KIND.params.model_validate({"secrets": FOR_ME}), target))

    denied = await desk.backup(plain, target=target, secrets=FOR_ME)
    granted = await desk.backup(sealed, target=target, secrets=FOR_ME)

    assert [str(row) for row in denied.manifest.not_whole] == [f"secrets in {space}"]
    assert granted.outcome.judged() is Status.OK


async def test_tokens_that_a_controller_makes_stay_out_by_name(sandbox: Sandbox, desk: Desk, tmp_path: Path) -> None:
    notes = {"kubernetes.io/service-account.name": "builder"}
    token = secret("a", "builder-token", type="kubernetes.io/service-account-token", data={"token": ENCODED})
    sandbox.put(token | {"metadata": token["metadata"] | {"annotations": notes}})
    sandbox.put(secret("a", "bootstrap-token-abc123", type="bootstrap.kubernetes.io/token", data={"t": ENCODED}))
    owner = {"apiVersion": "v1", "kind": "Sealed", "name": "o", "uid": "u", "controller": True}
    owned = secret("a", "owned", data={"k": ENCODED})
    sandbox.put(owned | {"metadata": owned["metadata"] | {"ownerReferences": [owner]}})
    sandbox.put(secret("a", "mine", data={"k": ENCODED}))

    made = await desk.backup(sandbox.kubeconfig(tmp_path / "kubeconfig"), kinds=["secrets"], secrets=FOR_ME)

    assert [each["metadata"]["name"] for each in opened(made.files["a/secrets.yaml.age"])] == ["mine"]
    rows = {row.rule: row.count for row in made.manifest.left_out if row.resource == "secrets"}
    assert rows == {"bootstrap-tokens": 1, "owned": 1, "tokens": 1}


async def test_nothing_that_is_staged_can_be_read(sandbox: Sandbox, desk: Desk, tmp_path: Path) -> None:
    for number in range(40):
        data = {"k": base64.b64encode(f"{CANARY}-{number}".encode() * 5000).decode()}
        sandbox.put(secret("a", f"s{number}", data=data))
    store = Watched(desk.root, "test")

    made = await desk.backup(
        sandbox.kubeconfig(tmp_path / "kubeconfig"), store=store, kinds=["secrets", "namespaces"], secrets=FOR_ME
    )

    assert len(opened(made.files["a/secrets.yaml.age"])) == 40
    assert {path.rpartition("/")[2] for path in store.staged} == {"namespaces.yaml", "secrets.yaml.age"}
    assert not [data for data in store.staged.values() if ENCODED[:20].encode() in data or b"kind: Secret" in data]


class Watched(FolderStore):
    """A folder that remembers what was staged on the way to it."""

    def __init__(self, root: Path, cluster: str) -> None:
        super().__init__(root, cluster)
        self.staged: dict[str, bytes] = {}

    @asynccontextmanager
    async def staging(self) -> AsyncIterator[Staging]:  # type: ignore[override]
        async with super().staging() as inner:
            yield Seen(inner, self.staged)


class Seen:
    """A staging that notes what it is handed."""

    def __init__(self, inner: Staging, staged: dict[str, bytes]) -> None:
        self._inner = inner
        self._staged = staged

    async def add(self, path: str, data: bytes) -> None:
        self._staged[path] = data
        await self._inner.add(path, data)

    async def clear(self) -> None:
        await self._inner.clear()

    async def commit(self) -> list[Stored]:
        return await self._inner.commit()


def test_what_is_more_than_a_file_holds_goes_on_in_parts_each_of_which_opens() -> None:
    copy = ListCopy(SECRETS, Scope(secrets=Encryption(recipients=(PUBLIC,))))
    big = "x" * (MAX_FILE // 3)

    files = [file for number in range(5) for file in copy.take(secret("a", f"s{number}", data={"k": big}))]
    files += copy.finish()

    assert [file.path for file, _ in files] == [
        "a/secrets.yaml.age",
        "a/secrets.0002.yaml.age",
        "a/secrets.0003.yaml.age",
    ]
    assert [len(opened(data)) for _, data in files] == [2, 2, 1]
    assert max(len(data) for _, data in files) <= MAX_FILE
    assert GROWTH < MAX_FILE


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": {"name": "s", "namespace": "a", "annotations": CANARY}},
        {"metadata": {"name": "s", "namespace": "a", "ownerReferences": CANARY}},
        {"data": {"k": f"{CANARY}\ud800"}},
        {"data": {"k": {CANARY}}},
        {"data": {"k": {1: CANARY}}},
    ],
    ids=["annotations", "owners", "half a character", "a set", "a key"],
)
def test_what_is_said_of_a_secret_that_cannot_be_written_shows_nothing_of_it(broken: Json) -> None:
    copy = ListCopy(SECRETS, Scope(secrets=Encryption(recipients=(PUBLIC,))))

    files = copy.take(secret("a", "s") | broken) + copy.finish()

    assert files == []
    [missed] = copy.not_whole
    assert (missed.name, missed.why) == ("s", "it cannot be written: it holds what no Secret can")
    assert CANARY not in missed.model_dump_json()


def test_no_text_of_a_secret_is_remembered_once_it_is_written() -> None:
    copy = ListCopy(SECRETS, Scope(secrets=Encryption(recipients=(PUBLIC,))))

    copy.take(secret("a", "s", data={"k": ENCODED}))
    copy.finish()

    assert ENCODED not in remembered()


async def test_two_backups_of_an_unchanged_namespace_differ_in_what_age_made_and_in_nothing_else(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    await cluster_backend.apply(secret(space, "another", stringData={"k": "v"}))
    first, second = [
        await desk.backup(cluster_backend.kubeconfig, namespaces=[space], secrets=FOR_ME) for _ in range(2)
    ]

    sealed = f"{space}/secrets.yaml.age"
    before, after = first.files.pop(sealed), second.files.pop(sealed)
    assert first.files == second.files
    assert before != after
    assert Identities(str(KEY)).opened(before) == Identities(str(KEY)).opened(after)


async def test_a_recipient_that_is_a_private_key_never_reaches_what_is_said(shell_jobs: Callable[[Json], str]) -> None:
    said = shell_jobs({"secrets": {"recipients": [str(KEY)]}})

    assert "jobs[0].params.secrets.recipients[0]: this is a private key" in said
    assert str(KEY)[16:] not in said


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"secrets": {}}, "name a recipient: age-keygen -o key.txt makes a key"),
        ({"secrets": {"recipients": []}}, "name a recipient: age-keygen -o key.txt makes a key"),
        ({"secrets": {"recipients": ["age1abc"]}}, "this is no age recipient; age-keygen -o key.txt makes a key"),
        ({"secrets": {"recipients": str(KEY)}}, "must be a list, not '***"),
        ({"secrets": str(KEY)}, "must be a mapping of keys to values, not '***"),
        ({str(KEY): 1}, "***: unknown key"),
        ({"sign_key": "sign.pem"}, "it must match ^/"),
    ],
)
def test_what_cannot_work_is_refused_at_load_with_its_place(
    shell_jobs: Callable[[Json], str], params: Json, words: str
) -> None:
    said = shell_jobs(params)

    assert said.startswith("jobs.yaml:4:")
    assert words in said
    assert str(KEY)[16:30] not in said


@pytest.fixture
def shell_jobs(tmp_path: Path) -> Callable[[Json], str]:
    """What is said of a jobs.yaml with one backup of these params, lines of the file and all."""
    from maintd.cli import jobsfile
    from maintd.config.mistakes import BadJobs

    def load(params: Json) -> str:
        text = "version: 1\njobs:\n- {name: a, kind: backup, manual: true,\n   params: " + json.dumps(params) + "}\n"
        with pytest.raises(BadJobs) as refused:
            jobsfile.loader().parse(text.encode(), Path("jobs.yaml"))
        return refused.value.report()

    return load


@pytest.mark.cluster
async def test_debians_age_opens_the_file(
    need_tool: Callable[[str], str], sandbox: Sandbox, desk: Desk, tmp_path: Path
) -> None:
    sandbox.put(secret("a", "mine", data={"k": ENCODED}))
    made = await desk.backup(sandbox.kubeconfig(tmp_path / "kubeconfig"), secrets=FOR_ME)
    (tmp_path / "key.txt").write_text(str(KEY))

    command = [need_tool("age"), "-d", "-i", tmp_path / "key.txt", made.folder / "a/secrets.yaml.age"]
    plain = subprocess.run(command, check=True, capture_output=True).stdout

    assert list(yaml.safe_load_all(plain)) == [secret("a", "mine", data={"k": ENCODED})]
