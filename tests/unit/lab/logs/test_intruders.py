"""Each family of intruders does what its description says, and the truth tells them from everybody else."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from postwarden.errors import LabError
from postwarden.lab.logs import (
    FAMILIES,
    NETWORKS,
    Happening,
    Intrusion,
    Network,
    Plan,
    Refusal,
    Session,
    SignIn,
    Visit,
    Written,
    draw_intrusions,
    happenings,
    hosting_list,
    made_up_people,
)
from postwarden.lab.logs.entra import _PROGRAMS
from postwarden.lab.logs.intruder import Intruder
from postwarden.lab.logs.lines import line, seen
from postwarden.lab.logs.staff import owner
from tests.unit.lab.logs.made import AUTUMN, YEAR, Make, content, truth

#: Five of each family, entered in the first month.
PLAIN = Plan(
    seed=11,
    people=made_up_people(44),
    shared=("reception", "dispatch"),
    devices=("scanner",),
    begin=date(2025, 10, 1),
    days=150,
)
WANTED = [(family, date(2025, 10, 6 + n)) for family in FAMILIES for n in range(5)]
PLAN = replace(PLAIN, intrusions=draw_intrusions(PLAIN, "families", WANTED))

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Done:
    """What happened in PLAN, and what each intruder did there."""

    everything: tuple[Happening, ...]
    by: Mapping[str, tuple[Happening, ...]]

    def sessions(self, one: Intrusion) -> list[Session]:
        return [done for done in self.by[one.seed] if isinstance(done, Session)]

    def networks(self, one: Intrusion) -> set[Network]:
        """Those of the sessions; of the visits where the sessions come from the webmail."""
        return {
            done.network
            for done in self.by[one.seed]
            if isinstance(done, Visit) or (isinstance(done, Session) and done.behind is None)
        }


@pytest.fixture(scope="module")
def done() -> Done:
    """PLAN, happened."""
    everything = tuple(happenings(PLAN))
    by: defaultdict[str, list[Happening]] = defaultdict(list)
    for one in everything:
        if isinstance(one, Session | Refusal | SignIn | Visit) and one.intruder is not None:
            by[one.intruder].append(one)
    return Done(everything, {seed: tuple(found) for seed, found in by.items()})


def of(family: str) -> list[Intrusion]:
    return [one for one in PLAN.intrusions if one.family == family]


def when(one: Happening) -> int:
    return one.begin if isinstance(one, Session | Refusal) else one.time


def country(one: Intrusion) -> str:
    return owner(PLAN, one.victim).site.country


def test_a_server_abroad_is_hosting_in_another_country(done: Done) -> None:
    """Sessions of `foreign_hosting` come from hosting networks, none of them in the victim's country."""
    for one in of("foreign_hosting"):
        assert {network.kind for network in done.networks(one)} == {"hosting"}
        assert country(one) not in {network.country for network in done.networks(one)}


def test_a_server_inside_is_hosting_in_the_same_country(done: Done) -> None:
    """Sessions of `hosting_inside` come from hosting networks of the victim's country."""
    for one in of("hosting_inside"):
        assert {(network.kind, network.country) for network in done.networks(one)} == {
            ("hosting", country(one))
        }


def test_a_home_inside_is_another_providers(done: Done) -> None:
    """Sessions of `residential_inside` come from homes in the victim's country, of providers that the victim never has."""
    for one in of("residential_inside"):
        victim = owner(PLAN, one.victim)
        assert {(network.kind, network.country) for network in done.networks(one)} == {("isp", country(one))}
        assert not done.networks(one) & {victim.home.network, victim.next_home.network}


def test_the_same_provider_is_the_victims_but_not_their_line(done: Done) -> None:
    """Sessions of `same_provider` come from the victim's own provider, and not from the victim's address."""
    for one in of("same_provider"):
        victim = owner(PLAN, one.victim)
        day = datetime.fromtimestamp(one.entry / 1000, UTC).date().toordinal()
        home = victim.home if day < victim.moves else victim.next_home
        assert done.networks(one) == {home.network}
        assert done.sessions(one)[0].address != home.address(day, 12, victim.clients[0])


def test_some_of_the_same_provider_are_next_door() -> None:
    """Now and then a line of the victim's provider is in the /24 of the victim's home; mostly it is not."""
    plan = replace(PLAIN, people=made_up_people(400))
    drawn = draw_intrusions(plan, "doors", [("same_provider", date(2025, 11, 3))] * 300)
    near = [one.lines for one in drawn if one.lines.near is not None]
    assert 10 < len(near) < 90
    assert all(str(one.near).startswith(one.networks[0].v4.removesuffix("0.0/16")) for one in near)


