"""jobs.yaml: whether an edit arrives, when each job is due, and whether what it probes has an address."""

import asyncio
import re
import socket
from pathlib import PurePath
from urllib.parse import urlsplit

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Visit
from maintd.config.jobs import Job
from maintd.derive.egress import urls

_OCTAL = re.compile(r"\\([0-7]{3})")


async def mount(visit: Visit) -> list[Line]:
    """Only in the pod: elsewhere the file is a file."""
    if not visit.in_pod:
        return []
    path = visit.file.path.absolute()
    return [judged(path, visit.mounts, swapped=(path.parent / "..data").is_symlink())]


def judged(path: PurePath, mounts: str, *, swapped: bool) -> Line:
    """`mounts` is `/proc/self/mountinfo`; `swapped`: the folder is one that kubelet swaps as a whole."""
    if swapped:
        return ok(str(path), "a mounted ConfigMap: an edit arrives within two minutes")
    point, root = _mounted_on(path, mounts)
    # kubelet keeps each version of a ConfigMap in a folder like `..2026_11_23_09_00_00.123`; a subPath pins one.
    if point == path or any(part.startswith("..") for part in root.parts):
        said = "mounted by subPath, which never follows an edit of the ConfigMap"
        remedy = (
            "# in the Deployment mount the whole ConfigMap, without subPath, as a folder of its own:\n"
            "#   env:          - {name: MAINTD_JOBS_FILE, value: /etc/maintd/jobs.yaml}\n"
            "#   volumeMounts: - {name: jobs, mountPath: /etc/maintd, readOnly: true}"
        )
        return problem(str(path), said, remedy)
    return warning(str(path), "a file of the image or a volume, and no ConfigMap: `kubectl apply` does not change it")


def _mounted_on(path: PurePath, mounts: str) -> tuple[PurePath, PurePath]:
    """The mount point that holds `path`, and what of its file system is mounted there (proc_pid_mountinfo(5))."""
    rows = [line.split() for line in mounts.splitlines()]
    found = [(_plain(row[4]), _plain(row[3])) for row in rows if len(row) > 4 and path.is_relative_to(_plain(row[4]))]
    return max(reversed(found), key=lambda each: len(each[0].parts), default=(PurePath("/"), PurePath("/")))


def _plain(escaped: str) -> PurePath:
    return PurePath(_OCTAL.sub(lambda found: chr(int(found[1], 8)), escaped))


async def schedules(visit: Visit) -> list[Line]:
    """When each job is due next."""
    return [_scheduled(visit, job) for job in visit.file.jobs]


def _scheduled(visit: Visit, job: Job) -> Line:
    if not job.enabled:
        return ok(job.name, "never due: enabled is false")
    if job.schedule is None:
        return ok(job.name, "due when somebody asks: maintd run " + job.name)
    due = job.schedule.after(visit.now())
    if due is None:
        return problem(job.name, f"{job.when} never comes again", f"maintd next {job.name}  # then edit its schedule")
    return ok(job.name, f"due next at {due:%Y-%m-%dT%H:%M:%SZ}")


async def hosts(visit: Visit) -> list[Line]:
    """Of what is asked, and only in the pod: the names of Services mean nothing elsewhere.

    The heartbeat's receiver is not asked: it would take that for a heartbeat.
    """
    if not visit.in_pod:
        return []
    probed = [url for job in visit.jobs for url in urls(job.params, job.target)]
    probed += [visit.file.heartbeat.url] if visit.file.heartbeat else []
    names = sorted({host for url in probed if (host := urlsplit(url).hostname)})
    return list(await asyncio.gather(*map(_host, names)))


async def _host(name: str) -> Line:
    try:
        await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        remedy = "# correct `url:` of the target, or see whether the Service is there:\nkubectl get services -A"
        why = error.strerror if isinstance(error, OSError) else "no host can have that name"
        return problem(name, f"it has no address: {why}", remedy)
    return ok(name, "has an address")
