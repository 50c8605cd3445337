"""What ordinary people do all year opens no window."""

from datetime import date
from random import Random

import pytest

from postwarden.access.networks import Place
from postwarden.detect.access.calendar import Calendar
from tests.unit.detect.access.lives import (
    ABROAD,
    BEFORE,
    DESK,
    HOME,
    LINE,
    MINUTE,
    OFFICE,
    PHONE,
    Life,
    at,
    mobile,
    place,
)


@pytest.fixture
def life() -> Life:
    """Alice's, with 14 weeks of habits."""
    made = Life()
    made.work(range(BEFORE))
    return made


def test_the_first_weeks_of_an_account_are_quiet() -> None:
    """A new colleague begins to use an account, at the office and at home."""
    life = Life()
    life.work(range(20, 60))
    assert life.windows() == []


def test_a_year_of_work_is_quiet() -> None:
    """The same two places all the time."""
    life = Life()
    life.work(range(365))
    assert life.windows() == []


def test_a_journey_of_the_whole_account_is_quiet(life: Life) -> None:
    """A week in another country, from the hotel, and nobody at home meanwhile."""
    for day in range(BEFORE + 1, BEFORE + 8):
        life.stay(day, 7, 12, ABROAD)
        life.stay(day, 13, 20, ABROAD, family=PHONE)
    life.work(range(BEFORE + 9, BEFORE + 30))
    assert life.windows() == []


def test_a_journey_to_where_it_is_day_at_night_is_quiet(life: Life) -> None:
    """A week on the other side of the world: what is done by day there is done at night at home."""
    for day in range(BEFORE + 1, BEFORE + 8):
        life.stay(day, 0, 3, ABROAD)
        life.stay(day, 12, 16, ABROAD, family=PHONE)
    life.work(range(BEFORE + 9, BEFORE + 30))
    assert life.windows() == []


def test_a_journey_within_the_country_is_quiet(life: Life) -> None:
    """Three nights in a hotel of the same country; the office is empty."""
    life.stay(BEFORE, 8.5, 12, OFFICE)
    for day in range(BEFORE, BEFORE + 3):
        life.stay(day, 18, 23, LINE, family=PHONE)
    life.work(range(BEFORE + 4, BEFORE + 20))
    assert life.windows() == []


def test_a_new_telephone_is_quiet(life: Life) -> None:
    """Another client family in the networks that the account knows, from one day on."""
    for day in range(BEFORE, BEFORE + 30):
        life.stay(day, 8.5, 17.5, OFFICE)
        life.stay(day, 19, 22, HOME, family="Samsung Mail", every=1)
    assert life.windows() == []


def test_a_provider_that_renumbers_is_quiet() -> None:
    """One night thirty homes have addresses of another system; all move alike."""
    life = Life()
    for number in range(30):
        old = place(f"192.0.2.{number + 10}")
        new = place(f"203.0.113.{number + 10}", asn=64516, name="Kitano Cable East")
        life.work(range(BEFORE), account=f"u{number}", home=old)
        life.work(range(BEFORE, BEFORE + 21), account=f"u{number}", home=new)
    assert life.windows() == []


def test_new_addresses_every_day_are_quiet() -> None:
    """A provider that ends every connection at night."""
    life = Life()
    for day in range(BEFORE + 100):
        home = place(f"192.0.2.{day * 37 % 250 + 1}")
        life.work([day], home=home)
    assert life.windows() == []


def test_a_change_of_clocks_is_quiet() -> None:
    """The same local hours are another hour of UTC, in the zone of the account or without it."""
    for hour_of in (Calendar("Europe/Berlin", "DE", frozenset()).hour_of_week, None):
        life = Life()
        life.work(range(83))
        for day in range(83, 110):
            if day % 7 < 5:
                life.stay(day, 7.5, 16.5, OFFICE)
            life.stay(day, 18, 21, place(f"192.0.2.{200 + day % 20}"), family=PHONE, every=1)
        given = {} if hour_of is None else {"hour_of": lambda time, _country, of=hour_of: of(time)}
        assert life.windows(**given) == []


