"""Logs of Dovecot: who logged in, who was refused and how often, how sessions ended, what they did."""

from pathlib import Path

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, grade_of, open_log
from postwarden.formats.server_logs.dovecot_elements import LOGIN_ELEMENTS, SHOWING, shows
from postwarden.model.event import Access, Act
from tests.unit.formats.server_logs.told import at, lines_of, milliseconds, told

SAMPLES = Path(__file__).parents[3] / "samples" / "logs" / "dovecot"
LAB_ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k "
    "session=<%{session}>"
)
ELEMENTS_2_4 = "user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} mpid=%{mail_pid} %{secured} session=<%{session}>"
LOGOUT_2_4 = (
    "in=%{input} out=%{output} deleted=%{deleted} expunged=%{expunged} trashed=%{trashed} hdr_count=%{fetch_hdr_count} "
    "hdr_bytes=%{fetch_hdr_bytes} body_count=%{fetch_body_count} body_bytes=%{fetch_body_bytes}"
)
HERE = {"address": "127.0.0.1", "server": "127.0.0.2", "method": "PLAIN", "encrypted": True}


def read(raw: bytes, **options: object) -> Decoded:
    about = About(modified=milliseconds("2026-11-23T15:00:00+00:00"), options=options)
    return open_log("dovecot", about).decode(raw, 0)


def line(text: str, **options: object) -> list[dict[str, object]]:
    """The events of one line of a file with times in full."""
    return told(read(f"2026-03-01T10:00:00+00:00 {text}\n".encode(), **options).events)


@pytest.fixture(scope="module")
def lab() -> Decoded:
    return read((SAMPLES / "lab.log").read_bytes(), login_elements=LAB_ELEMENTS)


@pytest.fixture(scope="module")
def chained() -> Decoded:
    return read((SAMPLES / "chained.log").read_bytes())


def test_its_grade_says_that_it_was_observed() -> None:
    """Dovecot's reader was tried on a server of our own."""
    assert grade_of("dovecot") == "observed live"


def test_every_line_of_the_samples_is_understood(lab: Decoded, chained: Decoded) -> None:
    """No line of a real log is unread, and none has a time that is in doubt."""
    assert (lab.unread, lab.doubtful, chained.unread, chained.doubtful) == ([], [], [], [])


def test_a_log_in_has_all_that_the_setting_shows(lab: Decoded) -> None:
    """The first log-in of the sample, with address, port, method, encryption and session, and its end with counters."""
    begun, ended = told(lab.events)[:2]
    assert begun == {
        "kind": "access",
        "time": milliseconds("2026-11-23T14:19:41+00:00"),
        "stage": "begun",
        "protocol": "imap",
        "name": "naomi.sato",
        "port": 40990,
        "session": "RtfqSPJgHqB/AAAB",
        **HERE,
    }
    assert ended == {
        "kind": "access",
        "time": milliseconds("2026-11-23T14:19:41+00:00"),
        "stage": "ended",
        "protocol": "imap",
        "name": "naomi.sato",
        "session": "RtfqSPJgHqB/AAAB",
        "reason": "Disconnected: Logged out",
        "bytes_in": 12,
        "bytes_out": 514,
        "bodies": 0,
        "body_bytes": 0,
        "headers": 0,
        "header_bytes": 0,
        "deleted": 0,
        "expunged": 0,
    }


def test_an_event_is_where_its_line_begins(lab: Decoded) -> None:
    """The place of each event that has a line of its own leads back to the line that names its session."""
    raw = (SAMPLES / "lab.log").read_bytes()
    for event in lab.events:
        if isinstance(event, Access | Act) and event.session is not None:
            assert event.session.encode() in at(raw, event.at)


def test_a_master_is_told_apart_from_the_account(lab: Decoded) -> None:
    """A master's session belongs to the account, and its identity is the master."""
    masters = [event for event in lab.events if isinstance(event, Access) and event.identity]
    assert {(event.name, event.identity, event.stage) for event in masters} == {
        ("naomi.sato", "auditor", "begun")
    }
    assert [event.protocol for event in masters] == ["imap", "imap", "managesieve"]


