"""A simulated organisation with intruders: its sessions as two kinds of servers would tell of them.

*dovecot* tells no client and knows no identity provider; *exchange* tells clients, and has sign-ins beside them.
Places are made from the generator's own networks, as perfect databases of countries and networks would give them; of the
hosting networks the detector is told only a drawn share. What a master user does (the back-up, an administrator's
migration) is no session of the account's owner, and left out as history leaves it out of habits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from random import Random
from typing import Literal

from postwarden.access.clients import client_family
from postwarden.access.networks import Place
from postwarden.detect.access.entry import Entry
from postwarden.lab.logs import (
    FAMILIES,
    NETWORKS,
    Family,
    Network,
    Plan,
    draw_intrusions,
    happenings,
    hosting_list,
    made_up_people,
)
from postwarden.lab.logs.happenings import Refusal, Session, SignIn

View = Literal["dovecot", "exchange"]
VIEWS: tuple[View, ...] = ("dovecot", "exchange")

#: The program's names in the generator, as an Exchange server or an identity provider would tell them.
_AGENTS = {
    "apple_mail": "Mac OS X Mail",
    "ios_mail": "Apple-iPhone14C5",
    "android_mail": "Android-Mail",
    "k9": "K-9 Mail",
    "outlook": "Microsoft Outlook 16.0",
    "browser": "Chrome/126.0.0.0",
    "imap_client": "IMAP4",
}


@dataclass(frozen=True)
class World:
    """An organisation to evaluate in. `coverage` is the share of hosting networks that are told, `listed` are they."""

    seed: str
    plan: Plan
    coverage: float
    listed: frozenset[int]


@dataclass(frozen=True, slots=True)
class Step:
    """What happened, in the words of each view that tells of it; `intruder` is whose it was, None for the owner's."""

    dovecot: Entry | None
    exchange: Entry | None
    intruder: str | None

    def entry(self, view: View) -> Entry | None:
        return self.dovecot if view == "dovecot" else self.exchange


def organisation(
    seed: str,
    *,
    people: int,
    days: int,
    each: int,
    uncovered: bool,
    families: Sequence[Family] = FAMILIES,
    begin: date | None = None,
    entries: tuple[int, int] | None = None,
) -> World:
    """An organisation drawn from a seed, with `each` intruders of every family; none make a null run.

    They come in between the days `entries` of the logs; without, between the 60th and the 60th last. `uncovered` is one
    whose detector is told of no hosting network at all.
    """
    rng = Random(f"{seed} organisation")
    coverage = rng.uniform(0.3, 0.9)
    drawn = date(2023, 1, 1) + timedelta(days=rng.randrange(700))
    plan = Plan(
        seed=rng.getrandbits(31),
        people=made_up_people(people),
        begin=begin or drawn,
        days=days,
        shared=tuple(f"team{n}" for n in range(max(1, people // 20))),
        devices=tuple(f"scanner{n}" for n in range(max(1, people // 30))),
        zone=rng.choice(("Europe/Berlin", "UTC", "Asia/Tokyo")),
        ordinary="lively",
    )
    first, last = entries or (min(60, days // 3), max(days // 3 + 1, days - 60))
    wanted = [
        (family, plan.begin + timedelta(days=rng.randrange(first, last)))
        for family in families
        for _ in range(each)
    ]
    if wanted:
        plan = replace(plan, intrusions=draw_intrusions(plan, f"{seed} intrusions", wanted))
    share = 0.0 if uncovered else coverage
    return World(seed, plan, share, hosting_list(share, f"{seed} hosting"))


def steps(world: World, thinned: int = 0) -> Iterator[Step]:
    """Everything that the servers' logs tell, in the order of time; rows are counted from 1, alike in both views.

    With `thinned` only the first session, sign-in or refusal of an account from one address and over one protocol in
    each so many milliseconds, whoever's it is.
    """
    row = 0
    last: dict[tuple[str, str, str], int] = {}
    for one in happenings(world.plan):
        if not isinstance(one, Session | Refusal | SignIn) or (
            isinstance(one, Session) and one.identity is not None
        ):
            continue
        row += 1
        if thinned:
            time = one.time if isinstance(one, SignIn) else one.begin
            key = one.name, _address(one), one.protocol if isinstance(one, Session) else type(one).__name__
            if time - last.get(key, -thinned) < thinned:
                continue
            last[key] = time
        yield _step(one, row, world.listed)


def _address(one: Session | Refusal | SignIn) -> str:
    """Where somebody came from; at a webmail it is the browser."""
    return one.address if isinstance(one, SignIn) or one.behind is None else one.behind


def _step(one: Session | Refusal | SignIn, row: int, listed: frozenset[int]) -> Step:
    match one:
        case Session():
            place, family = _place_of(one, listed), _family(one.client)
            address, ended = _address(one), None if one.closing == "cut" else one.end
            return Step(
                Entry(
                    row=row,
                    account=one.name,
                    time=one.begin,
                    source="mail",
                    protocol=one.protocol,
                    ended=ended,
                    address=address,
                    place=place,
                    bytes_out=one.bytes_out,
                    bodies=one.bodies,
                ),
                Entry(
                    row=row,
                    account=one.name,
                    time=one.begin,
                    source="mail",
                    protocol=one.protocol,
                    ended=ended,
                    address=address,
                    place=place,
                    family=family,
                    bytes_out=one.bytes_out,
                ),
                one.intruder,
            )
        case Refusal():
            entry = Entry(
                row=row,
                account=one.name,
                time=one.begin,
                source="mail",
                protocol="imap",
                address=_address(one),
                place=_place_of(one, listed),
                refused=True,
                attempts=one.attempts,
            )
            return Step(entry, entry, one.intruder)
        case SignIn():
            entry = Entry(
                row=row,
                account=one.name,
                time=one.time,
                source="sign-ins",
                protocol="sign_in",
                address=one.address,
                place=_located(one.address, one.network, listed),
                family=_family(one.client),
                application=one.client,
                refused=one.error != 0,
            )
            return Step(None, entry, one.intruder)


def _place_of(one: Session | Refusal, listed: frozenset[int]) -> Place:
    """Where a session came from; a webmail's is its browser's, whose network its address tells."""
    if one.behind is None:
        return _located(one.address, one.network, listed)
    return _located(one.behind, _network_at(one.behind), listed)


def _network_at(address: str) -> Network:
    """The network of an address that the generator made: its number stands in it."""
    first, number = address.replace(":", ".").split(".")[:2]
    return NETWORKS[int(number, 16 if first == "2d00" else 10) - 1]


@lru_cache(maxsize=200_000)
def _located(address: str, network: Network, listed: frozenset[int]) -> Place:
    parsed = ip_address(address)
    four, outside = parsed.version == 4, network.kind != "own"
    return Place(
        address_class="public" if outside else "private",
        place=address if four else str(ip_network((parsed, 64), strict=False)),
        prefix=str(ip_network((parsed, 24 if four else 48), strict=False)),
        country=network.country if outside else None,
        asn=network.asn if outside else None,
        network=network.name if outside else None,
        hosting="hosting" if network.asn in listed else None,
    )


@lru_cache(maxsize=100)
def _family(client: str) -> str | None:
    return client_family(_AGENTS.get(client, client.replace("_", " ")))
