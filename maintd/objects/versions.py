"""Versions of Kubernetes, and how far apart a kubelet and its API server may be."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from maintd.core.errors import Unreadable
from maintd.core.resource import Json
from maintd.core.text import counted
from maintd.objects.fields import mapping, text

_VERSION = re.compile(r"v?([0-9]{1,3})\.([0-9]{1,4})(\.[0-9]{1,5})?([-+][0-9A-Za-z.+-]{0,80})?")


@dataclass(frozen=True, slots=True)
class Version:
    """`v1.31.4-gke.1183000`, of which the first two numbers decide."""

    major: int
    minor: int
    text: str

    @property
    def short(self) -> str:
        """`v1.31`."""
        return f"v{self.major}.{self.minor}"

    @property
    def gke(self) -> bool:
        """True for a build of GKE."""
        return "-gke." in self.text

    def behind(self, other: "Version") -> int:
        """How many minor versions this one is older than the other; negative: newer. A major counts as 1,000."""
        return (other.major - self.major) * 1000 + other.minor - self.minor


def parse_version(value: str) -> Version | None:
    """`v1.31.4-gke.1183000`, `1.31.4`, `1.31+` → Version; None for anything else."""
    found = _VERSION.fullmatch(value)
    return Version(int(found[1]), int(found[2]), value) if found else None


def server_version(reply: Json) -> Version:
    """The version in a reply of `/version`. Raises Unreadable."""
    for spelled in (text(reply, "gitVersion"), f"{text(reply, 'major')}.{text(reply, 'minor')}"):
        found = parse_version(spelled)
        if found:
            return found
    raise Unreadable(f"GET /version: not a version of Kubernetes: {text(reply, 'gitVersion')[:60]!r}")


def kubelet_version(node: Json) -> Version | None:
    """What a node says of its kubelet; None where it says nothing that can be read."""
    try:
        return parse_version(text(mapping(mapping(node, "status"), "nodeInfo"), "kubeletVersion"))
    except Unreadable:
        return None


def supported_skew(kubelet: Version) -> int:
    """How many minors a kubelet may be older than its API server; it may never be newer.

    Three, but two below v1.25 (https://kubernetes.io/releases/version-skew-policy/); GKE supports its own nodes up to
    two (https://cloud.google.com/kubernetes-engine/versioning).
    """
    return 2 if kubelet.gke or (kubelet.major, kubelet.minor) < (1, 25) else 3


class Skew(IntEnum):
    """How a kubelet's version stands to its API server's; of several the highest is what matters."""

    FINE = 0
    OLD = 1
    UNKNOWN = 2
    UNSUPPORTED = 3
    NEWER = 4


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """The worst of several verdicts is their `max`."""

    skew: Skew
    behind: int
    says: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How old versions may be."""

    behind: int
    """So many minors behind is still fine."""
    skew: int | None
    """More minors behind than this is unsupported; None: what Kubernetes or GKE supports."""
    eol_warn: timedelta
    """How long before the end of support it is time to say so."""


def judged(kubelet: Version | None, server: Version, tolerance: Tolerance) -> Verdict:
    """How a kubelet stands to its API server."""
    if kubelet is None:
        return Verdict(Skew.UNKNOWN, 0, "unknown")
    behind = kubelet.behind(server)
    supported = supported_skew(kubelet) if tolerance.skew is None else tolerance.skew
    if behind < 0:
        return Verdict(Skew.NEWER, behind, "newer than the control plane")
    if behind > supported:
        says = f"unsupported, {counted(behind, 'minor')} behind and at most {supported} are supported"
        return Verdict(Skew.UNSUPPORTED, behind, says)
    skew = Skew.OLD if behind > tolerance.behind else Skew.FINE
    return Verdict(skew, behind, f"{counted(behind, 'minor')} behind" if behind else "current")