def test_a_name_forges_no_field(lab: Decoded) -> None:
    """Names with brackets and commas stay names: every refusal has the address and the session of its connection."""
    refused = [event for event in lab.events if isinstance(event, Access) and event.stage == "refused"]
    assert {event.address for event in refused} == {"127.0.0.1"}
    assert "x>, method=PLAIN, rip=6.6.6.6, lip=1.2.3.4, mpid=1, TLS, session=<abc" in {
        event.name for event in refused
    }
    assert "x?2026-11-23T14:28:00+0000 imap-login: Info: Login: user=<eve>" in {
        event.name for event in refused
    }
    assert all(event.session and event.session.endswith("AAAB") for event in refused)
    assert not any(event.name == "eve" for event in lab.events if isinstance(event, Access))


def test_a_refusal_that_two_processes_tell_of_is_one(lab: Decoded) -> None:
    """The line of the authentication process gives the reason, that of the connection the rest, and it counts once."""
    (refused,) = [row for row in told(lab.events) if row.get("session") == "WyfrSPJgKqB/AAAB"]
    assert (refused["stage"], refused["reason"], refused.get("attempts")) == (
        "refused",
        "Password mismatch",
        None,
    )


def test_names_tried_in_one_connection_are_each_refused(chained: Decoded) -> None:
    """Three names in one connection are three refusals, two databases that refuse one try are one."""
    rows = [row for row in told(chained.events) if row.get("session") == "TWZCoPJgrIt/AAAB"]
    assert [(row["stage"], row["name"], row.get("attempts")) for row in rows] == [
        ("refused", "nobody", None),
        ("refused", "noone@kitano-works.example", None),
        ("refused", "lars.eriksen", None),
    ]
    assert {(row["protocol"], row["address"]) for row in rows} == {("imap", "127.0.0.1")}


def test_tries_of_one_name_are_counted_by_the_connection(chained: Decoded) -> None:
    """Two wrong passwords for one name, each refused by two databases, are two attempts."""
    (refused,) = [row for row in told(chained.events) if row.get("session") == "7bjOn/Jg8oB/AAAB"]
    assert (refused["attempts"], refused["protocol"]) == (2, "pop3")


def test_failures_before_a_success_are_not_lost(chained: Decoded) -> None:
    """Two wrong passwords before the right one are refusals, the first database's "no" to the right one is none."""
    rows = [row for row in told(chained.events) if row.get("session") == "VFQEoPJgoIt/AAAB"]
    assert [(row["stage"], row["name"]) for row in rows] == [
        ("refused", "lars.eriksen"),
        ("refused", "lars.eriksen"),
        ("begun", "lars.eriksen"),
        ("ended", "lars.eriksen"),
    ]
    assert [row["time"] for row in rows[:2]] == [
        milliseconds("2026-11-23T14:44:03+00:00"),
        milliseconds("2026-11-23T14:44:05+00:00"),
    ]


def test_one_connection_too_many_is_refused(chained: Decoded) -> None:
    """A right password that opens no session is a refusal with the server's reason."""
    (refused,) = [row for row in told(chained.events) if row.get("session") == "XAbNn/JgkIt/AAAB"]
    assert refused["stage"] == "refused"
    assert "mail_max_userip_connections" in str(refused["reason"])


def test_a_pop3_session_has_its_counters(chained: Decoded) -> None:
    """TOP counts as headers, RETR as bodies."""
    (ended,) = [
        event
        for event in chained.events
        if isinstance(event, Access) and event.protocol == "pop3" and event.stage == "ended"
    ]
    assert (ended.headers, ended.header_bytes, ended.bodies, ended.body_bytes, ended.deleted) == (
        1,
        93,
        1,
        103,
        1,
    )
    assert (ended.bytes_in, ended.bytes_out) == (None, None)


def test_a_master_is_seen_where_the_setting_does_not_show_who(chained: Decoded) -> None:
    """Where the log-in's line does not name the master, the line before says that it was one."""
    (begun,) = [row for row in told(chained.events) if row.get("identity")]
    assert (begun["name"], begun["identity"], begun["session"]) == (
        "lars.eriksen",
        "Master user",
        "ty2eoPJgGod/AAAB",
    )


