"""The source kind `google` against the lab's domain: what is read, what throttles, and what is beyond need."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.connectors.google.requests import GMAIL_SETTINGS, SECURITY, SETTINGS
from postwarden.connectors.google.source import GoogleSource
from postwarden.lab.cloud import CloudLab
from postwarden.model.account import Account
from postwarden.model.evidence import Change, Delegation, Grant, MailFlow, Setting
from postwarden.pipeline.collect import Reading, collect_account
from tests.lab.cloud import StartCloud
from tests.lab.google import DOMAIN, account, read, source
from tests.lab.graph import now, read_all, status

#: Without the scope that could also delete them, older grants and app passwords are not seen.
UNSHOWN = {"grants", "app_passwords"}
ACCOUNT_READ = {name: "gap" if name in UNSHOWN else "read" for name in GoogleSource.checks}
ALL_READ = dict.fromkeys(GoogleSource.checks, "read")
SOURCE_READ = {name: "gap" if name == "domain_wide" else "read" for name in GoogleSource.source_checks}


@pytest.fixture
def lab(running_cloud: CloudLab) -> CloudLab:
    """A cloud as it is by itself; whatever it is asked and answers fits the schemas."""
    return running_cloud


def grants(found: Reading, check: str = "grants") -> list[Grant]:
    return [item for item in found.evidence if isinstance(item, Grant) and item.check == check]


@pytest.mark.parametrize("listed", [False, True])
def test_everybody_of_the_domain_is_read(listed: bool, lab: CloudLab, tmp_path: Path) -> None:
    """Each person's grants and settings are read, the domain's own too, and nothing is asked that is not known."""
    made = source(lab, tmp_path, list_tokens=listed)
    assert status(read_all(made)) == SOURCE_READ
    for person in made.accounts():
        found = collect_account(person, [made], lambda *_: None, None)
        assert status(found) == (ALL_READ if listed else ACCOUNT_READ), person
        assert len(found.sessions) == 1
    assert lab.problems == ()
    assert lab.strays == ()


def test_a_grant_is_told_with_when_and_by_whom(lab: CloudLab, tmp_path: Path) -> None:
    """Scopes, the day of consent from the log, the last use, and how many have it."""
    found = {one.application.name: one for one in grants(read(source(lab, tmp_path), "lena.fischer"))}
    docs = found["Google Docs"]
    assert "https://mail.google.com/" in docs.scopes
    assert docs.granted is not None
    assert docs.granted.origin == "audit_log"
    assert docs.granted_by == f"lena.fischer@{DOMAIN}"
    assert (docs.holders, docs.population) == (1, 40)
    used = [one.last_used for one in found.values() if one.last_used is not None]
    assert used
    assert {one.origin for one in used} == {"audit_log"}
    assert all(now() - timedelta(days=3) <= one.time <= now() for one in used)


def test_the_log_tells_what_is_there_and_not_what_was_revoked(lab: CloudLab, tmp_path: Path) -> None:
    """Consents that were taken back are gone, and those given again are there with their new day."""
    state = lab.google.state
    lena = state.user(f"lena.fischer@{DOMAIN}")
    assert lena is not None
    before = {one.application.id for one in grants(read(source(lab, tmp_path), "lena.fischer"))}
    client = next(row.client for row in state.tokens if row.user == lena.id and row.client.id in before)
    state.revoke(lena, client, now())
    after = {one.application.id for one in grants(read(source(lab, tmp_path), "lena.fischer"))}
    assert before - after == {client.id}
    state.authorize(lena, client, ("https://mail.google.com/",), now())
    (again,) = [
        one for one in grants(read(source(lab, tmp_path), "lena.fischer")) if one.application.id == client.id
    ]
    assert again.scopes == ("https://mail.google.com/",)


def test_forwarding_filters_and_others_are_evidence(lab: CloudLab, tmp_path: Path) -> None:
    """Everything that keeps mail flowing: forwarding that keeps no copy, filters, delegates, other senders, IMAP."""
    made = source(lab, tmp_path)
    takumi = read(made, "takumi.ono")
    (forwarding,) = [item for item in takumi.evidence if isinstance(item, MailFlow)]
    assert (forwarding.origin, forwarding.paths[0].keeps_copy) == ("gmail_forwarding", False)
    assert forwarding.paths[0].effects[0].target == "t.ono.studio@freemail-north.example"
    settings = {item.name: item.value for item in takumi.evidence if isinstance(item, Setting)}
    assert settings["forwarding_address"] == "t.ono.studio@freemail-north.example accepted"
    assert settings["imap"] == "on"
    flows = [item for item in read(made, "lena.fischer").evidence if isinstance(item, MailFlow)]
    bad = next(item for item in flows if any(effect.what == "delete" for effect in item.paths[0].effects))
    assert bad.paths[0].effects[0].what == "redirect"
    people = list(made.accounts())
    found = [collect_account(one, [made], lambda *_: None, None) for one in people]
    delegations = [item for one in found for item in one.evidence if isinstance(item, Delegation)]
    assert {item.via for item in delegations} == {"gmail_delegate"}
    assert any(item.name == "send_as" for one in found for item in one.evidence if isinstance(item, Setting))


def test_trap_8_tokens_and_app_passwords_only_by_setting(lab: CloudLab, tmp_path: Path) -> None:
    """Without the setting nothing asks for the scope that could delete them; with it, all are seen, old ones too."""
    without = source(lab, tmp_path)
    found = read(without, "takumi.ono")
    assert "google_admin.tokens" not in lab.counts
    assert {gap.check for gap in found.gaps} == UNSHOWN
    assert all("list_tokens" in str(gap.hint) for gap in found.gaps)
    made = source(lab, tmp_path, list_tokens=True)
    whole = read(made, "takumi.ono")
    assert status(whole) == ALL_READ
    assert len(grants(whole)) > len(grants(found))
    (password,) = grants(whole, "app_passwords")
    assert password.grant_type == "app_password"
    assert password.granted is not None
    assert password.granted.origin == "api"
    assert now() - timedelta(days=30) < password.granted.time < now()


def test_trap_8_the_scope_that_could_write_is_beyond_need_and_held_back(
    lab: CloudLab, tmp_path: Path
) -> None:
    """It is told as a right too many, and nothing but GET left towards Gmail."""
    made = source(lab, tmp_path)
    found = read_all(made)
    read(made, "takumi.ono")
    told = [one for one in found.excess if one.message.startswith(SETTINGS)]
    assert len(told) == 1
    assert "GET" in told[0].hint
    assert {one.method for one in lab.requests if one.host in {"gmail", "google_admin"}} == {"GET"}
    assert {one.path.rpartition("/")[2] for one in lab.requests if one.host == "gmail"} == set(GMAIL_SETTINGS)
    # What was authorised for our client and no check needs.
    assert any(one.message.startswith(SECURITY) for one in found.excess)


@pytest.mark.parametrize(
    "fault", ["rate_limited", "throttled", "unavailable", "server_error", "unauthorized", "cut_off"]
)
@pytest.mark.parametrize("kind", ["users", "activities", "filters"])
def test_trap_8_throttles_of_every_kind_are_waited_for(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path
) -> None:
    """A 403 by its reason, 429 and 503 are throttles, not refusals: all is read."""
    lab.faults.add(fault, kind=kind)
    assert status(read(source(lab, tmp_path), "takumi.ono")) == ACCOUNT_READ
    assert lab.faults.waiting == ()


@pytest.mark.parametrize(
    "reason",
    [
        "userRateLimitExceeded",
        "rateLimitExceeded",
        "quotaExceeded",
        "concurrentLimitExceeded",
        "RESOURCE_EXHAUSTED",
    ],
)
def test_trap_8_each_reason_for_too_much_is_known(reason: str, lab: CloudLab, tmp_path: Path) -> None:
    """Whatever Google calls it, it is asked again."""
    lab.faults.add("rate_limited", kind="filters", reason=reason)
    assert status(read(source(lab, tmp_path), "takumi.ono"))["filters"] == "read"


def test_trap_8_any_other_403_is_a_gap_that_names_the_scope(lab: CloudLab, tmp_path: Path) -> None:
    """A refusal is not waited for, and says which scope to authorise."""
    lab.faults.add("forbidden", kind="filters", times=None)
    found = read(source(lab, tmp_path), "takumi.ono")
    (gap,) = [one for one in found.gaps if one.check == "filters"]
    assert gap.reason == "forbidden"
    assert SETTINGS in gap.message
    assert lab.counts["gmail.filters"] == 1


@pytest.mark.parametrize(
    "missing", [SETTINGS, "admin.directory.user.readonly", "admin.reports.audit.readonly"]
)
def test_a_scope_that_is_not_authorised_is_a_gap_that_names_it(
    missing: str, lab: CloudLab, tmp_path: Path
) -> None:
    """What the domain did not delegate is named for each check that needs it, and asked for once."""
    state = lab.google.state
    number = lab.google.client_number
    administrator = state.user(lab.google.admin)
    assert administrator is not None
    left = frozenset(one for one in state.delegations[number] if not one.endswith(missing))
    assert left < state.delegations[number]
    state.delegations[number] = left
    made = source(lab, tmp_path)
    whole, found = read_all(made), read(made, "takumi.ono")
    assert any(missing in str(gap.part) for gap in whole.gaps if gap.check == "rights")
    said = [gap for gap in found.gaps if gap.reason == "forbidden"]
    assert said
    assert all(missing in gap.message for gap in said)
    asked = lab.google.bearers.refused
    read(made, "lena.fischer")
    assert lab.google.bearers.refused == asked


def test_throttled_cut_off_and_with_tokens_that_end_all_is_read(
    start_cloud: StartCloud, tmp_path: Path
) -> None:
    """Every tenth request throttled in one of three ways, every fiftieth cut off, tokens of a minute: the same."""
    moment = [datetime(2026, 11, 23, 12, tzinfo=UTC)]

    def clock() -> datetime:
        moment[0] += timedelta(milliseconds=500)
        return moment[0]

    lab = start_cloud(clock=clock)
    plain = source(lab, tmp_path)
    names = [person.login.partition("@")[0] for person in plain.accounts()][:15]
    whole = [status(one) for one in (read_all(plain), *(read(plain, name) for name in names))]
    lab.google.bearers.seconds = 60
    lab.google.bearers.expire_all()
    for host in ("gmail", "google_admin"):
        lab.faults.add("rate_limited", host=host, every=10, times=None)
        lab.faults.add("unavailable", host=host, every=17, times=None, retry_after="1")
        lab.faults.add("cut_off", host=host, every=50, times=None)
    hurt = source(lab, tmp_path, clock=clock)
    assert [status(one) for one in (read_all(hurt), *(read(hurt, name) for name in names))] == whole


@pytest.mark.parametrize("kind", ["users", "activities"])
@pytest.mark.parametrize(
    "fault", ["loop", "endless", "not_json", "page", "empty", "large", "deep", "gzip_bomb", "redirect"]
)
def test_whatever_the_service_does_costs_a_gap(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An odd listing leaves gaps for what rests on it, and nothing is evidence that was half read."""
    monkeypatch.setattr("postwarden.connectors.rest.pages.MAX_PAGES", 20)
    lab.faults.add(fault, kind=kind, times=None)
    found = read(source(lab, tmp_path), "takumi.ono")
    assert {gap.reason for gap in found.gaps if gap.check == "grants"} >= {"malformed"}
    assert grants(found) == []
    assert lab.strays == ()


