"""From what was copied to the manifest of the backup and the outcome of the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.ports import Stored
from maintd.core.text import counted, sized
from maintd.objects.backup_copy import ListCopy
from maintd.objects.backup_manifest import ListRead, Manifest, NotWhole, StoredFile, Volumes
from maintd.objects.backup_scope import Selection
from maintd.objects.exclusions import SECRETS


@dataclass(frozen=True, slots=True)
class Copied:
    """One list that was read whole, with its files as they are in the store, in the order they were closed."""

    copy: ListCopy
    namespace: str
    stored: Sequence[Stored]

    def read(self) -> ListRead:
        return ListRead.of(self.copy.resource, self.namespace, self.copy.objects)

    def files(self) -> list[StoredFile]:
        return [
            StoredFile.of(
                stored,
                path=file.path,
                resource=self.copy.resource.name,
                kind=self.copy.resource.kind,
                namespace=file.namespace,
                count=file.count,
                recipients=file.recipients,
            )
            for file, stored in zip(self.copy.files, self.stored, strict=True)
        ]


def filled(manifest: Manifest, selection: Selection, results: Sequence[Copied | NotWhole]) -> Manifest:
    """The manifest with everything that was copied, left out and missed."""
    copies = [result for result in results if isinstance(result, Copied)]
    failed = [result for result in results if isinstance(result, NotWhole)]
    missed = [problem for copied in copies for problem in copied.copy.not_whole]
    claims = tuple(claim for copied in copies for claim in copied.copy.claims)
    return manifest.model_copy(
        update={
            "files": tuple(file for copied in copies for file in copied.files()),
            "lists": tuple(copied.read() for copied in copies),
            "left_out": (*selection.left_out, *(row for copied in copies for row in copied.copy.left_out)),
            "not_whole": (*selection.not_whole, *failed, *missed),
            "exclude_namespaces": selection.exclude_namespaces,
            "volumes": Volumes(claims=claims),
        }
    )


def outcome(manifest: Manifest, path: str, drop: Finding | None = None) -> Outcome:
    """What the run says of it; `path` is the manifest's, `drop` how it stands to the one before."""
    findings = [_not_whole(problem) for problem in manifest.not_whole] + ([drop] if drop else [])
    if manifest.volumes.claims:
        claims = counted(len(manifest.volumes.claims), "PersistentVolumeClaim")
        findings.append(Finding(severity="info", subject=claims, message=manifest.volumes.note))
    if not manifest.files and not manifest.not_whole:
        findings.append(Finding(subject="the whole backup", message="there was nothing to back up in its scope"))
    left_out = sum(row.count or 0 for row in manifest.left_out)
    return Outcome(
        _summary(manifest),
        status=Status.PARTIAL if manifest.not_whole else None,
        findings=tuple(findings),
        metrics={
            "objects": manifest.objects,
            "files": len(manifest.files),
            "bytes": manifest.size,
            "left_out_objects": left_out,
        },
        artifacts=(path,),
    )


def nothing(manifest: Manifest) -> Outcome:
    """What the run says where not one object could be read: there is no backup."""
    findings = tuple(_not_whole(problem) for problem in manifest.not_whole)
    return Outcome("nothing could be read, so there is no backup", status=Status.FAILED, findings=findings)


def _not_whole(problem: NotWhole) -> Finding:
    return Finding(severity="error", subject=str(problem), message=problem.why, remedy=problem.remedy)


def _summary(manifest: Manifest) -> str:
    said = [
        f"{counted(manifest.objects, 'object')} in {counted(len(manifest.files), 'file')}, {sized(manifest.size)}",
        *_secrets(manifest),
    ]
    if manifest.not_whole:
        named = ", ".join(map(str, manifest.not_whole[:5]))
        more = f" and {len(manifest.not_whole) - 5} more" if len(manifest.not_whole) > 5 else ""
        said.append(f"not whole: {named}{more}")
    return ", ".join(said)


def _secrets(manifest: Manifest) -> list[str]:
    sealed = [file for file in manifest.files if file.recipients]
    if sealed:
        many = counted(sum(file.count for file in sealed), "Secret")
        return [f"{many} encrypted for {counted(len(sealed[0].recipients), 'recipient')}"]
    rows = [row for row in manifest.left_out if row.rule == SECRETS.rule]
    counts = [row.count for row in rows if row.count is not None]
    if counts:
        return [f"Secrets left out ({sum(counts):,})"]
    return ["Secrets left out"] if rows else []
