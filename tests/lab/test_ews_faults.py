"""The source kind `ews` where the server misbehaves, or does not let us in: mended, or a gap that is named.

Every request and answer is checked against the published schema (see the fixture).
"""

import time
from pathlib import Path
from typing import Any

import pytest

from postwarden.lab.exchange import FAULTS, ExchangeLab
from postwarden.model.evidence import MailFlow
from postwarden.pipeline.collect import Reading
from tests.lab.conftest import StartExchange
from tests.lab.exchange import ALL_READ, DOMAIN, read, source, status

#: What a fault in one request leaves: the reason of the gap, or None where asking again mends it.
OUTCOMES: dict[str, set[str] | None] = {
    "busy": None,
    "busy_policy_first": None,
    "busy_without_back_off": None,
    "unavailable": None,
    "server_error": {"unreachable", "malformed"},
    "internal_error": {"malformed"},
    "denied": {"forbidden"},
    "denied_fault": {"forbidden"},
    "impersonation_denied": {"forbidden"},
    "no_mailbox": {"refused"},
    "unauthorized": {"refused"},
    "forbidden": {"forbidden"},
    "redirect": {"malformed"},
    "cut_off": {"unreachable"},
    # What is left of the answer spoils the connection for the next request.
    "wrong_length": {"malformed", "unreachable"},
    "drip": {"unreachable"},
    "stall": {"unreachable"},
    "silence": {"unreachable"},
    "garbage": {"malformed"},
    "html": {"malformed"},
    "empty": {"malformed"},
    "document_type": {"malformed"},
    "deep": {"malformed"},
    "large": {"malformed"},
    "gzip_bomb": {"malformed"},
    "other_mailbox": {"malformed", "forbidden", "refused"},
    "wrong_operation": {"malformed"},
}


def test_every_fault_of_the_lab_is_tried() -> None:
    """No fault that the lab knows is left out of the next test."""
    assert set(OUTCOMES) == set(FAULTS)


#: A rule or a delegate does not say whose it is: there TLS and the server are believed.
TRIED = [
    (fault, operation)
    for operation in ("FindFolder", "GetFolder", "GetInboxRules", "GetDelegate")
    for fault in FAULTS
    if fault != "other_mailbox" or operation in {"FindFolder", "GetFolder"}
]


@pytest.mark.parametrize(("fault", "operation"), TRIED)
def test_whatever_a_server_does_costs_a_gap_and_little_time(
    fault: str, operation: str, running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """A fault in one request leaves a gap for what was not read, or is mended; nothing is read wrongly."""
    made = source(running_exchange, tmp_path, timeout=1)
    whole = read(made, "marta.lopez")
    pace = 0.2 if fault.startswith("busy") or fault == "unavailable" else None
    running_exchange.faults.add(fault, operation=operation, seconds=pace)
    started = time.monotonic()
    found = read(made, "marta.lopez")
    assert time.monotonic() - started < 8
    wanted = OUTCOMES[fault]
    if wanted is None:
        assert status(found) == ALL_READ
        return
    assert found.incomplete
    # Where no folder is given, the list of them is not believed either.
    assert {gap.reason for gap in found.gaps} <= wanted | (
        {"malformed"} if operation == "GetFolder" else set()
    )
    assert all(gap.hint for gap in found.gaps if gap.reason != "malformed")
    known = {msg_key(item) for item in whole.evidence}
    # Without the folders' names a rule's folder stays an id.
    told = [
        item for item in found.evidence if not (isinstance(item, MailFlow) and "folders" in gaps_of(found))
    ]
    assert {msg_key(item) for item in told} <= known
    if operation == "GetInboxRules":
        assert status(found)["inbox_rules"] == "gap"


def gaps_of(found: Reading) -> set[str]:
    return {gap.check for gap in found.gaps}


def msg_key(item: Any) -> tuple[object, ...]:
    """What a piece of evidence says, without when."""
    import msgspec

    told = msgspec.structs.asdict(item)
    return tuple(
        sorted((name, str(value)) for name, value in told.items() if name not in {"observed", "hidden"})
    )


def test_one_mailbox_for_two_accounts_is_no_evidence(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A server or proxy that answers everybody with one mailbox is found out."""
    made = source(running_exchange, tmp_path)
    assert read(made, "emi.okada").gaps == ()
    running_exchange.faults.add(
        "other_mailbox", operation="FindFolder", shown=f"emi.okada@{DOMAIN}", mailbox=f"tom.becker@{DOMAIN}"
    )
    found = read(made, "tom.becker")
    assert found.evidence == ()
    assert all("the same mailbox" in gap.message for gap in found.gaps)


def test_a_denied_mailbox_costs_one_request(start_exchange: StartExchange, tmp_path: Path) -> None:
    """Without the role nothing can be read: one request shows it, and every check is a gap with the remedy."""
    lab = start_exchange(impersonation=False)
    found = read(source(lab, tmp_path), "tom.becker")
    assert set(status(found).values()) == {"gap"}
    assert {gap.reason for gap in found.gaps} == {"forbidden"}
    assert [one.operation for one in lab.requests] == ["GetServerTimeZones", "FindFolder"]


def test_an_account_that_the_server_does_not_have_is_a_gap(
    running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """A mailbox that is not there is not clean."""
    found = read(source(running_exchange, tmp_path), "nobody.here")
    assert set(status(found).values()) == {"gap"}
    assert any("ErrorNonExistentMailbox" in gap.message for gap in found.gaps)


def test_a_server_whose_certificate_is_not_trusted_gets_no_password(
    running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """Without the CA nothing is sent, and the gap says what to set."""
    made = source(running_exchange, tmp_path, ca_file=None)
    found = read(made, "tom.becker")
    assert {gap.reason for gap in found.gaps} == {"unreachable"}
    assert "certificate" in found.gaps[0].message
    assert "ca_file" in str(found.gaps[0].hint)
    assert running_exchange.logons == ()


def test_tokens_that_end_are_replaced(start_exchange: StartExchange, tmp_path: Path) -> None:
    """A token is fetched again before it ends, and one that was taken back once more."""
    lab = start_exchange(token_seconds=1)
    made = source(lab, tmp_path, "secret")
    assert read(made, "emi.okada").gaps == ()
    assert read(made, "tom.becker").gaps == ()
