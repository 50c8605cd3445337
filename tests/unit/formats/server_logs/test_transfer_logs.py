"""Logs of Postfix and Exim: who submitted, who was refused, and what became of each message."""

from collections import Counter
from pathlib import Path

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, grade_of, open_log
from postwarden.model.event import Access, Transfer
from tests.unit.formats.server_logs.told import lines_of, milliseconds, told

SAMPLES = Path(__file__).parents[3] / "samples" / "logs"
FILES = {"postfix": SAMPLES / "postfix" / "submission.log", "exim": SAMPLES / "exim" / "mainlog.log"}
EVE = "eve@evil.example"


def read(name: str, raw: bytes, **options: object) -> Decoded:
    about = About(modified=milliseconds("2026-11-23T15:00:00+00:00"), options=options)
    return open_log(name, about).decode(raw, 0)


def sample(name: str) -> Decoded:
    return read(name, FILES[name].read_bytes())


def accesses(found: Decoded) -> list[Access]:
    return [event for event in found.events if isinstance(event, Access)]


def transfers(found: Decoded) -> list[Transfer]:
    return [event for event in found.events if isinstance(event, Transfer)]


@pytest.mark.parametrize("name", FILES)
def test_samples_are_read_to_the_last_line(name: str) -> None:
    """No line of a real log is unread, and none has a time that is in doubt."""
    found = sample(name)
    assert (found.unread, found.doubtful) == ([], [])
    assert grade_of(name) == "observed live"


@pytest.mark.parametrize("name", FILES)
def test_a_sample_in_any_portions(name: str) -> None:
    """Line by line, with the state put away after each, a sample gives what it gives at once."""
    about = About(modified=milliseconds("2026-11-23T15:00:00+00:00"))
    events, state = [], b""
    for place, line in lines_of(FILES[name].read_bytes()):
        log = open_log(name, about, state)
        events += log.decode(line, place).events
        state = log.state()
    assert events == sample(name).events


def test_submissions_over_postfix() -> None:
    """Each message that was handed in with a log-in is one request, each password that was refused one refusal."""
    assert Counter((one.stage, one.name, one.method) for one in accesses(sample("postfix"))) == {
        ("request", "naomi.sato", "PLAIN"): 2,
        ("request", "lars.eriksen", "PLAIN"): 1,
        ("refused", "lars.eriksen", "PLAIN"): 2,
        ("refused", "lars.eriksen", "LOGIN"): 3,
        ("refused", "x, sasl_username=root]: [6.6.6.6]", "PLAIN"): 1,
    }
    assert {one.address for one in accesses(sample("postfix"))} == {"127.0.0.1"}


def test_a_message_over_postfix() -> None:
    """A delivery has what the message's other lines told: sender, size, message id, who submitted it."""
    first = next(one for one in transfers(sample("postfix")) if one.recipients == (EVE,))
    assert told([first]) == [
        {
            "kind": "transfer",
            "time": milliseconds("2026-11-23T14:53:30+00:00"),
            "sender": "naomi@kitano-works.example",
            "recipients": (EVE,),
            "message_id": "<m2@kitano-works.example>",
            "size": 361,
            "name": "naomi.sato",
            "address": "127.0.0.1",
            "queue": "E7A9728A5DD",
        }
    ]


def test_every_delivery_over_postfix() -> None:
    """Deliveries here and elsewhere, what is deferred, expanded and comes back, each with its way."""
    found = transfers(sample("postfix"))
    assert Counter((one.outcome, one.direction) for one in found) == {
        ("delivered", None): 7,
        ("delivered", "in"): 3,
        ("delivered", "local"): 4,
        ("deferred", "out"): 1,
        ("deferred", None): 1,
        ("expanded", "in"): 1,
    }
    assert [one.recipients for one in found if one.sender == ""] == [("naomi@kitano-works.example",)] * 3


@pytest.mark.parametrize("name", FILES)
def test_a_forwarding_is_seen(name: str) -> None:
    """What an alias sends elsewhere names the address that it was sent to first."""
    forwarded = [one for one in transfers(sample(name)) if one.recipients == (EVE,) and one.original]
    assert {one.original for one in forwarded} == {"all@kitano-works.example", "fwd@kitano-works.example"}


def test_an_address_forges_no_field_over_postfix() -> None:
    """A local part between quotation marks that looks like fields is part of the address."""
    (one,) = [one for one in transfers(sample("postfix")) if "size=9" in one.sender]
    assert (one.sender, one.recipients, one.size) == (
        '"x, size=9, nrcpt=1"@kitano-works.example',
        ('"to=<y@z.example>, status=sent"@aster-retail.example',),
        428,
    )


def test_submissions_over_exim() -> None:
    """Exim's arrivals with an authenticator are requests, its failures refusals with the name that was tried."""
    assert Counter((one.stage, one.name, one.method) for one in accesses(sample("exim"))) == {
        ("request", "naomi", "dovecot_plain"): 3,
        ("refused", "lars", "dovecot_login"): 1,
        ("refused", "lars", "dovecot_plain"): 1,
        ("refused", "x) [6.6.6.6]:25: 535 Incorrect authentication data (set_id=root", "dovecot_plain"): 1,
    }
    assert {(one.address, one.encrypted) for one in accesses(sample("exim"))} == {
        ("127.0.0.1", False),
        ("127.0.0.1", None),
    }


