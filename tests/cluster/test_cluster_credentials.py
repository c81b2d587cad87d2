"""Tokens, certificates and CAs that rotate under a running daemon."""

import asyncio
import logging
import shutil
import ssl
import stat
from pathlib import Path

import pytest
import time_machine
import trustme

from maintd.cluster.api import Api
from maintd.cluster.credentials import Credentials
from maintd.cluster.endpoints import InCluster, Kubeconfig
from maintd.cluster.request import Request
from maintd.core.errors import ConfigError, Denied, Unreadable
from tests.cluster.conftest import Answer, Seen, Stage, refusal, reply

GOOD = reply({"kind": "Answer"})
VERSION = Request(method="GET", path="/version")
ENVIRON = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


def account(folder: Path, token: str, authority: trustme.CA | None = None) -> Path:
    """A pod's service account folder, with the newline that files have."""
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(token + "\n")
    if authority is not None:
        authority.cert_pem.write_to_path(folder / "ca.crt")
    return folder


@pytest.mark.looptime
async def test_a_rotated_token_is_used_within_a_minute_wherever_the_wall_clock_goes(tmp_path: Path) -> None:
    folder = account(tmp_path, "old", trustme.CA())
    credentials = Credentials(InCluster(folder, ENVIRON))
    used = [(await credentials.endpoint()).authorization]

    account(tmp_path, "new")
    await asyncio.sleep(59)
    used.append((await credentials.endpoint()).authorization)
    with time_machine.travel(0):
        await asyncio.sleep(2)
        used.append((await credentials.endpoint()).authorization)

    assert used == ["bearer old", "bearer old", "bearer new"]


@pytest.mark.looptime
async def test_a_service_account_that_cannot_be_read_for_a_while_stays_in_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = account(tmp_path / "account", "old", trustme.CA())
    credentials = Credentials(InCluster(folder, ENVIRON))
    first = await credentials.endpoint()

    shutil.rmtree(folder)
    await asyncio.sleep(61)
    with caplog.at_level(logging.WARNING):
        second = await credentials.endpoint()

    assert second == first
    assert [record.message for record in caplog.records] == ["credentials re-read failed"]


@pytest.mark.looptime
async def test_one_re_read_serves_all_who_wait_for_it(tmp_path: Path) -> None:
    reads = 0

    class Counting(InCluster):
        async def load(self, *, refused: bool = False):
            nonlocal reads
            reads += 1
            await asyncio.sleep(1)
            return await super().load(refused=refused)

    credentials = Credentials(Counting(account(tmp_path, "t", trustme.CA()), ENVIRON))
    await asyncio.gather(*(credentials.endpoint() for _ in range(10)))

    assert reads == 1


async def test_unchanged_files_keep_the_connections_that_are_open(tmp_path: Path) -> None:
    source = InCluster(account(tmp_path, "old", trustme.CA()), ENVIRON)
    first = await source.load()
    account(tmp_path, "new")
    second = await source.load()

    assert second.tls is first.tls
    assert second.authorization != first.authorization


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_401_is_answered_with_the_newer_token_once(stage: Stage, method: str) -> None:
    def script(seen: Seen) -> Answer:
        return GOOD if seen.headers["authorization"] == "bearer new" else refusal(401, "Unauthorized")

    authority = trustme.CA()
    server = await stage.serve(script=script, tls=server_tls(authority))
    folder = account(stage.folder / "account", "old", authority)
    environ = ENVIRON | {"KUBERNETES_SERVICE_PORT": str(server.port)}
    api = stage.keep(await Api.over(InCluster(folder, environ)))
    account(folder, "new")

    found = await api.call(Request(method=method, path="/version"))

    assert found.json == {"kind": "Answer"}
    assert [seen.headers["authorization"] for seen in server.seen] == ["bearer old", "bearer new"]


async def test_a_401_with_nothing_newer_is_final(stage: Stage) -> None:
    server = await stage.serve(refusal(401, "Unauthorized"))
    api = await stage.connect(server)

    with pytest.raises(Denied, match=r"^GET /version: 401 Unauthorized: the API server does not accept our cred"):
        await api.call(VERSION)

    assert len(server.seen) == 1


async def test_a_rotated_ca_is_read_when_the_old_one_no_longer_vouches_for_the_server(stage: Stage) -> None:
    old, new = trustme.CA(), trustme.CA()
    server = await stage.serve(GOOD, tls=server_tls(old))
    folder = account(stage.folder / "account", "t", old)
    api = stage.keep(await Api.over(InCluster(folder, ENVIRON | {"KUBERNETES_SERVICE_PORT": str(server.port)})))
    await api.call(VERSION)

    await server.stop()
    server.tls = server_tls(new)
    await server.start()
    account(folder, "t", new)

    assert (await api.call(Request(method="POST", path="/thing", body={}))).json == {"kind": "Answer"}


