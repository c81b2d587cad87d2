"""What is asked of the API server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from yarl import URL

from maintd.core.rules import Rule

JSON = "application/json"
BODY_CAP = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, and what the transport may do about its failure."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    accept: str = JSON
    repeatable: bool | None = None
    """May be sent twice; None: if it only reads."""
    needs: Rule | None = None
    """The right it takes: named when the server says no."""
    cap: int = BODY_CAP
    asks: bool = False
    """A question in the shape of a POST, which changes nothing: a review."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, base: str) -> URL:
        """Absolute. Names may hold `?`, `#` and spaces (RBAC's do), so the path is quoted here and nowhere else."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return URL(base + quote(self.path, safe="/:@!$&'()*+,;=") + query, encoded=True)

    @property
    def may_repeat(self) -> bool:
        return self.method == "GET" if self.repeatable is None else self.repeatable

    @property
    def may_change(self) -> bool:
        return self.method not in ("GET", "HEAD") and not self.asks
