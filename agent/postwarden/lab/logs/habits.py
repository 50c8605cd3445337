"""What a person does with their mail on one local day."""

from collections.abc import Callable, Iterator
from random import Random

from postwarden.lab.logs.happenings import Closing, Happening, Message, Refusal, Session, SignIn, Visit
from postwarden.lab.logs.moments import instant
from postwarden.lab.logs.networks import OWN
from postwarden.lab.logs.people import Day, Person
from postwarden.lab.logs.places import Place

#: Where the webmail's own connections to the mail server come from.
WEBMAIL_HOST = "127.0.0.1"

#: (first minute, last minute, place) of a local day, without holes.
Whereabouts = list[tuple[float, float, Place]]


def day_of(
    person: Person, ordinal: int, day: Day, seed: int, write_to: Callable[[Random], str]
) -> Iterator[Happening]:
    """Everything that a person does in a day, in no order; `write_to` draws somebody to write to."""
    rng = Random(f"{seed} {person.name} {ordinal}")
    begins = max(300, person.starts + int((rng.random() * 2 - 1) * person.drift))
    ends = min(1410, max(begins + 120, person.ends + int((rng.random() * 2 - 1) * person.drift)))
    where = _whereabouts(person.carrier(ordinal), day, begins, ends, rng)
    if person.phone != "none":
        # After a change of the password the phone has the old one until its owner finds the time.
        corrected = begins + 30 + rng.random() * 300 if ordinal == person.new_password else begins
        yield from _phone(person, ordinal, where, (begins, corrected), rng)
    works = day.work is not None or rng.random() < person.weekend
    if not works:
        return
    if day.work is None:
        begins, ends = 900 + int(rng.random() * 240), 1290
    place = day.work or day.base
    yield from _slips(person, ordinal, place, begins, rng)
    if person.desktop:
        yield from _desktop(person, ordinal, place, begins, ends, rng)
    if rng.random() < person.webmail:
        yield from _webmail(person, ordinal, place, begins + rng.random() * 240, rng)
    yield from _sign_ins(person, ordinal, place, begins, rng)
    yield from _letters(person, ordinal, place, begins, ends, rng, write_to)


def _whereabouts(mobile: Place, day: Day, begins: int, ends: int, rng: Random) -> Whereabouts:
    if day.commutes and day.work is not None:
        lead = 20 + rng.random() * 40
        return [
            (0, begins - lead, day.base),
            (begins - lead, begins, mobile),
            (begins, ends, day.work),
            (ends, ends + lead, mobile),
            (ends + lead, 1440, day.base),
        ]
    if day.work is None and rng.random() < 0.6:
        out, back = 600 + rng.random() * 120, 840 + rng.random() * 360
        return [(0, out, day.base), (out, back, mobile), (back, 1440, day.base)]
    return [(0, 1440, day.base)]


