"""Intrusions drawn from a seed, from ranges that are wide on purpose: what an intruder may do, not what is found."""

from collections.abc import Sequence
from datetime import date
from random import Random

from postwarden.errors import LabError
from postwarden.lab.logs.chance import between
from postwarden.lab.logs.hours import next_open
from postwarden.lab.logs.intrusion import Family, Hours, Intrusion, Leaves, Reading, Rhythm, Spray
from postwarden.lab.logs.lines import draw_lines
from postwarden.lab.logs.people import Person
from postwarden.lab.logs.plan import DAY_MS, Plan
from postwarden.lab.logs.staff import owner

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000

#: Where intruders may sit: any zone with offices in it will do.
_ZONES = (
    "Europe/Moscow",
    "Europe/Bucharest",
    "Europe/London",
    "Asia/Tehran",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Seoul",
    "Africa/Lagos",
    "America/Sao_Paulo",
    "America/New_York",
    "Australia/Sydney",
)
_COMMON = ("thunderbird", "outlook", "apple_mail", "ios_mail", "android_mail")
_ODD = ("imapsync", "python", "curl", "em_client", "offlineimap", "fetchmail", "mutt")
_FETCHES_POP3 = ("thunderbird", "outlook", "python", "fetchmail", "getmail", "curl")
#: Those that can hold a connection for hours.
_HOLDS = ("python", "em_client", "offlineimap", "mutt")


def draw_intrusions(
    plan: Plan, seed: str, wanted: Sequence[tuple[Family, date]], victims: Sequence[str] | None = None
) -> tuple[Intrusion, ...]:
    """An intrusion of each family wanted, entered on or within days behind its day.

    No account has two. They are drawn from `victims`, else from the plan's people and shared mailboxes. The same
    arguments draw the same ones; put them into `Plan.intrusions`. LabError where a day is outside the plan, an account
    is not in it, or there are too few.
    """
    rng = Random(f"{plan.seed} {seed} intrusions")
    names = list(plan.people + plan.shared if victims is None else victims)
    unknown = set(names) - set(plan.people + plan.shared)
    if unknown:
        raise LabError(f"there is no {min(unknown)!r} to intrude upon", "one of people or shared")
    if len(set(names)) < len(wanted):
        raise LabError(f"{len(wanted)} intrusions need as many accounts, and there are {len(set(names))}")
    left = sorted(set(names))
    rng.shuffle(left)
    found: list[Intrusion] = []
    for n, (family, day) in enumerate(wanted):
        name = next((one for one in left if owner(plan, one).exists(day.toordinal())), None)
        if name is None:
            raise LabError(f"no account is left that exists on {day}", "fewer intrusions, or more people")
        left.remove(name)
        found.append(_intrusion(plan, name, family, day, f"{plan.seed} {seed} {n} {name}"))
    return tuple(found)


