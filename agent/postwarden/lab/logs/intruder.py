"""What an intruder does at the servers, coming by coming, from the entry until they leave."""

from collections.abc import Iterator
from random import Random

from postwarden.lab.logs.chance import whole_number
from postwarden.lab.logs.habits import WEBMAIL_HOST
from postwarden.lab.logs.happenings import Closing, Happening, Refusal, Session, SignIn, Visit
from postwarden.lab.logs.hours import closes, next_open
from postwarden.lab.logs.intrusion import Intrusion
from postwarden.lab.logs.lines import Travels, seen
from postwarden.lab.logs.networks import OWN
from postwarden.lab.logs.places import Place
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.spray import tries

#: Programs that sign in by the identity provider's page; others send the password over the mail protocol.
_MODERN = frozenset({"outlook", "thunderbird", "apple_mail", "ios_mail", "android_mail", "k9"})

_MINUTE_MS = 60_000


class Intruder:
    """The happenings of one intrusion, given out as time goes on."""

    def __init__(self, plan: Plan, one: Intrusion) -> None:
        self._one = one
        self._travels = Travels(plan, one)
        self._rng = Random(f"{one.seed} comings")
        self._signs_in = one.entry
        self._rest = self._all(plan)
        self._next = next(self._rest, None)

    def before(self, time: int) -> Iterator[Happening]:
        """What they do in comings that begin before `time` and were not asked for yet."""
        while self._next is not None and self._next[0] < time:
            yield from self._next[1]
            self._next = next(self._rest, None)

    def _all(self, plan: Plan) -> Iterator[tuple[int, list[Happening]]]:
        one = self._one
        if one.spray is not None:
            yield from tries(plan, one, one.spray)
        number, time = 0, one.entry
        while time < one.until:
            yield time, list(self._coming(time, number))
            time = self._following(time, number)
            number += 1

    def _following(self, time: int, number: int) -> int:
        one, rng = self._one, self._rng
        if number == 0 and one.rests:
            return next_open(one.hours, time + one.rests, rng)
        if one.rhythm in {"polls", "monthly"}:
            pause = int(one.every * (1 + one.jitter * (2 * rng.random() - 1)))
            within = one.every if one.rhythm == "polls" else None
            return next_open(one.hours, time + pause, rng, within)
        return next_open(one.hours, time + 5 * _MINUTE_MS + int(rng.expovariate(1 / one.every)), rng)

    def _coming(self, time: int, number: int) -> Iterator[Happening]:
        one = self._one
        place = self._travels.at(time, number)
        address = seen(place, time, one.client)
        if number == 0:
            yield from self._refused(time, place, address)
        if one.signs_in is not None and time >= self._signs_in:
            self._signs_in = time + one.signs_in
            yield self._sign_in(time - 400 - int(self._rng.random() * 9000), place, address, 0)
        if one.webmail:
            yield from self._webmail(time, number, place, address)
        else:
            yield from self._connections(time, number, place, address)

    def _refused(self, entry: int, place: Place, address: str) -> Iterator[Happening]:
        """Wrong passwords before the right one."""
        one, rng = self._one, self._rng
        time = entry - 10_000
        for _ in range(one.wrong):
            time -= 4000 + int(rng.random() * 50_000)
            begin, source, network, behind = time, address, place.network, None
            if one.webmail:
                yield Visit(time=time, name=one.victim, address=address, network=network, let_in=False, intruder=one.seed)  # fmt: skip
                begin, source, network, behind = time + 5, WEBMAIL_HOST, OWN, address
            yield Refusal(
                begin=begin,
                end=begin + 2000 + int(rng.random() * 900),
                name=one.victim,
                address=source,
                port=self._port(),
                network=network,
                behind=behind,
                intruder=one.seed,
            )
            yield self._sign_in(time + 700, place, address, 50126)

    def _sign_in(self, time: int, place: Place, address: str, error: int) -> SignIn:
        one = self._one
        plain = "pop_client" if one.protocol == "pop3" else "imap_client"
        return SignIn(
            time=time,
            name=one.victim,
            address=address,
            network=place.network,
            client="browser" if one.webmail else one.client if one.client in _MODERN else plain,
            error=error,
            intruder=one.seed,
        )

    def _webmail(self, time: int, number: int, place: Place, address: str) -> Iterator[Happening]:
        one, rng = self._one, self._rng
        end = closes(one.hours, time)
        yield Visit(time=time - 40, name=one.victim, address=address, network=place.network, intruder=one.seed)  # fmt: skip
        copied = self._copied(number)
        clicks = 2 + int(rng.random() ** 2 * 40)
        for _ in range(clicks):
            bodies, size = self._read(copied // clicks, share=0.2)
            length, listed = 15 + int(rng.random() * 900), int(rng.random() * 40)
            yield self._session(time, length, WEBMAIL_HOST, (bodies, size), headers=listed, behind=address)
            time += 1500 + int(rng.expovariate(1 / 30_000))
            if end is not None and time >= end:
                return

    def _connections(self, time: int, number: int, place: Place, address: str) -> Iterator[Session]:
        one, rng = self._one, self._rng
        end = closes(one.hours, time)
        copied = self._copied(number)
        # Mail programs open several connections when somebody sits before them.
        for n in range(1 + int(rng.random() ** 2 * 4) if one.rhythm == "by_hand" else 1):
            bodies, size = self._read(copied if n == 0 else 0, share=1.0)
            length = self._length() + int(size / (300 + rng.random() ** 2 * 20_000))
            if end is not None:
                length = min(length, end - time)
            headers = self._headers(number)
            yield self._session(time, length, address, (bodies, size), headers=headers, network=place)
            time += 50 + int(rng.expovariate(1 / 90_000))
            if end is not None and time >= end:
                return

    def _session(
        self,
        begin: int,
        length: int,
        address: str,
        read: tuple[int, int],
        *,
        headers: int,
        network: Place | None = None,
        behind: str | None = None,
    ) -> Session:
        one, rng = self._one, self._rng
        bodies, size = read
        pop3 = one.protocol == "pop3"
        headers = 0 if pop3 else headers + bodies
        return Session(
            begin=begin,
            end=begin + max(15, length),
            name=one.victim,
            address=address,
            port=self._port(),
            network=OWN if network is None else network.network,
            client=one.client,
            protocol=one.protocol,
            bytes_in=60 + int(rng.random() * 600) + 40 * bodies,
            bytes_out=700 + int(rng.random() * 6000) + size + 950 * headers,
            closing=self._closing(),
            headers=headers,
            header_bytes=950 * headers,
            bodies=bodies,
            body_bytes=size,
            behind=behind,
            intruder=one.seed,
        )

    def _closing(self) -> Closing:
        if self._one.rhythm == "long":
            return self._rng.choice(("idle", "idle", "reset", "inactive"))
        return "logged out" if self._rng.random() < 0.8 else self._rng.choice(("finished", "reset"))

    def _length(self) -> int:
        """How long a session lasts without what it copies."""
        drawn = self._rng.random()
        match self._one.rhythm:
            case "polls":
                return 400 + int(drawn**3 * 30_000)
            case "by_hand":
                return 5000 + int(drawn**2 * 40 * _MINUTE_MS)
            case "long":
                return int((30 + drawn * 570) * _MINUTE_MS)
            case "monthly":
                return 8000 + int(drawn**2 * 10 * _MINUTE_MS)

    def _copied(self, number: int) -> int:
        """How many bytes of the mailbox are copied at a coming."""
        one = self._one
        if not one.haul or not 0 <= number - one.hauls_from < one.haul_comings:
            return 0
        return int(one.haul / one.haul_comings * (0.5 + self._rng.random()))

    def _read(self, copied: int, share: float) -> tuple[int, int]:
        """Messages and their bytes: those that are read, and a part of the mailbox."""
        one, rng = self._one, self._rng
        bodies = whole_number(one.bodies * share, rng)
        size = bodies * (2000 + int(rng.random() ** 3 * 300_000))
        return bodies + copied // 75_000, size + copied

    def _headers(self, number: int) -> int:
        """How many messages are listed: at first many, where that is what they are after."""
        one, rng = self._one, self._rng
        if one.reading == "headers" and number < 3:
            return int(rng.random() ** 2 * 8000)
        return whole_number(0.5 if one.rhythm == "polls" else 12, rng)

    def _port(self) -> int:
        return 1024 + int(self._rng.random() * 64_000)
