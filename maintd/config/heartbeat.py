"""The dead man's switch: whom maintd tells that all is well, so that somebody hears when it no longer does."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from maintd.config.section import Section
from maintd.core.units import Duration
from maintd.objects.endpoints import Url


class Heartbeat(Section):
    """Where to send it, and how often."""

    refused: ClassVar[dict[str, str]] = {
        "interval": "unknown key; write every",
        "grace": "the receiver decides how long a silence may last; set it there, to three times `every` or more",
        "headers": "a heartbeat carries no headers of yours; take a receiver whose URL is enough",
    }

    url: Url = Field(description="Who expects it: a GET there means that all is well.")
    every: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=10),
        le=timedelta(days=1),
        description="How often it is sent while all is well; at least 10s.",
    )
