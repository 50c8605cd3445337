"""A simulated organisation with intruders: its sessions as two kinds of servers would tell of them.

*dovecot* tells no client and knows no identity provider; *exchange* tells clients, and has sign-ins beside them. Both have
a webmail whose own log tells where its browsers are.
Places are made from the generator's own networks, as perfect databases of countries and networks would give them; of the
hosting networks the detector is told only a drawn share. What a master user does (the back-up, an administrator's
migration) is no session of the account's owner, and left out as history leaves it out of habits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from ipaddress import ip_address, ip_network
from random import Random
from typing import Literal

from postwarden.access.clients import client_family
from postwarden.access.networks import Place
from postwarden.detect.access.entry import End, Entry
from postwarden.lab.logs import (
    FAMILIES,
    Family,
    Network,
    Plan,
    draw_intrusions,
    happenings,
    hosting_list,
    made_up_people,
)
from postwarden.lab.logs.happenings import Message, Refusal, Scan, Session, SignIn, Start, Visit

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


#: What a judge is given: a session, sign-in or refusal when it begins, and the end of a session when it ends.
Told = Entry | End


@dataclass(frozen=True, slots=True)
class Step:
    """What happened, in the words of each view that tells of it; `intruder` is whose it was, None for the owner's."""

    dovecot: Told | None
    exchange: Told | None
    intruder: str | None

    def told(self, view: View) -> Told | None:
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
    ends: list[tuple[int, int, Step]] = []
    for one in happenings(world.plan):
        if isinstance(one, Message | Scan | Start) or (isinstance(one, Session) and one.identity is not None):
            continue
        row += 1
        time = one.begin if isinstance(one, Session | Refusal) else one.time
        if thinned:
            kind = one.protocol if isinstance(one, Session) else type(one).__name__
            key = one.name, _behind(one) or one.address, kind
            if time - last.get(key, -thinned) < thinned:
                continue
            last[key] = time
        while ends and ends[0][0] <= time:
            yield heappop(ends)[2]
        yield _step(one, row, time, world.listed)
        if isinstance(one, Session) and one.closing != "cut":
            heappush(ends, (one.end, row, _end(one, row, world.listed)))


def _step(one: Session | Refusal | SignIn | Visit, row: int, time: int, listed: frozenset[int]) -> Step:
    match one:
        case Session():
            gateway, place = one.behind is not None, _place(one, listed)
            dovecot = Entry(
                row=row,
                account=one.name,
                time=time,
                source="mail",
                protocol=one.protocol,
                address=one.address,
                place=place,
                gateway=gateway,
            )
            exchange = Entry(
                row=row,
                account=one.name,
                time=time,
                source="mail",
                protocol=one.protocol,
                address=one.address,
                place=place,
                family=_family(one.client),
                gateway=gateway,
            )
            return Step(dovecot, exchange, one.intruder)
        case Refusal():
            refusal = Entry(
                row=row,
                account=one.name,
                time=time,
                source="mail",
                protocol="imap",
                address=one.address,
                place=_place(one, listed),
                refused=True,
                attempts=one.attempts,
                gateway=one.behind is not None,
            )
            return Step(refusal, refusal, one.intruder)
        case Visit():
            visit = Entry(
                row=row,
                account=one.name,
                time=time,
                source="webmail",
                protocol="webmail",
                address=one.address,
                place=_place(one, listed),
                refused=not one.let_in,
            )
            return Step(visit, visit, one.intruder)
        case SignIn():
            sign_in = Entry(
                row=row,
                account=one.name,
                time=time,
                source="sign-ins",
                protocol="sign_in",
                address=one.address,
                place=_place(one, listed),
                family=_family(one.client),
                application=one.client,
                refused=one.error != 0,
            )
            return Step(None, sign_in, one.intruder)


def _end(one: Session, row: int, listed: frozenset[int]) -> Step:
    gateway, place = one.behind is not None, _place(one, listed)
    dovecot = End(
        number=row,
        account=one.name,
        time=one.end,
        protocol=one.protocol,
        place=place,
        bytes_out=one.bytes_out,
        gateway=gateway,
    )
    exchange = End(
        number=row,
        account=one.name,
        time=one.end,
        protocol=one.protocol,
        place=place,
        family=_family(one.client),
        bytes_out=one.bytes_out,
        gateway=gateway,
    )
    return Step(dovecot, exchange, one.intruder)


def _behind(one: Session | Refusal | SignIn | Visit) -> str | None:
    """The browser's address of what came through the webmail."""
    return one.behind if isinstance(one, Session | Refusal) else None


def _place(one: Session | Refusal | SignIn | Visit, listed: frozenset[int]) -> Place | None:
    """Where it came from; what came through the webmail has no place of its own, the webmail's log-in has it."""
    return None if _behind(one) is not None else _located(one.address, one.network, listed)


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
