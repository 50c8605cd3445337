"""A sysadmin lets postwarden read the mail server's log: what it says about us, about itself, and what it keeps."""

import shutil
from collections.abc import Iterator

import pytest

from postwarden import lab
from postwarden.lab.wire import imap_session
from tests.lab.conftest import start_labs
from tests.scenarios.conftest import Workplace, make_workplace

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
    import time

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
