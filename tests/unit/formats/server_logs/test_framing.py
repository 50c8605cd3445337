"""What stands around a message: syslog in its forms, a program's own file, the journal."""

import pytest

from postwarden.formats.server_logs.framing import Frame, Framing, frame_of


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (
            "Nov  3 10:00:00 mail dovecot[7]: hello",
            Frame("hello", "Nov  3 10:00:00", None, "mail", "dovecot", 7),
        ),
        ("<22>Nov 23 10:00:00 mail dovecot: a: b", Frame("a: b", "Nov 23 10:00:00", None, "mail", "dovecot")),
        (
            "2026-11-23T10:00:00.123456+01:00 mail postfix/smtpd[7]: hello",
            Frame("hello", "2026-11-23T10:00:00.123456+01:00", None, "mail", "postfix/smtpd", 7),
        ),
        (
            '<22>1 2026-11-23T10:00:00Z mail dovecot 7 - [a@1 b="c\\"\\]"] \ufeffhello',
            Frame("hello", "2026-11-23T10:00:00Z", None, "mail", "dovecot", 7),
        ),
        (
            "<22>1 2026-11-23T10:00:00Z - dovecot - - -",
            Frame("", "2026-11-23T10:00:00Z", None, None, "dovecot"),
        ),
        ("Nov 23 10:00:00 imap-login: Info: hello", Frame("imap-login: Info: hello", "Nov 23 10:00:00")),
        (
            "2026-11-23T10:00:00+0100 imap(a b)<1><s>: Info: c d: e",
            Frame("imap(a b)<1><s>: Info: c d: e", "2026-11-23T10:00:00+0100"),
        ),
        (
            '{"MESSAGE":[104,233],"__REALTIME_TIMESTAMP":"1700000000123456","SYSLOG_IDENTIFIER":"dovecot","_PID":"7"}',
            Frame("h\\xe9", time=1_700_000_000_123, program="dovecot", pid=7),
        ),
    ],
)
def test_forms_are_known_by_their_shape(line: str, frame: Frame) -> None:
    """Each line's frame is taken off, whatever form the line before had."""
    assert frame_of(line, "auto") == frame


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "{}",
        '{"MESSAGE":"x","__REALTIME_TIMESTAMP":"soon"}',
        '{"MESSAGE":[256],"__REALTIME_TIMESTAMP":"1"}',
        "[" * 5000,
        '{"MESSAGE":' + "[" * 5000,
    ],
)
def test_what_has_no_frame(line: str) -> None:
    """Lines without a time, and what is no line of the journal, have no frame."""
    assert frame_of(line, "auto") is None


@pytest.mark.parametrize(
    ("framing", "line"),
    [
        ("syslog", "Nov 23 10:00:00 imap-login: hello"),
        ("journal", "Nov 23 10:00:00 mail dovecot: hello"),
        ("plain", '{"MESSAGE":"x","__REALTIME_TIMESTAMP":"1"}'),
    ],
)
def test_a_form_by_name_takes_no_other(framing: Framing, line: str) -> None:
    """Where the administrator names the form, a line of another form is none."""
    assert frame_of(line, framing) is None


def test_a_plain_file_has_no_host() -> None:
    """In a program's own file, words that look like a host are part of the message."""
    assert frame_of("Nov 23 10:00:00 mail dovecot: x", "plain") == Frame("mail dovecot: x", "Nov 23 10:00:00")
