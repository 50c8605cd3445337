"""What can be seen of people in the generated logs is what ordinary organisations look like."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

from postwarden.lab.logs import NETWORKS, SessionTruth, Written
from postwarden.lab.logs.organisation import Organisation
from tests.unit.lab.logs.made import YEAR, between, lines, truth


def day(row: SessionTruth) -> date:
    return datetime.fromtimestamp(row.begun / 1000, UTC).date()


def table(path: Path) -> list[tuple[tuple[int, int], tuple[int, int], list[str]]]:
    """The rows of a CSV table, with addresses as (version, number)."""
    with path.open(encoding="utf-8", newline="") as rows:
        return [(place(row[0]), place(row[1]), row[2:]) for row in csv.reader(rows)]


def place(address: str) -> tuple[int, int]:
    found = ip_address(address)
    return found.version, int(found)


def test_the_tables_have_every_address_where_the_truth_has_it(autumn: Written) -> None:
    """Each public address of a session lies in one range of each table: that of its network and country."""
    networks, countries = table(autumn.networks), table(autumn.countries)
    numbers = {network.name: str(network.asn) for network in NETWORKS}
    for text, network, country in {(row.address, row.network, row.country) for row in truth(autumn)}:
        here = place(text)
        found = [rest for first, last, rest in networks if first <= here <= last]
        if network == "own network":
            assert ip_address(text).is_private
            assert not found
        else:
            assert ip_address(text).is_global
            assert found == [[numbers[network], network]]
            assert [rest for first, last, rest in countries if first <= here <= last] == [[country]]


def test_the_tables_are_in_order_and_do_not_overlap(autumn: Written) -> None:
    """The ranges of a table can be bisected: they rise, and none begins before the last one ended."""
    for path in (autumn.networks, autumn.countries):
        rows = table(path)
        assert len(rows) == 2 * len(NETWORKS)
        assert all(first <= last for first, last, _ in rows)
        assert all(one[1] < following[0] for one, following in pairwise(rows))


def test_colleagues_come_from_the_same_office_addresses(autumn: Written) -> None:
    """An office's few addresses carry several people, with several programs."""
    behind: defaultdict[str, set[str]] = defaultdict(set)
    for row in truth(autumn):
        if row.kind == "office" and row.client != "device":
            behind[row.address].add(row.name)
    assert max(len(names) for names in behind.values()) >= 4


def test_people_sleep_while_phones_do_not(year_truth: list[SessionTruth]) -> None:
    """At night in Berlin only programs that nobody touches are at work: phones, the probe and the back-up, and
    programs left on.
    """
    zone_of_berlin = [row for row in year_truth if row.country == "DE" and row.kind in {"isp", "office"}]
    hours = Counter(
        datetime.fromtimestamp(row.begun / 1000, UTC).hour
        for row in zone_of_berlin
        if row.client in {"thunderbird", "outlook", "apple_mail"}
    )
    assert sum(hours[hour] for hour in (1, 2, 3)) < sum(hours.values()) / 100
    phones = Counter(
        datetime.fromtimestamp(row.begun / 1000, UTC).hour
        for row in zone_of_berlin
        if row.client in {"ios_mail", "android_mail", "k9"}
    )
    assert min(phones[hour] for hour in range(24)) > sum(phones.values()) / 24 / 3


def test_nobody_is_at_the_office_on_free_days(year_truth: list[SessionTruth]) -> None:
    """No person's session comes from an office on a Sunday."""
    offices = [row for row in year_truth if row.kind == "office" and row.country == "DE"]
    assert offices
    assert not [row for row in offices if day(row).weekday() == 6]


def test_home_addresses_change_in_their_ways(year_truth: list[SessionTruth]) -> None:
    """Over a year some homes keep few addresses, some get a new one every day, and some use IPv6."""
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for row in year_truth:
        if row.kind == "isp":
            homes[row.name].add(row.address)
    fours = {name: sum(":" not in one for one in found) for name, found in homes.items()}
    assert min(len(found) for found in homes.values()) < 12
    assert max(fours.values()) > 200
    assert any(":" in one for found in homes.values() for one in found)