def test_who_keeps_the_victims_hours_comes_at_work_time_on_work_days(done: Done) -> None:
    """Sessions of `victims_hours` begin and end on Mondays to Fridays, within the victim's own working day."""
    for one in of("victims_hours"):
        victim = owner(PLAN, one.victim)
        assert {network.country for network in done.networks(one)} == {country(one)}
        for session in done.sessions(one):
            begin, end = (
                datetime.fromtimestamp(time / 1000, ZoneInfo(victim.site.zone))
                for time in (session.begin, session.end)
            )
            assert begin.weekday() < 5
            assert begin.date() == end.date()
            assert victim.starts <= begin.hour * 60 + begin.minute <= victim.ends
            assert end.hour * 60 + end.minute <= victim.ends


def test_a_stolen_token_never_signs_in(done: Done) -> None:
    """`token_only` has sessions and nothing else: no sign-in, no password tried, no visit of the webmail."""
    for one in of("token_only"):
        assert done.sessions(one)
        assert len(done.sessions(one)) == len(done.by[one.seed])


def test_all_others_sign_in_shortly_before_they_enter(done: Done) -> None:
    """Everybody with a password has a sign-in in the seconds before the first session, from the same address."""
    for one in PLAN.intrusions:
        if one.family == "token_only":
            continue
        first = done.sessions(one)[0]
        found = [
            row
            for row in done.by[one.seed]
            if isinstance(row, SignIn) and row.error == 0 and one.entry - 15_000 < row.time < one.entry
        ]
        assert [row.address for row in found] == [first.behind or first.address]


def test_sign_ins_are_with_programs_that_the_identity_provider_knows(done: Done) -> None:
    """Every sign-in of an intruder, whatever the program, is one that the export of sign-ins can tell of."""
    clients = {row.client for found in done.by.values() for row in found if isinstance(row, SignIn)}
    assert {"imap_client", "browser"} <= clients
    assert clients <= set(_PROGRAMS)


def test_once_a_month_is_one_short_session_at_a_time(done: Done) -> None:
    """`once_a_month` has few sessions, each shorter than an hour, three to six weeks apart."""
    for one in of("once_a_month"):
        sessions = done.sessions(one)
        assert 1 <= len(sessions) <= 8
        assert all(session.end - session.begin < 3_600_000 for session in sessions)
        gaps = [following.begin - row.begin for row, following in pairwise(sessions)]
        assert all(20 * DAY_MS <= gap <= 47 * DAY_MS for gap in gaps[bool(one.rests) :])


