"""What Google says of a cluster, as a file of a backup: from it a later cluster can be built, and nothing opened."""

from dataclasses import dataclass

from maintd.core.errors import Denied, JobError
from maintd.core.ports import Stored
from maintd.core.resource import Json
from maintd.objects.backup_manifest import NotWhole, StoredFile
from maintd.objects.manifest_yaml import emit

FILE = "gke-cluster.yaml"


@dataclass(frozen=True, slots=True)
class Credential:
    """One field that goes; the steps of `path` are separated by dots."""

    path: str
    reason: str


CREDENTIALS = (
    Credential("masterAuth.password", "of basic authentication"),
    Credential("masterAuth.username", "of basic authentication"),
    Credential("masterAuth.clientKey", "the private key of the client certificate"),
    Credential("masterAuth.clientCertificate", "who has it may ask the API server, where the key is known"),
)


def written(cluster: Json) -> bytes:
    """The file: the message as YAML, without its credentials, in the order of its keys."""
    kept = _sorted(cluster)
    for credential in CREDENTIALS:
        *steps, last = credential.path.split(".")
        place = kept
        for step in steps:
            place = place.get(step) or {}
        place.pop(last, None)
    return emit(kept).encode()


def _sorted(node: Json) -> Json:
    """Google's maps come in no order."""
    return {key: _ordered(value) for key, value in sorted(node.items())}


def _ordered(value: object) -> object:
    if isinstance(value, dict):
        return _sorted(value)
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def stored(file: Stored) -> StoredFile:
    """Its row in the manifest."""
    return StoredFile.of(file, path=FILE, resource="gke-cluster", kind="Cluster", count=1)


def not_said(error: JobError) -> NotWhole:
    """Its row where Google did not say it. What a Denied says names the permission already."""
    first = "grant it" if isinstance(error, Denied) else "run the job again"
    remedy = f"{first}, or leave it out: cluster_config: false"
    return NotWhole(resource=FILE, why=str(error), remedy=remedy)
