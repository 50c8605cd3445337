"""What somebody says of an access window, and what follows."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from postwarden.access.hosting import HostingTable
from postwarden.access.networks import Networks
from postwarden.access.prefixes import Prefixes, parse_networks
from postwarden.detect.access.entry import Answer
from postwarden.errors import LedgerError, UsageError
from postwarden.findings.life import transitions
from postwarden.model import moment
from postwarden.model.finding import Fact
from postwarden.model.record import AccountSeen, FindingOpened
from postwarden.pipeline.answers import Said, answer, given, indicators_of
from postwarden.pipeline.record import Recorder
from tests.unit.pipeline.conftest import ALICE, NOW, SCOPE, Record
from tests.unit.pipeline.test_record import finding, kinds, records
from tests.windows import window

WINDOW = window(SCOPE)
TOMORROW = NOW + timedelta(days=1)


def said(verdict: Any = "yours", **fields: Any) -> Said:
    return Said(**{"verdict": verdict, "by": "Alice", "channel": "telephone", **fields})


@pytest.fixture
def opened(recorder: Record) -> Recorder:
    """A ledger with an open window of Alice's."""
    made = recorder()
    made.write(lambda common: [AccountSeen(**common, account=ALICE), FindingOpened(**common, finding=WINDOW)])
    return made


def since(recorder: Recorder, before: int) -> list[str]:
    return kinds(recorder)[before:]


def test_yours_silences_the_window_and_cites_its_sessions(opened: Recorder) -> None:
    """Who said so, how, of how many sessions and where they are listed stand in a signed record, and the window is silent."""
    before = len(kinds(opened))
    taken = answer(opened, WINDOW.id[:8], said(until=TOMORROW, reason="on a journey"), {})
    assert taken.worthless is None
    assert since(opened, before) == ["finding_answered", "finding_acknowledged"]
    record = records(opened)[before]
    wanted = {
        "id": WINDOW.id, "subject": "imap-log/intruder1", "verdict": "yours", "by": "Alice", "channel": "telephone",
        "reason": "on a journey", "worthless": None, "until": moment.text(TOMORROW), "sessions": 2, "cited": ["a" * 64],
        "actor": "uid 0 (root)",
    }  # fmt: skip
    assert {key: record[key] for key in wanted} == wanted
    assert taken.standing.status == "acknowledged"
    silenced = taken.standing.acknowledgement
    assert silenced is not None
    assert (silenced.reason, silenced.until) == ("answered by Alice over telephone: yours", TOMORROW)
    assert [one.verdict for one in opened.store.answers()] == ["yours"]


def test_what_was_said_is_given_to_the_scoring_in_order(opened: Recorder) -> None:
    """Account, window, verdict and times in milliseconds; what is worthless is not among it."""
    answer(opened, WINDOW.id, said("yours", channel="mail"), {})
    answer(opened, WINDOW.id, said("yours", until=TOMORROW), {})
    answer(opened, WINDOW.id, said("not_mine"), {})
    begin = int(NOW.timestamp() * 1000)
    wanted: Any = {"account": SCOPE.key, "subject": "imap-log/intruder1", "time": begin}
    assert given(opened.store) == (
        Answer(**wanted, verdict="yours", until=begin + 86_400_000),
        Answer(**wanted, verdict="not_mine"),
    )


def test_a_yours_that_has_run_out_reopens_the_window(opened: Recorder) -> None:
    """When it expires the window is open again, although nothing judged it anew; the answer is still told."""
    answer(opened, WINDOW.id, said(until=TOMORROW), {})
    known = {one.finding.id: one for one in opened.store.findings(SCOPE)}
    opened.write(
        lambda common: transitions(
            (), known, complete=frozenset(), rules=frozenset(), now=TOMORROW, envelope=common
        )
    )
    standing = opened.one(WINDOW.id)
    assert standing.status == "open"
    assert standing.answer is not None
    assert standing.answer.until == TOMORROW


def test_no_acknowledgement_undoes_not_mine(opened: Recorder) -> None:
    """What was said not to be the owner's stays open, whoever wants it silent."""
    answer(opened, WINDOW.id, said("not_mine"), {})
    with pytest.raises(LedgerError, match="not mine, by Alice") as caught:
        opened.acknowledge(WINDOW.id, reason="noise", until=None)
    assert "no acknowledgement undoes" in str(caught.value.hint)
    assert opened.one(WINDOW.id).status == "open"


def test_not_mine_on_an_open_window_is_a_change_that_is_told(opened: Recorder) -> None:
    """The level stays, and the others hear of it."""
    before = len(kinds(opened))
    taken = answer(opened, WINDOW.id, said("not_mine"), {})
    assert since(opened, before) == ["finding_answered", "finding_changed"]
    assert records(opened)[-1]["changes"] == ["answered by Alice over telephone: not mine"]
    assert (taken.standing.finding, taken.standing.status) == (WINDOW, "open")


