"""Why the API server refused a write, told from the words that it, its admission plugins and webhooks always use.

Their texts may quote what they refuse, so of them only names that the API allows get into what is said here.
"""

import re
from typing import Final

IMMUTABLE: Final = "it cannot be changed once it is there"
ESCALATION: Final = "nobody may grant rights without having them"
NO_DRY_RUN: Final = "an admission webhook of the cluster takes no dry runs"
_NAME = r"([A-Za-z0-9][A-Za-z0-9.:_-]{0,252})"
_FIXED = (
    "field is immutable|is immutable after creation|may not change once set|updates to statefulset spec"
    "|forbidden after creation|pod updates may not change fields|cannot change roleRef"
)
_PHRASES = (
    (r"being terminated", "the namespace is being deleted"),
    (rf"exceeded quota: {_NAME}, requested: ", "ResourceQuota {} of the namespace is full"),
    (rf"ValidatingAdmissionPolicy '{_NAME}'", "ValidatingAdmissionPolicy {} of the cluster denies it"),
    (rf'admission webhook "{_NAME}" denied', "the admission webhook {} denies it"),
    (r'failed calling webhook "', "an admission webhook that must be asked does not answer"),
    (r'violates PodSecurity "', "Pod Security of the namespace forbids it"),
    (r"is attempting to grant RBAC permissions not currently held", ESCALATION),
    (r"does not support dry run", NO_DRY_RUN),
    (r"provided (?:IP|port) is already allocated", "another Service has that address or port"),
    (_FIXED, IMMUTABLE),
)


def why(message: object) -> str:
    """One cause in our words; empty where the text is none that is known."""
    if not isinstance(message, str):
        return ""
    for pattern, said in _PHRASES:
        if found := re.search(pattern, message):
            return said.format(*found.groups())
    return ""