def test_holidays_are_quiet() -> None:
    """A week in which nobody is at the office, with mail read at home at noon, on days that count as Sundays."""
    free = frozenset(date(2025, 4, day) for day in range(14, 19))
    calendar = Calendar("UTC", "JP", free)
    life = Life()
    life.work(range(BEFORE))
    for day in range(BEFORE, BEFORE + 7):
        life.stay(day, 11, 14, HOME, family=PHONE)
    life.work(range(BEFORE + 7, BEFORE + 14))
    assert life.windows(hour_of=lambda time, _country: calendar.hour_of_week(time)) == []


def test_working_at_home_is_quiet(life: Life) -> None:
    """The office's computer is at home for three weeks, at the office's hours."""
    for day in range(BEFORE, BEFORE + 21):
        life.stay(day, 8.5, 17.5, HOME)
    life.work(range(BEFORE + 21, BEFORE + 30))
    assert life.windows() == []


def test_a_house_that_is_moved_to_is_quiet(life: Life) -> None:
    """From one day on home is another provider's line, and the old one is never seen again."""
    life.work(range(BEFORE, BEFORE + 40), home=LINE)
    assert life.windows() == []


def test_a_carrier_with_many_addresses_a_day_is_quiet() -> None:
    """A telephone comes from twelve addresses of its carrier on one day, also while the desk is in use."""
    life, chance = Life(), Random(3)
    for day in range(BEFORE + 60):
        life.work([day])
        for number in range(12):
            life.use(at(day, 7 + number * 1.3), mobile(chance.randrange(5000)), family=PHONE)
    assert life.windows() == []


def test_a_telephone_that_goes_out_for_the_first_time_is_quiet(life: Life) -> None:
    """After weeks at home it comes from the carrier's addresses, on the way and at lunch."""
    chance = Random(4)
    for day in range(BEFORE, BEFORE + 30):
        life.work([day])
        life.use(at(day, 8), mobile(chance.randrange(5000)), family=PHONE)
        life.use(at(day, 18), mobile(chance.randrange(5000)), family=PHONE)
    assert life.windows() == []


def test_privacy_addresses_of_ipv6_are_one_place() -> None:
    """Hosts change the second half of their address by themselves: the /64 stays."""
    home = Place(
        address_class="public", place="2001:db8:1:2::/64", prefix="2001:db8:1::/48", country="JP", asn=64500, network="Kitano Cable"
    )  # fmt: skip
    life = Life()
    for day in range(BEFORE):
        for hour in range(19, 23):
            life.use(at(day, hour), home, address=f"2001:db8:1:2::{day:x}:{hour:x}", family=PHONE)
    assert life.windows() == []


def test_a_client_that_polls_all_night_is_quiet(life: Life) -> None:
    """A computer that is never switched off, at the office, from one day on."""
    for day in range(BEFORE, BEFORE + 14):
        for number in range(24 * 4):
            life.use(at(day, 0) + number * 15 * MINUTE, OFFICE)
    assert life.windows() == []


def test_a_shared_mailbox_of_several_people_is_quiet() -> None:
    """Five people use one mailbox, each from home and from the office, at the same time."""
    life = Life()
    for number in range(5):
        home = place(f"192.0.2.{number * 20 + 5}", asn=64530 + number, name=f"Line {number}")
        for day in range(BEFORE + 60):
            if day % 7 < 5:
                life.stay(day, 9, 17, OFFICE, account="info", every=1)
                life.stay(day, 12, 21, home, account="info", every=2, family=DESK if number % 2 else PHONE)
    assert life.windows() == []


def test_a_back_up_service_at_the_office_is_quiet(life: Life) -> None:
    """It comes every hour of day and night, from the first day on."""
    for day in range(BEFORE + 30):
        for hour in range(24):
            life.use(at(day, hour), OFFICE, family="imapsync", bytes_out=40_000_000)
    assert life.windows() == []
