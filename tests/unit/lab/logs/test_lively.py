"""In a lively organisation things happen that look like intruders and are none."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest

from postwarden.errors import LabError
from postwarden.lab.logs import Plan, Session, draw_intrusions, happenings, made_up_people
from postwarden.lab.logs.changes import changes
from postwarden.lab.logs.extras import copies
from postwarden.lab.logs.lively import Lively
from postwarden.lab.logs.services import shared
from postwarden.lab.logs.staff import staff

#: A year in which each change of the whole organisation happens.
EVERYBODY = Plan(
    seed=351,
    people=made_up_people(300),
    shared=("reception",),
    begin=date(2025, 1, 1),
    days=365,
    ordinary="lively",
)
FIRST, END = EVERYBODY.begin.toordinal(), EVERYBODY.begin.toordinal() + EVERYBODY.days
MIDDLE = range(FIRST + 60, END - 100)
OWN_HOSTS = ("127.0.0.1", "10.20.0.8")

#: What one person each was chosen for.
TRAITS: dict[str, Callable[[Lively], bool]] = {
    "newcomer": lambda one: one.joins in MIDDLE,
    "leaver": lambda one: one.leaves in MIDDLE,
    "on leave": lambda one: one.leave[0] in MIDDLE and one.leave[1] < END - 20 and one.phone != "none",
    "tunnel": lambda one: one.tunnel is not None and one.tunnel.begins in MIDDLE and one.tunnel.share > 0.3 and one.tunnel.phone,
    "carrier": lambda one: one.new_carrier in MIDDLE and one.phone != "none" and all(map(one.active, (FIRST, END))),
    "second": lambda one: one.second is not None and one.second.begins in MIDDLE and one.second.share > 0.3 and one.second.client not in one.clients,
    "tablet": lambda one: one.tablet is not None and one.tablet.begins in MIDDLE and one.tablet.share > 0.3 and one.tablet.client not in one.clients,
    "pop3": lambda one: one.pop3_day is not None and one.active(one.pop3_day),
    "gateway": lambda one: one.by_gateway == 1.0 and len(one.home_days - {6, 0}) > 2,
    "nights": lambda one: one.nights == 0.2 and one.desktop,
    "outings": lambda one: one.outings == 0.1,
    "roams": lambda one: one.roams == 0.9 and len(one.away) > 20 and one.phone != "none",
}  # fmt: skip


@dataclass(frozen=True)
class Year:
    """A small organisation with one person of each trait, and its sessions."""

    plan: Plan
    chosen: dict[str, Lively]
    sessions: dict[str, list[Session]]

    def of(self, trait: str) -> tuple[Lively, list[Session]]:
        """Somebody, and what they did themselves."""
        one = self.chosen[trait]
        return one, [
            row
            for row in self.sessions[one.name]
            if row.address not in OWN_HOSTS and row.client != "imapsync"
        ]


@pytest.fixture(scope="module")
def live() -> Year:
    """The year of those people."""
    chosen: dict[str, Lively] = {}
    for one in staff(EVERYBODY):
        assert isinstance(one, Lively)
        trait = next((name for name, has in TRAITS.items() if name not in chosen and has(one)), None)
        if trait is not None:
            chosen[trait] = one
    plan = replace(EVERYBODY, people=tuple(sorted(one.name for one in chosen.values())))
    sessions: defaultdict[str, list[Session]] = defaultdict(list)
    for row in happenings(plan):
        if isinstance(row, Session):
            sessions[row.name].append(row)
    return Year(plan, chosen, dict(sessions))


def day(row: Session) -> int:
    return datetime.fromtimestamp(row.begin / 1000, UTC).date().toordinal()


def test_a_newcomers_account_begins_in_the_middle(live: Year) -> None:
    """Before the day they join, nobody opens the account, not even the back-up."""
    one, _ = live.of("newcomer")
    days = {day(row) for row in live.sessions[one.name]}
    assert one.joins - 1 <= min(days) <= one.joins + 3


def test_a_leavers_account_falls_silent_and_stays(live: Year) -> None:
    """From one day on only the back-up opens the account of somebody who left."""
    one, own = live.of("leaver")
    assert own[0].begin < live.plan.first_ms + 5 * 86_400_000
    assert max(day(row) for row in own) <= one.leaves
    assert max(day(row) for row in live.sessions[one.name]) == END - 1


def test_a_dormant_account_awakes_with_another_phone(live: Year) -> None:
    """Somebody is away for three to six months, and then back with a new phone."""
    one, own = live.of("on leave")
    first, last = one.leave
    assert 90 <= last - first <= 180
    assert not [row for row in own if first < day(row) < last - 1]
    assert [row for row in own if day(row) >= last]
    assert one.new_phone == last


def test_some_people_use_a_vpn_from_some_day_on(live: Year) -> None:
    """Somebody's sessions come from a hosting network from a day on, and none before."""
    one, own = live.of("tunnel")
    assert one.tunnel is not None
    through = [row for row in own if row.network == one.tunnel.place.network]
    assert one.tunnel.place.network.kind == "hosting"
    assert len(through) > 100
    assert min(day(row) for row in through) >= one.tunnel.begins - 1


