"""Variables that nobody reads, and those that lead credentials where they should not go."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Visit
from maintd.config.settings import PREFIX, Settings
from maintd.core.errors import ConfigError
from maintd.storage.open import check_emulator, emulator

_CREDENTIALS, _EMULATOR = "GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"
_METADATA = ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT", "NO_GCE_CHECK")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "GRPC_PROXY")
_READ_BY_NOBODY = {
    "TZ": "schedules have zones of their own: `timezone` of a job, or of `defaults`",
    "GOOGLE_CLOUD_PROJECT": "a project stands in `gke:` of a target, and a bucket needs none",
    "GCLOUD_PROJECT": "a project stands in `gke:` of a target, and a bucket needs none",
}


async def environment(visit: Visit) -> list[Line]:
    """What is unknown among MAINTD_ variables is an error of every command, and so not looked for here."""
    found = [line for rule in _RULES for line in rule(visit)]
    return found or [ok("", "nothing that nobody reads, and nothing that leads credentials elsewhere")]


def _keys(visit: Visit) -> Iterator[Line]:
    """The value itself is never repeated."""
    for name, value in sorted(visit.environ.items()):
        if "PRIVATE KEY-----" in value:
            said = "holds a private key, which whoever may read the Deployment can read too"
            yield problem(name, said, f"# see: maintd render iam\n{_unset(visit, name)}")


def _credentials(visit: Visit) -> Iterator[Line]:
    value = visit.environ.get(_CREDENTIALS, "")
    if not value or "PRIVATE KEY-----" in value:
        return
    path = Path(value)
    if not _asks_google(visit):
        yield warning(_CREDENTIALS, "nobody reads it: no bucket, and no target with gke:", _unset(visit, _CREDENTIALS))
    elif value.lstrip().startswith("{") or not path.is_file():
        said = "holds JSON, and no path" if value.lstrip().startswith("{") else f"names no file: {value}"
        yield problem(_CREDENTIALS, said, _unset(visit, _CREDENTIALS))
    elif visit.in_pod and _is_key(path):
        said = "names a key that never expires; Workload Identity needs none"
        yield warning(_CREDENTIALS, said, f"{visit.maintd} render iam\n{_unset(visit, _CREDENTIALS)}")


def _is_key(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes())["type"] == "service_account")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _emulated(visit: Visit) -> Iterator[Line]:
    if _EMULATOR not in visit.environ:
        return
    if not visit.settings.storage.startswith("gs://"):
        yield warning(_EMULATOR, "nobody reads it: the store is no bucket", _unset(visit, _EMULATOR))
        return
    try:
        check_emulator(visit.settings.allow_storage_emulator)
    except ConfigError as error:
        yield problem(_EMULATOR, f"serve will not start: {error}", _unset(visit, _EMULATOR))
        return
    yield warning(_EMULATOR, f"{emulator()} stands in for Google Cloud Storage, without authentication")


def _elsewhere(visit: Visit) -> Iterator[Line]:
    """Where Google's libraries ask for credentials."""
    for name in _METADATA:
        if visit.environ.get(name) and _asks_google(visit):
            yield warning(name, "leads Google's libraries away from the metadata server", _unset(visit, name))


def _proxies(visit: Visit) -> Iterator[Line]:
    found = [each for name in _PROXIES for each in (name, name.lower()) if visit.environ.get(each)]
    if found:
        cluster = "the API server is not" if visit.in_pod else "the API server is too"
        said = f"Google is asked through a proxy; {cluster}, and probes never are"
        yield warning(", ".join(found), said, "env | grep -i _proxy  # NO_PROXY takes hosts out")


def _kubeconfig(visit: Visit) -> Iterator[Line]:
    if visit.in_pod and visit.environ.get("KUBECONFIG"):
        said = "the daemon works on the cluster that it names, and not on the one it runs in"
        yield warning("KUBECONFIG", said, _unset(visit, "KUBECONFIG"))


def _unread(visit: Visit) -> Iterator[Line]:
    """Only in the pod: on a laptop other programs read them."""
    if not visit.in_pod:
        return
    for name, why in _READ_BY_NOBODY.items():
        if name in visit.environ:
            yield warning(name, f"nobody reads it: {why}", _unset(visit, name))
    for field in Settings.model_fields:
        if field.upper() in visit.environ:
            yield warning(field.upper(), f"nobody reads it; did you mean {PREFIX}{field.upper()}?")


def _asks_google(visit: Visit) -> bool:
    return visit.settings.storage.startswith("gs://") or any(job.target.gke for job in visit.jobs)


def _unset(visit: Visit, name: str) -> str:
    return (
        f"kubectl set env -n {visit.settings.namespace} deployment/maintd {name}-" if visit.in_pod else f"unset {name}"
    )


_RULES: tuple[Callable[[Visit], Iterator[Line]], ...] = (
    _keys,
    _credentials,
    _emulated,
    _elsewhere,
    _proxies,
    _kubeconfig,
    _unread,
)
