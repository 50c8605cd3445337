"""From files into the history: everything once, whatever happens in between."""

import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from postwarden.connectors.log_files.source import LogFiles, Options
from postwarden.errors import HistoryError
from postwarden.history.history import History, open_history
from postwarden.history.reading import Wanted
from postwarden.history.storing import Storing
from postwarden.lab.logs import LOGS, Log, Plan, Written, made_up_people, write
from postwarden.pipeline.ingest import Ingester

#: The lab's log → where its files are, and how a source reads them.
READ: dict[Log, dict[str, Any]] = {
    "dovecot": {"files": ("dovecot/*",), "format": "dovecot", "login": "full"},
    "dovecot_syslog": {"files": ("dovecot_syslog/*",), "format": "dovecot", "login": "full"},
    "exchange_imap4": {"files": ("exchange_imap4/*",), "format": "exchange_protocol"},
    "entra": {"files": ("entra/*",), "format": "entra_sign_ins"},
    "roundcube": {"files": ("roundcube/*",), "format": "roundcube"},
    "postfix": {"files": ("postfix/*",), "format": "postfix"},
}
FULL = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k"
    " session=<%{session}>"
)
LONG = bool(os.environ.get("POSTWARDEN_LONG"))


def source(log: Log, folder: Path, *, zone: str = "Europe/Berlin") -> LogFiles:
    told = READ[log]
    options = {"login_elements": FULL} if told.get("login") else {}
    return LogFiles(
        log, Options(files=told["files"], format=told["format"], zone=zone, format_options=options),
        folder=folder, clock=lambda: datetime.now(UTC), memory={},  # noqa: TID251 - files have real times
    )  # fmt: skip


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def ingest(history: History, *sources: LogFiles) -> None:
    with history.writing() as storing:
        for one in sources:
            for _ in Ingester(one, one.clock).turn(history, storing):
                pass