def test_the_organisation_gets_a_gateway_for_home_work(live: Year) -> None:
    """From one day on somebody's work at home comes from the organisation's few VPN addresses."""
    gateway = changes(live.plan).gateway
    assert gateway is not None
    one, own = live.of("gateway")
    addresses = {gateway.place.address(n, 0, client) for n in range(9) for client in ("x", "xx", "xxx")}
    through = [row for row in own if row.address in addresses and row.network == gateway.place.network]
    assert len(through) > 20
    assert min(day(row) for row in through) >= gateway.begins - 1
    assert one.by_gateway == 1.0


def test_an_office_changes_its_provider_for_all(live: Year) -> None:
    """From one day on nobody comes from an office's old addresses, and those who work there come from new ones."""
    moves = changes(live.plan).moves
    moved = 0
    for one in live.chosen.values():
        move = moves.get(one.site.country)
        if move is None:
            continue
        own = live.sessions[one.name]
        old = [row for row in own if row.address in one.site.gateways]
        assert all(day(row) <= move.begins for row in old)
        moved += any(row.address in move.site.gateways for row in own)
    assert moved >= 2


def test_a_phone_changes_its_network(live: Year) -> None:
    """Somebody's phone is in one mobile network before a day and in another behind it."""
    one, own = live.of("carrier")
    mobile = [row for row in own if row.network.kind == "mobile"]
    before = {row.network for row in mobile if day(row) < one.new_carrier - 1}
    behind = {row.network for row in mobile if day(row) > one.new_carrier}
    assert len(before) == len(behind) == 1
    assert before != behind


@pytest.mark.parametrize("trait", ["second", "tablet"])
def test_people_start_to_use_another_program(trait: str, live: Year) -> None:
    """Somebody has a client from a day on that they never had before."""
    one, own = live.of(trait)
    device = one.second if trait == "second" else one.tablet
    assert device is not None
    days = {day(row) for row in own if row.client == device.client}
    assert len(days) > 20
    assert min(days) >= device.begins - 1


def test_somebody_tries_pop3_once(live: Year) -> None:
    """One session over POP3 fetches hundreds of messages, and there is no other."""
    one, own = live.of("pop3")
    found = [row for row in own if row.protocol == "pop3"]
    assert [abs(day(row) - one.pop3_day) <= 1 for row in found if one.pop3_day is not None] == [True]
    assert found[0].bodies >= 500


