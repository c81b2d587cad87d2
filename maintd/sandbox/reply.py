"""An HTTP reply before it is sent, so that a fault can still change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """Code, bytes and headers."""

    code: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_body(self, body: bytes) -> "Reply":
        return replace(self, body=body)
