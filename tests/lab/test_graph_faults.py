"""The source kind `graph` where the tenant's service misbehaves, or does not let us in: mended, or a gap that is named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.lab.cloud import CloudLab
from postwarden.model.evidence import MailFlow, Setting
from tests.lab.cloud import StartCloud
from tests.lab.graph import (
    ACCOUNT_READ,
    DOMAIN,
    SOURCE_READ,
    UNSHOWN,
    now,
    read,
    read_all,
    same,
    source,
    status,
)


@pytest.fixture
def lab(running_cloud: CloudLab) -> CloudLab:
    """A cloud as it is by itself; whatever it is asked and answers fits the schemas."""
    return running_cloud


def test_throttled_cut_off_and_with_tokens_that_end_all_is_read(
    start_cloud: StartCloud, tmp_path: Path
) -> None:
    """Every tenth request throttled, every fiftieth cut off, and a token a minute: the same result."""
    moment = [datetime(2026, 11, 23, 12, tzinfo=UTC)]

    def clock() -> datetime:
        # Each look at the clock is some seconds later, so that tokens end in the middle.
        moment[0] += timedelta(milliseconds=200)
        return moment[0]

    lab = start_cloud(clock=clock)
    names = [person.login.partition("@")[0] for person in source(lab, tmp_path).accounts()][:40]
    whole_source = source(lab, tmp_path, clock=clock)
    whole = [read_all(whole_source), *(read(whole_source, name) for name in names)]
    lab.microsoft.bearers.seconds = 60
    lab.microsoft.bearers.expire_all()
    lab.faults.add("throttled", host="graph", every=10, times=None, retry_after="1")
    lab.faults.add("throttled", host="graph", every=10, times=None, part=True)
    lab.faults.add("cut_off", host="graph", every=50, times=None)
    hurt_source = source(lab, tmp_path, clock=clock)
    hurt = [read_all(hurt_source), *(read(hurt_source, name) for name in names)]
    assert [status(one) for one in hurt] == [status(one) for one in whole]
    assert all(map(same, hurt, whole))
    assert lab.counts["login.token"] > 3


#: What a fault in one request leaves: nothing where asking again mends it, else the reasons of the gaps.
OUTCOMES: dict[str, set[str] | None] = {
    "cut": None,
    "cut_off": None,
    "wrong_length": {"malformed", "unreachable"},
    "drip": {"unreachable"},
    "stall": {"unreachable"},
    "silence": {"unreachable"},
    "not_json": {"malformed"},
    "wrong_type": None,
    "page": {"malformed"},
    "empty": {"malformed"},
    "redirect": {"malformed"},
    "deep": {"malformed"},
    "large": {"malformed"},
    "gzip_bomb": {"malformed"},
    "throttled": None,
    "unavailable": None,
    "server_error": None,
    "forbidden": {"forbidden"},
    "unauthorized": None,
    "not_found": {"refused"},
    "loop": {"malformed"},
    "endless": {"malformed"},
    "duplicates": None,
    "empty_page": None,
    "new_members": None,
    "unknown_values": None,
}


@pytest.mark.parametrize("kind", ["users", "grants_delta", "directory_audits"])
@pytest.mark.parametrize("fault", OUTCOMES)
def test_whatever_the_service_does_costs_a_gap_and_nothing_is_read_wrongly(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in one listing is mended, or leaves a gap for each check that rests on it; nothing is made up."""
    monkeypatch.setattr("postwarden.connectors.rest.pages.MAX_PAGES", 20)
    whole = read_all(source(lab, tmp_path))
    times = None if fault in {"loop", "endless"} else 1
    lab.faults.add(fault, host="graph", kind=kind, times=times)
    slow = fault in {"drip", "stall", "silence"}
    found = read_all(source(lab, tmp_path, timeout=1 if slow else 20))
    assert lab.strays == ()
    wanted = OUTCOMES[fault]
    if wanted is None:
        assert status(found) == SOURCE_READ
        if fault != "unknown_values":
            assert same(found, whole)
        return
    gaps = [gap for gap in found.gaps if gap.check != "exchange_roles"]
    assert gaps
    assert {gap.reason for gap in gaps} <= wanted
    # Without owners, dates or rights the rest is told with less, and never with more.
    assert len(found.evidence) <= len(whole.evidence)


