"""Where the API server is and who we are to it, as a kubeconfig or the pod's service account says it."""

import asyncio
import os
import shlex
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, incluster_config, kube_config

from maintd.core.errors import ConfigError
from maintd.core.text import instead

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LOAD_SECONDS = 30.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UNUSABLE = (ConfigException, yaml.YAMLError, OSError, KeyError, TypeError, AttributeError, ValueError)
"""What the client's loaders let through: their own error, and whatever a file of the wrong shape trips over."""

_incluster: Any = incluster_config  # the client is typed, but these two of its modules are not
_kubeconfig: Any = kube_config


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address with everything needed to speak to it."""

    url: str
    authorization: str | None
    tls: ssl.SSLContext | bool = True
    proxy: str | None = None
    server_hostname: str | None = None
    origin: str = ""
    """Where it was found: `context lab of /home/ada/.kube/config`."""
    by_hand: str = "kubectl get --raw /livez"
    """What a person types to see whether it answers, and to ask another one."""

    def unreached(self, why: str) -> str:
        """What to say when no connection to it can be made."""
        found = f" ({self.origin})" if self.origin else ""
        server = urlsplit(self.proxy or self.url).netloc.rpartition("@")[2]
        on_the_way = f", the proxy to {urlsplit(self.url).netloc}" if self.proxy else ""
        return f"cannot connect to {server}{on_the_way}{found}: {why}; see whether it answers: {self.by_hand}"


class Source(Protocol):
    """Where endpoints come from."""

    async def load(self, *, refused: bool = False) -> Endpoint:
        """Read it anew; `refused`: the server did not take the last one. Raises ConfigError."""
        ...


class _Tls:
    """Keeps one SSL context as long as its files say the same, so that connections can be used again."""

    def __init__(self) -> None:
        self._key: object = None
        self._context: ssl.SSLContext | bool = True

    def context(self, configuration: Configuration) -> ssl.SSLContext | bool:
        if not configuration.host.startswith("https"):
            return True
        paths = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        key = (configuration.verify_ssl, *(Path(path).read_bytes() if path else None for path in paths))
        if key != self._key:
            self._context = RESTClientObject(configuration).ssl_context
            self._key = key
        return self._context


class InCluster:
    """The pod's service account. The environment's proxy is not used: it is for the way out of the cluster."""

    def __init__(self, folder: Path = SERVICE_ACCOUNT, environ: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._environ = environ
        self._tls = _Tls()

    async def load(self, *, refused: bool = False) -> Endpoint:  # noqa: ARG002 (files are always read anew)
        configuration = Configuration()
        try:
            _incluster.InClusterConfigLoader(
                token_filename=str(self._folder / "token"),
                cert_filename=str(self._folder / "ca.crt"),
                try_refresh_token=False,  # the client's own re-reading goes by the naive local clock
                environ=self._environ,
            ).load_and_set(configuration)
            return replace(_endpoint(configuration, self._tls), origin="the pod's own cluster")
        except _UNUSABLE as error:
            raise ConfigError(
                f"the pod's service account in {self._folder} cannot be used: {_why(error)}; "
                "set automountServiceAccountToken: true on maintd's pod, or set KUBECONFIG"
            ) from None


class Kubeconfig:
    """A kubeconfig: tokens, token files, client certificates, exec plugins, proxies."""

    def __init__(self, paths: str, context: str | None = None) -> None:
        self._paths = paths
        self._context = context
        self._tls = _Tls()
        self._loader: Any = None
        self._command = ""
        self._name = ""
        self._last: Endpoint | None = None

    async def load(self, *, refused: bool = False) -> Endpoint:
        if self._last and self._asked_once and not refused:
            return self._last
        try:
            if self._loader is None or refused:
                self._loader, self._command = self._parse()
            configuration = Configuration()
            async with asyncio.timeout(LOAD_SECONDS):
                await self._loader.load_and_set(configuration)
            self._check_plugin(configuration)
            endpoint = _endpoint(configuration, self._tls, proxies=True)
            self._last = replace(endpoint, origin=f"context {self._name} of {self._paths}", by_hand=self._by_hand)
        except TimeoutError:
            raise ConfigError(f"{self._command or self._paths} gave no credentials in {LOAD_SECONDS:.0f} s") from None
        except _UNUSABLE as error:
            raise ConfigError(f"kubeconfig {self._paths}: {_why(error)}; see: kubectl config view") from None
        return self._last

    @property
    def _asked_once(self) -> bool:
        """A plugin that names no expiry is asked again only when the server refuses what it gave, as kubectl does."""
        return bool(self._command) and not hasattr(self._loader, "exec_plugin_expiry")

    def _parse(self) -> tuple[Any, str]:
        merged = _kubeconfig.KubeConfigMerger(self._paths).config
        if merged is None:
            raise ConfigException("no such file, or it is empty")
        self._check_context(merged)
        loader = _kubeconfig.KubeConfigLoader(config_dict=merged, active_context=self._context, config_base_path=None)
        self._name = str(loader.current_context["name"])
        name = loader.current_context["context"].get("user")
        user = merged["users"].get_with_name(name, safe=True) if name else None
        plugin = user["user"].safe_get("exec") if user else None
        return loader, str(plugin["command"]) if plugin else ""

    def _check_context(self, merged: Any) -> None:
        names = [str(entry["name"]) for entry in merged.value["contexts"]]
        if self._context and self._context not in names:
            end = instead(self._context, names, "kubectl config get-contexts")
            raise ConfigError(f"kubeconfig {self._paths} has no context {self._context}{end}")

    @property
    def _by_hand(self) -> str:
        command = f"kubectl --context={shlex.quote(self._name)} get --raw /livez"
        return f"{command}; for another cluster set MAINTD_KUBE_CONTEXT or KUBECONFIG"

    def _check_plugin(self, configuration: Configuration) -> None:
        if self._command and not configuration.api_key and not configuration.cert_file:
            raise ConfigException(f"the exec plugin {self._command} gave no credentials; run it by hand to see why")


def _why(error: Exception) -> str:
    """What is wrong, without what is there: the client's texts quote the entry, token and all."""
    if isinstance(error, ConfigException):
        return str(error).partition(" in ")[0]
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"not YAML at line {error.problem_mark.line + 1}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"not of the shape that it should have ({type(error).__name__})"


