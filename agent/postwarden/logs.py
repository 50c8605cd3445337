"""What the program says while it runs: events with fields, as JSON or for a terminal, on stderr."""

import logging
import sys
from typing import Any

import structlog


def configure(*, json: bool) -> None:
    """Sets up all logging of the process; libraries' own loggers from warnings on."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s", force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer() if json else structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def get(name: str) -> Any:
    """The logger of one part of the program."""
    return structlog.get_logger().bind(logger=name)