def test_a_spray_tries_many_accounts_and_is_quiet_behind_its_success(done: Done) -> None:
    """`spray_then_quiet` is refused at many accounts before the entry, enters from one of the same addresses, then comes
    seldom.
    """
    for one in of("spray_then_quiet"):
        assert one.spray is not None
        refused = [row for row in done.by[one.seed] if isinstance(row, Refusal)]
        assert refused
        assert len({row.name for row in refused}) >= min(14, len(refused) // one.spray.rounds)
        assert all(row.begin < one.entry for row in refused)
        assert any(not row.known for row in refused)
        days = {session.begin // DAY_MS for session in done.sessions(one)}
        assert len(days) <= 3 * 150 / 7 * 1.5
        assert [session for session in done.sessions(one) if session.begin < one.entry + DAY_MS // 2]
        assert not [
            session
            for session in done.sessions(one)
            if one.entry + DAY_MS // 2 < session.begin < one.entry + one.rests
        ]


def test_a_spray_enters_from_an_address_that_it_tried_from() -> None:
    """The success of a spray over few servers is from an address that was refused before."""
    drawn = draw_intrusions(PLAIN, "sprays", [("spray_then_quiet", date(2025, 11, 3))] * 40)
    few = [one for one in drawn if one.spray is not None and one.spray.lines <= 3]
    few = [one for one in few if all(network.kind == "hosting" for network in one.lines.networks)][:3]
    assert few
    rows = list(happenings(replace(PLAIN, days=60, intrusions=tuple(few))))
    for one in few:
        tried = {row.address for row in rows if isinstance(row, Refusal) and row.intruder == one.seed}
        entry = next(
            row for row in rows if isinstance(row, SignIn) and row.intruder == one.seed and not row.error
        )
        assert entry.address in tried


def test_behind_a_spray_they_stay_on_its_lines_or_leave_them_for_good() -> None:
    """Who stays comes from addresses of the spray's servers; who does not is never seen at those again."""
    drawn = draw_intrusions(PLAIN, "sprays", [("spray_then_quiet", date(2025, 11, 3))] * 40)
    on_servers = [one for one in drawn if {network.kind for network in one.lines.networks} == {"hosting"}]
    stayed = left = 0
    for one in on_servers:
        assert one.spray is not None
        lines = {seen(line(PLAIN, one, number), one.entry, "x") for number in range(one.spray.lines)}
        rows = [row for row in Intruder(PLAIN, one).before(PLAIN.end_ms) if isinstance(row, Session)]
        later = {row.behind or row.address for row in rows if row.begin > one.entry + DAY_MS // 2}
        assert later <= lines if one.spray.stays else not later & lines
        stayed += bool(later) and one.spray.stays
        left += bool(later) and not one.spray.stays
    assert stayed
    assert left


def test_the_others_try_two_wrong_passwords_at_most(done: Done) -> None:
    """Who has a stolen password is refused twice at most, minutes before the entry, and at the victim's account only."""
    for one in PLAN.intrusions:
        if one.family != "spray_then_quiet":
            refused = [row for row in done.by[one.seed] if isinstance(row, Refusal)]
            assert len(refused) == one.wrong <= 2
            assert all(row.name == one.victim for row in refused)
            assert all(one.entry - 200_000 < row.begin < one.entry for row in refused)
    assert any(one.wrong for one in PLAN.intrusions)


def test_an_intruder_comes_from_the_entry_until_they_leave(done: Done) -> None:
    """The first session is at the entry, days at most behind the day asked for, and none begins long behind the leaving."""
    for one, (family, day) in zip(PLAN.intrusions, WANTED, strict=True):
        sessions = done.sessions(one)
        asked = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        assert one.family == family
        assert asked <= one.entry < asked + 9 * DAY_MS
        assert sessions[0].begin == one.entry
        assert all(session.begin < one.until + 3 * 3_600_000 for session in sessions)
        assert {session.name for session in sessions} == {one.victim}
    assert any(one.until < PLAN.end_ms for one in PLAN.intrusions)


def test_who_uses_the_webmail_is_seen_behind_it(done: Done) -> None:
    """Sessions over the webmail come from the webmail, with the intruder's own address behind it, as a visit tells it."""
    webmail = [one for one in PLAN.intrusions if one.webmail]
    assert webmail
    for one in webmail:
        visits = {row.address for row in done.by[one.seed] if isinstance(row, Visit)}
        assert {session.address for session in done.sessions(one)} == {"127.0.0.1"}
        assert {session.behind for session in done.sessions(one)} <= visits


def test_everything_happens_in_order_within_the_plan(done: Done) -> None:
    """`happenings` is in the order of time, from the first day to the end."""
    times = [when(one) for one in done.everything]
    assert times == sorted(times)
    assert PLAN.first_ms <= times[0]
    assert times[-1] < PLAN.end_ms


def test_what_the_others_do_does_not_change(done: Done) -> None:
    """Without what is marked as an intruder's, everything is as in the plan without intrusions."""
    others = [one for one in done.everything if getattr(one, "intruder", None) is None]
    assert others == list(happenings(PLAIN))


def test_the_truth_marks_exactly_the_intruders_sessions(make: Make) -> None:
    """The rows of `truth.jsonl` with an intruder are those that the plan without intrusions does not have, and they are in
    the log.
    """
    plain = replace(AUTUMN, logs=("dovecot",))
    drawn = draw_intrusions(plain, "truth", [(family, date(2025, 10, 22)) for family in FAMILIES])
    rows = truth(make(replace(plain, intrusions=drawn)))
    marked = Counter(row for row in rows if row.intruder is not None)
    assert Counter(rows) - Counter(truth(make(plain))) == marked
    assert {row.intruder for row in marked} == {one.seed for one in drawn}
    assert {(row.intruder, row.name) for row in marked} == {(one.seed, one.victim) for one in drawn}


def test_the_logs_do_not_tell_who_is_an_intruder(make: Make) -> None:
    """No log of any product names an intrusion."""
    drawn = draw_intrusions(AUTUMN, "silent", [(family, date(2025, 10, 22)) for family in FAMILIES])
    written = make(replace(AUTUMN, intrusions=drawn))
    for file in written.files:
        text = content(file.path)
        assert "intru" not in text
        assert not any(one.seed in text for one in drawn)


def digest(written: Written) -> str:
    """Of all logs, unpacked, and of the truth; not of the tables of networks."""
    found = hashlib.sha256()
    for log in sorted({file.log for file in written.files}):
        for file in written.of(log):
            found.update(file.path.name.removesuffix(".gz").encode() + b"\n")
            found.update(content(file.path).encode())
    assert written.truth is not None
    found.update(written.truth.read_bytes())
    return found.hexdigest()


def test_plans_without_intrusions_make_the_logs_that_they_made_before(autumn: Written, year: Written) -> None:
    """Two plans' logs are byte for byte those of the generator that knew no intruders."""
    assert AUTUMN.intrusions == YEAR.intrusions == ()
    assert digest(autumn) == "09cdc5f0ac066e08a40861dab7993fdf921395e2262f4b9e95383fefda0ad342"
    assert digest(year) == "6297d323fc4b4234feee912089f1772061e7daf2a714cbc0c51ed77103ba8440"


def test_the_same_arguments_draw_the_same_intrusions() -> None:
    """A seed draws the same intrusions again, another one others; no account has two."""
    again = draw_intrusions(PLAIN, "families", WANTED)
    others = draw_intrusions(PLAIN, "other", WANTED)
    assert again == PLAN.intrusions
    assert [one.victim for one in others] != [one.victim for one in again]
    assert len({one.victim for one in again}) == len(WANTED)
    assert {one.victim for one in draw_intrusions(PLAIN, "x", WANTED[:2], PLAIN.shared)} == set(PLAIN.shared)


def test_what_is_drawn_varies_widely() -> None:
    """Over many draws each way to read, to come, to leave something and to be seen occurs."""
    plan = replace(PLAIN, people=made_up_people(400))
    drawn = draw_intrusions(
        plan, "many", [(family, date(2025, 11, 3)) for family in FAMILIES for _ in range(50)]
    )
    assert {one.leaves for one in drawn} == {"nothing", "rule", "grant"}
    assert {one.rhythm for one in drawn} == {"polls", "by_hand", "long", "monthly"}
    assert {one.reading for one in drawn} == {"headers", "some", "all"}
    assert {one.protocol for one in drawn} == {"imap", "pop3"}
    assert {"imapsync", "python", "curl", "thunderbird", "outlook", "roundcube"} <= {
        one.client for one in drawn
    }
    assert {one.wrong for one in drawn} == {0, 1, 2}
    assert len({one.hours.zone for one in drawn}) > 8
    hauls = [one.haul for one in drawn if one.haul]
    assert min(hauls) < 100_000_000
    assert max(hauls) > 2_000_000_000
    assert 100 < sum(one.lines.keeps is None for one in drawn) < 300
    assert 60 < sum(one.until < plan.end_ms for one in drawn) < 200
    assert all((one.left_at is None) == (one.leaves == "nothing") for one in drawn)
    assert all(one.entry < one.left_at < one.until for one in drawn if one.left_at is not None)


@pytest.mark.parametrize(
    ("wanted", "victims", "words"),
    [
        ([("token_only", date(2025, 10, 3))], ("nobody",), "no 'nobody'"),
        ([("token_only", date(2025, 10, 3))] * 2, ("reception",), "2 intrusions"),
        ([("token_only", date(2025, 9, 3))], None, "2025-09-03"),
        ([("token_only", date(2027, 9, 3))], None, "2027-09-03"),
    ],
)
def test_intrusions_that_cannot_be_are_refused(
    wanted: list[tuple[str, date]], victims: tuple[str, ...] | None, words: str
) -> None:
    """A day outside the plan, an account that is not in it and too few accounts are errors that say so."""
    with pytest.raises(LabError, match=words):
        draw_intrusions(PLAIN, "wrong", wanted, victims)  # type: ignore[arg-type]


def test_a_plan_refuses_intrusions_that_are_not_its_own() -> None:
    """Intrusions upon accounts that a plan does not have, or twice the same, are refused when it is made."""
    one = PLAN.intrusions[0]
    with pytest.raises(LabError, match="to intrude upon"):
        replace(PLAIN, intrusions=(replace(one, victim="nobody"),))
    with pytest.raises(LabError, match="same seed"):
        replace(PLAIN, intrusions=(one, one))


def test_a_list_of_hosting_networks_covers_the_share_asked_for() -> None:
    """From none to all of the hosting networks, another choice for another seed, and nothing else."""
    hosting = {network.asn for network in NETWORKS if network.kind == "hosting"}
    assert hosting_list(0.0, "a") == frozenset()
    assert hosting_list(1.0, "a") == hosting
    assert hosting_list(0.5, "a") < hosting
    assert len(hosting_list(0.5, "a")) == round(len(hosting) / 2)
    assert hosting_list(0.5, "a") == hosting_list(0.5, "a") != hosting_list(0.5, "b")
    with pytest.raises(LabError, match=r"1\.5"):
        hosting_list(1.5, "a")
