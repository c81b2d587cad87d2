"""What a check may look at."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from maintd.cluster.access import ServiceAccount
from maintd.cluster.api import Api
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.core.ports import Store
from maintd.derive.rbac import ACCOUNT
from maintd.gcp.gke import Google


@dataclass(frozen=True, slots=True)
class Visit:
    """All but the cluster."""

    settings: Settings
    file: JobsFile
    store: Store
    google: Google
    environ: Mapping[str, str]
    in_pod: bool
    """What is found here is what the daemon finds; elsewhere it is what you find."""
    now: Callable[[], datetime]
    mounts: str = ""
    """`/proc/self/mountinfo`."""
    context: str = ""
    """The context of the kubeconfig, where one was asked for."""

    @property
    def jobs(self) -> list[Job]:
        """Those that ever run."""
        return [job for job in self.file.jobs if job.enabled]

    @property
    def kubectl(self) -> str:
        """How its commands begin."""
        return f"kubectl --context={shlex.quote(self.context)}" if self.context else "kubectl"

    @property
    def maintd(self) -> str:
        """How a command of maintd is typed where kubectl is."""
        return f"kubectl exec -n {self.settings.namespace} deploy/{ACCOUNT} -- maintd" if self.in_pod else "maintd"


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server that answers."""

    visit: Visit
    api: Api
    url: str
    version: str
    user: str
    """Who it takes us for; empty where it cannot tell."""

    @property
    def daemon(self) -> ServiceAccount:
        """Who the daemon is to it."""
        return ServiceAccount(self.visit.settings.namespace, ACCOUNT)

    @property
    def account(self) -> ServiceAccount | None:
        """Whose rights are in question, where they are not our own."""
        return None if self.visit.in_pod or self.user == self.daemon.user else self.daemon
