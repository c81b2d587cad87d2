"""One sample: a request, the redirects it may follow, and the answer. It blocks, so it lives in a thread."""

import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pycurl

from maintd.core.ports import HttpRequest, HttpSample
from maintd.core.text import counted
from maintd.probe.hop import Client, Hop

_REDIRECTS = {301, 302, 303, 307, 308}
_SCHEMES = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


class Exchange:
    """A libcurl handle of its own, so that no connection, name or session is left over from a sample before."""

    def __init__(self, request: HttpRequest, client: Client, given_up: threading.Event) -> None:
        """Once `given_up` is set, libcurl breaks off within a second."""
        self._request = request
        self._given_up = given_up
        self._client = client
        self._handle = pycurl.Curl()
        self._prepare()

    def run(self) -> HttpSample:
        """The sample. Raises Refused for an address that probes may not reach."""
        at = self._client.now()
        began = time.monotonic()
        url, headers = self._request.url, self._request.headers
        sample = Hop(self._request, self._client, url).perform(self._handle, headers, 0.0)
        for hops in range(1, self._request.max_redirects + 1):
            location = self._location(sample)
            if not location:
                break
            if fault := self._astray(location):
                return replace(sample, at=at, status=None, error=fault)
            # What was meant for one origin is nothing for another.
            headers = headers if _origin(location) == _origin(url) else {}
            url = location
            sample = Hop(self._request, self._client, url).perform(self._handle, headers, time.monotonic() - began)
            sample = replace(sample, redirects=hops)
        if self._location(sample):
            many = counted(self._request.max_redirects, "redirect")
            sample = replace(sample, status=None, error=f"more than {many}, the last to {urlsplit(url).hostname}")
        return replace(sample, at=at)

    def close(self) -> None:
        """Free the handle. Waits for a name lookup that was given up: up to half a minute, as resolv.conf has it."""
        self._handle.close()

    def _location(self, sample: HttpSample) -> str:
        """Where to go next, if anywhere; a request that may change something is not repeated elsewhere."""
        follows = self._request.max_redirects > 0 and self._request.method in ("GET", "HEAD")
        if not follows or sample.status not in _REDIRECTS:
            return ""
        return self._handle.getinfo(pycurl.REDIRECT_URL) or ""

    def _astray(self, location: str) -> str:
        scheme = location.partition(":")[0].lower()
        if scheme not in ("http", "https"):
            return f"redirected to a {scheme[:20]} URL, which probes do not follow"
        self._client.guard.check_url(location)
        return ""

    def _prepare(self) -> None:
        request, handle = self._request, self._handle
        # A signal per timeout would hit whatever thread the interpreter runs.
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.PROTOCOLS, _SCHEMES)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.NOPROXY, "*")
        handle.setopt(pycurl.USERAGENT, self._client.user_agent)
        handle.setopt(pycurl.CAINFO, self._client.ca_file)
        handle.setopt(pycurl.OPT_CERTINFO, 1)
        handle.setopt(pycurl.NOPROGRESS, 0)
        handle.setopt(pycurl.XFERINFOFUNCTION, lambda *_: int(self._given_up.is_set()))
        if not request.verify_tls:
            handle.setopt(pycurl.SSL_VERIFYPEER, 0)
            handle.setopt(pycurl.SSL_VERIFYHOST, 0)
        if request.body:
            handle.setopt(pycurl.POSTFIELDS, request.body.encode())
        if request.method == "HEAD":
            handle.setopt(pycurl.NOBODY, 1)
        else:
            handle.setopt(pycurl.CUSTOMREQUEST, request.method)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