def _endpoint(configuration: Configuration, tls: _Tls, *, proxies: bool = False) -> Endpoint:
    url = configuration.host.rstrip("/")
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigException(f"server {url!r} is not an http:// or https:// address")
    bearer = configuration.api_key.get("BearerToken")
    return Endpoint(
        url=url,
        authorization=bearer.strip() if bearer else None,  # token files end in a newline more often than not
        tls=tls.context(configuration),
        proxy=configuration.proxy or (_environment_proxy(url) if proxies else None),
        server_hostname=configuration.tls_server_name,
    )


def _environment_proxy(url: str) -> str | None:
    """HTTPS_PROXY and NO_PROXY as kubectl honours them; never netrc, which aiohttp's trust_env would read too."""
    address = urlsplit(url)
    host = address.hostname or ""
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(address.scheme)


def find(
    kubeconfig: Path | None,
    context: str | None,
    environ: Mapping[str, str] = os.environ,
    account: Path = SERVICE_ACCOUNT,
) -> Source:
    """The given file, else KUBECONFIG, else ~/.kube/config, else the pod's service account. Raises ConfigError."""
    home = Path(environ.get("HOME") or "/") / ".kube" / "config"
    if kubeconfig is not None:
        return Kubeconfig(str(kubeconfig), context)
    if environ.get("KUBECONFIG"):
        return Kubeconfig(environ["KUBECONFIG"], context)
    if home.is_file():
        return Kubeconfig(str(home), context)
    if context is not None:
        raise ConfigError(f"context {context!r} needs a kubeconfig; set KUBECONFIG to its path")
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return InCluster(account, environ)
    raise ConfigError("no cluster to talk to: set KUBECONFIG to the path of a kubeconfig, or run inside a cluster")
