"""How the people of the lab's clouds sign in: a few times a month, mostly from the office, now and then wrongly."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from postwarden.lab.cloud.moments import ago
from postwarden.lab.cloud.organisation import Person

#: Where the company's office appears to come from.
OFFICE = "198.51.100.10"
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
)
#: Days before the lab's start, and whether it was from home.
_OCCASIONS = ((0, False), (1, False), (4, True), (9, False), (23, True))


@dataclass(frozen=True)
class UsualSignIn:
    """One sign-in of somebody."""

    time: datetime
    address: str
    agent: str
    let_in: bool


def usual_sign_ins(person: Person, start: datetime) -> Iterator[UsualSignIn]:
    """What the person did in the month before the lab's start; nothing where the account is off."""
    if not person.enabled:
        return
    mark = zlib.crc32(person.login.encode())
    home = f"203.0.113.{10 + mark % 200}"
    agent = _AGENTS[mark % len(_AGENTS)]
    for days, from_home in _OCCASIONS:
        time = ago(start, days, "sign-in", person.login)
        yield UsualSignIn(time, home if from_home else OFFICE, agent, let_in=True)
    if mark % 4 == 0:
        yield UsualSignIn(ago(start, 4, "slip", person.login), home, agent, let_in=False)
