"""Signs that need no statistics: each opens or names a window, and its nearest harmless case does not."""

import msgspec
import pytest

from postwarden.access.networks import Place
from postwarden.detect.access.settings import DAY, HOUR
from postwarden.detect.access.signs import MOST_ACCOUNTS, MOST_PLACES, OLD_FAMILY, Field
from tests.unit.detect.access.lives import (
    ABROAD,
    BEFORE,
    DESK,
    HOME,
    HOTEL,
    LINE,
    MINUTE,
    NEIGHBOUR,
    OFFICE,
    PHONE,
    SERVER_HERE,
    Life,
    at,
    feed,
    place,
    signs,
)


@pytest.fixture
def life() -> Life:
    """Alice's, with 14 weeks of habits."""
    made = Life()
    made.work(range(BEFORE))
    return made


# --- impossible travel


def test_two_places_that_nobody_travels_between_open_a_window(life: Life) -> None:
    """Work goes on at the office while there are sessions from another continent: with both, and the time that it takes."""
    life.stay(BEFORE, 8.5, 11, OFFICE)
    life.stay(BEFORE, 9.5, 10.5, ABROAD)
    (window,) = life.windows()
    assert window.account == "alice"
    (reason,) = (one for one in window.reasons if one.sign == "impossible_travel")
    assert "minutes" in reason.words
    assert "9.0 hours" in reason.words
    assert "Kitano Works Line" in reason.words


def test_a_flight_of_the_length_that_it_takes_is_no_window(life: Life) -> None:
    """The same two places with a night between them, and nobody at home meanwhile."""
    life.use(at(BEFORE, 9), OFFICE)
    life.use(at(BEFORE, 23), ABROAD)
    assert life.windows() == []


@pytest.mark.parametrize("country", ["RU", None, "JP"])
def test_neighbours_and_unknown_countries_are_never_too_far(life: Life, country: str | None) -> None:
    """A border can be walked over, and what has no country has no distance."""
    life.stay(BEFORE, 8.5, 11, OFFICE)
    life.stay(BEFORE, 9.2, 10.5, place("203.0.113.150", country, 64515, "Border Net"))
    assert not any("impossible_travel" in signs(window) for window in life.windows())


def test_without_a_table_of_distances_nothing_is_too_far(life: Life) -> None:
    """The sign is silent, the others speak."""
    life.stay(BEFORE, 8.5, 11, OFFICE)
    life.stay(BEFORE, 9.5, 10.5, ABROAD)
    assert not any("impossible_travel" in signs(one) for one in life.windows(hours=lambda _one, _other: None))


# --- old protocols


def modern() -> Life:
    """Somebody who reads mail in a browser and with a telephone."""
    life = Life()
    for day in range(BEFORE):
        life.stay(day, 9, 17, OFFICE, family="Chrome", protocol="owa")
        life.stay(day, 19, 22, HOME, family=PHONE, protocol="activesync", every=1)
    return life


def test_the_first_use_of_an_old_protocol_from_a_new_network_is_a_reason() -> None:
    """IMAP takes a password alone; where the account only used newer ways it says so."""
    life = modern()
    for day in range(BEFORE, BEFORE + 5):
        life.stay(day, 9, 17, OFFICE, family="Chrome", protocol="owa")
        life.stay(day, 11, 13, LINE, family=None)
    (window,) = life.windows()
    assert "legacy" in signs(window)
    assert window.protocols == ("imap",)


def test_an_old_protocol_at_the_office_is_no_window() -> None:
    """Somebody sets up their telephone anew where they always are."""
    life = modern()
    for day in range(BEFORE, BEFORE + 10):
        life.stay(day, 9, 17, OFFICE, family=PHONE)
    assert life.windows() == []


def test_an_old_protocol_through_a_provider_is_told_by_its_client() -> None:
    """Entra names the client instead of the protocol."""
    life = modern()
    for day in range(BEFORE, BEFORE + 5):
        life.stay(day, 9, 17, OFFICE, family="Chrome", protocol="owa")
        life.stay(day, 11, 13, LINE, family=OLD_FAMILY, protocol="sign_in")
    (window,) = life.windows()
    assert "legacy" in signs(window)


# --- hosting networks


def test_the_first_session_from_a_hosting_network_while_its_owner_works_is_a_window(life: Life) -> None:
    """Within the same country, by day."""
    life.stay(BEFORE, 9, 12, OFFICE)
    life.stay(BEFORE, 10, 11, SERVER_HERE, family="Python")
    (window,) = life.windows()
    assert {"hosting", "new_network"} <= signs(window)
    assert "rents out servers" in " ".join(reason.words for reason in window.reasons)


