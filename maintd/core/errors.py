"""What can go wrong, by what follows from it.

    MaintdError
    ├── ConfigError        the person who edits jobs.yaml or the environment must act; exit code 2
    └── JobError           a run could not do (all of) its work        → status failed
        ├── Transient      the same call may succeed later             → retried inside the deadline, then failed
        ├── Denied         a right is missing; the message names it    → failed, or partial where the rest was done
        ├── Missing        what was asked for is not there (404)       → failed, unless the caller expects it
        ├── Conflict       it changed since it was read (409, 412)     → the change is not made
        ├── Unreadable     an answer that is not what it should be     → failed; proves nothing
        └── Refused        a rail stopped the run before a change      → status refused
            └── NotLeading another process may change things now       → the run is interrupted

Messages say what happened and what to do next. They never carry headers, bodies or secrets.
"""

from datetime import timedelta


class MaintdError(Exception):
    """Every error that maintd raises on purpose."""


class ConfigError(MaintdError):
    """The configuration cannot be used; nothing was started or changed."""


class JobError(MaintdError):
    """A run could not do its work."""


class Transient(JobError):
    """A call failed in a way that may pass: a reset, a timeout, 429, 5xx.

    `retry_after` is what the server asked for, if it asked.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Denied(JobError):
    """The server knows us and said no, or does not know us."""


class Missing(JobError):
    """The object, resource or path does not exist."""


class Conflict(JobError):
    """The object is no longer the one that was read, or it already exists."""


class Unreadable(JobError):
    """An answer came that is not what the protocol promises; it proves nothing and changes nothing."""


class Refused(JobError):
    """A rail stopped the run before its first change."""


class NotLeading(Refused):
    """This process is not the leader, or not for long enough: nothing was sent."""