def test_somebody_is_up_at_weekend_nights(live: Year) -> None:
    """A mail program is used between one and four at night, on nights before a Saturday or Sunday."""
    one, own = live.of("nights")
    hours = {"Europe/Berlin": 1, "Asia/Tokyo": 9, "America/Chicago": -6}[one.site.zone]
    nights = [
        row
        for row in own
        if row.client == one.clients[0] and (row.begin // 3_600_000 + hours) % 24 in {1, 2, 3}
    ]
    assert nights


def test_people_use_lines_of_others_in_their_country(live: Year) -> None:
    """Somebody's sessions come from several homes' or guests' networks of their own country in a year."""
    one, own = live.of("outings")
    inside = {row.network for row in own if row.network.country == one.site.country}
    others = {network for network in inside if network.kind in {"isp", "hotel"}}
    assert len(others - {one.home.network, one.next_home.network}) >= 3


def test_a_phone_abroad_keeps_its_network_at_home(live: Year) -> None:
    """On most days elsewhere a roaming person is seen in their own mobile network all day, and not in the hotel's."""
    one, own = live.of("roams")
    away = [row for row in own if day(row) in one.away and row.client in one.clients[1:]]
    kinds = [row.network.kind for row in away]
    assert kinds.count("mobile") > 2 * kinds.count("hotel")


def test_a_migration_makes_programs_fetch_everything(live: Year) -> None:
    """Within a week of the migration most people's programs fetch more messages than else in a month."""
    begins = changes(live.plan).migration
    assert begins is not None
    fetched = 0
    for one in live.chosen.values():
        own = [row for row in live.sessions[one.name] if row.address not in OWN_HOSTS]
        within = max((row.bodies for row in own if begins <= day(row) < begins + 8), default=0)
        fetched += within > 50
    assert fetched >= len(live.chosen) / 2


def test_an_administrator_copies_accounts_from_a_server(live: Year) -> None:
    """On one day `imapsync` opens some accounts from one hosting address, as themselves, and no intruder is in the truth."""
    copying = changes(live.plan).copying
    assert copying is not None
    rows = [
        row
        for found in live.sessions.values()
        for row in found
        if row.client == "imapsync" and row.address == copying.address
    ]
    assert {row.name for row in rows} <= set(copying.accounts)
    assert rows
    there = copying.accounts[1:]
    assert {one.name for one in copies(copying, there, live.plan.first_ms)} == set(there)
    assert {(row.network.kind, row.identity, row.intruder) for row in rows} == {("hosting", None, None)}


def test_a_shared_mailbox_gets_a_new_member(live: Year) -> None:
    """A colleague is in a shared mailbox from a day on, who was not before."""
    joining = changes(live.plan).joinings[0]
    member = next(one for one in staff(live.plan) if one.name == joining.name)
    rows = set(map(repr, live.sessions["reception"]))
    theirs = {
        ordinal: list(shared(live.plan, "reception", [member], ordinal))
        for ordinal in range(FIRST + 1, END - 1)
    }
    for ordinal, found in theirs.items():
        assert all((repr(row) in rows) == (ordinal >= joining.begins) for row in found)
    assert any(found for ordinal, found in theirs.items() if ordinal < joining.begins)
    assert any(found for ordinal, found in theirs.items() if ordinal > joining.begins)


def test_a_lively_year_is_the_same_every_time() -> None:
    """The same plan has the same happenings, and they differ from the plain organisation's."""
    plan = replace(EVERYBODY, people=EVERYBODY.people[:8], days=30)
    assert list(happenings(plan)) == list(happenings(plan))
    assert list(happenings(plan)) != list(happenings(replace(plan, ordinary="plain")))


def test_nobody_enters_an_account_that_is_not_there_yet() -> None:
    """Intrusions are drawn upon accounts that exist on their day, and refused where none is left."""
    newcomers = [one.name for one in staff(EVERYBODY) if isinstance(one, Lively) and one.joins > FIRST + 40]
    with pytest.raises(LabError, match="exists on 2025-01-20"):
        draw_intrusions(EVERYBODY, "early", [("once_a_month", date(2025, 1, 20))], newcomers)
    there = next(name for name in EVERYBODY.people if name not in newcomers)
    drawn = draw_intrusions(EVERYBODY, "early", [("once_a_month", date(2025, 1, 20))], [*newcomers, there])
    assert [one.victim for one in drawn] == [there]