def test_a_hosting_network_that_its_owner_answered_for_is_no_window(life: Life) -> None:
    """A back-up program on a rented server: after the owner's word it is a habit."""
    life.use(at(BEFORE, 10), SERVER_HERE, family="imapsync")
    life.use(at(BEFORE, 22), SERVER_HERE, family="imapsync")
    (window,) = life.windows()
    life.answer(window, "yours", at(BEFORE + 1, 0))
    for day in range(BEFORE + 1, BEFORE + 40):
        life.use(at(day, 3), SERVER_HERE, family="imapsync")
    (same,) = life.windows()
    assert (same.verdict, same.sessions) == ("yours", 2)


def test_a_hosting_network_that_was_always_used_is_no_window(life: Life) -> None:
    """A program that runs on a rented server since the beginning."""
    for day in range(BEFORE + 20):
        life.stay(day, 0, 24, SERVER_HERE, family="Python", every=1)
    assert life.windows() == []


def test_a_hosting_network_that_all_use_is_no_window() -> None:
    """The organisation's way out leads through a rented server, from the first day on."""
    life = colleagues(12)
    way_out = place("203.0.113.221", asn=64514, name="Kita Hosting", hosting="hosting")
    for number in range(12):
        for day in range(BEFORE):
            life.stay(day, 13, 15, way_out, account=f"u{number}")
    assert life.windows() == []


# --- mass synchronisation


def test_a_mailbox_that_is_fetched_from_a_new_network_says_how_much(life: Life) -> None:
    """The bytes are added up over sessions, and told."""
    life.intrude(LINE, bytes_out=20_000_000)
    (window,) = life.windows()
    assert "mass" in signs(window)
    assert window.bytes_out is not None
    assert window.bytes_out >= 80_000_000


def test_a_mailbox_that_is_fetched_at_the_office_is_no_window(life: Life) -> None:
    """A new computer at the usual place fetches everything."""
    life.stay(BEFORE, 8.5, 17, OFFICE, family="Evolution", bytes_out=500_000_000)
    assert life.windows() == []


# --- refused log-ins


def tries(life: Life, where: Place, accounts: int, each: int, time: int) -> None:
    for number in range(accounts):
        for again in range(each):
            life.use(
                time + (number * each + again) * 1000, where, account=f"u{number}" if number else "alice", refused=True,
                family=None,
            )  # fmt: skip


def test_a_spray_that_ends_in_a_success_is_a_window(life: Life) -> None:
    """Twelve accounts were tried from an address, and days later one of them enters from there."""
    tries(life, LINE, 12, 1, at(BEFORE, 1))
    life.use(at(BEFORE + 3, 11), LINE)
    (window,) = life.windows()
    assert window.account == "alice"
    assert "sprayed" in signs(window)


def test_a_spray_from_the_next_address_counts_too(life: Life) -> None:
    """The whole /24 is one's who tries."""
    tries(life, place("203.0.113.41", asn=64510, name="Minami Net"), 12, 1, at(BEFORE, 1))
    life.use(at(BEFORE + 1, 11), LINE)
    (window,) = life.windows()
    assert "sprayed" in signs(window)


def test_wrong_passwords_of_colleagues_at_the_office_are_no_window(life: Life) -> None:
    """After a holiday many mistype theirs, and then get in."""
    tries(life, OFFICE, 12, 2, at(BEFORE, 8))
    life.stay(BEFORE, 9, 17, OFFICE)
    assert life.windows() == []


def test_a_spray_that_nobody_enters_after_is_no_window(life: Life) -> None:
    """Refused log-ins alone are the internet."""
    tries(life, LINE, 40, 3, at(BEFORE, 1))
    life.work(range(BEFORE, BEFORE + 7))
    assert life.windows() == []


def test_many_wrong_passwords_before_the_right_one_are_a_reason(life: Life) -> None:
    """Fifteen tries on one account, from a network that is new to it, while its owner works."""
    tries(life, LINE, 1, 15, at(BEFORE, 9))
    life.intrude(LINE)
    (window,) = life.windows()
    assert "forced" in signs(window)


def test_a_few_slips_in_a_hotel_are_no_window(life: Life) -> None:
    """Three wrong ones on a journey, and nobody at home."""
    tries(life, HOTEL, 1, 3, at(BEFORE + 5, 19))
    life.stay(BEFORE + 5, 19.2, 22, HOTEL, family=PHONE)
    assert life.windows() == []


# --- several accounts from one address


def colleagues(count: int, days: int = BEFORE) -> Life:
    """An office with homes: u0 and so on."""
    life = Life()
    for number in range(count):
        home = place(f"192.0.2.{number + 10}")
        life.work(range(days), account=f"u{number}", home=home)
    return life


