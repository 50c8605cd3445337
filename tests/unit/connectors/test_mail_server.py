"""What IMAP and ManageSieve sources share: one sweep's credential, gaps, our own sessions."""

from pathlib import Path

import pytest

from postwarden.connectors.identity import Identity
from postwarden.connectors.mail_server import Sweep
from postwarden.errors import ConnectorError, Reason
from postwarden.model.reading import Observed
from postwarden.pipeline.collect import Reading, collect_account, collect_source
from postwarden.secrets import Secret
from tests.unit.connectors.conftest import ALICE, BOB, NOW, PASSWORD, Open, Read
from tests.unit.connectors.servers import Answering, ImapServer, SieveServer


def identity(user: str = "auditor", *, shared: bool = True) -> Identity:
    return Identity(user=user, act_as="", mechanism="plain", secret=Secret(PASSWORD), shared=shared)


def attempt(sweep: Sweep, who: Identity, reason: Reason | None) -> None:
    def answer() -> None:
        if reason is not None:
            raise ConnectorError("no", reason=reason)

    sweep.ensure_open()
    if reason is None:
        sweep.log_in(who, answer)
        return
    with pytest.raises(ConnectorError, match=r"^no$"):
        sweep.log_in(who, answer)


def is_closed(sweep: Sweep) -> bool:
    try:
        sweep.ensure_open()
    except ConnectorError as exc:
        return exc.reason == "refused" and exc.hint is not None
    return False


def test_the_first_refusal_ends_the_sweep() -> None:
    """A credential that is refused is not tried on the next account, for directories lock accounts."""
    sweep = Sweep()
    attempt(sweep, identity("auditor"), "refused")
    with pytest.raises(ConnectorError, match="not tried: the server refused auditor in this sweep"):
        sweep.ensure_open()


def test_a_shared_secret_that_worked_is_not_to_blame() -> None:
    """Once the one secret of all has opened an account, a refusal concerns only the account refused."""
    sweep = Sweep()
    attempt(sweep, identity("alice*auditor"), None)
    attempt(sweep, identity("bob*auditor"), "refused")
    attempt(sweep, identity("carol*auditor"), None)
    assert not is_closed(sweep)


def test_a_shared_secret_that_is_refused_thrice_in_a_row_has_changed() -> None:
    """A few single accounts may be at fault; three in a row end the sweep, and one that is let in starts anew."""
    sweep = Sweep()
    attempt(sweep, identity("alice*auditor"), None)
    for _ in range(3):
        attempt(sweep, identity("bob*auditor"), "refused")
        attempt(sweep, identity("carol*auditor"), "refused")
        attempt(sweep, identity("alice*auditor"), None)
        assert not is_closed(sweep)
    for name in ("bob", "carol", "dave"):
        assert not is_closed(sweep)
        attempt(sweep, identity(f"{name}*auditor"), "refused")
    assert is_closed(sweep)


def test_an_own_password_proves_nothing_about_the_next() -> None:
    """With a password for each account, the first refusal ends the sweep although others worked before."""
    sweep = Sweep()
    attempt(sweep, identity("alice", shared=False), None)
    attempt(sweep, identity("bob", shared=False), "refused")
    assert is_closed(sweep)


@pytest.mark.parametrize("reason", ["unreachable", "forbidden", "unsupported", "malformed"])
def test_other_failures_do_not_end_the_sweep(reason: Reason) -> None:
    """What is not a refusal of the credential says nothing about it."""
    sweep = Sweep()
    attempt(sweep, identity(), reason)
    assert not is_closed(sweep)
    attempt(sweep, identity(), "refused")
    assert is_closed(sweep)


SERVERS: dict[str, type[ImapServer] | type[SieveServer]] = {"imap": ImapServer, "managesieve": SieveServer}
REFUSAL = {
    "imap": {"SASL": b"%s NO [AUTHENTICATIONFAILED] no\r\n"},
    "managesieve": {"AUTHENTICATE": b'NO "no"\r\n'},
}
both = pytest.mark.parametrize("kind", ["imap", "managesieve"])


def sweep_of(
    opened: Open, kind: str, answers: list[dict[str, bytes]], **options: object
) -> tuple[list[Reading], list[Answering]]:
    """Audits Alice and Bob with one source; each connection gets the next answers."""
    made: list[Answering] = []

    def connect() -> Answering:
        made.append(SERVERS[kind](answers[len(made)]))
        return made[-1]

    source = opened(kind, connect, **options)
    return [collect_account(account, [source], lambda *_: None, None) for account in (ALICE, BOB)], made