async def test_a_server_that_our_ca_does_not_vouch_for_is_not_spoken_to(stage: Stage) -> None:
    server = await stage.serve(GOOD, tls=server_tls(trustme.CA()))
    folder = account(stage.folder / "account", "t", trustme.CA())
    api = stage.keep(await Api.over(InCluster(folder, ENVIRON | {"KUBERNETES_SERVICE_PORT": str(server.port)})))

    with pytest.raises(Unreadable, match=r"certificate is not one that our CA vouches for"):
        await api.call(VERSION)

    assert server.seen == []


async def test_a_client_certificate_in_the_kubeconfig_is_shown_to_the_server(stage: Stage) -> None:
    authority = trustme.CA()
    tls = server_tls(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    server = await stage.serve(GOOD, tls=tls)
    mine = authority.issue_cert("client@example.org")
    ca, key, chain = stage.folder / "ca.crt", stage.folder / "client.key", stage.folder / "client.crt"
    authority.cert_pem.write_to_path(ca)
    mine.private_key_pem.write_to_path(key)
    chain.write_bytes(b"".join(blob.bytes() for blob in mine.cert_chain_pems))
    user = {"client-certificate": str(chain), "client-key": str(key)}
    path = stage.kubeconfig(server.url, user=user, cluster={"certificate-authority": str(ca)})
    api = stage.keep(await Api.connect(path))

    assert (await api.call(VERSION)).json == {"kind": "Answer"}
    assert "authorization" not in server.seen[0].headers


async def test_the_name_that_the_kubeconfig_gives_the_server_is_the_one_that_is_checked(stage: Stage) -> None:
    authority = trustme.CA()
    server = await stage.serve(GOOD, tls=server_tls(authority, "kube.example.org"))
    authority.cert_pem.write_to_path(stage.folder / "ca.crt")
    cluster = {"certificate-authority": "ca.crt", "tls-server-name": "kube.example.org"}
    api = stage.keep(await Api.connect(stage.kubeconfig(server.url, cluster=cluster)))

    assert (await api.call(VERSION)).json == {"kind": "Answer"}


async def test_a_token_file_is_read_again_and_its_newline_left_out(stage: Stage) -> None:
    (stage.folder / "token").write_text("old\n")
    source = Kubeconfig(str(stage.kubeconfig("http://127.0.0.1:1", user={"tokenFile": "token"})))
    first = await source.load()
    (stage.folder / "token").write_text("new\n")

    assert [first.authorization, (await source.load()).authorization] == ["Bearer old", "Bearer new"]


def plugin(folder: Path, status: str, *, code: int = 0) -> dict[str, object]:
    """A user with an exec plugin that counts its runs in a file."""
    script = folder / "plugin"
    kind = '"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"'
    script.write_text(
        f"""#!/bin/sh
echo run >> {folder}/runs
sed "s/RUN/$(wc -l < {folder}/runs | tr -d ' ')/" <<'EOT'
{{{kind}, "status": {status}}}
EOT
exit {code}
"""
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script)}}


async def test_a_plugin_whose_token_does_not_expire_is_asked_again_only_when_the_server_refuses_it(
    stage: Stage,
) -> None:
    user = plugin(stage.folder, '{"token": "tRUN"}')
    source = Kubeconfig(str(stage.kubeconfig("http://127.0.0.1:1", user=user)))

    used = [(await source.load(refused=refused)).authorization for refused in (False, False, False, True, False)]

    assert used == ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]


async def test_a_plugin_is_asked_again_when_its_token_expires(stage: Stage) -> None:
    user = plugin(stage.folder, '{"token": "tRUN", "expirationTimestamp": "2026-11-22T10:00:00Z"}')
    source = Kubeconfig(str(stage.kubeconfig("http://127.0.0.1:1", user=user)))

    with time_machine.travel("2026-11-22T09:00:00Z"):
        used = [(await source.load()).authorization, (await source.load()).authorization]
    with time_machine.travel("2026-11-22T09:59:00Z"):
        used.append((await source.load()).authorization)

    assert used == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(("status", "code"), [("{}", 0), ('{"token": "canary"}', 1), ("canary", 0)])
async def test_a_plugin_that_gives_nothing_is_named(stage: Stage, status: str, code: int) -> None:
    user = plugin(stage.folder, status, code=code)

    with pytest.raises(ConfigError) as caught:
        await Api.connect(stage.kubeconfig("http://127.0.0.1:1", user=user))

    assert f"the exec plugin {stage.folder}/plugin gave no credentials; run it by hand" in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_a_plugin_that_never_answers_does_not_hold_up_the_start(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maintd.cluster.endpoints.LOAD_SECONDS", 0.2)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["1"]}}

    async with asyncio.timeout(5):
        with pytest.raises(ConfigError, match=r"^sleep gave no credentials in 0 s$"):
            await Api.connect(stage.kubeconfig("http://127.0.0.1:1", user=user))

    await asyncio.sleep(1)  # the client does not end the plugin, so the test waits for it
