"""Anomalies that belong together are one window, which grows and says what it is made of."""

import msgspec
import pytest

from postwarden.detect.access.settings import DAY, HOUR
from postwarden.detect.access.verdict import level_of
from tests.unit.detect.access.lives import (
    BEFORE,
    DESK,
    HOME,
    LINE,
    OFFICE,
    PHONE,
    SERVER,
    SERVER_HERE,
    Life,
    at,
    mobile,
    place,
    signs,
)


@pytest.fixture
def life() -> Life:
    """Alice's, with 14 weeks of habits, and office days behind them."""
    made = Life()
    made.work(range(BEFORE + 5))
    return made


def test_a_window_grows_and_says_what_it_holds(life: Life) -> None:
    """First and last access, sessions, networks, countries, addresses, clients, protocols and bytes."""
    first = life.use(at(BEFORE, 10), SERVER_HERE, family="Python")
    life.use(at(BEFORE, 10.5), SERVER_HERE, family="Python", bytes_out=3_000)
    life.use(at(BEFORE, 15), SERVER, family="Go", protocol="pop3", bytes_out=4_000)
    last = life.use(at(BEFORE + 2, 11), SERVER_HERE, family="Python")
    (window,) = life.windows()
    assert (window.account, window.subject) == ("alice", f"log {first.session}")
    assert (window.first, window.last, window.sessions) == (first.time, last.time, 4)
    assert window.networks == ("Kita Hosting", "Polder Hosting")
    assert window.countries == ("JP", "NL")
    assert window.addresses == ("203.0.113.220", "203.0.113.200")
    assert window.clients == ("Python", "Go")
    assert window.protocols == ("imap", "pop3")
    assert window.bytes_out == 7_000
    assert window.cited[0] == first.row
    assert len(window.cited) == 4
    assert window.habits_since == min(item.time for item in life.items)


def test_reasons_are_sentences_by_weight(life: Life) -> None:
    """The heaviest first; their sum is the window's weight, and what speaks for the owner is among them."""
    life.intrude(SERVER_HERE)
    (window,) = life.windows()
    weights = [reason.weight for reason in window.reasons]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == window.weight
    assert all(reason.words and not reason.words.endswith(".") for reason in window.reasons)
    assert len({reason.sign for reason in window.reasons}) == len(window.reasons)


@pytest.mark.parametrize(("after", "count"), [(0, 1), (13, 1), (30, 2), (90, 2)])
def test_what_belongs_together_is_one_window(after: int, count: int) -> None:
    """Two servers of one country within a fortnight; later, another stranger opens a window of their own."""
    other = place("203.0.113.210", "NL", 64519, "Dijk Hosting", hosting="hosting")
    life = Life()
    life.work(range(BEFORE + 100))
    for day, where in ((BEFORE, SERVER), (BEFORE + after, other)):
        life.use(at(day, 10), where, family="Python")
        life.use(at(day, 10.3), where, family="Python")
    assert len(life.windows()) == count


def test_the_same_stranger_is_one_window_however_late(life: Life) -> None:
    """The network is under suspicion until somebody answers."""
    for day in (BEFORE, BEFORE + 100):
        life.use(at(day, 10), SERVER_HERE, family="Python")
    (window,) = life.windows()
    assert (window.sessions, window.last) == (2, at(BEFORE + 100, 10))


def test_windows_of_two_accounts_are_two() -> None:
    """One stranger in two accounts: each has its own."""
    life = Life()
    for name in ("alice", "bob"):
        life.work(range(BEFORE + 2), account=name)
        life.use(at(BEFORE, 10), SERVER_HERE, family="Python", account=name)
        life.use(at(BEFORE, 10.3), SERVER_HERE, family="Python", account=name)
    assert sorted(one.account for one in life.windows()) == ["alice", "bob"]


