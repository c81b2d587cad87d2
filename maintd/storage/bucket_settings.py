"""How a bucket is set up, as far as backups depend on it.

https://cloud.google.com/storage/docs/json_api/v1/buckets#resource
"""

from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from maintd.core.errors import Unreadable

_ENDINGS = (".yaml", ".json", ".age")
"""What the names of a backup's objects end in."""


class _Part(BaseModel):
    """Google adds keys; those that are not known here are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class Condition(_Part):
    """All that is said here must hold at once; what is unknown here would only narrow it."""

    age: int | None = None
    created_before: date | None = None
    is_live: bool | None = None
    num_newer_versions: int = 0
    days_since_noncurrent_time: int | None = None
    noncurrent_time_before: date | None = None
    days_since_custom_time: int | None = None
    custom_time_before: date | None = None
    matches_prefix: tuple[str, ...] = ()
    matches_suffix: tuple[str, ...] = ()

    def covers(self, folder: str) -> bool:
        """Whether it can hold for what maintd writes below `folder`: current versions, and without a custom time."""
        of_others = (
            self.days_since_noncurrent_time,
            self.noncurrent_time_before,
            self.days_since_custom_time,
            self.custom_time_before,
        )
        if self.is_live is False or self.num_newer_versions or any(each is not None for each in of_others):
            return False
        begins = (one.startswith(folder) or folder.startswith(one) for one in self.matches_prefix)
        ends = (one.endswith(e) or e.endswith(one) for one in self.matches_suffix for e in _ENDINGS)
        return (any(begins) or not self.matches_prefix) and (any(ends) or not self.matches_suffix)

    def days(self, today: date) -> int:
        """How old the youngest object is that it holds for today."""
        since = (today - self.created_before).days if self.created_before else 0
        return max(self.age or 0, since, 0)


class _Action(_Part):
    type: str = ""


class _Rule(_Part):
    action: _Action = _Action()
    condition: Condition = Condition()


class _Lifecycle(_Part):
    rule: tuple[_Rule, ...] = ()


class _Versioning(_Part):
    enabled: bool = False


class _SoftDelete(_Part):
    retention_duration_seconds: int = 0


class Retention(_Part):
    """No object is deleted or replaced before it is this old."""

    retention_period: int = 0
    is_locked: bool = False


class _UniformAccess(_Part):
    enabled: bool = False


class _Iam(_Part):
    public_access_prevention: str = "inherited"
    uniform_bucket_level_access: _UniformAccess = _UniformAccess()


class BucketSettings(_Part):
    """The bucket's own resource."""

    versioning: _Versioning = _Versioning()
    soft_delete: _SoftDelete = Field(default=_SoftDelete(), alias="softDeletePolicy")
    retention: Retention = Field(default=Retention(), alias="retentionPolicy")
    lifecycle: _Lifecycle = _Lifecycle()
    iam: _Iam = Field(default=_Iam(), alias="iamConfiguration")

    @property
    def soft_deleted_for(self) -> timedelta:
        """How long a deleted object can be restored."""
        return timedelta(seconds=self.soft_delete.retention_duration_seconds)

    @property
    def retained_for(self) -> timedelta:
        """How long no object can be deleted."""
        return timedelta(seconds=self.retention.retention_period)

    def deleted_after(self, folder: str, today: date) -> int | None:
        """Days after which a lifecycle rule deletes objects below `folder`; None where none does."""
        conditions = [rule.condition for rule in self.lifecycle.rule if rule.action.type == "Delete"]
        days = [condition.days(today) for condition in conditions if condition.covers(folder)]
        return max(min(days), self.retained_for.days) if days else None


def read_settings(url: str, resource: Any) -> BucketSettings:
    """What a bucket says of itself. Raises Unreadable."""
    try:
        return BucketSettings.model_validate(resource)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise Unreadable(f"{url} describes itself as no bucket does ({where}); look for a proxy on the way") from None