def counted(history: History, log: str) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Log-ins, ends and refused tries by name."""
    begun: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for one in history.read.sessions(Wanted(sources=(log,))):
        if one.end == "refused":
            refused[one.name] += one.attempts
        else:
            begun[one.name] += one.begun is not None
            ended[one.name] += one.ended is not None
    return begun, ended, refused


def truth(written: Written, log: Log) -> tuple[Counter[str], Counter[str], Counter[str]]:
    tallies = written.tallies[log]
    return (
        Counter({name: row.begun for name, row in tallies.items() if row.begun}),
        Counter({name: row.ended for name, row in tallies.items() if row.ended}),
        Counter({name: row.attempts for name, row in tallies.items() if row.attempts}),
    )


def plan(*logs: Log, days: int = 40, people: int = 6, **more: Any) -> Plan:
    return Plan(
        seed=7,
        people=made_up_people(people),
        begin=date(2025, 9, 28),
        days=days,
        logs=logs,
        login_format="full",
        **more,
    )


@pytest.mark.parametrize("log", [log for log in READ if log != "postfix"])
def test_every_session_of_generated_logs_is_found_once(tmp_path: Path, log: Log) -> None:
    """Six weeks over the end of summer time: names, log-ins, ends and refusals are those that were written."""
    written = write(plan(log), tmp_path)
    with open_history(tmp_path, create=True) as history:
        ingest(history, source(log, tmp_path))
        assert [+one for one in counted(history, log)] == list(truth(written, log))
        standing = history.read.sources()[log]
        lines = sum(content(file.path).count(b"\n") for file in written.of(log))
        assert (standing.unread, standing.lines) == (0, lines)
        begun = min(file.first for file in written.of(log) if file.lines)
        assert standing.first == pytest.approx(begun, abs=86_400_000)
        ingest(history, source(log, tmp_path))
        assert [+one for one in counted(history, log)] == list(truth(written, log))


def test_every_message_of_generated_logs_is_found_once(tmp_path: Path) -> None:
    """Deliveries by their outcome, and who handed mail in: many connections of one client are one session."""
    written = write(plan("postfix"), tmp_path)
    with open_history(tmp_path, create=True) as history:
        ingest(history, source("postfix", tmp_path))
        assert history.read.sources()["postfix"].unread == 0
        begun, _, _ = counted(history, "postfix")
        tallies = written.tallies["postfix"]
        assert set(begun) == {name for name, row in tallies.items() if row.begun}
        assert all(0 < begun[name] <= tallies[name].begun for name in begun)
    base = sqlite3.connect(tmp_path / "history.sqlite")
    outcomes: Counter[str] = Counter()
    rows = base.execute(
        "SELECT o.text, r.text FROM transfer t JOIN text o ON o.id = t.outcome JOIN text r ON r.id = t.recipients"
    )
    for outcome, recipients in rows:
        outcomes[outcome] += len(recipients.split("\n"))
    made = written.deliveries["postfix"]
    assert outcomes == {"delivered": made.delivered, "deferred": made.deferred, "failed": made.failed}


def test_an_export_in_one_line_is_read(tmp_path: Path) -> None:
    """Sign-ins are exported as one array, which may be megabytes without a line feed, also at its end."""
    written = write(plan("entra", days=400, sign_ins="array"), tmp_path)
    (tmp_path / "entra" / "whole.json").write_bytes(
        b"["
        + b",".join(content(file.path).strip()[1:-1].replace(b"\n", b"") for file in written.of("entra"))
        + b"]"
    )
    for file in written.of("entra"):
        file.path.unlink()
    os.utime(tmp_path / "entra" / "whole.json", (1_760_000_000, 1_760_000_000))
    assert (tmp_path / "entra" / "whole.json").stat().st_size > 2 * 1024 * 1024
    with open_history(tmp_path, create=True) as history:
        ingest(history, source("entra", tmp_path))
        assert [+one for one in counted(history, "entra")] == list(truth(written, "entra"))


def test_every_log_of_the_lab_is_read() -> None:
    """There is no log that the lab writes and nobody reads."""
    assert set(READ) == set(LOGS)


def test_the_order_of_files_changes_nothing(tmp_path: Path) -> None:
    """Weeks that are found later are the same weeks: backfill gives the same sessions, also those that span the seam."""
    written = write(plan("dovecot"), tmp_path)
    late = tmp_path / "late"
    late.mkdir()
    for file in written.of("dovecot")[:20]:
        shutil.move(file.path, late)
    with open_history(tmp_path, create=True) as history:
        ingest(history, source("dovecot", tmp_path))
        for path in late.iterdir():
            shutil.move(path, tmp_path / "dovecot")
        ingest(history, source("dovecot", tmp_path))
        assert [+one for one in counted(history, "dovecot")] == list(truth(written, "dovecot"))


FOLLOW = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from postwarden.history.history import open_history
from tests.unit.pipeline.test_ingest import source
from postwarden.pipeline.ingest import Ingester
folder = Path({folder!r})
with open_history(folder, create=True) as history, history.writing() as storing:
    ingester = Ingester(source("dovecot", folder), lambda: source("dovecot", folder).clock())
    print("ready", flush=True)
    while True:
        for step in ingester.turn(history, storing):
            print(step.events, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """Killed while it reads logs that grow, rotate and are compressed, it goes on to the exact counts."""
    kills = 500 if LONG else 50
    seed = int.from_bytes(os.urandom(4))
    print("seed", seed)
    chance = Random(seed)
    made = tmp_path / "made"
    made.mkdir()
    written = write(plan("dovecot", days=20, people=12, rotation="none"), made)
    (whole,) = written.of("dovecot")
    lines = whole.path.read_bytes().splitlines(keepends=True)
    logs = tmp_path / "dovecot"
    logs.mkdir()
    live = logs / "dovecot.log"
    script = FOLLOW.format(root=str(Path(__file__).parents[3]), folder=str(tmp_path))
    at = number = 0
    for kill in range(kills):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        until = len(lines) * (kill + 1) // kills
        while at < until:
            step = min(until, at + chance.randrange(1, 400))
            with live.open("ab") as file:
                # Also in the middle of a line.
                data = b"".join(lines[at:step])
                cut = chance.randrange(len(data))
                file.write(data[:cut])
                file.flush()
                if chance.random() < 0.3:
                    time.sleep(chance.random() * 0.01)
                file.write(data[cut:])
            at = step
            if chance.random() < 0.1:
                number += 1
                live.rename(logs / f"dovecot.log.{number}")
                live.touch()
                if chance.random() < 0.5:
                    rotated = logs / f"dovecot.log.{number}"
                    (logs / f"dovecot.log.{number}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
                    rotated.unlink()
        time.sleep(chance.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with open_history(tmp_path) as history:
        ingest(history, source("dovecot", tmp_path))
        assert [+one for one in counted(history, "dovecot")] == list(truth(written, "dovecot"))
        assert history.read.sources()["dovecot"].lines == len(lines)
        assert history.read.mishaps() == []
    base = sqlite3.connect(tmp_path / "history.sqlite")
    assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for table in ("access", "ending"):
        places = base.execute(f"SELECT content, at FROM {table}").fetchall()
        assert len(places) == len(set(places)), f"each line made one row of {table} at most"


POSTFIX = (
    b"2026-11-20T10:00:00+00:00 mx postfix/smtpd[1]: 4AAAAA1: client=unknown[192.0.2.1]\n"
    b"2026-11-20T10:00:00+00:00 mx postfix/qmgr[2]: 4AAAAA1: from=<a@x.example>, size=5, nrcpt=1 (queue active)\n"
)
DELIVERED = (
    b"2026-11-20T10:00:01+00:00 mx postfix/smtp[3]: 4AAAAA1: to=<b@y.example>, relay=y[192.0.2.2]:25, delay=1, dsn=2.0.0,"
    b" status=sent (ok)\n2026-11-20T10:00:01+00:00 mx postfix/qmgr[2]: 4AAAAA1: removed\n"
)


def test_a_portion_that_could_not_be_stored_is_decoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk does not make the decoder forget what it had remembered for the lines that are read again."""
    log = tmp_path / "postfix" / "mail.log"
    log.parent.mkdir()
    log.write_bytes(POSTFIX)
    reader = Ingester(source("postfix", tmp_path), lambda: datetime.now(UTC))  # noqa: TID251 - files have real times
    with open_history(tmp_path, create=True) as history, history.writing() as storing:
        list(reader.turn(history, storing))
        with log.open("ab") as file:
            file.write(DELIVERED)
        with monkeypatch.context() as patched:
            patched.setattr(Storing, "store", full)
            with pytest.raises(HistoryError):
                list(reader.turn(history, storing))
        list(reader.turn(history, storing))
        assert history.base.execute(
            "SELECT s.text, t.size FROM transfer t JOIN text s ON s.id = t.sender"
        ).fetchall() == [("a@x.example", 5)]


