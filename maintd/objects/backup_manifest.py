"""What a backup says about itself: `manifest.json`, written last, which is what makes it a backup."""

import hashlib
import json
from datetime import datetime
from typing import Any

from pydantic import Field, computed_field

from maintd.core.errors import Denied, JobError, Missing
from maintd.core.outcome import Frozen
from maintd.core.ports import Stored
from maintd.core.resource import Resource
from maintd.core.signing import Signature, Signer
from maintd.core.text import counted, sized
from maintd.objects import signature

FORMAT = 1
MAX_FILE = 8 * 1024 * 1024
"""Bytes of one object of the store."""
_SIGNED = b"maintd backup manifest\n"
"""Before what is signed, so that no signature of anything else is taken for one of a manifest."""
VOLUMES = "The data in volumes is not in this backup: only the claims are. Snapshot the volumes themselves."


class StoredFile(Frozen):
    """One file of the backup; hashes are hex sha256 of the plain and of the stored bytes."""

    path: str
    """Relative to the backup's folder."""
    resource: str
    kind: str
    namespace: str = ""
    count: int
    size: int
    sha256: str
    stored_size: int
    stored_sha256: str
    recipients: tuple[str, ...] = ()
    """Whom it is encrypted for with age; sizes and hashes are of what age made. Empty: it is not encrypted."""

    @classmethod
    def of(cls, stored: Stored, **about: Any) -> "StoredFile":
        """What the store says of a file, with what the backup knows `about` it: the fields that are left."""
        sums = {"size": stored.size, "sha256": stored.sha256}
        return cls(**about, **sums, stored_size=stored.stored_size, stored_sha256=stored.stored_sha256)


class ListRead(Frozen):
    """A list that was read to its end: of one kind, in all namespaces or in one."""

    resource: str
    api_version: str
    kind: str
    namespace: str = ""
    """Empty: all of them, or the kind is in none."""
    namespaced: bool = True
    objects: int
    """How many of them are in the backup."""

    @classmethod
    def of(cls, resource: Resource, namespace: str, objects: int) -> "ListRead":
        """A list of a resource, in one namespace or, where that is empty, in all."""
        return cls(
            resource=resource.name,
            api_version=resource.api_version,
            kind=resource.kind,
            namespace=namespace,
            namespaced=resource.namespaced,
            objects=objects,
        )


class LeftOut(Frozen):
    """What is not in the backup on purpose."""

    rule: str
    reason: str
    resource: str
    count: int | None = None
    """None: it was not even listed."""
    namespaces: dict[str, int] = Field(default_factory=dict)
    """How many in which namespace; empty for what has none."""


class NotWhole(Frozen):
    """What should be in the backup and is not, or not all of it."""

    resource: str
    namespace: str = ""
    name: str = ""
    """Of the one object that is missing; empty: the whole kind is."""
    why: str
    remedy: str

    @classmethod
    def because(cls, resource: str, error: JobError, namespace: str = "") -> "NotWhole":
        """A list that could not be read. What a Denied says names the right already."""
        first = "grant the right" if isinstance(error, Denied) else "run the job again"
        if isinstance(error, Missing):
            first = f"see what there is: kubectl get {resource}"
        remedy = f"{first}, or leave it out: exclude_kinds: [{resource}]"
        return cls(resource=resource, namespace=namespace, why=str(error), remedy=remedy)

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.resource} {self.name}{where}" if self.name else f"{self.resource}{where}"


class Claim(Frozen):
    """A PersistentVolumeClaim that was there."""

    namespace: str
    name: str
    volume: str = ""
    storage_class: str = ""
    request: str = ""


class Volumes(Frozen):
    """Whose data is not in the backup."""

    note: str = VOLUMES
    claims: tuple[Claim, ...] = ()


class Manifest(Frozen):
    """`backups/<id>/manifest.json`."""

    format: int = FORMAT
    id: str
    """Begins with the API server's time when it was begun."""
    run_id: str
    cluster: str
    kube_system_uid: str
    """The cluster's identity: its name may be given to another one. Empty: it could not be read."""
    server_version: str
    maintd_version: str
    started: datetime
    """By the clock of whoever made it."""
    ended: datetime
    epoch: int = 0
    """The reign of the leader that made it; 0: somebody typed."""
    namespaces: tuple[str, ...] = ()
    """What the job covers, as it was asked for; empty: all."""
    exclude_namespaces: tuple[str, ...] = ()
    """What of these it does not cover."""
    lists: tuple[ListRead, ...] = ()
    files: tuple[StoredFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    not_whole: tuple[NotWhole, ...] = ()
    volumes: Volumes = Volumes()
    cluster_config: StoredFile | None = None
    """What Google says of the cluster itself: no object of Kubernetes, and nothing to restore."""
    signature: Signature | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy cannot see through a decorated property
    @property
    def complete(self) -> bool:
        """Everything in scope is in it, or left out on purpose."""
        return not self.not_whole

    @property
    def every_file(self) -> tuple[StoredFile, ...]:
        """All that lies beside the manifest."""
        return (*self.files, self.cluster_config) if self.cluster_config else self.files

    @property
    def objects(self) -> int:
        return sum(file.count for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(file.size for file in self.files)

    def sealed(self, signer: Signer | None = None) -> bytes:
        """The file's bytes: one row a line, signed if anybody signs, and under `sha256` the hash of all the rest.

        Raises JobError for more files than one manifest can name.
        """
        content = self.model_dump(mode="json", exclude={"signature"})
        if signer:
            content["signature"] = signer.sign(_SIGNED + _canonical(content)).model_dump(mode="json")
        data = _laid_out(content | {"sha256": _digest(content)}).encode()
        if len(data) > MAX_FILE:
            said = f"{counted(len(self.files), 'file')} are more than one manifest can name ({sized(len(data))})"
            raise JobError(f"{said}, so there is no backup; make several jobs of it, each for some of the namespaces")
        return data


def _laid_out(content: dict[str, Any]) -> str:
    members = []
    for key, value in content.items():
        rows = ",\n  ".join(map(json.dumps, value)) if isinstance(value, list) else ""
        members.append(f" {json.dumps(key)}: " + (f"[\n  {rows}\n ]" if rows else json.dumps(value)))
    return "{\n" + ",\n".join(members) + "\n}\n"


def _canonical(content: dict[str, Any]) -> bytes:
    """So that spaces and the order of keys do not count."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


class NewerFormat(ValueError):
    """The manifest was written by a maintd that came after this one."""


def opened(data: bytes, verify_key: str = "") -> Manifest:
    """The manifest in a file. Raises ValueError where it is none, or is not as it was written.

    `verify_key`, as objects.signature.public_key() spells it: and where it is not signed with that key.
    """
    content = _loaded(data)
    # Byte for byte, and not by its hash alone: JSON has several ways to write the same.
    unchanged = _laid_out(content).encode() == data
    if content.pop("sha256", None) != _digest(content) or not unchanged:
        raise ValueError("its own hash is not the one that it names: it was changed after it was written")
    manifest = Manifest.model_validate(content)
    if verify_key:
        content.pop("signature", None)
        signature.check(manifest.signature, _SIGNED + _canonical(content), verify_key)
    return manifest


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested deeper than any manifest") from None
    written = content.get("format") if isinstance(content, dict) else None
    if type(written) is int and written > FORMAT:
        raise NewerFormat(f"it has format {written}, and this maintd reads {FORMAT}; use the maintd that wrote it")
    if written != FORMAT:
        raise ValueError(f"it is not a manifest of format {FORMAT}")
    return dict(content)
