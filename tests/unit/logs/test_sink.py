"""Every way into the log ends in the same line, without secrets."""

import errno
import gc
import io
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from postwarden import logs
from postwarden.logs.redaction import Redactor

Events = Callable[[], list[dict[str, Any]]]

LIBRARIES = (
    "urllib3.connectionpool",
    "apscheduler.scheduler",
    "requests",
    "imapclient.imaplib",
    "msal",
    "some.other",
)


def test_an_event_has_its_fields(events: Events) -> None:
    """Time, level, logger, event and the fields given, one object a line."""
    logs.get("daemon").info("started", accounts=12)
    (told,) = events()
    assert told.pop("time").endswith("Z")
    assert told == {"level": "info", "logger": "daemon", "event": "started", "accounts": 12}


def test_a_logger_that_was_made_before_is_redacted_too(events: Events) -> None:
    """`get` before `configure` gives a logger that follows it."""
    structlog.reset_defaults()
    early = logs.get("early")
    stream = io.StringIO()
    logs.configure(json=True, stream=stream)
    logs.conceal("swordfish")
    early.info("it is swordfish")
    assert json.loads(stream.getvalue())["event"] == "it is ***"


def test_without_being_set_up_nothing_shows(capsys: pytest.CaptureFixture[str], redactor: Redactor) -> None:
    """A logger that nobody configured writes for people, on stderr, without secrets."""
    structlog.reset_defaults()
    redactor.conceal("swordfish")
    logs.get("early").warning("it is swordfish", also="swordfish")
    structlog.reset_defaults()
    out, err = capsys.readouterr()
    assert (out, "swordfish" in err, "it is ***" in err) == ("", False, True)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_takes_the_same_way(events: Events, name: str) -> None:
    """Messages, %-arguments of every type, exceptions and stacks of other loggers come out clean, from warnings on."""
    logs.conceal("swordfish")
    logger = logging.getLogger(name)
    logger.info("swordfish")
    logger.warning("plain swordfish %s %r %s", "swordfish", b"swordfish", {"a": ["swordfish"]})
    logger.warning("%(a)s", {"a": "swordfish"})
    logger.warning("%s%s", "sword", "fish")
    logger.warning("%s %s swordfish", "swordfish")  # noqa: PLE1206 - it is the wrong number
    logger.error("failed", exc_info=ValueError("swordfish"), stack_info=True)
    told = events()
    assert [one["event"].count("***") for one in told] == [4, 1, 1, 0, 0]
    assert "swordfish" not in json.dumps(told)
    assert {one["logger"] for one in told} == {name}
    assert "ValueError: ***" in told[-1]["exception"]


def test_a_handler_of_a_librarys_own_gets_nothing(events: Events) -> None:
    """What a handler that was added later writes is as clean as what ours writes."""
    logs.conceal("swordfish")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(args)s"))
    logger = logging.getLogger("own.handler")
    logger.addHandler(handler)
    try:
        try:
            raise ValueError("swordfish")
        except ValueError:
            logger.exception("with %s", "swordfish")
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue().startswith("with *** ()\nTraceback")
    assert "swordfish" not in stream.getvalue()
    assert len(events()) == 1


def test_everything_around_an_exception_is_clean(events: Events) -> None:
    """Arguments, cause, context, notes and members of a group, and no values of variables."""
    logs.conceal("swordfish")

    def fail() -> None:
        local = "c3dvcmRmaXNo and a variable of mine"
        try:
            try:
                raise KeyError("swordfish")
            except KeyError as first:
                error = ValueError(b"swordfish", {"password": "trout"}, local[:12])
                error.add_note("with swordfish")
                raise error from first
        except ValueError as second:
            raise ExceptionGroup("swordfish", [second, OSError(5, "swordfish", "/swordfish")]) from None

    try:
        fail()
    except ExceptionGroup:
        logs.get("x").exception("failed")
    (told,) = events()
    assert told["exception"].count("***") >= 7
    assert "ExceptionGroup" in told["exception"]
    for secret in ("swordfish", "trout", "c3dv", "a variable of mine"):
        assert secret not in json.dumps(told).replace(f'local = "{"c3dvcmRmaXNo"}', "")


def test_an_exception_that_cannot_be_shown_is_told_of(events: Events) -> None:
    """An exception whose text raises does not take the line with it."""

    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("swordfish")

    logs.conceal("swordfish")
    logs.get("x").error("failed", exc_info=Odd(), given=Odd())
    (told,) = events()
    assert told["event"] == "failed"
    assert "swordfish" not in json.dumps(told)


def test_what_nobody_caught_is_logged(events: Events) -> None:
    """Exceptions of threads, of the main thread and of finalizers, and warnings, are events too."""
    logs.conceal("swordfish")

    def fail() -> None:
        raise ValueError("swordfish")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("swordfish"), None)

    class Final:
        def __del__(self) -> None:
            raise ValueError("swordfish")

    Final()
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("swordfish", stacklevel=1)
    told = events()
    assert [one["level"] for one in told] == ["critical", "critical", "critical", "warning"]
    assert "swordfish" not in json.dumps([one.get("exception", one["event"]) for one in told[:3]]).replace(
        'ValueError("swordfish")', ""
    )


def test_people_read_one_line_an_event(redactor: Redactor, events: Events) -> None:
    """Without JSON, fields stand behind the event, and an exception is indented below."""
    stream = io.StringIO()
    logs.configure(json=False, stream=stream)
    redactor.conceal("swordfish")
    logs.get("daemon").error("not\nrecorded", hint="try it", n=1, exc_info=ValueError("swordfish"))
    first, *more = stream.getvalue().splitlines()
    assert first.endswith(' error daemon: not\\u{a}recorded hint="try it" n=1')
    assert more == ["  ValueError: ***"]


def test_a_line_is_never_longer_than_the_journal_takes(events: Events) -> None:
    """Many long fields leave the event without them, said by `cut`."""
    logs.get("x").info("much", **{f"field{number}": "é" * 9_000 for number in range(20)})
    (told,) = events()
    assert (told["event"], told["cut"]) == ("much", True)


def test_the_journal_is_told_the_priority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    """Where journald reads stderr, a line begins with its priority; elsewhere it does not."""
    with (tmp_path / "log").open("w+") as stream:
        status = os.fstat(stream.fileno())
        logs.configure(json=True, stream=stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        logs.get("x").error("a")
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
        logs.get("x").error("b")
        first, second = (tmp_path / "log").read_text().splitlines()
    assert first.startswith('<3>{"')
    assert second.startswith('{"')


def test_a_stream_that_is_closed_loses_the_line_only(events: Events) -> None:
    """Logging to a closed or full stream raises nothing."""
    stream = io.StringIO()
    logs.configure(json=True, stream=stream)
    stream.close()
    logs.get("x").info("lost")
    logging.getLogger("other").warning("lost")

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    logs.configure(json=True, stream=Full())
    logs.get("x").info("lost")