def test_what_a_session_did_is_told(lab: Decoded) -> None:
    """The deeds of the sample's long session, in order, with the messages that were read named."""
    acts = [event for event in lab.events if isinstance(event, Act) and event.session == "1uw/SfJgiqB/AAAB"]
    assert [(act.deed, act.uid) for act in acts if act.deed not in {"command", "folder"}] == [
        ("saved", 1),
        ("opened", 1),
        ("fetched", None),
        ("opened", 1),
        ("fetched", None),
        ("searched", None),
        ("flagged", 1),
        ("opened", 1),
        ("fetched", None),
        ("copied", 1),
        ("deleted", 1),
        ("expunged", 1),
        ("expunged", 1),
    ]
    assert {act.folder for act in acts if act.deed == "opened"} == {"INBOX"}
    assert [act.detail for act in acts if act.deed == "fetched"][1] == "UID FETCH 1:* (BODY.PEEK[])"


def test_a_subject_forges_no_field(lab: Decoded) -> None:
    """A message whose subject looks like fields is told with its real folder and number."""
    saved = next(event for event in lab.events if isinstance(event, Act) and event.deed == "saved")
    assert (saved.folder, saved.uid, saved.message_id, saved.size) == ("INBOX", 1, "<1@x>", 87)
    assert saved.detail is not None
    assert "subject=hi, box=Fake, uid=9" in saved.detail


def test_a_long_subject_is_cut() -> None:
    """What is kept of a line's own words has a bound."""
    (saved,) = line(
        f"imap(bob)<7><s>: Info: save: box=INBOX, uid=1, msgid=<a@x>, size=9, subject={'x' * 5000}"
    )
    assert len(str(saved["detail"])) == 512


def test_scripts_that_are_put_and_switched_on_are_told(lab: Decoded) -> None:
    """A rule that is changed over ManageSieve is an act of its session."""
    scripts = [event.detail for event in lab.events if isinstance(event, Act) and event.deed == "script"]
    assert scripts == ['PUTSCRIPT "new"', 'SETACTIVE "new"', 'GETSCRIPT "new"']


@pytest.mark.parametrize(
    "text",
    [
        "imap-login: Info: Logged in: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, mpid=7, TLS, session=<s>",
        "imap-login: Info: Login: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, mpid=7, TLS, session=<s>",
    ],
)
def test_both_versions_words_for_a_log_in(text: str) -> None:
    """Dovecot 2.4 says "Logged in" where 2.3 says "Login"."""
    (begun,) = line(text)
    assert (begun["stage"], begun["name"], begun["address"], begun["session"]) == (
        "begun",
        "bob",
        "192.0.2.1",
        "s",
    )


def test_the_words_of_2_4() -> None:
    """Dovecot 2.4's log-ins, refusals with the reason of its authentication process, and ends are those of 2.3."""
    found = read(
        (SAMPLES / "version-2.4.log").read_bytes(), login_elements=ELEMENTS_2_4, logout_format=LOGOUT_2_4
    )
    assert (found.unread, found.passed) == ([], 2)
    fields = ("stage", "name", "address", "session", "attempts", "reason", "bytes_out")
    assert [tuple(row.get(field) for field in fields) for row in told(found.events)] == [
        ("begun", "naomi.sato@kitano-works.example", "192.0.2.44", "Cd5NZ2o8ZpysEQAB", None, None, None),
        (
            "ended",
            "naomi.sato@kitano-works.example",
            None,
            "Cd5NZ2o8ZpysEQAB",
            None,
            "Disconnected: Logged out",
            2139,
        ),
        ("refused", "lars", "203.0.113.9", "k1dNZ2o8bJysEQAB", 3, "Password mismatch", None),
        ("begun", "naomi.sato@kitano-works.example", "2001:db8::44", "pxVNZ2o8cJysEQAB", None, None, None),
        (
            "ended",
            "naomi.sato@kitano-works.example",
            None,
            "pxVNZ2o8cJysEQAB",
            None,
            "Disconnected: Logged out",
            191,
        ),
    ]