def test_every_delivery_over_exim() -> None:
    """Recipients, with what they replace, and outcomes of Exim's sample."""
    found = [
        (one.sender, one.recipients[0], one.original, one.outcome, one.direction)
        for one in transfers(sample("exim"))
    ]
    naomi, lars, customer = (
        "naomi@kitano-works.example",
        "lars@kitano-works.example",
        "customer@aster-retail.example",
    )
    strange = '"a => b@c.example R=x T=y"@aster-retail.example'
    everybody, forwarding = "all@kitano-works.example", "fwd@kitano-works.example"
    assert sorted(map(str, found)) == sorted(
        map(
            str,
            [
                (naomi, lars, None, "delivered", "local"),
                (naomi, "buyer@aster-retail.example", None, "delivered", None),
                (naomi, "two@aster-retail.example", None, "delivered", None),
                (customer, "naomi", everybody, "delivered", "in"),
                (customer, "lars", everybody, "delivered", "in"),
                (customer, EVE, everybody, "delivered", None),
                ("", naomi, None, "delivered", "in"),
                (customer, EVE, forwarding, "delivered", None),
                (strange, "nobody@kitano-works.example", None, "failed", None),
                ("", strange, None, "delivered", None),
                (naomi, "gone@dead.example", None, "deferred", None),
                (naomi, '"x: b@c.example"@aster-retail.example', None, "delivered", None),
                ("cron@kitano-works.example", lars, None, "delivered", "local"),
            ],
        )
    )


def test_a_delivery_over_exim_to_another_host_goes_out() -> None:
    """A host with an address that is not this one's is a way out, also where its answer looks like fields."""
    raw = (
        b"2026-11-23 10:00:00 1xVVTs-0008MR-1p <= a@x.example H=(h) [192.0.2.1]:99 P=esmtpsa X=TLS1.3:A:256 CV=no "
        b"A=dovecot_login:bob@x.example S=99 id=a S=7 A=b:root@x\n"
        b'2026-11-23 10:00:01 1xVVTs-0008MR-1p => b@y.example R=r T=t H=mx.y.example [198.51.100.9]:25 C="250 H=h [6.6.6.6] ok"\n'
    )
    submitted, sent = read("exim", raw).events
    assert isinstance(submitted, Access)
    assert (submitted.name, submitted.port, submitted.encrypted) == ("bob@x.example", 99, True)
    assert isinstance(sent, Transfer)
    assert (sent.address, sent.direction, sent.size, sent.name) == (
        "198.51.100.9",
        "out",
        99,
        "bob@x.example",
    )


def test_nothing_behind_a_message_id_is_a_field_over_exim() -> None:
    """A message id is chosen by who sends the message, and what it looks like behind a blank is not read."""
    raw = b"2026-11-23 10:00:00 1xVVTs-0008MR-1p <= a@x.example H=(h) [192.0.2.1] P=esmtp S=9 id=a A=dovecot_login:root\n"
    assert read("exim", raw).events == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "postfix",
            "Nov 23 10:00:00 mail postfix/smtp[7]: 4F8CA: to=<b@y.example>, relay=none, dsn=2.0.0, status=sent (ok)",
        ),
        (
            "postfix",
            "Nov 23 10:00:00 mail postfix/virtual[7]: 337A4: to=<b@y.example>, relay=virtual, dsn=2.0.0, status=sent (ok)",
        ),
        ("postfix", "Nov 23 10:00:00 mail postfix/smtp[7]: 4F8CA1: to=<b@y.example>, status=unknown"),
        ("postfix", "Nov 23 10:00:00 mail postfix/qmgr[7]: 4F8CA1: from=<a@y.example>, size=many"),
        ("exim", "2026-11-23 10:00:00 1xVVTs-0008MR-1p => b@y.example R=r T=t"),
        ("exim", "2026-11-23 10:00:00 1xVVTs-0008MR-1p => b@y.example and more"),
    ],
)
def test_a_delivery_of_a_message_that_is_not_known_is_unread(name: str, line: str) -> None:
    """Without a sender a transfer is not told, for an empty sender would be another thing."""
    begun = "Nov 23 09:59:59 mail postfix/cleanup[7]: 337A4: message-id=<a@y.example>\n"
    found = read(name, f"{begun if name == 'postfix' else ''}{line}\n".encode())
    assert (found.events, len(found.unread)) == ([], 1)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "postfix",
            "Nov 23 10:00:00 mail postfix/qmgr[7]: {0:06X}: from=<a@y.example>, size=9, nrcpt=1 (queue active)",
        ),
        ("exim", "2026-11-23 10:00:00 1xVVTs-{0:06d}-1p <= a@y.example U=a P=local S=9"),
    ],
)
def test_messages_under_way_are_remembered_up_to_a_bound(name: str, line: str) -> None:
    """Messages that never end do not fill the memory; the oldest are forgotten first."""
    log = open_log(name, About(modified=milliseconds("2026-11-23T15:00:00+00:00")))
    log.decode("".join(f"{line}\n".format(number) for number in range(9000)).encode(), 0)
    assert len(log.state()) < 300_000


def test_another_instance_of_postfix() -> None:
    """Where syslog_name is set, lines of that name are read, and those of the default one are not."""
    line = (
        b"Nov 23 10:00:00 mail out/smtpd[7]: warning: h[192.0.2.1]: SASL LOGIN authentication failed: bad\n"
    )
    (refused,) = told(read("postfix", line, syslog_name="out").events)
    assert (refused["name"], refused["address"], refused["reason"]) == ("", "192.0.2.1", "bad")
    assert read("postfix", line).events == []


@pytest.mark.parametrize("name", FILES)
def test_wrong_options_are_named(name: str) -> None:
    """An option that a format does not have is an error of the configuration."""
    with pytest.raises(ConfigError):
        open_log(name, About(options={"colour": "red"}))
