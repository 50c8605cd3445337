"""What lively people and their administrator do beside the ordinary day: other devices, nights, whole mailboxes."""

from collections.abc import Collection, Iterator
from random import Random
from typing import Literal

from postwarden.lab.logs.changes import Copying
from postwarden.lab.logs.happenings import Session, SignIn
from postwarden.lab.logs.lively import Device, Lively
from postwarden.lab.logs.moments import instant
from postwarden.lab.logs.people import Day
from postwarden.lab.logs.places import Place

_MINUTE_MS = 60_000


def extras(person: Lively, ordinal: int, day: Day) -> Iterator[Session | SignIn]:
    """What is special on one local day, in no order."""
    rng = Random(f"{person.seed} extras {ordinal}")
    for device in (person.second, person.tablet):
        if device is not None and ordinal >= device.begins and rng.random() < device.share:
            yield from _other(person, device, ordinal, day.base, rng)
    if ordinal == person.pop3_day:
        yield _session(
            person.name,
            _at(person, ordinal, 600 + rng.random() * 600),
            day.work or day.base,
            rng,
            ordinal,
            client="thunderbird",
            bodies=500 + int(rng.random() * 9000),
            protocol="pop3",
        )
    if ordinal % 7 in _NIGHTS and rng.random() < person.nights:
        client = person.clients[0] if person.desktop else person.clients[1]
        for _ in range(1 + int(rng.random() * 4)):
            time = _at(person, ordinal, 1380 + rng.random() * 300)
            yield _session(person.name, time, day.base, rng, ordinal, client=client, bodies=int(rng.random() * 8))  # fmt: skip
    migration = person.changes.migration
    if migration is not None and 0 <= ordinal - migration < 7:
        yield from _fetched_anew(person, ordinal - migration, ordinal, day, rng)


#: Fridays and Saturdays, as `date.toordinal` modulo 7.
_NIGHTS = (5, 6)


def _at(person: Lively, ordinal: int, minute: float) -> int:
    return instant(ordinal, minute, person.site.zone)


def _other(
    person: Lively, device: Device, ordinal: int, place: Place, rng: Random
) -> Iterator[Session | SignIn]:
    """A second program or a tablet, used in the evening; at first everything is fetched."""
    new = ordinal < device.begins + 2
    for n in range(1 + int(rng.random() * 5)):
        time = _at(person, ordinal, 1080 + rng.random() * 300)
        if new and n == 0:
            yield SignIn(
                time=time - 5000,
                name=person.name,
                address=place.address(ordinal, time // 3_600_000 % 24, device.client),
                network=place.network,
                client=device.client if device.client in _SIGNS_IN else "imap_client",
            )
        bodies = int(rng.random() * 4000) if new else int(rng.random() * 9)
        yield _session(person.name, time, place, rng, ordinal, client=device.client, bodies=bodies)


_SIGNS_IN = frozenset({"thunderbird", "outlook", "apple_mail", "ios_mail", "android_mail"})


def _fetched_anew(person: Lively, since: int, ordinal: int, day: Day, rng: Random) -> Iterator[Session]:
    """The whole mailbox, by each program on the first day that it is used behind a migration."""
    drawn = Random(f"{person.seed} migration")
    bodies = int(300 * 100 ** drawn.random())
    used = [person.clients[0]] * person.desktop + [person.phone_client(ordinal)] * (person.phone != "none")
    for client in used:
        begins = drawn.choice((0, 0, 0, 1, 2, 6))
        place = (day.work or day.base) if client == person.clients[0] else day.base
        if begins == since:
            time = _at(person, ordinal, person.starts + rng.random() * 400)
            for _ in range(parts := 1 + int(rng.random() * 5)):
                yield _session(person.name, time, place, rng, ordinal, client=client, bodies=bodies // parts)
                time += 200 + int(rng.random() * 5 * _MINUTE_MS)


def copies(copying: Copying, accounts: Collection[str], begin: int) -> Iterator[Session | SignIn]:
    """The administrator's copying of those accounts that there are, one behind the other, from the evening of the day
    that begins at `begin`. It looks like an intruder's, and is not.
    """
    rng = Random(f"{copying.address} copying")
    place = Place(copying.network, lambda _day, _hour, _device: copying.address)
    time = begin + 18 * 3_600_000
    for name in copying.accounts:
        if name not in accounts:
            continue
        yield SignIn(time=time - 600, name=name, address=copying.address, network=copying.network, client="imap_client")  # fmt: skip
        copied = _session(name, time, place, rng, 0, client="imapsync", bodies=int(200 * 200 ** rng.random()))
        yield copied
        time = copied.end + 3000


def _session(
    name: str,
    time: int,
    place: Place,
    rng: Random,
    ordinal: int,
    *,
    client: str,
    bodies: int,
    protocol: Literal["imap", "pop3"] = "imap",
) -> Session:
    size = bodies * (4000 + int(rng.random() ** 2 * 150_000))
    headers = 0 if protocol == "pop3" else bodies * 2
    return Session(
        begin=time,
        end=time + 3000 + int(rng.random() * 20 * _MINUTE_MS) + size // (500 + int(rng.random() * 9000)),
        name=name,
        address=place.address(ordinal, time // 3_600_000 % 24, client),
        port=1024 + int(rng.random() * 64_000),
        network=place.network,
        client=client,
        protocol=protocol,
        bytes_in=200 + int(rng.random() * 900) + 45 * bodies,
        bytes_out=1500 + int(rng.random() * 6000) + size + 950 * headers,
        headers=headers,
        header_bytes=950 * headers,
        bodies=bodies,
        body_bytes=size,
    )