@pytest.mark.parametrize("fault", ["new_members", "unknown_values", "duplicates", "empty_page"])
def test_what_is_new_is_tolerated(fault: str, lab: CloudLab, tmp_path: Path) -> None:
    """New fields and values, repeated and empty pages change nothing that is known."""
    whole = read(source(lab, tmp_path), "lena.fischer")
    for kind in ("users", "activities"):
        lab.faults.add(fault, kind=kind)
    found = read(source(lab, tmp_path), "lena.fischer")
    assert {one.application.id for one in grants(found)} == {one.application.id for one in grants(whole)}


def test_a_filter_with_new_words_leaves_a_gap(lab: CloudLab, tmp_path: Path) -> None:
    """What a filter has beyond what is known is named, beside what is known of it."""
    lab.faults.add("new_members", kind="filters")
    found = read(source(lab, tmp_path), "lena.fischer")
    assert [item for item in found.evidence if isinstance(item, MailFlow)]
    assert all("is not known" in gap.message for gap in found.gaps if gap.check == "filters")
    assert any(gap.check == "filters" for gap in found.gaps)


def test_delegations_to_the_whole_domain_are_the_sources(lab: CloudLab, tmp_path: Path) -> None:
    """Clients that act for everybody are told with who authorised them, our own too; older ones are a gap."""
    found = read_all(source(lab, tmp_path))
    wide = grants(found, "domain_wide")
    assert lab.google.client_number in {one.application.id for one in wide}
    assert all(one.reaches == "everybody" and one.granted is not None and one.granted_by for one in wide)
    state = lab.google.state
    administrator = state.user(lab.google.admin)
    assert administrator is not None
    gone = next(one.application.id for one in wide if one.application.id != lab.google.client_number)
    state.undelegate(gone, administrator, now())
    again = grants(read_all(source(lab, tmp_path)), "domain_wide")
    assert gone not in {one.application.id for one in again}


