"""Lively people are in one place at a time: journeys take time, and a line at home has one address."""

from collections import Counter, defaultdict
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from postwarden.lab.logs import Plan, Session, happenings, made_up_people
from postwarden.lab.logs.journeys import flight
from postwarden.lab.logs.lively import Lively
from postwarden.lab.logs.staff import staff

PLAN = Plan(seed=9, people=made_up_people(30), begin=date(2025, 1, 1), days=365, ordinary="lively")
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def own() -> dict[str, list[Session]]:
    """What people did with their own devices, in the order of time; not by the webmail, and no copies by others."""
    found: defaultdict[str, list[Session]] = defaultdict(list)
    names = set(PLAN.people)
    for row in happenings(PLAN):
        if (
            isinstance(row, Session)
            and row.name in names
            and row.network.kind != "own"
            and row.client != "imapsync"
        ):
            found[row.name].append(row)
    return dict(found)  # fmt: skip


@pytest.fixture(scope="module")
def people() -> list[Lively]:
    """The people of PLAN."""
    return [one for one in staff(PLAN) if isinstance(one, Lively)]


def left_on(one: Lively, row: Session) -> bool:
    """Whether it may be a computer in the office that nobody sits before."""
    lines = {one.site.network}
    if (move := one.changes.moves.get(one.site.country)) is not None:
        lines.add(move.site.network)
    return one.stays_on and row.client == one.clients[0] and row.network in lines


def tunnels(one: Lively) -> set[str]:
    """The networks that somebody comes through and is not in."""
    gateway = one.changes.gateway
    return {
        place.network.name for place in (one.tunnel and one.tunnel.place, gateway and gateway.place) if place
    }


def test_on_a_journey_nothing_of_theirs_is_connected(
    own: dict[str, list[Session]], people: list[Lively]
) -> None:
    """No session lasts into a journey or begins on one, but for a computer left running in the office."""
    went, left = 0, 0
    for one in people:
        for row in own[one.name]:
            for journey in one.route.journeys:
                if row.begin < journey.arrives and row.end > journey.departs:
                    assert left_on(one, row)
                    left += 1
        went += len(one.route.journeys)
    assert went > 10 * len(people)
    assert left


def test_between_two_countries_lie_the_hours_of_a_flight(
    own: dict[str, list[Session]], people: list[Lively]
) -> None:
    """Who is seen in a country and then in another one had the time to fly there and to get on and off the plane.

    Not counted are VPNs, a phone that keeps its own network abroad, and a computer left on.
    """
    changes: Counter[tuple[bool, bool]] = Counter()
    for one in people:
        seen = [
            row
            for row in own[one.name]
            if row.network.kind != "mobile" and row.network.name not in tunnels(one) and not left_on(one, row)
        ]
        for before, behind in pairwise(seen):
            here, there = before.network.country, behind.network.country
            if here != there:
                hours = (behind.begin - before.end) / HOUR_MS
                assert hours >= flight(here, there) + 2
                changes[there == one.site.country, flight(here, there) > 5] += 1
    assert min(changes[back, far] for back in (True, False) for far in (True, False)) >= 5


def test_a_flight_takes_longer_than_an_airliner_needs_between_capitals() -> None:
    """The hours between two countries are those of their far ends: more than two within Europe, more than ten beyond."""
    assert 2 <= flight("DE", "ES") < 3
    assert flight("DE", "JP") == flight("JP", "FR") == 12
    assert flight("DE", "US") > 11
    assert flight("US", "SG") > 17


def test_journeys_follow_each_other_and_begin_by_day(people: list[Lively]) -> None:
    """Nobody leaves before they arrived or without a reason, and most set out between five and midnight."""
    hours: Counter[bool] = Counter()
    moved = 0
    for one in people:
        moved += sum(
            before.kind == behind.kind == "home"
            for before, behind in pairwise((one.route.first, *(journey.to for journey in one.route.journeys)))
        )
        for before, behind in pairwise(one.route.journeys):
            assert before.leaves <= before.departs < before.arrives < behind.leaves
            assert before.to != behind.to
        for journey in one.route.journeys:
            hours[datetime.fromtimestamp(journey.leaves / 1000, ZoneInfo(one.site.zone)).hour >= 5] += 1
    assert hours[False] < 0.1 * hours[True]
    assert 0 < moved <= sum(one.moves < PLAN.begin.toordinal() + PLAN.days for one in people)


def test_a_phone_is_still_seen_on_the_way_to_the_airport(
    own: dict[str, list[Session]], people: list[Lively]
) -> None:
    """Before some departures a phone is in its mobile network at home, and no other device is connected."""
    seen = 0
    for one in people:
        for journey in one.route.journeys:
            rows = [row for row in own[one.name] if journey.leaves <= row.begin < journey.departs]
            there = [row for row in rows if not left_on(one, row)]
            assert all(row.network.kind == "mobile" and row.client in one.clients[1:] for row in there)
            assert all(row.network.country == one.site.country for row in there)
            seen += bool(there)
    assert seen > len(people) / 3


def test_a_home_has_one_address_at_a_time(own: dict[str, list[Session]], people: list[Lively]) -> None:
    """Where a line gets another address at midnight, nothing is connected from both, also what was left running."""
    renewed, over_night = 0, 0
    for one in people:
        homes = {place.network for place in (one.home, one.next_home)}
        line, last = "", 0
        for row in own[one.name]:
            if row.network not in homes or left_on(one, row):
                continue
            # Devices with IPv6 have addresses of their own, in the prefix of the line.
            here = ":".join(row.address.split(":")[:4])
            if here != line:
                assert row.begin >= last
                renewed += 1
                over_night += row.client == one.clients[0] and row.begin - last < 100_000
            line, last = here, max(last, row.end)
    assert renewed > 1000
    assert over_night > 10