def full(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_lines_that_came_while_others_were_read_are_not_ahead_of_time(tmp_path: Path) -> None:
    """Months of logs take an hour to read; what was written meanwhile is of now."""
    log = tmp_path / "postfix" / "mail.log"
    log.parent.mkdir()
    log.write_bytes(POSTFIX + DELIVERED)
    clock = iter([datetime(2026, 11, 20, 9, tzinfo=UTC)])
    reader = Ingester(
        source("postfix", tmp_path), lambda: next(clock, datetime(2026, 11, 20, 10, 5, tzinfo=UTC))
    )
    with open_history(tmp_path, create=True) as history, history.writing() as storing:
        list(reader.turn(history, storing))
        assert history.read.mishaps() == []


def test_an_export_that_begins_with_the_newest_does_not_jump_in_time(tmp_path: Path) -> None:
    """Portals export sign-ins newest first; that is no log whose clock was set back."""
    (tmp_path / "entra").mkdir()
    (tmp_path / "entra" / "export.json").write_text(
        "".join(
            json.dumps(
                {
                    "id": f"{hour}",
                    "createdDateTime": f"2026-11-20T{hour:02}:00:00Z",
                    "userPrincipalName": "a@x.example",
                    "ipAddress": "192.0.2.1",
                    "status": {"errorCode": 0},
                }
            )
            + "\n"
            for hour in range(20, 1, -3)
        )
    )
    with open_history(tmp_path, create=True) as history:
        ingest(history, source("entra", tmp_path))
        assert history.read.sources()["entra"].events == 7
        assert history.read.mishaps() == []
