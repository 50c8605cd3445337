"""A few passwords tried over many accounts (MITRE ATT&CK T1110.003), until one of them is right."""

from collections.abc import Iterator
from random import Random

from postwarden.lab.logs.happenings import Happening, Refusal, SignIn
from postwarden.lab.logs.intrusion import Intrusion, Spray
from postwarden.lab.logs.lines import line, seen
from postwarden.lab.logs.moments import utc_day
from postwarden.lab.logs.plan import DAY_MS, Plan
from postwarden.lab.logs.staff import staff


def tries(plan: Plan, one: Intrusion, spray: Spray) -> Iterator[tuple[int, list[Happening]]]:
    """Each refused try with its time, in order, all before the entry. Mail server and identity provider are both tried.

    What would lie before the logs begin, or longer ago than the spray lasts, is left out.
    """
    rng = Random(f"{one.seed} spray")
    names = _names(plan, one, spray, rng)
    places = [line(plan, one, number) for number in range(spray.lines)]
    earliest = max(plan.first_ms, one.entry - spray.days * DAY_MS)
    made: list[tuple[int, list[Happening]]] = []
    time = one.entry
    for name, known in reversed(names):
        time -= 400 + int(rng.expovariate(1 / spray.pause))
        if time - 100 < earliest:
            break
        place = rng.choice(places)
        address = seen(place, time, "spray")
        refusal = Refusal(
            begin=time,
            end=time + 300 + int(rng.random() * 2600),
            name=name,
            address=address,
            port=1024 + int(rng.random() * 64_000),
            network=place.network,
            known=known,
            intruder=one.seed,
        )
        sign_in = SignIn(
            time=time + 200,
            name=name,
            address=address,
            network=place.network,
            client="imap_client",
            error=50126 if known else 50034,
            known=known,
            intruder=one.seed,
        )
        made.append((time, [refusal, sign_in]))
    yield from reversed(made)


def _names(plan: Plan, one: Intrusion, spray: Spray, rng: Random) -> list[tuple[str, bool]]:
    """Who is tried, in order, round after round, and whether there is such an account. Some names are guessed from a
    list of people by another habit of making log-ins.
    """
    day = utc_day(one.entry)
    there = tuple(person.name for person in staff(plan) if person.exists(day))
    accounts = there + plan.shared + plan.devices
    guessed = sorted({name[0] + name.partition(".")[2] for name in there if "." in name} - set(accounts))
    tried = [(name, True) for name in rng.sample(accounts, max(1, round(len(accounts) * spray.share)))]
    tried += [(name, False) for name in rng.sample(guessed, len(guessed) // rng.randrange(1, 20))]
    found: list[tuple[str, bool]] = []
    for _ in range(spray.rounds):
        rng.shuffle(tried)
        found += tried
    return found
