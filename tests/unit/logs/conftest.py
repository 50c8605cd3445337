"""Logging that is set up for one test, and as it was afterwards."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from postwarden import logs
from postwarden.logs.redaction import Redactor

#: Secrets of several kinds: short, with characters that are escaped everywhere, beyond ASCII, long.
SECRETS = (
    "swordfish",
    'co/rr+ect "horse" <ba&tt\\ery> 100%41',
    "pässwörd-日本-😀-geheim",
    "b3f1c0d2e4a59687" * 4,
)


@pytest.fixture
def redactor(monkeypatch: pytest.MonkeyPatch) -> Redactor:
    """The process's redactor, which knows nothing yet."""
    fresh = Redactor()
    monkeypatch.setattr(logs, "_redactor", lambda: fresh)
    return fresh


@pytest.fixture
def events(redactor: Redactor) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged as JSON since the last call."""
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    kept = list(root.handlers), root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    stream = io.StringIO()
    logs.configure(json=True, stream=stream)

    def read() -> list[dict[str, Any]]:
        lines = stream.getvalue().splitlines()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in lines]

    yield read
    logging.captureWarnings(capture=False)
    logging.setLogRecordFactory(factory)
    root.handlers[:], root.level = kept
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    structlog.reset_defaults()
