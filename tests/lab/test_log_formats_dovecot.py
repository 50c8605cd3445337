"""What a running Dovecot writes into its log, read and compared with what was done."""

import imaplib
import time
from collections import Counter
from pathlib import Path

from postwarden import lab
from postwarden.formats.server_logs import About, Decoded, open_log
from postwarden.lab.wire import imap_session, sieve_session, trusting
from postwarden.model.event import Access, Act
from tests.lab.conftest import StartLab

ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k "
    "session=<%{session}>"
)
HOSTILE = "x>, method=PLAIN, rip=6.6.6.6, lip=6.6.6.6, TLS, session=<forged"
SECONDS = 10


def read(running: lab.Lab, until: int) -> Decoded:
    """The whole log, once it has so many ends of sessions."""
    end = time.monotonic() + SECONDS
    while True:
        raw = "".join(f"{line}\n" for line in running.log_lines()).encode()
        found = open_log("dovecot", About(options={"login_elements": ELEMENTS})).decode(raw, 0)
        ends = sum(isinstance(event, Access) and event.stage == "ended" for event in found.events)
        if ends >= until or time.monotonic() > end:
            return found
        time.sleep(0.05)


def refused(running: lab.Lab, login: str, password: str) -> None:
    """One connection with one try that fails."""
    with imaplib.IMAP4_SSL(
        running.host, running.imaps_port, ssl_context=trusting(Path(running.ca_file)), timeout=20
    ) as session:
        try:
            session.authenticate("PLAIN", lambda _: f"\0{login}\0{password}".encode())
        except imaplib.IMAP4.error:
            return
    raise AssertionError(login)


def test_what_was_done_is_what_is_read(start_dovecot: StartLab) -> None:
    """Log-ins, failures, a master's session, reading, searching and a new script: counted and named as they were done."""
    running = start_dovecot()
    first, second = running.accounts[:2]
    assert running.master is not None
    ports = []
    for _ in range(3):
        with imap_session(running.imaps_port, running.ca_file, first.login, first.password) as session:
            ports.append(session.socket().getsockname()[1])
            session.append("INBOX", "", "", b"Message-ID: <one@x.example>\r\nSubject: one\r\n\r\nbody\r\n")
            session.select("INBOX", readonly=True)
            session.uid("SEARCH", "SUBJECT", "one")
            session.uid("FETCH", "1:*", "(BODY.PEEK[])")
    for _ in range(4):
        refused(running, second.login, "wrong")
    refused(running, HOSTILE, "wrong")
    how = f"{second.login}*{running.master.login}"
    with imap_session(running.imaps_port, running.ca_file, how, running.master.password) as session:
        ports.append(session.socket().getsockname()[1])
    with sieve_session(running.sieve_port, running.ca_file, first.login, first.password) as script:
        script.put("copy", "keep;\n")
        script.activate("copy")

    found = read(running, until=5)

    assert (found.unread, found.doubtful) == ([], [])
    accesses = [event for event in found.events if isinstance(event, Access)]
    assert Counter((one.stage, one.protocol, one.name, one.identity) for one in accesses) == {
        ("begun", "imap", first.login, None): 3,
        ("ended", "imap", first.login, None): 3,
        ("refused", "imap", second.login, None): 4,
        ("refused", "imap", HOSTILE, None): 1,
        ("begun", "imap", second.login, running.master.login): 1,
        ("ended", "imap", second.login, None): 1,
        ("begun", "managesieve", first.login, None): 1,
        ("ended", "managesieve", first.login, None): 1,
    }
    assert [one.port for one in accesses if one.stage == "begun" and one.protocol == "imap"] == ports
    assert {one.address for one in accesses if one.stage != "ended"} == {"127.0.0.1"}
    begun = {one.session for one in accesses if one.stage == "begun"}
    assert {one.session for one in accesses if one.stage == "ended"} == begun
    assert [one.bodies for one in accesses if one.stage == "ended" and one.name == first.login][:3] == [
        1,
        2,
        3,
    ]
    acts = [event for event in found.events if isinstance(event, Act)]
    assert [
        act.uid for act in acts if act.deed == "opened" and act.detail and "fetch_body" in act.detail
    ] == [
        1,
        1,
        2,
        1,
        2,
        3,
    ]
    assert [act.message_id for act in acts if act.deed == "saved"] == ["<one@x.example>"] * 3
    assert sum(act.deed == "searched" for act in acts) == 3
    assert [act.detail for act in acts if act.deed == "script"] == ['PUTSCRIPT "copy"', 'SETACTIVE "copy"']
    assert {act.session for act in acts} <= begun
