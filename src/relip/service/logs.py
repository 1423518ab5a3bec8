"""The service's log: one line a second for each cause, for people on a terminal and as JSON for machines."""

from __future__ import annotations

import logging
import sys

import structlog

Log = structlog.stdlib.BoundLogger


def configure(*, as_json: bool) -> Log:
    """Set up the log on standard error and give the service's logger."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    logger: Log = structlog.get_logger("relip")
    return logger
