"""From the bytes of a jobs.yaml to jobs, or to all its mistakes at once."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maintd import __version__
from maintd.config.compose import compose
from maintd.config.entry import Scope, find_target, is_timezone, read_job
from maintd.config.heartbeat import Heartbeat
from maintd.config.jobs import VERSION, Defaults, File, JobsFile, Retention, Schedules
from maintd.config.messages import DNS_LABEL_REMEDY
from maintd.config.nodes import Entries, Text
from maintd.config.part import Part
from maintd.config.sheet import MAX_BYTES, Sheet
from maintd.core.errors import ConfigError
from maintd.core.kind import Kind
from maintd.core.target import DNS_LABEL, Target
from maintd.objects.endpoints import url_fault


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads jobs.yaml, given what it may refer to."""

    kinds: Mapping[str, Kind]
    schedules: Schedules
    own_namespace: str = ""
    """Where maintd itself lives; no job changes anything there."""

    def load(self, path: Path) -> JobsFile:
        """The file at `path`. Raises BadJobs with its mistakes, ConfigError when it cannot be read."""
        return self.parse(read_bytes(path), path)

    def parse(self, data: bytes, path: Path) -> JobsFile:
        """The same for content that was read already."""
        sheet = Sheet(str(path), data)
        root = Part(sheet, compose(sheet))
        _check_shape(root)
        file = root.read_top(File, apart="heartbeat")
        sha256 = hashlib.sha256(data).hexdigest()
        scope = self._scope(root, sha256)
        retention = root.mapping("retention").read(Retention)
        heartbeat = root["heartbeat"].read(Heartbeat) if "heartbeat" in root else None
        jobs = [read_job(part, scope) for part in root["jobs"].items()]
        if file is None or retention is None or None in jobs or sheet.mistakes:
            sheet.fail()
        return JobsFile(path, sha256, tuple(filter(None, jobs)), file.max_running, retention, heartbeat)

    def _scope(self, root: Part, sha256: str) -> Scope:
        targets = {name: _target(root["targets"], name) for name in root["targets"].keys}
        part = root.mapping("defaults")
        defaults = part.read(Defaults) or Defaults()
        fallback = _fallback(part, targets)
        if part["timezone"].text() is not None and not is_timezone(part["timezone"], self.schedules):
            defaults = defaults.model_copy(update={"timezone": "Etc/UTC"})
        return Scope(self.kinds, self.schedules, self.own_namespace, defaults, targets, fallback, sha256)


def read_bytes(path: Path) -> bytes:
    """What is in the file, as far as it is not too much. Raises ConfigError, with what to do."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; name another, or set MAINTD_JOBS_FILE") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _check_shape(root: Part) -> None:
    """Raises BadJobs for what is no jobs.yaml at all, or one that a newer maintd wrote: its keys may be others."""
    if not isinstance(root.node, Entries):
        root.wrong("the file must be a mapping of keys to values", "begin it with version: 1 and jobs:")
        root.sheet.fail()
    version = root["version"]
    if isinstance(version.node, Text) and isinstance(version.node.value, int) and version.node.value > VERSION:
        newer = f"version {version.node.value} is newer than maintd {__version__} reads"
        message = f"{newer}, so nothing else in the file was judged"
        version.wrong(message, f"upgrade maintd, or write version: {VERSION}")
        root.sheet.fail()


def _fallback(defaults: Part, targets: Mapping[str, Target | None]) -> Target | None:
    if "target" in defaults:
        return find_target(defaults["target"], targets)
    return Target() if defaults.is_mapping else None


def _target(targets: Part, name: str) -> Target | None:
    if not re.fullmatch(DNS_LABEL, name):
        targets.wrong_key(name, f"{name[:80]!r} is not a DNS label", DNS_LABEL_REMEDY)
    target = targets[name].read(Target)
    if target and target.url and (fault := url_fault(target.url)):
        targets[name]["url"].wrong(fault)
        return None
    return target