def test_the_token_log_is_changes(lab: CloudLab, tmp_path: Path) -> None:
    """Who let what in during the last month is told, about the client's id."""
    found = [item for item in read_all(source(lab, tmp_path)).evidence if isinstance(item, Change)]
    assert found
    assert {item.operation for item in found} <= {"authorize", "revoke"}
    assert all(item.author and item.about for item in found)
    assert all(now() - timedelta(days=31) < item.happened <= now() for item in found)


@pytest.mark.parametrize("fault", ["throttled", "unavailable"])
def test_a_log_in_that_is_busy_is_waited_for(fault: str, lab: CloudLab, tmp_path: Path) -> None:
    """A throttle of the log-in costs time, and no check."""
    lab.faults.add(fault, host="google_token", kind="token")
    assert status(read_all(source(lab, tmp_path))) == SOURCE_READ
    assert lab.faults.waiting == ()


def test_who_is_not_let_in_knocks_once(lab: CloudLab, tmp_path: Path) -> None:
    """A key that was deleted is tried once for the domain, and is in no message."""
    import json

    key = json.loads(lab.google.key_file.read_text())
    key["private_key_id"] = "0" * 40
    other = tmp_path / "other.json"
    other.touch(mode=0o600)
    other.write_text(json.dumps(key))
    made = source(lab, tmp_path, login={"key": {"file": str(other)}, "admin": lab.google.admin})
    found = [read(made, "takumi.ono"), read(made, "lena.fischer")]
    assert {gap.reason for one in found for gap in one.gaps} == {"refused"}
    assert lab.counts["google_token.token"] == 1
    assert "PRIVATE" not in str(found)


def test_an_account_that_is_nobody_or_two_is_a_gap(lab: CloudLab, tmp_path: Path) -> None:
    """Nobody is clean because no user was found, and no account gets two people's evidence."""
    made = source(lab, tmp_path)
    nobody = read(made, "nobody")
    assert set(status(nobody).values()) == {"gap"}
    both = Account(key="login:x", login="x", addresses=(f"takumi.ono@{DOMAIN}", f"lena.fischer@{DOMAIN}"))
    assert set(status(collect_account(both, [made], lambda *_: None, None)).values()) == {"gap"}
    by_alias = Account(key="login:y", login="y", addresses=(f"studio@{DOMAIN}",))
    assert status(collect_account(by_alias, [made], lambda *_: None, None)) == ACCOUNT_READ


def test_the_checks_have_fixed_names() -> None:
    """Coverage, records and accepted gaps name checks by these words."""
    assert GoogleSource.checks == (
        "grants", "forwarding", "filters", "send_as", "delegates", "protocols", "app_passwords",
    )  # fmt: skip
    assert GoogleSource.source_checks == ("transport", "rights", "token_audits", "domain_wide")
    assert account("x").key == "login:x"