def test_several_accounts_that_enter_from_one_new_address_are_told_with_their_number() -> None:
    """Four of twelve accounts come from an address that none had, while their owners are at work."""
    life = colleagues(12)
    for number in range(4):
        for day in range(BEFORE, BEFORE + 5):
            life.stay(day, 8.5, 17, OFFICE, account=f"u{number}")
            life.stay(day, 10 + number / 4, 13, LINE, account=f"u{number}")
    windows = {one.account: one for one in life.windows()}
    assert windows.keys() == {"u0", "u1", "u2", "u3"}
    assert any("several" in signs(one) for one in windows.values())


def test_an_organisation_that_moves_has_no_windows() -> None:
    """A new office for all: many move alike, and are nowhere else."""
    life = colleagues(24)
    there = place("203.0.113.5", asn=64520, name="New Line")
    for number in range(24):
        home = place(f"192.0.2.{number + 10}")
        life.work(range(BEFORE, BEFORE + 14), account=f"u{number}", office=there, home=home)
    assert life.windows() == []


def test_an_own_network_is_never_new() -> None:
    """An address that the administrator says is the organisation's."""
    life = colleagues(6)
    own = place("203.0.113.6", asn=64520, name="Own", address_class="own")
    for number in range(6):
        life.stay(BEFORE, 8.5, 17, own, account=f"u{number}")
    assert life.windows() == []


# --- dormant, occasions, departed


def test_an_account_that_wakes_up_somewhere_else_is_a_reason(life: Life) -> None:
    """Nobody used it for a hundred days, and then somebody abroad does."""
    life.stay(BEFORE + 100, 2, 4, SERVER_HERE, family="Python")
    (window,) = life.windows()
    assert "asleep" in signs(window)


def test_somebody_who_comes_back_after_a_long_leave_is_no_window(life: Life) -> None:
    """A hundred days away, and then home and office as before."""
    life.work(range(BEFORE + 100, BEFORE + 120))
    assert life.windows() == []


def test_access_right_after_something_was_changed_says_what(life: Life) -> None:
    """A rule was made, and within a day somebody comes from a new network while the owner works."""
    scorer = life.scorer()
    later = Life()
    later.intrude(LINE, day=BEFORE + 7)
    scorer.note("alice", at(BEFORE + 7, 9), "an inbox rule was made")
    feed(scorer, later.items)
    scorer.wait(at(BEFORE + 14, 0))
    (window,) = scorer.windows()
    assert "an inbox rule was made within a day before" in [one.words for one in window.reasons]


@pytest.mark.parametrize("when", [at(BEFORE + 5, 0), at(BEFORE + 12, 0)])
def test_what_was_changed_days_before_or_after_is_no_reason(life: Life, when: int) -> None:
    """Two days earlier, or when it is over."""
    scorer = life.scorer()
    later = Life()
    later.intrude(LINE, day=BEFORE + 7)
    scorer.note("alice", when, "an inbox rule was made")
    feed(scorer, later.items)
    scorer.wait(at(BEFORE + 14, 0))
    assert not any("occasion" in signs(window) for window in scorer.windows())


def test_a_rule_that_its_owner_makes_at_the_office_is_no_window(life: Life) -> None:
    """Access from where the owner always is, right after a change."""
    scorer = life.scorer()
    later = Life()
    later.work(range(BEFORE + 7, BEFORE + 9))
    scorer.note("alice", at(BEFORE + 7, 9), "an inbox rule was made")
    feed(scorer, later.items)
    assert list(scorer.windows()) == []


def test_any_use_of_an_account_whose_owner_left_is_a_window(life: Life) -> None:
    """Also from where it always was used; until the day itself it is none."""
    life.use(at(BEFORE, 12), OFFICE)
    for day, expected in ((BEFORE + 1, 0), (BEFORE, 1)):
        windows = life.windows(leaves=at(day, 0))
        assert len(windows) == expected
        assert all("departed" in signs(one) for one in windows)


# --- tokens and device codes


def test_one_sign_in_on_two_networks_is_a_reason(life: Life) -> None:
    """The same token from home and, an hour later, from a network that the account never used; day by day."""
    for day in range(BEFORE):
        life.use(at(day, 8), HOME, family="Chrome", protocol="sign_in", token=f"t{day}", session=f"t{day}")
    life.work(range(BEFORE, BEFORE + 5))
    for day in range(BEFORE, BEFORE + 5):
        life.use(at(day, 8), HOME, family="Chrome", protocol="sign_in", token=f"t{day}", session=f"t{day}")
        life.stay(day, 9, 12, LINE, family="Chrome", protocol="sign_in", token=f"t{day}", session=f"t{day}")
    (window,) = life.windows()
    assert "token" in signs(window)