def _intrusion(plan: Plan, name: str, family: Family, day: date, seed: str) -> Intrusion:
    rng = Random(f"{seed} intrusion")
    victim = owner(plan, name)
    begin = plan.first_ms + (day - plan.begin).days * DAY_MS
    webmail = family not in {"token_only", "once_a_month"} and rng.random() < 0.15
    pop3 = not webmail and rng.random() < 0.12
    rhythm = _rhythm(family, rng, webmail=webmail, pop3=pop3)
    hours = _hours(family, rhythm, victim, rng)
    entry = next_open(hours, begin + int(rng.random() * min(4 * DAY_MS, (plan.end_ms - begin) // 2)), rng)
    if not plan.first_ms <= begin <= entry < plan.end_ms:
        raise LabError(
            f"nobody can enter on {day} or behind", f"a day within the plan's {plan.days}, not its last"
        )
    until = _until(family, entry, plan, rng)
    leaves: Leaves = rng.choices(("nothing", "rule", "grant"), (5, 3, 2))[0]
    reading: Reading = rng.choice(("headers", "some", "all"))
    every = _every(family, rhythm, rng)
    return Intrusion(
        victim=name,
        family=family,
        entry=entry,
        until=until,
        leaves=leaves,
        seed=seed,
        lines=draw_lines(family, victim, entry, rng),
        hours=hours,
        rhythm=rhythm,
        every=every,
        jitter=1 / 3 if rhythm == "monthly" else rng.choice((0.0, 0.01, 0.05, 0.2)),
        rests=_rests(family, rng),
        protocol="pop3" if pop3 else "imap",
        webmail=webmail,
        client="roundcube" if webmail else _client(rhythm, victim, rng, pop3=pop3),
        wrong=0 if family in {"token_only", "spray_then_quiet"} else rng.choices((0, 1, 2), (7, 2, 1))[0],
        signs_in=None if family == "token_only" else rng.choice((0, 1, 7, 30, 90, 400)) * DAY_MS,
        reading=reading,
        bodies=_bodies(reading, every, rng),
        hauls_from=rng.choice((0, 0, 1, 2, 6)),
        haul=_haul(family, reading, rng),
        haul_comings=int(between(1, 20, rng)),
        left_at=None if leaves == "nothing" else min(entry + int(between(2 * _MINUTE_MS, 10 * DAY_MS, rng)), until - 1),
        spray=_spray(rng) if family == "spray_then_quiet" else None,
    )  # fmt: skip


def _rhythm(family: Family, rng: Random, *, webmail: bool, pop3: bool) -> Rhythm:
    if family == "once_a_month":
        return "monthly"
    if family == "spray_then_quiet" or webmail:
        return "by_hand"
    drawn: Rhythm = rng.choices(("polls", "by_hand", "long"), (3, 4, 3))[0]
    # Nothing waits for mail over POP3.
    return "by_hand" if pop3 and drawn == "long" else drawn


def _hours(family: Family, rhythm: Rhythm, victim: Person, rng: Random) -> Hours:
    """The victim's own, those of an office elsewhere, or all; a program that polls is mostly left on."""
    site = victim.site
    drawn = rng.choices(("any", "own", "victims"), (15, 3, 2) if rhythm == "polls" else (6, 7, 3))[0]
    if family == "victims_hours" or drawn == "victims":
        begins = victim.starts + int(rng.random() * 90)
        return Hours(site.zone, begins, victim.ends - int(rng.random() * 90), country=site.country)
    if drawn == "own":
        begins = 60 * rng.randrange(7, 12)
        length = 60 * rng.randrange(6, 12)
        return Hours(rng.choice(_ZONES), begins, begins + length, weekdays=rng.random() < 0.7)
    return Hours("UTC", 0, 1440)


def _until(family: Family, entry: int, plan: Plan, rng: Random) -> int:
    """Most stay; the others leave after days, or months where they come once in one."""
    if rng.random() < 0.7:
        return plan.end_ms
    stays = between(60, 200, rng) if family == "once_a_month" else between(2, 60, rng)
    return min(plan.end_ms, entry + int(stays * DAY_MS))


def _every(family: Family, rhythm: Rhythm, rng: Random) -> int:
    week = 7 * DAY_MS
    match rhythm:
        case "polls":
            return rng.choice((5, 10, 15, 20, 30, 60, 120, 240, 480, 720, 1440)) * _MINUTE_MS
        case "by_hand":
            seldom = family == "spray_then_quiet"
            return int(week / between(0.25, 3, rng) if seldom else week / between(0.5, 25, rng))
        case "long":
            return int(week / between(0.3, 7, rng))
        case "monthly":
            return 30 * DAY_MS


def _bodies(reading: Reading, every: int, rng: Random) -> float:
    """Messages read at a coming: all of the 3 to 60 a day that arrived since the last one, some of them, or none."""
    arrived = between(3, 60, rng) * every / DAY_MS
    some = between(0.3, 15, rng)
    return {"headers": 0.0, "some": min(some, arrived), "all": min(200, arrived)}[reading]


def _rests(family: Family, rng: Random) -> int:
    if family == "spray_then_quiet" or rng.random() < 0.2:
        return int(between(1, 30, rng) * DAY_MS)
    return 0


def _client(rhythm: Rhythm, victim: Person, rng: Random, *, pop3: bool) -> str:
    """The victim's own program, a common one, or one that few people have."""
    if pop3:
        return rng.choice(_FETCHES_POP3)
    own = (victim.clients[0], victim.clients[1])
    odd = _HOLDS if rhythm == "long" else _ODD
    return rng.choice(rng.choices((own, _COMMON, odd), (3, 3, 4))[0])


def _haul(family: Family, reading: Reading, rng: Random) -> int:
    """How much of the mailbox is copied: 20 MB to 6 GB, or none of it."""
    size = int(between(20e6, 6e9, rng))
    copies = {"headers": 0.0, "some": 0.35, "all": 1.0}[reading]
    return size if family != "once_a_month" and rng.random() < copies else 0


def _spray(rng: Random) -> Spray:
    slow = rng.random() < 0.5
    return Spray(
        rounds=rng.randrange(1, 7),
        pause=int(between(2 * _MINUTE_MS, _HOUR_MS, rng) if slow else between(500, 60_000, rng)),
        share=0.3 + 0.7 * rng.random(),
        lines=int(between(1, 40, rng)),
        days=30,
        stays=rng.random() < 0.4,
    )
