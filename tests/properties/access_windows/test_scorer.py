"""The scorer itself: whatever entries it is given, and what looking ahead may not do."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.access.networks import Place
from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.detect.access.scorer import Scorer
from tests.properties.access_windows.histories import BEGIN, DAY, HOUR, LONG, MINUTE

EXAMPLES = 1000 if LONG else 100
YEARS = 50 * 365 * DAY

texts = st.none() | st.sampled_from(["a", "b", "Python", "", "\x00é"])
places = st.none() | st.builds(
    Place,
    address_class=st.sampled_from(["own", "private", "carrier_nat", "public"]),
    place=st.sampled_from(["192.0.2.1", "192.0.2.2", "198.51.100.1", "2001:db8::/64"]),
    prefix=st.sampled_from(["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/48"]),
    country=st.sampled_from([None, "JP", "NL", "??"]),
    asn=st.sampled_from([None, 64500, 64501, 64502]),
    network=st.sampled_from([None, "Cable"]),
    hosting=st.sampled_from([None, "hosting", "vpn"]),
)
gaps = st.sampled_from([0, 1, 1000, 10 * MINUTE, HOUR, 5 * HOUR, DAY, 61 * DAY, YEARS])
entries = st.builds(
    Entry,
    row=st.integers(0, 1000),
    account=st.sampled_from(["alice", "bob", "carol"]),
    time=st.just(0),
    source=st.sampled_from(["log", "export"]),
    protocol=st.sampled_from(["imap", "sign_in", "webmail", "owa", "other"]),
    address=texts,
    place=places,
    family=texts,
    session=texts,
    token=texts,
    method=st.sampled_from([None, "deviceCode"]),
    refused=st.booleans(),
    attempts=st.integers(0, 100),
    gateway=st.booleans(),
)
ends = st.builds(
    End,
    number=st.integers(0, 1000),
    account=st.sampled_from(["alice", "bob", "dave"]),
    time=st.just(0),
    protocol=st.sampled_from(["imap", "owa"]),
    place=places,
    family=texts,
    bytes_out=st.none() | st.integers(0, 1 << 40),
    gateway=st.booleans(),
)
items = st.lists(st.tuples(gaps, entries | ends), max_size=60)


def far(_one: Place, _other: Place) -> float | None:
    return 9.0


def feed(scorer: Scorer, given_items: list[tuple[int, Entry | End]], time: int) -> int:
    """Puts items to it, each so many milliseconds behind the one before."""
    for gap, given_item in given_items:
        time += gap
        item = msgspec.structs.replace(given_item, time=time)
        if isinstance(item, Entry):
            for window in scorer.take(item):
                assert window.first <= window.opened
                assert window.first <= window.last
                assert window.sessions >= len(window.cited)
        else:
            scorer.end(item)
    return time


def answer_all(scorer: Scorer, time: int) -> None:
    for number, window in enumerate(list(scorer.windows())):
        scorer.answer(
            Answer(
                account=window.account, subject=window.subject, verdict="not_mine" if number % 2 else "yours", time=time,
                until=time + DAY,
            )
        )  # fmt: skip


@settings(max_examples=EXAMPLES)
@given(first=items, second=items)
def test_no_session_is_too_strange(
    first: list[tuple[int, Entry | End]], second: list[tuple[int, Entry | End]]
) -> None:
    """Unknown places and clients, equal times, years between, answers that end: windows at most, and never an error."""
    scorer = Scorer(hours=far)
    scorer.leaves("carol", BEGIN + DAY)
    time = feed(scorer, first, BEGIN)
    answer_all(scorer, time)
    scorer.note("alice", time, "an inbox rule was made")
    time = feed(scorer, second, time)
    scorer.wait(time + YEARS)


@settings(max_examples=EXAMPLES)
@given(first=items, second=items)
def test_what_was_saved_goes_on_as_it_was(
    first: list[tuple[int, Entry | End]], second: list[tuple[int, Entry | End]]
) -> None:
    """Saved and loaded in the middle, it comes to the same windows and to the same bytes."""
    whole = Scorer(hours=far)
    time = feed(whole, first, BEGIN)
    loaded = Scorer(hours=far)
    common, accounts = whole.saved()
    loaded.load(common, iter(accounts.items()))
    for scorer in (whole, loaded):
        feed(scorer, second, time)
        scorer.wait(time + YEARS)
    assert list(whole.windows()) == list(loaded.windows())
    assert whole.saved() == loaded.saved()


@settings(max_examples=EXAMPLES)
@given(first=items, second=items)
def test_looking_ahead_changes_nothing_that_is_final(
    first: list[tuple[int, Entry | End]], second: list[tuple[int, Entry | End]]
) -> None:
    """Sessions and answers that are looked ahead with leave the base as it was, byte for byte."""
    scorer = Scorer(hours=far)
    time = feed(scorer, first, BEGIN)
    scorer.touched.update(scorer.accounts)
    before = scorer.saved()
    ahead = scorer.ahead()
    time = feed(ahead, second, time)
    answer_all(ahead, time)
    ahead.wait(time + YEARS)
    assert not scorer.touched
    scorer.touched.update(scorer.accounts)
    assert scorer.saved() == before
