"""What logs in by itself: a monitoring probe, a nightly back-up, machines, and colleagues in shared mailboxes."""

from collections.abc import Iterator, Sequence
from random import Random

from postwarden.lab.logs.happenings import Happening, Message, Session
from postwarden.lab.logs.moments import instant
from postwarden.lab.logs.networks import OWN
from postwarden.lab.logs.people import Day, Person
from postwarden.lab.logs.plan import DAY_MS, Plan
from postwarden.lab.logs.presence import present

#: The account that the monitoring logs in to, and the host that it does so from.
PROBE = "probe"
PROBE_HOST = "10.20.0.9"
PROBE_MINUTES = 5

#: The master user of the back-up, and its host.
BACKUP = "backup"
BACKUP_HOST = "10.20.0.8"


def probes(day_begin: int, rng: Random) -> Iterator[Session]:
    """The monitoring logs in, looks whether the INBOX opens, and leaves, every five minutes."""
    begin = day_begin + 13_000
    while begin < day_begin + DAY_MS:
        yield Session(
            begin=begin + int(rng.random() * 900),
            end=begin + 950 + int(rng.random() * 200),
            name=PROBE,
            address=PROBE_HOST,
            port=32_768 + int(rng.random() * 28_000),
            network=OWN,
            client="probe",
            bytes_in=42,
            bytes_out=731,
        )
        begin += PROBE_MINUTES * 60_000


def backups(names: Sequence[str], day_begin: int, rng: Random) -> Iterator[Session]:
    """Every night the back-up opens each mailbox in turn, as master user, and fetches what is new."""
    begin = day_begin + 90 * 60_000 + int(rng.random() * 60_000)
    for name in names:
        bodies = int(rng.random() * 30)
        size = bodies * (5_000 + int(rng.random() * 60_000))
        end = begin + 800 + bodies * 40
        yield Session(
            begin=begin,
            end=end,
            name=name,
            address=BACKUP_HOST,
            port=32_768 + int(rng.random() * 28_000),
            network=OWN,
            client="backup",
            bytes_in=300 + 25 * bodies,
            bytes_out=4000 + size,
            bodies=bodies,
            body_bytes=size,
            identity=BACKUP,
        )
        begin = end + 150


def machine(
    plan: Plan, name: str, ordinal: int, owner: Person, people: Sequence[str]
) -> Iterator[Session | Message]:
    """A machine in the office: fetches its mail over POP3 every hour, and sends scans to people on working days."""
    rng = Random(f"{plan.seed} {name} {ordinal}")
    place = owner.office(ordinal)
    gateway = place.address(ordinal, 0, name)
    midnight, next_midnight = (instant(day, 0, owner.site.zone) for day in (ordinal, ordinal + 1))
    for hour in range(midnight, next_midnight, 3_600_000):
        begin = hour + 420_000 + int(rng.random() * 60_000)
        yield Session(
            begin=begin,
            end=begin + 300 + int(rng.random() * 700),
            name=name,
            address=gateway,
            port=1024 + int(rng.random() * 64_000),
            network=place.network,
            client="device",
            protocol="pop3",
            bytes_in=30,
            bytes_out=120,
        )
    if owner.day(ordinal).work is None:
        return
    for _ in range(int(rng.random() * 12)):
        yield Message(
            time=instant(ordinal, 480 + rng.random() * 540, owner.site.zone),
            sender=name,
            recipients=(rng.choice(people),),
            size=80_000 + int(rng.random() * 5_000_000),
            address=gateway,
            name=name,
        )


def members(plan: Plan, name: str) -> tuple[str, ...]:
    """Who keeps a shared mailbox open: two to four people."""
    count = 2 + plan.shared.index(name) % 3
    return tuple(Random(f"{plan.seed} {name} members").sample(plan.people, min(len(plan.people), count)))


def shared(plan: Plan, name: str, members: Sequence[Person], ordinal: int) -> Iterator[Happening]:
    """A mailbox that some colleagues keep open beside their own, each from where they work that day."""
    for member in members:
        if not member.active(ordinal):
            continue
        for spell in member.spells(ordinal):
            rows = _kept_open(plan, name, member, ordinal, spell.day)
            yield from rows if plan.ordinary == "plain" else present(member, rows, ordinal, spell)


def _kept_open(plan: Plan, name: str, member: Person, ordinal: int, day: Day) -> Iterator[Session]:
    if day.work is None:
        return
    rng = Random(f"{plan.seed} {name} {member.name} {ordinal}")
    minute = member.starts + rng.random() * 30
    while minute < member.ends:
        stays = 30 + rng.random() * 240
        begin = instant(ordinal, minute, member.site.zone)
        bodies = int(rng.random() * 6)
        size = bodies * int(rng.random() * 80_000)
        yield Session(
            begin=begin,
            end=begin + int(min(stays, member.ends - minute + 5) * 60_000),
            name=name,
            address=day.work.address(ordinal, int(minute // 60) % 24, member.clients[0]),
            port=1024 + int(rng.random() * 64_000),
            network=day.work.network,
            client=member.clients[0],
            bytes_in=500 + int(rng.random() * 900),
            bytes_out=3000 + size,
            closing="idle",
            headers=bodies,
            header_bytes=bodies * 950,
            bodies=bodies,
            body_bytes=size,
        )
        minute += stays + 0.1
