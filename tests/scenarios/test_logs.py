"""A sysadmin lets postwarden read the mail server's log: what it says about us, about itself, and what it keeps."""

import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from postwarden import lab
from postwarden.history.standing import Standing
from postwarden.lab.wire import imap_session
from tests.lab.conftest import start_labs
from tests.scenarios.conftest import Workplace, make_workplace
from tests.scenarios.test_daemon import quick, running, until

ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k"
    " session=<%{session}>"
)

SOURCE = """
[[source]]
name = "imap-log"
kind = "log_files"
files = ["{files}"]
format = "dovecot"
servers = ["imap", "sieve"]
lateness = 1
format_options = {{ login_elements = "{elements}" }}
"""


def with_log(running: lab.Lab, *, elements: str = ELEMENTS, files: str | None = None) -> Workplace:
    """A workplace that reads the server's log too."""
    place = make_workplace(running)
    text = place.config.read_text().replace(
        'sources = ["imap", "sieve"]', 'sources = ["imap", "sieve", "imap-log"]'
    )
    place.config.write_text(text + SOURCE.format(files=files or running.log_file, elements=elements))
    return place


@pytest.fixture
def server() -> Iterator[lab.Lab]:
    for start in start_labs("dovecot"):
        yield start()


@pytest.fixture
def place(server: lab.Lab) -> Iterator[Workplace]:
    made = with_log(server)
    yield made
    shutil.rmtree(made.folder)


def wait_for_lateness() -> None:
    time.sleep(1.1)


def master_session(running: lab.Lab, login: str) -> None:
    """Somebody who has our secret opens a mailbox from this very host."""
    assert running.master is not None
    with imap_session(
        running.imaps_port, running.ca_file, f"{login}*{running.master.login}", running.master.password
    ) as session:
        session.select("INBOX", readonly=True)


def test_our_own_sessions_are_told_from_a_thief_on_our_host(place: Workplace, server: lab.Lab) -> None:
    """Two audits leave no finding; a log-in with our identity at another time is critical, and stays until somebody acts."""
    victim = server.accounts[0].login
    for _ in range(2):
        place.run("audit", "--all")
    wait_for_lateness()
    place.run("audit", "--all")
    assert [one for one in place.findings() if one[1] == "own_identity_unexplained"] == []
    master_session(server, victim)
    wait_for_lateness()
    done = place.run("audit", "--account", victim, "--json")
    assert done.code == 1
    (found,) = [one for one in done.of("finding") if one["finding"]["name"] == "own_identity_unexplained"]
    assert found["finding"]["level"] == "critical"
    assert any("no record of ours explains this session" in why for why in found["finding"]["why"])
    place.run("audit", "--all")
    assert [one[2] for one in place.findings() if one[1] == "own_identity_unexplained"] == ["open"]


def test_a_session_of_ours_is_in_the_ledger_before_the_audit_ends(place: Workplace, server: lab.Lab) -> None:
    """The port is recorded while the session lasts, so that a killed audit leaves no session that nobody explains."""
    place.run("audit", "--account", server.accounts[0].login)
    kinds = [record["kind"] for record in place.records()]
    assert (
        kinds.index("audit_started")
        < kinds.index("sessions_opened")
        < kinds.index("audit_finished", kinds.index("sessions_opened"))
    )
    opened = [
        one for record in place.records() if record["kind"] == "sessions_opened" for one in record["sessions"]
    ]
    finished = [
        one for record in place.records() if record["kind"] == "audit_finished" for one in record["sessions"]
    ]
    assert (
        {(one["source"], one["local_port"]) for one in opened}
        == {(one["source"], one["local_port"]) for one in finished}
        != set()
    )


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (
            "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>",
            "does not show who logged in as whom",
        ),
        (
            "user=<%u> auth_user=<%{auth_user}> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>",
            "does not show the client's port",
        ),
    ],
)
def test_a_log_that_cannot_show_us_is_a_gap_with_its_cure(elements: str, words: str) -> None:
    """The gap names the line that the mail server needs."""
    for start in start_labs("dovecot"):
        running = start()
        place = with_log(running, elements=elements)
        done = place.run("audit", "--account", running.accounts[0].login, "--json")
        (gap,) = [one["gap"] for one in done.of("gap") if one["gap"]["check"] == "own_sessions"]
        assert words in gap["message"]
        assert "login_log_format_elements = " in gap["hint"]
        assert "%b" in gap["hint"]
        shutil.rmtree(place.folder)


def asked(place: Workplace, question: str) -> Counter[str]:
    """How many rows each name has in the history, as the question has it."""
    path = place.folder / "state" / "history.sqlite"
    if not path.exists():
        return Counter()
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = Counter(name for (name,) in base.execute(question))
    base.close()
    return found