def test_a_setting_of_2_4_is_understood() -> None:
    """The long names of 2.4's variables mean the same fields."""
    (begun,) = line(
        "imap-login: Info: Logged in: user=<bob>, method=PLAIN, rip=2001:db8::1, lip=2001:db8::9, mpid=7, TLS, session=<s>",
        login_elements="user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} mpid=%{mail_pid} %{secured} "
        "session=<%{session}>",
    )
    assert (begun["address"], begun["server"], begun["encrypted"]) == ("2001:db8::1", "2001:db8::9", True)


def test_an_element_that_is_not_in_the_setting_is_not_told() -> None:
    """Where the setting has no encryption and no session, nothing is said about them."""
    (begun,) = line("imap-login: Info: Login: rip=192.0.2.1, user=<bob>", login_elements="rip=%r user=<%u>")
    assert begun == {
        "kind": "access",
        "time": milliseconds("2026-03-01T10:00:00+00:00"),
        "stage": "begun",
        "protocol": "imap",
        "name": "bob",
        "address": "192.0.2.1",
    }


def test_a_log_in_without_tls_is_told_as_such() -> None:
    """Where the setting shows the encryption, its absence means that there was none; a trusted network says neither."""
    plain = (
        "imap-login: Info: Login: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, mpid=7, session=<s>"
    )
    trusted = plain.replace("mpid=7", "mpid=7, secured")
    assert line(plain)[0]["encrypted"] is False
    assert "encrypted" not in line(trusted)[0]
    # A name with a comma is read by another way.
    assert line(plain.replace("<bob>", "<b, ob>"))[0]["encrypted"] is False
    assert "encrypted" not in line(trusted.replace("<bob>", "<b, ob>"))[0]


def test_a_log_in_of_another_setting_is_unread() -> None:
    """A log-in whose elements the setting cannot make is not guessed."""
    found = read(b"2026-03-01T10:00:00Z imap-login: Info: Login: bob from 192.0.2.1\n")
    assert (found.events, len(found.unread)) == ([], 1)


def test_a_refusal_without_a_name_has_an_address() -> None:
    """Where a try failed before a name was told it is a refusal all the same; a connection without a try is none."""
    rest = "rip=192.0.2.1, lip=192.0.2.9, session=<s>"
    (refused,) = line(f"imap-login: Info: Disconnected (auth failed, 1 attempts in 2 secs): user=<>, {rest}")
    assert (refused["name"], refused["address"]) == ("", "192.0.2.1")
    assert (
        line(f"imap-login: Info: Aborted login (tried to use disallowed plaintext auth): user=<>, {rest}")
        == []
    )


def test_a_session_that_is_handed_to_another_server_begins() -> None:
    """What a Dovecot in front hands to one behind it is a session that began."""
    (begun,) = line(
        "imap-login: Info: proxy(bob): started proxying to 10.0.0.1:143: user=<bob>, method=PLAIN, rip=192.0.2.1, "
        "lip=192.0.2.9, TLS, session=<s>"
    )
    assert (begun["stage"], begun["name"], begun["address"]) == ("begun", "bob", "192.0.2.1")


def test_the_address_behind_a_proxy() -> None:
    """With both addresses in the setting, the connection's is the address and the client's is the forwarded one."""
    (begun,) = line(
        "imap-login: Info: Login: user=<bob>, rip=203.0.113.4, real_rip=192.0.2.1, session=<s>",
        login_elements="user=<%u> rip=%r real_rip=%{real_rip} session=<%{session}>",
    )
    assert (begun["address"], begun["forwarded"]) == ("192.0.2.1", "203.0.113.4")


def test_fields_between_two_names_are_left_out_where_a_name_can_look_like_them() -> None:
    """A name with brackets makes the field between two names uncertain, and so it is not told."""
    (refused,) = line(
        "imap-login: Info: Disconnected (auth failed, 1 attempts in 2 secs): user=<a>, rip=6.6.6.6, auth_user=<b>, "
        "rip=192.0.2.1, auth_user=<a>, rip=6.6.6.6, auth_user=<b>, session=<s>",
        login_elements="user=<%u> rip=%r auth_user=<%{auth_user}> session=<%{session}>",
    )
    assert (refused.get("address"), refused["session"]) == (None, "s")