@pytest.mark.parametrize("fault", ["throttled", "unauthorized", "server_error", "unavailable"])
@pytest.mark.parametrize("kind", ["rules", "mailbox_settings"])
def test_faults_inside_a_batch_are_mended_one_by_one(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path
) -> None:
    """The part that failed is asked for again, alone, and the other is not."""
    made = source(lab, tmp_path)
    read_all(made)
    lab.forget()
    lab.faults.add(fault, kind=kind, part=True)
    assert status(read(made, "oliver.brandt")) == ACCOUNT_READ
    assert lab.counts[f"graph.{kind}"] == 1


def test_another_users_answer_is_no_answer(lab: CloudLab, tmp_path: Path) -> None:
    """A rule or setting of somebody else is not evidence about the account."""
    made = source(lab, tmp_path)
    read_all(made)
    other = lab.microsoft.state.user(f"oliver.brandt@{DOMAIN}")
    assert other is not None
    for kind in ("rules", "mailbox_settings"):
        lab.faults.add("other_account", kind=kind, part=True, shown={"id": other.id})
    found = read(made, "claire.dubois")
    assert {gap.check for gap in found.gaps} - UNSHOWN == {"inbox_rules", "mailbox_settings"}
    assert not [item for item in found.evidence if isinstance(item, MailFlow | Setting)]


def test_rules_with_new_words_are_told_and_their_words_are_gaps(lab: CloudLab, tmp_path: Path) -> None:
    """A condition or an action that is not known leaves a gap that names it, beside what is known of the rule."""
    made = source(lab, tmp_path)
    lab.faults.add("new_members", kind="rules", part=True)
    found = read(made, "oliver.brandt")
    rules = [item for item in found.evidence if isinstance(item, MailFlow)]
    assert len(rules) == 1
    assert rules[0].paths
    unknown = [gap for gap in found.gaps if gap.check == "inbox_rules"]
    assert unknown
    assert all("is not known" in gap.message and gap.part for gap in unknown)


# --- Who we are ---


def test_who_is_not_let_in_knocks_once(lab: CloudLab, tmp_path: Path) -> None:
    """A wrong secret is tried once, for the tenant and all accounts, and is in no message."""
    made = source(lab, tmp_path)
    (tmp_path / "graph.secret").write_text("wrong-Lighthouse")
    found = [read_all(made), *(read(made, name) for name in ("oliver.brandt", "claire.dubois"))]
    gaps = [gap for one in found for gap in one.gaps if gap.check not in UNSHOWN | {"exchange_roles"}]
    assert {gap.reason for gap in gaps} == {"refused"}
    assert lab.counts["login.token"] == 1
    assert "Lighthouse" not in str(gaps)


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "server_error"])
@pytest.mark.parametrize("kind", ["token", "discovery"])
def test_a_log_in_that_is_busy_is_waited_for(kind: str, fault: str, lab: CloudLab, tmp_path: Path) -> None:
    """A throttle of the log-in costs time, and no check."""
    lab.faults.add(fault, host="login", kind=kind)
    assert status(read_all(source(lab, tmp_path))) == SOURCE_READ
    assert lab.faults.waiting == ()


def test_rights_beyond_need_are_told(lab: CloudLab, tmp_path: Path) -> None:
    """Whatever reads mail or writes is too much for the daemon's identity; what is needed is not."""
    state, client = lab.microsoft.state, lab.microsoft.client_id
    for role in ("Mail.Read", "MailboxSettings.ReadWrite", "Group.Read.All"):
        state.assign(client, (role,), now())
    found = read_all(source(lab, tmp_path))
    told = {one.message.partition(":")[0]: one for one in found.excess}
    assert set(told) == {"Mail.Read", "MailboxSettings.ReadWrite", "Group.Read.All", "Exchange.ManageAsApp"}
    assert "reaches mail" in told["Mail.Read"].message
    assert "can change" in told["MailboxSettings.ReadWrite"].message
    assert all(one.hint for one in found.excess)
    assert status(found) == SOURCE_READ


def test_the_identity_for_a_case_ends_with_it(lab: CloudLab, tmp_path: Path) -> None:
    """It may see which messages there are until its day is over, and after that nothing is asked."""
    lab.microsoft.state.assign(lab.microsoft.client_id, ("Mail.ReadBasic.All",), now())
    until = now().date() + timedelta(days=1)
    during = read_all(source(lab, tmp_path, identity="incident", until=until))
    assert "Mail.ReadBasic.All" not in " ".join(one.message for one in during.excess)
    assert status(during)["rights"] == "read"
    lab.forget()
    after = read_all(source(lab, tmp_path, identity="incident", until=until - timedelta(days=2)))
    assert {row.status for row in after.coverage if row.check != "transport"} == {"gap"}
    assert "graph.users" not in lab.counts
    assert "login.token" not in lab.counts