def sessions_of(place: Workplace) -> Counter[str]:
    """How many IMAP sessions owners have; one whose end came first has two rows."""
    return asked(
        place,
        "SELECT n.text FROM access a JOIN text n ON n.id = a.name JOIN text p ON p.id = a.protocol"
        " WHERE a.identity IS NULL AND p.text = 'imap' AND NOT EXISTS (SELECT 1 FROM late WHERE ended = a.id)",
    )


def ends_of(place: Workplace) -> Counter[str]:
    """How many of them have ended, as far as is known."""
    return asked(
        place,
        "SELECT n.text FROM ending e LEFT JOIN late l ON l.ended = e.access"
        " JOIN access a ON a.id = coalesce(l.access, e.access) JOIN text n ON n.id = a.name"
        " JOIN text p ON p.id = a.protocol WHERE a.identity IS NULL AND p.text = 'imap'",
    )


def logged_in(server: lab.Lab) -> Counter[str]:
    """The owners' log-ins in the server's log."""
    return Counter(
        line.split("user=<")[1].split(">")[0]
        for line in server.log_lines()
        if "imap-login: Info: Login: " in line and "auth_user=<auditor>" not in line
    )


def nameless_ends(server: lab.Lab) -> int:
    """How many ends in the server's log do not tell whose: a busy Dovecot writes a few so."""
    return sum(" imap: Info: Disconnected: " in line for line in server.log_lines())


def test_a_daemon_counts_every_session_of_a_busy_server(place: Workplace, server: lab.Lab) -> None:
    """While owners log in and out by the hundred, all of them are there soon after, each once."""
    quick(place)
    users = server.accounts[:6]

    def come_and_go(number: int) -> None:
        user = users[number % len(users)]
        with imap_session(server.imaps_port, server.ca_file, user.login, user.password) as session:
            session.select("INBOX", readonly=True)

    before = logged_in(server)
    with running(place):
        until((place.folder / "state" / "history.sqlite").exists)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(come_and_go, range(300)))
        made = before + Counter(users[number % len(users)].login for number in range(300))
        until(
            lambda: sessions_of(place).total() >= made.total(),
            told=lambda: (sessions_of(place), "where the server's log has", logged_in(server)),
        )
        time.sleep(2)
    assert sessions_of(place) == made
    ended = ends_of(place)
    assert ended <= made
    assert (made - ended).total() <= nameless_ends(server)


def test_a_daemon_looks_for_indicators_once_a_day(place: Workplace, server: lab.Lab) -> None:
    """What lies in the folder is found in what the log told; the record says that the daemon looked."""
    (place.folder / "indicators").mkdir()
    (place.folder / "indicators" / "feed.csv").write_text("type,value\nip,127.0.0.1\nip,203.0.113.7\n")
    quick(place)
    user = server.accounts[0]
    with imap_session(server.imaps_port, server.ca_file, user.login, user.password):
        pass
    place.change("[daemon]", '[history]\nindicators = "indicators"\n[daemon]')
    place.run("history", "read")
    with running(place):
        until(lambda: [one for one in place.records() if one["kind"] == "hunt_made"])
        time.sleep(1)
    (record,) = [one for one in place.records() if one["kind"] == "hunt_made"]
    assert record["reason"].startswith("daily")
    assert record["sessions"] > 0
    assert "indicator_seen" in {one[1] for one in place.findings()}


def test_a_log_that_stops_and_one_that_is_put_back_are_findings(tmp_path: Path) -> None:
    """A silent log, and an older one in the place of a newer, are told of the source."""
    for start in start_labs("dovecot"):
        running_lab = start()
        log = tmp_path / "mail.log"
        log.write_text(old := "".join(f"{line}\n" for line in running_lab.log_lines()[:40]))
        place = with_log(running_lab, files=str(tmp_path / "*.log*"))
        victim = running_lab.accounts[0].login
        place.run("audit", "--account", victim)
        assert "log_silent" not in {one[1] for one in place.findings()}
        log.rename(tmp_path / "mail.log.1")
        log.write_text("2026-01-02T00:00:00+0000 master: Info: Dovecot v2.3.19.1 starting up\n" * 5)
        place.run("history", "read")
        log.write_text(old)
        (tmp_path / "mail.log.1").unlink()
        place.run("audit", "--account", victim)
        assert "log_replaced" in {one[1] for one in place.findings()}
        base = sqlite3.connect(place.folder / "state" / "history.sqlite")
        standing = decode(base.execute("SELECT standing FROM source").fetchone()[0], type=Standing)
        longago = replace(standing, arrived=0, latest=0)
        base.execute("UPDATE source SET standing = ?", (encode(longago),))
        base.commit()
        base.close()
        place.run("audit", "--account", victim)
        assert "log_silent" in {one[1] for one in place.findings()}
        shutil.rmtree(place.folder)
