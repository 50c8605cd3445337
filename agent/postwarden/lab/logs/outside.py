"""What the rest of the world does to the servers: passwords tried in vain, and mail."""

from collections.abc import Iterator, Sequence
from random import Random

from postwarden.lab.logs.happenings import Happening, Message, Refusal, Scan, SignIn
from postwarden.lab.logs.networks import Network, of_kind, v4_address
from postwarden.lab.logs.plan import DAY_MS

_GUESSES = (
    "admin",
    "info",
    "test",
    "sales",
    "root",
    "postmaster",
    "support",
    "office",
    "mail",
    "contact",
    "user",
)
_SENDERS = (
    "orders",
    "news",
    "j.becker",
    "billing",
    "mhartmann",
    "service",
    "yoshida",
    "no-reply",
    "team",
    "carol.w",
)
_DOMAINS = (
    "aster-retail.example",
    "nordhavn-yards.example",
    "hansen-audit.example",
    "lieferung.example",
    "kisen.example",
)


def guesses(names: Sequence[str], day_begin: int, rng: Random) -> Iterator[Happening]:
    """Each day a few single tries and some who only look; every other week one password over many names. All fail."""
    hosting = of_kind("hosting")
    for _ in range(int(rng.random() * 5)):
        network = rng.choice(hosting)
        time = day_begin + int(rng.random() * DAY_MS)
        yield _try(rng.choice(_GUESSES), time, v4_address(network, rng), network, rng, known=False)
    for _ in range(int(rng.random() * 25)):
        network = rng.choice(hosting)
        yield Scan(
            time=day_begin + int(rng.random() * DAY_MS),
            address=v4_address(network, rng),
            port=1024 + int(rng.random() * 64_000),
            network=network,
            kind=rng.choice(("silent", "words", "handshake")),
        )
    if rng.random() > 1 / 14:
        return
    network = rng.choice(hosting)
    addresses = [v4_address(network, rng) for _ in range(1 + int(rng.random() * 6))]
    time = day_begin + int(rng.random() * (DAY_MS - 7_200_000))
    for _ in range(20 + int(rng.random() * 150)):
        known = rng.random() < 0.5
        name = rng.choice(names) if known else f"{rng.choice(_GUESSES)}{int(rng.random() * 30)}"
        yield _try(name, time, rng.choice(addresses), network, rng, known=known)
        if rng.random() < 0.2:
            yield SignIn(
                time=time + 500,
                name=name,
                address=addresses[0],
                network=network,
                client="imap_client",
                error=50126 if known else 50034,
                known=known,
            )
        time += 1000 + int(rng.random() * 40_000)


def _try(name: str, time: int, address: str, network: Network, rng: Random, *, known: bool) -> Refusal:
    return Refusal(
        begin=time,
        end=time + 2000 + int(rng.random() * 600),
        name=name,
        address=address,
        port=1024 + int(rng.random() * 64_000),
        network=network,
        known=known,
    )


def letters(names: Sequence[str], share: float, day_begin: int, rng: Random) -> Iterator[Message]:
    """Mail from other organisations: `share` messages an account a day."""
    hosts = of_kind("hosting")
    for _ in range(int(len(names) * share * (0.5 + rng.random()))):
        network = rng.choice(hosts)
        yield Message(
            time=day_begin + int(rng.gauss(12.5, 4) * 3_600_000) % DAY_MS,
            sender=f"{rng.choice(_SENDERS)}@{rng.choice(_DOMAINS)}",
            recipients=(rng.choice(names),),
            size=2000 + int(rng.random() ** 3 * 900_000),
            address=f"28.{network.number}.200.{1 + int(rng.random() * 20)}",
        )
