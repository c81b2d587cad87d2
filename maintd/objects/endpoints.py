"""Which URL a probe asks, what it may say there, and what a person types next when the answer is bad."""

import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from maintd.core.kind import Params
from maintd.core.ports import HttpRequest, HttpSample
from maintd.core.target import Target
from maintd.core.units import Duration, format_duration

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4096}")
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie"}
_METADATA = {"metadata-flavor", "x-google-metadata-request", "x-aws-ec2-metadata-token", "metadata"}
_FRAMING = {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}


def url_fault(url: str) -> str:
    """Why this is not a URL that a probe may ask, or an empty string."""
    if not url.isascii() or not url.isprintable() or re.search(r'[\s\\"<>^`{|}]', url):
        return "a URL is plain ASCII without spaces; percent-encode the path, write a foreign host name as xn--"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"not a URL: {error}"
    if parts.scheme not in ("http", "https"):
        return "a URL begins with http:// or https://"
    if "@" in parts.netloc:
        return "a URL with a user or password in it is not probed; it would end up in logs"
    if not parts.hostname or port == 0:
        return "a URL names a host, and a port from 1 to 65535 if any"
    return ""


def header_fault(name: str, value: str) -> str:
    """Why a probe may not send this header, or an empty string. The value itself is never repeated."""
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        return f"{name[:40]!r} is not the name of a header"
    if not _VALUE.fullmatch(value):
        return f"the value of {name} holds a line break, another control character or more than 4096 characters"
    if lower in _CREDENTIALS:
        return f"{name} is a credential: probes carry none, since jobs.yaml and records can be read by many"
    if lower in _METADATA or lower.startswith("x-aws-ec2-metadata"):
        return f"{name} is how cloud metadata is asked for; probes do not"
    if lower in _FRAMING:
        return f"{name} is set by the HTTP client itself"
    return ""


def _probed(url: str) -> str:
    if fault := url_fault(url):
        raise ValueError(fault)
    return url


def _path(path: str) -> str:
    if not path.startswith("/") or url_fault("http://host" + path):
        raise ValueError("a path begins with / and is plain ASCII without spaces; percent-encode the rest")
    return path


def _sendable(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if fault := header_fault(name, value):
            raise ValueError(fault)
    return headers


Url = Annotated[str, Field(max_length=2048), AfterValidator(_probed)]
Path = Annotated[str, Field(max_length=2048), AfterValidator(_path)]
Headers = Annotated[dict[str, str], Field(max_length=30), AfterValidator(_sendable)]


class Endpoint(Params):
    """Parameters of a kind that asks one URL."""

    path: Path | None = Field(default=None, description="Path below the target's url, with its query: /health")
    url: Url | None = Field(default=None, description="A whole URL, where the target's is not the one.")
    headers: Headers = Field(default_factory=dict, description="Headers to send; credentials are refused.")
    timeout: Duration = Field(
        default=timedelta(seconds=10),
        ge=timedelta(milliseconds=1),
        le=timedelta(minutes=1),
        description="No answer within this time is an error; redirects included.",
    )
    max_redirects: int = Field(
        default=0, ge=0, le=3, description="Redirects to follow; with 0 a redirect is an answer like any other."
    )
    verify_tls: bool = Field(default=True, description="Check the certificate's issuer, name and dates.")

    def address(self, target: Target) -> str:
        """The URL to ask; empty where neither this nor the target has one."""
        base = target.url or ""
        if self.url or not self.path or not base:
            return self.url or base
        return base.rstrip("/") + self.path

    def request(self, url: str) -> HttpRequest:
        """A GET that keeps nothing of the body."""
        return HttpRequest(
            url,
            headers=self.headers,
            timeout=self.timeout,
            max_redirects=self.max_redirects,
            max_body=0,
            verify_tls=self.verify_tls,
        )

    def fault(self, target: Target) -> str:
        """Why this cannot be asked on this target, with the remedy, or an empty string."""
        if self.url and self.path:
            return "write path or url, not both"
        if not self.address(target):
            return "there is no URL to ask; write url here, or give the target a url"
        if not self.url and urlsplit(target.url or "").query:
            return "the target's url has a query, so nothing can be joined to it; write the whole url here"
        return url_fault(self.address(target))


def shown(url: str) -> str:
    """The URL without its query, which may hold what is nobody's business."""
    return url.partition("?")[0].partition("#")[0]


def next_step(target: Target, url: str, sample: HttpSample | None = None) -> str:
    """What to type when the answer, which may be known, is bad."""
    if sample and sample.error and sample.dns_seconds is None and not sample.redirects:
        return _unresolved(target, url)
    if target.namespace and target.deployment:
        where = f"kubectl -n {target.namespace}"
        return f"{where} get pods; {where} logs deployment/{target.deployment} --since=15m --all-pods"
    return f"curl -v '{shown(url)}'"


def _unresolved(target: Target, url: str) -> str:
    """What to type when the name of the host is not known; what is likely depends on whether we are in a pod."""
    parts = urlsplit(url)
    service, *rest = (parts.hostname or "").split(".")
    namespace = rest[0] if rest else target.namespace or "default"
    if rest and rest[1:2] != ["svc"] and rest != [target.namespace]:
        return f"see whether the name is right: nslookup {shlex.quote(parts.hostname or '')}"
    kubectl, name = f"kubectl -n {shlex.quote(namespace)}", shlex.quote(service)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    there = shlex.quote(f"{parts.scheme}://localhost:8080{parts.path}")
    return (
        f"in the cluster, see whether the Service is there: {kubectl} get service {name}; a laptop never knows the "
        f"names of Services: {kubectl} port-forward service/{name} 8080:{port}, and in another shell curl {there}"
    )


def overlong(longest: timedelta, limit: timedelta, remedy: str) -> str:
    """Why a run that meets nothing but silence could not end in time, or an empty string."""
    if longest <= limit:
        return ""
    return f"a run takes {format_duration(longest)} when nothing answers, and has {format_duration(limit)}; {remedy}"


def certificate_metric(samples: Iterable[HttpSample]) -> dict[str, float]:
    """When the first certificate among them ends; nothing without TLS."""
    ends = [sample.certificate_expires.timestamp() for sample in samples if sample.certificate_expires]
    return {"certificate_expiry_timestamp_seconds": min(ends)} if ends else {}
