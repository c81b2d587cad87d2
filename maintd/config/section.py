"""What every mapping in jobs.yaml has in common."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of known keys; a key that it does not know is a mistake."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", allow_inf_nan=False)

    refused: ClassVar[dict[str, str]] = {}
    """Keys that people may well write here, and what to do instead."""
