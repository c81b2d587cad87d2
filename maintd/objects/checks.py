"""One URL and what it should answer, as a job writes it."""

from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from maintd.core.ports import HttpRequest
from maintd.core.units import Quantity
from maintd.objects.conditions import Expect
from maintd.objects.endpoints import Endpoint, shown


class Check(Endpoint):
    """One URL and what it should answer."""

    name: str | None = Field(
        default=None, min_length=1, max_length=63, description="What to call it; its path unless written."
    )
    method: Literal["GET", "HEAD", "OPTIONS", "POST"] = Field(default="GET", description="How to ask.")
    body: str = Field(default="", max_length=16384, description="What to send with POST.")
    max_body: Quantity = Field(
        default=1024 * 1024, ge=0, le=8 * 1024 * 1024, description="So much of the answer's body is kept and judged."
    )
    expect: Expect = Field(default=Expect(), description="What the answer should be.")

    @property
    def label(self) -> str:
        """What findings call it."""
        return self.name or shown(self.path or self.url or "/")

    @model_validator(mode="after")
    def _body_is_sent(self) -> "Check":
        if self.body and self.method != "POST":
            raise ValueError(f"a body is sent with POST, not with {self.method}")
        return self

    def asked(self, url: str) -> HttpRequest:
        """The request that this check sends."""
        return replace(self.request(url), method=self.method, body=self.body, max_body=self.max_body)
