"""Which cluster we speak to, and what is said when that cannot be told."""

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from maintd.cluster.endpoints import find
from maintd.core.errors import ConfigError

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def config(path: Path, server: str, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cluster = {"server": server} | more.pop("cluster", {})
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}, {"name": "d", "cluster": {"server": "http://d:1"}}],
        "users": [{"name": "u", "user": {"token": "canary"}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u"}},
            {"name": "there", "context": {"cluster": "d", "user": "u"}},
        ],
    }
    path.write_text(json.dumps(content | more))
    return path


def pod(folder: Path) -> dict[str, str]:
    """The environment and the service account of a pod."""
    folder.mkdir()
    (folder / "token").write_text("pod-token")
    (folder / "ca.crt").write_text("not needed to be found")
    return {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


async def test_the_nearest_of_the_four_places_wins(tmp_path: Path) -> None:
    given = config(tmp_path / "given", "http://given:1")
    environment = {"KUBECONFIG": str(config(tmp_path / "environment", "http://environment:1"))}
    home = {"HOME": str(config(tmp_path / ".kube" / "config", "http://home:1").parent.parent)}
    inside = pod(tmp_path / "account") | {"HOME": str(tmp_path / "nobody")}
    everything = inside | home | environment

    urls = [
        (await find(given, None, everything, tmp_path / "account").load()).url,
        (await find(None, None, everything, tmp_path / "account").load()).url,
        (await find(None, None, inside | home, tmp_path / "account").load()).url,
    ]

    assert urls == ["http://given:1", "http://environment:1", "http://home:1"]
    with pytest.raises(ConfigError, match=r"service account in .*account cannot be used"):
        await find(None, None, inside, tmp_path / "account").load()


def test_without_any_cluster_it_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^no cluster to talk to: set KUBECONFIG to the path of a kubeconfig"):
        find(None, None, {"HOME": str(tmp_path)})


async def test_a_kubeconfig_that_is_missing_is_an_error_even_inside_a_cluster(tmp_path: Path) -> None:
    environ = pod(tmp_path / "account") | {"KUBECONFIG": str(tmp_path / "missing")}

    with pytest.raises(ConfigError, match=r"missing: no such file, or it is empty"):
        await find(None, None, environ, tmp_path / "account").load()


async def test_a_context_may_be_chosen(tmp_path: Path) -> None:
    path = config(tmp_path / "config", "http://c:1")

    assert (await find(path, "there").load()).url == "http://d:1"


def test_a_context_without_a_kubeconfig_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="context 'prod' needs a kubeconfig"):
        find(None, "prod", {"HOME": str(tmp_path)} | {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "a list": b"[canary]",
    "text": b"canary",
    "not yaml": b"users: [{name: u, user: {token: canary",
    "not yaml in another way": b"token: canary\n\tx: y",
    "an alias of nothing": b"token: *canary",
    "not utf-8": b"token: canary\xff",
    "no contexts": b'{"current-context": "x", "users": [{"name": "u", "user": {"token": "canary"}}]}',
    "users a mapping": b'{"current-context": "here", "users": {"token": "canary"}}',
    "clusters of text": b'{"current-context": "here", "clusters": ["canary"]}',
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_kubeconfig_that_cannot_be_used_is_told_without_what_is_in_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(BROKEN[name])

    with pytest.raises(ConfigError) as caught:
        await find(path, None).load()

    assert str(caught.value).startswith(f"kubeconfig {path}: ")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("server", "more"),
    [
        ("c:6443", {}),
        ("ftp://c", {}),
        ("http://c", {"users": [{"name": "u", "usr": {"token": "canary"}}]}),
        ("http://c", {"clusters": [{"name": "c", "clustre": {"server": "http://canary"}}]}),
        ("https://c", {"cluster": {"certificate-authority": "/missing/ca.crt"}}),
        ("https://c", {"cluster": {"certificate-authority-data": "canary!"}}),
        ("https://c", {"users": []}),
    ],
)
async def test_an_entry_that_cannot_be_used_is_told_without_its_token(tmp_path: Path, server: str, more: Any) -> None:
    path = config(tmp_path / "config", server, **more)

    with pytest.raises(ConfigError) as caught:
        await find(path, None).load()

    assert str(caught.value).startswith(f"kubeconfig {path}: ")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("context", "end"),
    [("theer", "; did you mean there?"), ("gke_a_b_c", "; `kubectl config get-contexts` lists them")],
)
async def test_a_context_that_is_not_there_gets_a_suggestion(tmp_path: Path, context: str, end: str) -> None:
    path = config(tmp_path / "config", "http://c:1")

    with pytest.raises(ConfigError) as caught:
        await find(path, context).load()

    assert str(caught.value) == f"kubeconfig {path} has no context {context}{end}"


async def test_what_cannot_be_connected_to_is_named_as_it_was_found_with_what_to_type(tmp_path: Path) -> None:
    account = tmp_path / "account"
    inside = pod(account) | {"HOME": str(tmp_path / "nobody")}
    trustme.CA().cert_pem.write_to_path(str(account / "ca.crt"))
    path = config(tmp_path / "config", "http://away:6443", cluster={"proxy-url": "http://me:canary@proxy:3128"})

    told = [
        (await find(path, None).load()).unreached("no answer"),
        (await find(None, None, inside, account).load()).unreached("no answer"),
    ]

    look = "no answer; see whether it answers: kubectl"
    other = "for another cluster set MAINTD_KUBE_CONTEXT or KUBECONFIG"
    through = f"proxy:3128, the proxy to away:6443 (context here of {path})"
    assert told == [
        f"cannot connect to {through}: {look} --context=here get --raw /livez; {other}",
        f"cannot connect to 10.0.0.1:443 (the pod's own cluster): {look} get --raw /livez",
    ]


async def test_a_proxy_is_the_kubeconfigs_own_or_else_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://environment:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    own = {"cluster": {"proxy-url": "http://own:3128"}}

    proxies = [
        (await find(config(tmp_path / "a", "http://away.example.org"), None).load()).proxy,
        (await find(config(tmp_path / "b", "http://away.example.org", **own), None).load()).proxy,
        (await find(config(tmp_path / "c", "http://inside.example.org"), None).load()).proxy,
        (await find(config(tmp_path / "d", "http://127.0.0.1:8080"), None).load()).proxy,
    ]

    assert proxies == ["http://environment:3128", "http://own:3128", None, None]
