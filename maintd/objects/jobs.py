"""What a Job says of itself."""

from maintd.core.errors import Unreadable
from maintd.core.resource import Json
from maintd.objects.fields import mapping, mappings, text


def has_finished(job: Json) -> bool:
    """True once the Job is Complete or Failed; a Job that cannot be read has not finished, as far as we can tell."""
    try:
        conditions = mappings(mapping(job, "status"), "conditions")
        return any(
            text(condition, "type") in ("Complete", "Failed") and text(condition, "status") == "True"
            for condition in conditions
        )
    except Unreadable:
        return False
