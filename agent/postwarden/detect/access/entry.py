"""What is judged here: sessions with their places, in the order of their times, and what people answered."""

from msgspec import Struct

from postwarden.access.networks import Place
from postwarden.model.event import Protocol
from postwarden.model.window import Verdict


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One session, sign-in or refused log-in of an account. Times are milliseconds since 1970 in UTC.

    `row` is its number in the history. `account` is the account's key, or its name where no directory knows it. `place` is None
    where the address is not told or says nothing. `gateway` says that many are behind the address, and that the webmail's own
    log may tell where the account's browser is. `family` is the client's, see
    `access.clients`. `token` is the id of the sign-in session or token, where the log tells one that outlives a
    connection. `session` is what tells it from others at its source.
    """

    row: int
    account: str
    time: int
    source: str
    protocol: Protocol
    address: str | None = None
    place: Place | None = None
    family: str | None = None
    session: str | None = None
    token: str | None = None
    method: str | None = None
    application: str | None = None
    refused: bool = False
    attempts: int = 1
    gateway: bool = False


class End(Struct, frozen=True, kw_only=True, gc=False):
    """The end of a session, taken at its own time; account, place, family and protocol are those of its beginning. `number` is
    the end's in the history.
    """

    number: int
    account: str
    time: int
    protocol: Protocol
    place: Place | None = None
    family: str | None = None
    session: str | None = None
    bytes_out: int | None = None
    gateway: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """What somebody said about a window, at a time; `until` is when it ends, None where it does not."""

    account: str
    subject: str
    verdict: Verdict
    time: int
    until: int | None = None