def _phone(
    person: Person, ordinal: int, where: Whereabouts, wrong: tuple[float, float], rng: Random
) -> Iterator[Session | Refusal]:
    """A phone that asks for mail by the clock, day and night, or that holds a connection until it is renewed.

    Between the minutes `wrong` its password is.
    """
    name, zone, poll = person.name, person.site.zone, person.poll
    client = person.phone_client(ordinal)
    push = person.phone == "push"
    draw = rng.random
    # By time that really passes: a day with a change of the clock is an hour shorter or longer.
    midnight = instant(ordinal, 0, zone)
    minutes = (instant(ordinal + 1, 0, zone) - midnight) // 60_000
    minute = draw() * poll
    step = 0
    known, hour_before, address = where[0][2], -1, ""
    while minute < minutes:
        while minute >= where[step][1] and step < len(where) - 1:
            step += 1
        place = where[step][2]
        hour = int(minute // 60)
        if place is not known or hour != hour_before:
            known, hour_before = place, hour
            address = place.address(ordinal, hour, client)
        begin = midnight + int(minute * 60_000)
        if wrong[0] <= minute < wrong[1]:
            yield _refused(person, begin, address, place, rng)
            minute += poll
            continue
        new = draw() < 0.2
        bodies = 1 + int(draw() * 3) if new else 0
        size = int(draw() * 60_000) * bodies
        length = int(poll * 60_000 * (0.9 + draw() * 0.09)) if push else 600 + int(draw() * 9_000)
        yield Session(
            begin=begin,
            end=begin + length,
            name=name,
            address=address,
            port=1024 + int(draw() * 64_000),
            network=place.network,
            client=client,
            bytes_in=180 + int(draw() * 300) + 40 * bodies,
            bytes_out=700 + int(draw() * 2500) + size,
            closing="idle" if push else "logged out",
            headers=bodies,
            header_bytes=bodies * 900,
            bodies=bodies,
            body_bytes=size,
        )
        # A phone without network, asleep or out of battery misses a few.
        minute += poll * (1 + int(draw() * 6) if draw() < 0.03 else 1) + draw() * 0.4


def _desktop(
    person: Person, ordinal: int, place: Place, begins: int, ends: int, rng: Random
) -> Iterator[Session]:
    """A mail program at a desk: one connection that waits for mail, renewed now and then, and short ones beside it."""
    client, zone = person.clients[0], person.site.zone
    minute, last = float(begins), ends + (540 if person.stays_on else 0)

    def session(at: float, minutes: float, bodies: int, closing: Closing) -> Session:
        begin = instant(ordinal, at, zone)
        size = sum(int(rng.random() ** 3 * 400_000) for _ in range(bodies))
        return Session(
            begin=begin,
            end=begin + int(minutes * 60_000),
            name=person.name,
            address=place.address(ordinal, int(at // 60) % 24, client),
            port=1024 + int(rng.random() * 64_000),
            network=place.network,
            client=client,
            bytes_in=400 + int(rng.random() * 2500) + 60 * bodies,
            bytes_out=2000 + int(rng.random() * 9000) + size,
            closing=closing,
            headers=bodies * 2,
            header_bytes=bodies * 1900,
            bodies=bodies,
            body_bytes=size,
            deleted=int(rng.random() * (bodies + 1) * 0.6),
            expunged=int(rng.random() * (bodies + 1) * 0.4),
        )

    lunch, back = _lunch(person)
    while minute < last:
        stays = 60 + rng.random() * 300
        if person.sleeps_at_lunch and minute < lunch < minute + stays:
            yield session(minute, lunch - minute, int(rng.random() * 9), "reset")
            minute = back + rng.random() * 4
            continue
        if minute + stays >= last:
            stays = last - minute + rng.random() * 5
            closing: Closing = "logged out" if rng.random() < 0.7 else "inactive"
        else:
            closing = "idle" if rng.random() < 0.8 else "reset"
        yield session(minute, stays, int(rng.random() * 12), closing)
        minute += stays + 0.05 + rng.random() * 3
    for _ in range(1 + int(rng.random() * 5)):
        at = _at_work(person, begins, ends, rng)
        yield session(
            at,
            0.2 + rng.random() * 8,
            int(rng.random() * 3),
            "finished" if rng.random() < 0.3 else "logged out",
        )


def _lunch(person: Person) -> tuple[float, float]:
    """The minutes between which a person has lunch."""
    lunch = person.starts + (person.ends - person.starts) * 0.45
    return lunch, lunch + 25 + person.drift % 20 * 2


def _at_work(person: Person, begins: int, ends: int, rng: Random) -> float:
    """A minute at which a person does something: within their hours, and seldom at lunch."""
    at = begins + rng.random() * (ends - begins)
    lunch, back = _lunch(person)
    return at + back - lunch if lunch < at < back and rng.random() < 0.9 else at


def _webmail(person: Person, ordinal: int, place: Place, at: float, rng: Random) -> Iterator[Happening]:
    """One log-in at the webmail, which connects to the mail server anew for every click."""
    address = place.address(ordinal, int(at // 60) % 24, "browser")
    time = instant(ordinal, at, person.site.zone)
    yield Visit(time=time, name=person.name, address=address, network=place.network)
    for _ in range(3 + int(rng.random() * 12)):
        bodies = int(rng.random() * 1.7)
        size = int(rng.random() * 90_000) * bodies
        yield Session(
            begin=time,
            end=time + 15 + int(rng.random() * 400),
            name=person.name,
            address=WEBMAIL_HOST,
            port=32_768 + int(rng.random() * 28_000),
            network=OWN,
            client="roundcube",
            bytes_in=120 + int(rng.random() * 300),
            bytes_out=900 + int(rng.random() * 9000) + size,
            bodies=bodies,
            body_bytes=size,
            behind=address,
        )
        time += 2000 + int(rng.random() * 120_000)


def _slips(person: Person, ordinal: int, place: Place, begins: int, rng: Random) -> Iterator[Happening]:
    """A mistyped password now and then."""
    zone = person.site.zone
    if rng.random() < person.slips:
        time = instant(ordinal, begins - 2, zone)
        address = place.address(ordinal, begins // 60, person.clients[0])
        if person.desktop:
            yield _refused(person, time, address, place, rng)
        else:
            yield Visit(time=time, name=person.name, address=address, network=place.network, let_in=False)
            yield Refusal(begin=time, end=time + 2000, name=person.name, address=WEBMAIL_HOST, port=40_000, network=OWN, behind=address)  # fmt: skip
        yield SignIn(time=time + 9000, name=person.name, address=address, network=place.network, client="browser", error=50126)  # fmt: skip


def _refused(person: Person, time: int, address: str, place: Place, rng: Random) -> Refusal:
    attempts = 1 + int(rng.random() * 1.3)
    return Refusal(
        begin=time,
        end=time + 2000 + 4000 * (attempts - 1) + int(rng.random() * 900),
        name=person.name,
        address=address,
        port=1024 + int(rng.random() * 64_000),
        network=place.network,
        attempts=attempts,
    )


def _sign_ins(person: Person, ordinal: int, place: Place, begins: int, rng: Random) -> Iterator[SignIn]:
    """Interactive sign-ins: the browser most working days, programs where their token ran out."""
    for client, chance in (("browser", 0.7), (person.clients[0], 0.1), (person.phone_client(ordinal), 0.04)):
        if rng.random() < chance:
            at = begins + rng.random() * 300
            yield SignIn(
                time=instant(ordinal, at, person.site.zone),
                name=person.name,
                address=place.address(ordinal, int(at // 60) % 24, client),
                network=place.network,
                client=client,
            )


def _letters(
    person: Person,
    ordinal: int,
    place: Place,
    begins: int,
    ends: int,
    rng: Random,
    write_to: Callable[[Random], str],
) -> Iterator[Message]:
    """Messages that a person writes."""
    for _ in range(int(rng.random() * 2 * person.letters)):
        at = _at_work(person, begins, ends, rng)
        others = tuple(sorted({write_to(rng) for _ in range(1 + int(rng.random() ** 3 * 4))}))
        yield Message(
            time=instant(ordinal, at, person.site.zone),
            sender=person.name,
            recipients=others,
            size=1200 + int(rng.random() ** 4 * 4_000_000),
            address=place.address(ordinal, int(at // 60) % 24, person.clients[0]),
            name=person.name,
        )
