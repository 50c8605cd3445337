"""When an account is due again."""

import random

from hypothesis import given
from hypothesis import strategies as some

from postwarden.findings.due import first_due, next_due, period

MINUTE = 60_000_000
INTERVAL = 15 * MINUTE
NOW = 1_795_435_200_000_000


@given(
    key=some.text(max_size=40), finished=some.integers(0, 4 * 10**15), interval=some.integers(1000, 10**12)
)
def test_from_sweep_to_sweep_is_never_more_than_the_interval(key: str, finished: int, interval: int) -> None:
    """Whatever the key and the time, the next sweep is due within the interval, and not before a third of it."""
    wait = next_due(key, finished, interval) - finished
    assert interval // 3 <= wait <= interval


@given(key=some.text(max_size=40))
def test_the_first_sweep_is_due_within_the_interval(key: str) -> None:
    """A new account waits for at most one interval."""
    assert NOW <= first_due(key, NOW, INTERVAL) < NOW + INTERVAL


def test_the_same_past_gives_the_same_moment() -> None:
    """Due times are a function of what the ledger says."""
    assert next_due("login:a", NOW, INTERVAL) == next_due("login:a", NOW, INTERVAL)
    assert next_due("login:a", NOW, INTERVAL) != next_due("login:b", NOW, INTERVAL)


def test_after_an_outage_accounts_spread_again() -> None:
    """A thousand accounts that were swept in one minute are spread evenly over the interval two sweeps later."""
    chance = random.Random(7)
    swept = {f"login:{number}": NOW + chance.randrange(MINUTE) for number in range(1000)}
    for _ in range(4):
        swept = {key: next_due(key, last, INTERVAL) + chance.randrange(MINUTE) for key, last in swept.items()}
    round_ = period(INTERVAL)
    tenths = [0] * 10
    for last in swept.values():
        tenths[last % round_ * 10 // round_] += 1
    assert 60 < min(tenths) <= max(tenths) < 150