def test_a_token_that_goes_from_home_to_the_office_is_no_window(life: Life) -> None:
    """A browser that is carried between two places that the account knows."""
    for day in range(BEFORE + 10):
        for hour, where in ((8, HOME), (9, OFFICE), (20, HOME)):
            life.use(
                at(day, hour), where, family="Chrome", protocol="sign_in", token=f"t{day}", session=f"t{day}"
            )
    assert life.windows() == []


def test_a_token_that_comes_back_on_another_day_is_no_reason(life: Life) -> None:
    """Sign-ins outlive a night on a journey."""
    life.use(at(BEFORE + 4, 18), OFFICE, family="Chrome", protocol="sign_in", token="t", session="t")
    life.use(at(BEFORE + 5, 9), HOTEL, family="Chrome", protocol="sign_in", token="t", session="t")
    assert not any("token" in signs(one) for one in life.windows())


def test_the_first_sign_in_by_device_code_is_a_reason(life: Life) -> None:
    """From a network that is new too, it is a window."""
    life.use(at(BEFORE, 10), HOTEL, protocol="sign_in", family="Chrome", method="deviceCode")
    (window,) = life.windows()
    assert "device_code" in signs(window)


def test_device_codes_that_are_always_used_are_no_window(life: Life) -> None:
    """A screen in a meeting room signs in by code every week."""
    for day in range(BEFORE + 60):
        life.use(at(day, 9), OFFICE, protocol="sign_in", family="Chrome")
        if day >= BEFORE and day % 7 == 2:
            life.use(at(day, 10), OFFICE, protocol="sign_in", family="Chrome", method="deviceCode")
    assert life.windows() == []


# --- programs that poll, and two places at once


def test_a_program_that_polls_from_elsewhere_while_its_owner_works_is_a_reason(life: Life) -> None:
    """Every ten minutes, from a network that the owner never uses."""
    for day in range(BEFORE, BEFORE + 5):
        life.stay(day, 8.5, 17, OFFICE)
        for number in range(30):
            life.use(at(day, 10) + number * 10 * MINUTE, LINE)
    (window,) = life.windows()
    assert "polls" in signs(window)
    assert any("every 10 minutes" in one.words for one in window.reasons)


def test_a_program_that_polls_at_home_is_no_window(life: Life) -> None:
    """A telephone and a computer that is left on ask all day and all night."""
    for number in range(6 * 24 * 20):
        life.use(at(BEFORE, 0) + number * 10 * MINUTE, HOME)
    life.work(range(BEFORE, BEFORE + 20))
    assert life.windows() == []


def test_sessions_from_two_places_at_the_same_time_are_a_reason(life: Life) -> None:
    """The owner works at the office before, while and after somebody else is in, in the same country."""
    life.intrude(LINE)
    (window,) = life.windows()
    assert "together" in signs(window)
    assert "Kitano Works Line" in next(one.words for one in window.reasons if one.sign == "together")


def test_an_evening_in_a_hotel_after_the_office_is_no_window(life: Life) -> None:
    """First one place, then the other, and nothing between."""
    life.stay(BEFORE, 8.5, 17, OFFICE)
    life.stay(BEFORE, 19, 22, HOTEL, family=PHONE)
    assert life.windows() == []


def test_the_house_next_door_is_told_only_with_something_else(life: Life) -> None:
    """Another address of the same provider for an evening is what leases are; nothing about it is an alarm."""
    life.stay(BEFORE, 19, 22, NEIGHBOUR, family=PHONE)
    assert life.windows() == []


def test_times_of_signs_are_bounded(life: Life) -> None:
    """A spray of a fortnight ago is no reason any more."""
    tries(life, LINE, 12, 1, at(BEFORE, 1))
    life.use(at(BEFORE, 1) + 15 * DAY + 10 * HOUR, LINE, family=DESK)
    assert not any("sprayed" in signs(one) for one in life.windows())


def test_guesses_from_everywhere_fill_no_memory() -> None:
    """Sixty thousand addresses and made-up names: what is remembered stays bounded, and a spray is still one."""
    field = Field()
    guess = Life().use(at(0, 1), LINE, refused=True)
    for number in range(60_000):
        where = place(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", asn=None)
        field.tried(msgspec.structs.replace(guess, place=where, account=f"a{number}"))
    for number in range(3_000):
        field.tried(msgspec.structs.replace(guess, account=f"b{number}"))
    assert len(field.tries) <= MOST_PLACES
    assert max(len(accounts) for accounts in field.tries.values()) <= MOST_ACCOUNTS
    assert field.accounts_tried(LINE.place, guess.time) == MOST_ACCOUNTS