@both
def test_after_a_refusal_nobody_else_is_connected_to(kind: str, opened: Open) -> None:
    """The accounts after the refused one are gaps that say so, without a connection."""
    readings, made = sweep_of(opened, kind, [REFUSAL[kind]])
    assert len(made) == 1
    assert {gap.reason for reading in readings for gap in reading.gaps} == {"refused"}
    assert all(gap.message.startswith("not tried") for gap in readings[1].gaps)
    assert readings[1].sessions == ()


@both
def test_one_missing_account_does_not_cost_the_others(kind: str, opened: Open) -> None:
    """With a master user that works, an account that the server does not know is one gap of its own."""
    readings, made = sweep_of(opened, kind, [{}, REFUSAL[kind]], login={"user": "{login}*auditor"})
    assert len(made) == 2
    assert not readings[0].incomplete
    assert {gap.reason for gap in readings[1].gaps} == {"refused"}


@both
def test_no_word_of_the_server_repeats_the_password(kind: str, opened: Open) -> None:
    """A server that sends the password back in its refusal does not get it into a message."""
    shouted = PASSWORD.encode()
    answers = {"SASL": b"%s NO " + shouted + b"\r\n", "AUTHENTICATE": b'NO "' + shouted + b'"\r\n'}
    if kind == "imap":
        del answers["AUTHENTICATE"]
    readings, _ = sweep_of(opened, kind, [answers])
    said = " ".join(f"{gap.message} {gap.hint}" for reading in readings for gap in reading.gaps)
    assert said
    assert PASSWORD not in said


@both
def test_every_session_of_ours_is_noted_even_if_it_is_refused(kind: str, opened: Open) -> None:
    """What logs will show of us is in the reading: who, where to, from which port, when."""
    readings, _ = sweep_of(opened, kind, [REFUSAL[kind]])
    (session,) = readings[0].sessions
    assert (session.source, session.protocol, session.account) == ("here", kind, "login:alice")
    assert (session.local_address, session.local_port, session.opened) == ("127.0.0.1", 49152, NOW)
    assert session.server.startswith("mail.example.org:")


@both
def test_a_session_is_left_with_a_logout(kind: str, opened: Open) -> None:
    """Whatever happened, the server is told that we go."""
    for answers in ({}, REFUSAL[kind]):
        _, made = sweep_of(opened, kind, [answers, answers])
        assert b"LOGOUT" in made[0].commands[-1].upper()


@both
def test_a_server_that_fails_while_we_leave_costs_nothing(kind: str, opened: Open) -> None:
    """What was read stays, even if the farewell is nonsense."""
    readings, _ = sweep_of(opened, kind, [{"LOGOUT": b"nonsense \xff\r\n"}] * 2)
    assert not any(reading.incomplete for reading in readings)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, "tls"), ({"tls": "starttls"}, "tls"), ({"tls": "none"}, "loopback"),
        ({"tls": "none", "cleartext_to": "mail.example.org"}, "cleartext"),
        ({"tls": "implicit", "cleartext_to": "mail.example.org"}, "tls"),
    ],
)  # fmt: skip
@both
def test_how_a_source_is_reached_is_evidence_about_it(
    kind: str, options: dict[str, object], value: str, opened: Open
) -> None:
    """The source's own scope says whether TLS is spoken, cleartext at home, or cleartext by name."""
    source = opened(kind, lambda: SERVERS[kind]({}), **options)
    (setting,) = [item.evidence for item in source.read_source() if isinstance(item, Observed)]
    assert getattr(setting, "value", None) == value
    reading = collect_source(source, lambda *_: None, None)
    assert reading.scope.kind == "source"
    assert not reading.incomplete


def test_a_mechanism_that_the_server_lacks_is_not_a_wrong_password(read_sieve: Read) -> None:
    """A server that does not offer the mechanism is told as such, and no credential is sent."""
    (gap,) = read_sieve(login={"mechanism": "oauthbearer"}).gaps
    assert gap.reason == "unsupported"
    assert "it offers PLAIN" in str(gap.hint)


def test_a_secret_command_that_fails_for_one_account_does_not_cost_the_others(
    opened: Open, tmp_path: Path
) -> None:
    """The audit goes on where a secret turns out to be missing after the first connection was made."""
    script = 'test "$0" = bob || exit 3; echo x'
    login = {"secret": {"command": ["/bin/sh", "-c", script, "{login}"]}}
    readings, made = sweep_of(opened, "imap", [{}], login=login)
    assert readings[0].incomplete
    assert not readings[1].incomplete
    assert len(made) == 1
