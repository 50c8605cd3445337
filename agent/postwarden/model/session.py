"""Sessions as the history tells them."""

from typing import Literal

from msgspec import Struct

from postwarden.model.event import Protocol, Stage


class Session(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One session, sign-in or refused log-in of an account. Times are milliseconds since 1970 in UTC.

    `row` numbers it in the history. `begun` is None where only its end is known. `ended` is None while it is open, and
    where the end is not known: `end` says which. `requests` is a number where the format has no session ids and requests were
    grouped by account, address, client and time. `address` is the other side's, or the one that a proxy in front forwarded; the
    connection's own is then in `peer`. The rest is as in `event.Access`; what nobody counted is None, and zero bodies or
    headers prove nothing.
    """

    row: int
    source: str
    stage: Stage
    protocol: Protocol
    name: str
    begun: int | None
    ended: int | None
    end: Literal["ended", "open", "unknown", "refused"]
    address: str | None = None
    peer: str | None = None
    port: int | None = None
    server: str | None = None
    client: str | None = None
    application: str | None = None
    session: str | None = None
    identity: str | None = None
    method: str | None = None
    encrypted: bool | None = None
    attempts: int = 1
    reason: str | None = None
    requests: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    bodies: int | None = None
    body_bytes: int | None = None
    headers: int | None = None
    header_bytes: int | None = None
    deleted: int | None = None
    expunged: int | None = None

    @property
    def time(self) -> int:
        """When it began, or the only time that is known."""
        time = self.begun if self.begun is not None else self.ended
        assert time is not None
        return time