def test_not_mine_reopens_what_was_acknowledged(opened: Recorder) -> None:
    """A colleague took it for harmless, then the owner is asked."""
    opened.acknowledge(WINDOW.id, reason="a journey", until=None)
    before = len(kinds(opened))
    taken = answer(opened, WINDOW.id, said("not_mine"), {})
    assert since(opened, before) == ["finding_answered", "finding_reopened"]
    assert taken.standing.status == "open"
    assert taken.standing.finding.level == "high"


def test_not_mine_stands_for_good(opened: Recorder) -> None:
    """Nobody takes it back, also not with another reason; the other way round one may learn better."""
    answer(opened, WINDOW.id, said("yours"), {})
    answer(opened, WINDOW.id, said("not_mine"), {})
    before = len(kinds(opened))
    with pytest.raises(LedgerError, match="not mine, by Alice over telephone"):
        answer(opened, WINDOW.id, said("yours", reason="she remembers now"), {})
    assert since(opened, before) == []
    assert [one.verdict for one in opened.store.answers()] == ["yours", "not_mine"]


@pytest.mark.parametrize(
    "channel",
    [
        "mail",
        "E-Mail",
        "email, signed",
        "her mailbox",
        "Alice@Example.org",
        "Mail from ALICE@example.org",
        "an answer of alice@example.org and her voice",
    ],
)
@pytest.mark.parametrize("verdict", ["yours", "not_mine"])
def test_an_answer_through_the_accounts_own_mailbox_is_worthless(
    opened: Recorder, channel: str, verdict: str
) -> None:
    """It is in the ledger with the reason, and changes nothing."""
    before = len(kinds(opened))
    taken = answer(opened, WINDOW.id, said(verdict, channel=channel), {})
    assert taken.worthless is not None
    assert "own mailbox" in taken.worthless
    assert since(opened, before) == ["finding_answered"]
    assert records(opened)[-1]["worthless"] == taken.worthless
    assert (taken.standing.status, taken.standing.answer) == ("open", None)
    assert opened.store.answers() == ()


@pytest.mark.parametrize(
    "channel", ["telephone", "in person", "mail from carol@elsewhere.example", "mailman"]
)
def test_other_channels_count(opened: Recorder, channel: str) -> None:
    """Also another mailbox, where it is named."""
    assert answer(opened, WINDOW.id, said(channel=channel), {}).worthless is None


def test_mail_counts_for_nothing_where_the_account_is_not_known(recorder: Record) -> None:
    """Nobody can say then whether it was another's mailbox; the configuration's accounts are known, too."""
    made = recorder()
    made.write(lambda common: [FindingOpened(**common, finding=WINDOW)])
    channel = "mail from carol@elsewhere.example"
    assert answer(made, WINDOW.id, said(channel=channel), {}).worthless is not None
    assert answer(made, WINDOW.id, said(channel=channel), {ALICE.key: ALICE}).worthless is None
    assert (
        answer(made, WINDOW.id, said(channel="alice@example.org"), {ALICE.key: ALICE}).worthless is not None
    )


def test_an_address_is_the_accounts_in_any_case(recorder: Record) -> None:
    """Also a login or a name at a source that is written with capitals."""
    made = recorder()
    made.write(lambda common: [FindingOpened(**common, finding=WINDOW)])
    known = {ALICE.key: replace(ALICE, login="Alice@Corp.example")}
    assert answer(made, WINDOW.id, said(channel="asked alice@corp.example"), known).worthless is not None


def test_only_windows_are_answered(opened: Recorder) -> None:
    """For any other finding the way is an acknowledgement, and the error says so."""
    other = finding()
    opened.write(lambda common: [FindingOpened(**common, finding=other)])
    with pytest.raises(UsageError, match="no access window") as caught:
        answer(opened, other.id, said(), {})
    assert "findings ack" in str(caught.value.hint)


def test_a_window_is_hunted_by_its_public_addresses() -> None:
    """Of IPv6 by the /64; an office's and a carrier's are left out, since many have them."""
    addresses = (
        "203.0.113.7",
        "2001:db8:1:2::a",
        "2001:db8:1:2::b",
        "10.1.2.3",
        "100.64.0.9",
        "198.51.100.1",
        "?",
    )
    networks = Networks(
        hosting=HostingTable(systems={}, prefixes=Prefixes()),
        own=parse_networks(["198.51.100.0/24"], "networks.own"),
    )
    found, left = indicators_of(window(SCOPE, addresses=addresses), networks)
    assert [one.text for one in found] == ["ip 203.0.113.7", "network 2001:db8:1:2::/64"]
    assert [sentence.split()[0] for sentence in left] == ["10.1.2.3", "100.64.0.9", "198.51.100.1", "?"]
    assert indicators_of(window(SCOPE, facts=(Fact(name="x", values=()),)), networks) == ((), ())