def test_a_first_databases_no_without_a_session_is_no_refusal() -> None:
    """Where no session is written, what the first database refused at the second of the log-in is none either."""
    raw = (
        "Mar  1 10:00:00 mail dovecot: auth: sql(eve,192.0.2.1): unknown user\n"
        "Mar  1 10:00:03 mail dovecot: auth: sql(bob,192.0.2.1): unknown user\n"
        "Mar  1 10:00:03 mail dovecot: imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, mpid=7, "
        "TLS, session=<s>\n"
        "Mar  1 10:06:00 mail dovecot: imap-login: Login: user=<eve>, method=PLAIN, rip=192.0.2.2, lip=192.0.2.9, mpid=7, "
        "TLS, session=<t>\n"
    )
    rows = told(read(raw.encode()).events)
    assert [(row["stage"], row["name"]) for row in rows] == [
        ("begun", "bob"),
        ("refused", "eve"),
        ("begun", "eve"),
    ]


def test_a_password_in_the_log_is_not_kept() -> None:
    """With auth_verbose_passwords the log has the password that was tried, and no event has."""
    raw = (
        "2026-03-01T10:00:00Z auth: Info: sql(bob,192.0.2.1,<s>): unknown user (given password: hunter2)\n"
        "2026-03-01T10:00:02Z imap-login: Info: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, "
        "method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, TLS, session=<s>\n"
    )
    (refused,) = told(read(raw.encode()).events)
    assert refused["reason"] == "unknown user"


def test_a_refusal_without_a_connection_of_dovecots_stands_for_itself() -> None:
    """What another program asked Dovecot to check is a refusal once the wait for a connection's line is over."""
    raw = (
        "Mar  1 10:00:00 mail dovecot: auth: passwd-file(bob,192.0.2.1): Password mismatch\n"
        "Mar  1 10:06:00 mail dovecot: imap-login: Login: user=<eve>, method=PLAIN, rip=192.0.2.2, lip=192.0.2.9, mpid=7, "
        "TLS, session=<s>\n"
    )
    rows = told(read(raw.encode()).events)
    assert [(row["stage"], row["name"], row["protocol"]) for row in rows] == [
        ("refused", "bob", "other"),
        ("begun", "eve", "imap"),
    ]


def test_other_programs_lines_are_passed() -> None:
    """In a log of all programs only Dovecot's lines are read."""
    found = read(b"Mar  1 10:00:00 mail postfix/smtpd[7]: imap-login: Login: user=<bob>\n\n")
    assert (found.events, found.unread, found.passed, found.lines) == ([], [], 2, 2)


def test_an_end_that_does_not_tell_whose_is_unread() -> None:
    """Seen on a busy 2.3.19: the prefix with name and session is not there."""
    found = read(
        b"2026-11-24T04:53:02+0000 imap: Info: Disconnected: Logged out in=33 out=776 deleted=0 expunged=0\n"
        b"2026-11-24T04:53:02+0000 imap: Info: Connection closed (LOGOUT finished 0.001 secs ago) in=3 out=7\n"
        b"2026-11-24T04:53:02+0000 managesieve: Info: Disconnected: Logged out bytes=31/539\n"
        b"2026-11-24T04:53:02+0000 imap: Error: net_connect_unix(auth-master) failed: Permission denied\n"
    )
    assert (found.events, [at for at, _ in found.unread], found.passed) == ([], [0, 97, 196], 1)


@pytest.mark.parametrize(("form", "unit"), [("hosted", 1000), ("iso", 1), ("new", 1)])
def test_through_rsyslog(form: str, unit: int) -> None:
    """The same lines through rsyslog in its three forms give the same events; two forms keep thousandths of a second."""
    found = read((SAMPLES / f"rsyslog-{form}.log").read_bytes())
    assert (found.unread, found.doubtful) == ([], [])
    accesses = [event for event in found.events if isinstance(event, Access)]
    assert [(event.stage, event.protocol, event.name) for event in accesses] == [
        ("begun", "imap", "naomi.sato"),
        ("ended", "imap", "naomi.sato"),
        ("refused", "imap", "lars.eriksen"),
        ("begun", "imap", "lars.eriksen"),
        ("ended", "imap", "lars.eriksen"),
        ("refused", "imap", "été"),
        ("begun", "managesieve", "naomi.sato"),
        ("ended", "managesieve", "naomi.sato"),
    ]
    assert all(event.time % unit == 0 for event in accesses)
    assert (len({event.time % 1000 for event in accesses}) > 1) == (unit == 1)


