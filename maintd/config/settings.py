"""What the environment says: `MAINTD_*`."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from maintd.config.messages import words
from maintd.config.nodes import Text
from maintd.config.sheet import At
from maintd.core import failpoints
from maintd.core.errors import ConfigError
from maintd.core.target import DNS_LABEL
from maintd.core.text import did_you_mean
from maintd.core.units import Duration, Quantity

PREFIX = "MAINTD_"
_SERVICE_LINK = re.compile(
    r"MAINTD_(\w+_)?(SERVICE_HOST=|SERVICE_PORT(_\w+)?=|PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)=).*"
    r"|MAINTD_(\w+_)?PORT(_\d+_(TCP|UDP|SCTP))?=(tcp|udp|sctp)://.+",
    re.ASCII,
)
"""What Kubernetes sets for a Service named maintd or maintd-something:
https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables"""
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ENDPOINT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")

_Lower = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)


class Settings(BaseSettings):
    """The settings of one process; each field is the variable of its name, in capitals after `MAINTD_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    jobs_file: Path = Field(default=Path("jobs.yaml"), description="The jobs.")
    storage: str = Field(
        default="file://.maintd/store",
        description="Where records, backups and samples go: gs://bucket/prefix or file:///folder.",
    )
    spool: Path = Field(
        default=Path(".maintd/spool"), description="Where records and samples wait while the store takes none."
    )
    spool_limit: Quantity = Field(default=64 * 1024 * 1024, description="How many bytes may wait there.")
    allow_storage_emulator: str = Field(
        default="",
        description="host:port that STORAGE_EMULATOR_HOST may name for serve; the store is there then, without "
        "authentication.",
    )
    cluster: str = Field(default="default", description="The cluster's name: its folder in the store.")
    http_address: str = Field(default="127.0.0.1:8080", description="Where /livez, /readyz and /metrics listen.")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _Lower] = Field(
        default="info", description="The least that is logged."
    )
    log_format: Annotated[Literal["auto", "json", "console"], _Lower] = Field(
        default="auto", description="json for machines, console for eyes; auto: console on a terminal."
    )
    namespace: Annotated[str, Field(pattern=DNS_LABEL)] = Field(
        default="maintd", description="Where maintd itself lives; no job changes anything there."
    )
    state_namespace: Annotated[str, Field(pattern=DNS_LABEL)] | None = Field(
        default=None, description="Where the ConfigMap maintd-state is kept; unless said, beside maintd."
    )
    kube_context: str = Field(default="", description="The context of the kubeconfig; empty: its current one.")
    gke_endpoint: str = Field(
        default="",
        description="host:port of the GKE API; empty: Google's own. Plain and without credentials on a loopback "
        "address, else TLS.",
    )
    replicas: int = Field(
        default=1,
        ge=1,
        le=10,
        description="How many are meant to run. With 1, what only observes goes on while the API server is away.",
    )
    grace: Annotated[Duration, Field(le=timedelta(hours=1))] = Field(
        default=timedelta(seconds=25),
        description="How long running jobs may go on after SIGTERM. A pod's terminationGracePeriodSeconds should be "
        "25 s more.",
    )
    lease: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(minutes=5))] = Field(
        default=timedelta(seconds=15),
        description="How long a leader that is silent stays the leader; then another replica, or the next start, acts.",
    )
    failpoints: str = Field(
        default="",
        description="Where this process dies, fails or stands still, to prove what is left then: NAME:NTH:kill, with "
        "commas. For tests.",
    )

    @field_validator("cluster")
    @classmethod
    def _check_cluster(cls, name: str) -> str:
        if not _FOLDER.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a folder; use at most 63 letters, digits, dots and hyphens")
        return name

    @field_validator("failpoints")
    @classmethod
    def _check_failpoints(cls, text: str) -> str:
        failpoints.parse(text)
        return text

    @field_validator("gke_endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str) -> str:
        if endpoint and not _ENDPOINT.fullmatch(endpoint):
            raise ValueError(f"{endpoint!r} is not an address; write it like container.googleapis.com:443")
        return endpoint


def read_settings() -> Settings:
    """The settings of this process. Raises ConfigError with everything that is wrong in its environment."""
    mistakes = [_unknown(name) for name in sorted(os.environ) if _is_stranger(name, os.environ[name])]
    try:
        settings = Settings()
    except ValidationError as error:
        mistakes += [_bad_value(detail) for detail in error.errors(include_url=False)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return settings


def _is_stranger(name: str, value: str) -> bool:
    if not name.upper().startswith(PREFIX) or name[len(PREFIX) :].lower() in Settings.model_fields:
        return False
    return not _SERVICE_LINK.fullmatch(f"{name}={value}")


def _unknown(name: str) -> str:
    near = did_you_mean(name[len(PREFIX) :].lower(), Settings.model_fields)
    spelled = near.rpartition(" ")[2].upper()
    return f"{name}: there is no such setting; {f'did you mean {PREFIX}{spelled}' if near else 'unset it'}"


def _bad_value(detail: ErrorDetails) -> str:
    value = str(detail["input"])
    message, remedy = words(detail, Text(At(), value, value))
    return f"{PREFIX}{str(detail['loc'][0]).upper()}: {message}{'; ' if remedy else ''}{remedy}"
