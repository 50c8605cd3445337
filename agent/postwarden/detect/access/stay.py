"""Stays: sessions of one account from one place with one client over one protocol, without a long pause."""

from msgspec import Struct, field

from postwarden.access.networks import Place
from postwarden.detect.access.entry import Entry

#: Beginnings of sessions that are kept to see whether a program polls.
BEGINNINGS = 12
#: Rows of sessions that a stay remembers, for a window to cite.
ROWS = 200


class Stay(Struct, array_like=True):
    """`last` is the latest beginning or known end of a session. `level` is the highest level on which it is new, if any.

    `novelty` and `conduct` are the signs that were seen, by name, with their weights in decibans: what is new, and how
    that was used. `others` counts sessions of the account from elsewhere while it lasts, `between` those from a place where the
    account was just before too, in a network that it does not roam in; `far` says in words that one of them is too far away. `fixed` says that its
    network is one that stays where it is.
    """

    begin: int
    last: int
    place: str | None
    network: str | None
    country: str | None
    family: str | None
    protocol: str
    name: str | None = None
    address: str | None = None
    hosting: str | None = None
    session: str = ""
    own: bool = False
    where: Place | None = None
    fixed: bool = False
    level: str | None = None
    sessions: int = 0
    bytes_out: int = 0
    others: int = 0
    between: int = 0
    elsewhere: str | None = None
    far: str | None = None
    novelty: dict[str, int] = field(default_factory=dict)
    conduct: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    beginnings: list[int] = field(default_factory=list)
    subject: str | None = None
    settled: bool = False
    watched: bool = False
    arrival: bool = False
    device_code: str | None = None

    @property
    def weight(self) -> int:
        return sum(self.novelty.values()) + sum(self.conduct.values())

    def say(self, sign: str, weight: int, words: str) -> None:
        """Something about how it is used."""
        self.conduct[sign] = weight
        self.words[sign] = words


def network_of(place: Place) -> str:
    """What counts as one network: an autonomous system, else the first bits of the address."""
    if place.asn is not None:
        return f"AS{place.asn}"
    return place.prefix


def identity_of(entry: Entry) -> str:
    """What tells a session from others of its source, whatever history it is read from."""
    return f"{entry.source} {entry.session or f'{entry.time} {entry.address}'}"