def test_another_instance_in_syslog() -> None:
    """In syslog Dovecot is called as its instance is."""
    raw = (SAMPLES / "rsyslog-iso.log").read_bytes().replace(b" mail dovecot: ", b" mail second: ")
    assert read(raw).events == []
    assert len(read(raw, instance_name="second").events) == len(
        read((SAMPLES / "rsyslog-iso.log").read_bytes()).events
    )


def test_a_journal_line_is_read_like_any_other() -> None:
    """What journalctl exports has the journal's own time, and a message as text or as bytes."""
    said = (
        "imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, mpid=7, TLS, session=<s>"
    )
    frame = (
        '{"__REALTIME_TIMESTAMP":"1772359200123456","SYSLOG_IDENTIFIER":"dovecot","_PID":"7","MESSAGE":%s}\n'
    )
    for message in (f'"{said}"', str(list(said.encode()))):
        (begun,) = told(read((frame % message).encode(), framing="journal").events)
        assert (begun["name"], begun["time"]) == ("bob", 1_772_359_200_123)


def test_the_state_is_small_and_goes_on_behind_a_refusal() -> None:
    """A reader that stops between the two lines of one refusal counts it once all the same."""
    first = b"2026-03-01T10:00:00Z auth: Info: sql(bob,192.0.2.1,<s>): unknown user\n"
    second = (
        b"2026-03-01T10:00:02Z imap-login: Info: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, "
        b"method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, TLS, session=<s>\n"
    )
    log = open_log("dovecot", About())
    assert log.decode(first, 0).events == []
    rows = told(open_log("dovecot", About(), log.state()).decode(second, len(first)).events)
    assert [(row["name"], row["reason"]) for row in rows] == [("bob", "unknown user")]


def test_many_refusals_are_remembered_up_to_a_bound() -> None:
    """A flood of refused names does not fill the memory, and none of them is lost."""
    count = 5000
    raw = "".join(
        f"2026-03-01T10:00:{number % 60:02}Z auth: Info: sql(user{number},192.0.2.1,<s{number}>): unknown user\n"
        for number in range(count)
    )
    log = open_log("dovecot", About())
    events = log.decode(raw.encode(), 0).events
    assert len(log.state()) < 400_000
    events += log.decode(
        b"2026-03-01T11:00:00Z auth: Info: sql(last,192.0.2.1,<t>): unknown user\n", len(raw)
    ).events
    assert sorted(event.name for event in events if isinstance(event, Access)) == sorted(
        f"user{number}" for number in range(count)
    )


def test_what_a_setting_shows() -> None:
    """The default setting shows neither who authenticated nor the port, the recommended one both."""
    assert (shows(LOGIN_ELEMENTS).identity, shows(LOGIN_ELEMENTS).port) == (False, False)
    assert (shows(SHOWING).identity, shows(SHOWING).port) == (True, True)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"login_elements": "rip=%r"}, "login_elements"),
        ({"colour": "red"}, "colour"),
        ({"framing": "xml"}, "framing"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], key: str) -> None:
    """A setting without a name, and an option that is none, are errors of the configuration."""
    with pytest.raises(ConfigError) as caught:
        open_log("dovecot", About(options=options))
    assert caught.value.key == key


def test_lines_of_the_samples_in_any_portions(lab: Decoded) -> None:
    """Line by line, with the state put away after each, the sample gives what it gives at once."""
    about = About(options={"login_elements": LAB_ELEMENTS})
    events = []
    state = b""
    for place, one in lines_of((SAMPLES / "lab.log").read_bytes()):
        log = open_log("dovecot", about, state)
        events += log.decode(one, place).events
        state = log.state()
    assert events == lab.events