def test_a_session_that_two_logs_tell_counts_once(life: Life) -> None:
    """Twice the same session of one source."""
    entry = life.use(at(BEFORE, 10), SERVER_HERE, family="Python")
    life.items.append(msgspec.structs.replace(entry, row=9_999))
    (window,) = life.windows()
    assert window.sessions == 1


def test_a_gateways_session_is_where_the_browser_is(life: Life) -> None:
    """The webmail's own log tells where; IMAP behind it comes from there, and a stranger's browser is a window."""
    life.use(at(BEFORE, 10), SERVER, family="Chrome", protocol="webmail")
    life.use(at(BEFORE, 10) + 1000, None, family=DESK, gateway=True)
    (window,) = life.windows()
    assert window.networks == ("Polder Hosting",)
    assert window.sessions == 2


def test_a_gateway_without_a_browser_is_no_place(life: Life) -> None:
    """Nothing is said of sessions of which nobody knows where they are from."""
    for hour in range(24):
        life.use(at(BEFORE + 6, hour), None, gateway=True)
    assert life.windows() == []


def test_nothing_known_before_is_said(life: Life) -> None:
    """Where a window opens in an account's first session, no habits are claimed."""
    life.use(at(BEFORE, 10), LINE, account="carol")
    windows = list(life.scorer(leaves=None).windows())
    assert windows == []
    scorer = life.scorer()
    scorer.leaves("dave", at(BEFORE + 10, 0))
    later = Life()
    entry = later.use(at(BEFORE + 11, 10), LINE, account="dave")
    (window,) = scorer.take(entry)
    assert window.habits_since is None
    assert signs(window) == {"departed"} | (signs(window) - {"departed"})


def test_grave_signs_make_a_window_high(life: Life) -> None:
    """A level above the usual one where the weight or a sign says so."""
    life.use(at(BEFORE, 12), SERVER, family="Python")
    (window,) = life.windows()
    assert level_of(window) == "high"


def test_windows_are_told_as_they_open_and_change(life: Life) -> None:
    """Whoever takes sessions gets each window when it opens and each time that it grows, and nothing else afterwards."""
    scorer = life.scorer(until=at(BEFORE + 5, 6))
    later = Life()
    later.stay(BEFORE + 7, 8.5, 9.5, OFFICE)
    for item in later.items:
        assert scorer.take(item) == ()  # type: ignore[arg-type]  # sessions only
    time = at(BEFORE + 7, 10)
    opened = scorer.take(later.use(time, SERVER, family="Python"))
    grown = scorer.take(later.use(time + HOUR // 2, SERVER, family="Python"))
    assert [(one.sessions, one.last) for one in (*opened, *grown)] == [(1, time), (2, time + HOUR // 2)]
    scorer.wait(time + 9 * DAY)
    assert scorer.take(later.use(time + 9 * DAY, OFFICE)) == ()
    assert scorer.wait(time + 19 * DAY) == ()


def test_state_of_a_busy_account_stays_small() -> None:
    """400 days with a carrier's addresses, leases and journeys: below 32 KB, as it is saved."""
    life = Life()
    for day in range(400):
        life.work([day], home=place(f"192.0.2.{day * 37 % 250 + 1}"))
        for number in range(10):
            life.use(at(day, 7 + number * 1.5), mobile(day * 131 + number * 17), family=PHONE)
        if day % 40 == 39:
            away = place(f"203.0.113.{day // 40}", asn=64600 + day // 40, name=f"Hotel {day // 40}")
            life.stay(day, 18, 22, away, family=PHONE)
        if day % 3 == 0:
            wlan = place(f"198.18.{day}.1".replace(".399.", ".99."), asn=64700 + day, name=f"Café {day}")
            life.use(at(day, 12.7), wlan, family=PHONE)
        life.use(at(day, 21), HOME, protocol="sign_in", family="Chrome", token=f"t{day}", session=f"t{day}")
    scorer = life.scorer()
    _, accounts = scorer.saved()
    assert 4_000 < len(accounts["alice"]) < 32_768
