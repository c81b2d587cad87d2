"""What a command says beside its data: for whoever typed it, on stderr."""

import sys

from maintd.config.settings import Settings
from maintd.telemetry import logs


def talk(settings: Settings, level: str = "warning") -> None:
    """Say what would be logged from `level` up in plain lines, unless MAINTD_LOG_FORMAT asks for something else."""
    log_format: logs.Format = "plain" if settings.log_format == "auto" else settings.log_format
    logs.configure(log_format, level, stream=sys.stderr)