def test_a_provider_moves_its_customers(year_truth: list[SessionTruth]) -> None:
    """From one day on, the homes of one provider in each country have addresses of the other half of its block;
    others' stay.
    """
    moved = date.fromordinal(YEAR.begin.toordinal() + YEAR.days * 3 // 5)
    moving = {"Elbtal Breitband", "Kansai Hikari", "Lakeshore Cable"}
    halves: defaultdict[tuple[bool, bool], set[bool]] = defaultdict(set)
    for row in year_truth:
        if row.kind == "isp" and ":" not in row.address and abs((day(row) - moved).days) > 1:
            upper = int(row.address.split(".")[2]) >= 128
            halves[row.network in moving, day(row) > moved].add(upper)
    assert halves == {
        (False, False): {False},
        (False, True): {False},
        (True, False): {False},
        (True, True): {True},
    }


def test_some_people_move_house(year_truth: list[SessionTruth]) -> None:
    """Nobody has two providers at home at a time, and somebody changes theirs."""
    spans: defaultdict[str, dict[str, tuple[date, date]]] = defaultdict(dict)
    for row in year_truth:
        if row.kind == "isp" and row.behind is None:
            first, _ = spans[row.name].get(row.network, (day(row), day(row)))
            spans[row.name][row.network] = first, day(row)
    changed = [sorted(found.values()) for found in spans.values() if len(found) > 1]
    assert changed
    assert all(len(found) == 2 and found[0][1] <= found[1][0] for found in changed)


def test_people_travel(year_truth: list[SessionTruth]) -> None:
    """In a year people are seen in other countries, each for days and not for months."""
    abroad: defaultdict[str, set[tuple[str, date]]] = defaultdict(set)
    for row in year_truth:
        if row.kind == "hotel":
            abroad[row.name].add((row.country, day(row)))
    assert len(abroad) >= 6
    assert all(len(days) < 120 for days in abroad.values())
    assert len({country for days in abroad.values() for country, _ in days}) >= 5


def test_a_webmail_session_has_its_log_in_at_the_webmail(autumn: Written) -> None:
    """Every session from the webmail's address has a visit of the same account, from the browser's address, shortly
    before.
    """
    visits = {
        (between(line, " login for ", " "), between(line, " from ", " in session"))
        for line in lines(autumn, "roundcube")
    }
    webmail = [row for row in truth(autumn) if row.behind is not None]
    assert webmail
    assert {row.address for row in webmail} == {"127.0.0.1"}
    late = [row for row in webmail if (row.name, row.behind) not in visits]
    assert not late


def test_the_back_up_opens_every_mailbox_every_night(autumn: Written) -> None:
    """The master user's sessions name each account once a night, and Dovecot's log names who it really was."""
    rows = Counter((row.name, day(row)) for row in truth(autumn) if row.identity == "backup")
    assert set(rows.values()) == {1}
    assert len(rows) == 14 * 18
    found = [line for line in lines(autumn, "dovecot") if "auth_user=<backup>" in line]
    assert len(found) == len(rows)
    assert all(
        "user=<backup>" not in line.replace("auth_user=<backup>", "").replace("orig_user=<backup>", "")
        for line in found
    )


def test_the_probe_logs_in_every_few_minutes(autumn: Written) -> None:
    """The monitoring's account has a session every five minutes, day and night."""
    assert sum(row.name == "probe" for row in truth(autumn)) == 18 * 24 * 12


def test_a_phone_with_an_old_password_is_not_let_in(year: Written, year_truth: list[SessionTruth]) -> None:
    """Somebody is refused several times within hours from where they are, and in between the phone has no session."""
    refused: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for line in lines(year, "dovecot"):
        if "(auth failed, " in line and "rip=127.0.0.1" not in line:
            moment = datetime.fromisoformat(line.partition(" ")[0])
            refused[between(line, " user=<", ">"), str(moment.date())].append(moment.timestamp() * 1000)
    phones = {"ios_mail", "android_mail", "k9"}
    spells = [
        (name, times[0], times[-1])
        for (name, _), times in refused.items()
        if name in YEAR.people and len(times) > 4 and 3_600_000 < times[-1] - times[0] < 6 * 3_600_000
    ]
    quiet = [
        not any(row.name == name and row.client in phones and first <= row.begun < last for row in year_truth)
        for name, first, last in spells
    ]
    assert sum(quiet) >= 2


def test_strangers_try_passwords_in_vain(year_truth: list[SessionTruth], year: Written) -> None:
    """Refusals come from hosting networks too, for names that exist and that do not, and nobody of theirs is let in."""
    hosting = [network for network in NETWORKS if network.kind == "hosting"]
    assert not [row for row in year_truth if row.kind == "hosting"]
    prefixes = tuple(f"rip=28.{network.number}." for network in hosting)
    refused = [
        line
        for line in lines(year, "dovecot")
        if "auth failed" in line and any(one in line for one in prefixes)
    ]
    assert len(refused) > 500
    names = {between(line, " user=<", ">") for line in refused}
    assert names & set(YEAR.people)
    assert names - set(YEAR.people)


def test_the_server_loses_power_twice_a_year(year_truth: list[SessionTruth], year: Written) -> None:
    """Sessions that were open then have no end, nothing begins until the servers start again, and the start is in the
    log.
    """
    cuts = Organisation(YEAR)._cuts
    starts = [line for line in lines(year, "dovecot") if "starting up" in line]
    missing = [row for row in year_truth if row.ended is None and row.begun < YEAR.end_ms - 30 * 3_600_000]
    assert len(cuts) == len(starts) == 2
    assert not [row for row in year_truth if any(cut <= row.begun < cut + 240_000 for cut in cuts)]
    assert {sum(cut > row.begun for cut in cuts) for row in missing} <= {1, 2}
    assert missing
