"""The truth about the logs: what readers of them must find, counted as the lines are made."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from postwarden.lab.logs.happenings import Session
from postwarden.lab.logs.plan import Log


@dataclass(slots=True)
class Tally:
    """What one log has of one account: log-ins let in, ends of sessions, connections refused, and passwords tried
    there.

    In Postfix's log, a log-in is one that sent a message. In Exchange's, each password is refused in a line of its
    own.
    """

    begun: int = 0
    ended: int = 0
    refused: int = 0
    attempts: int = 0


@dataclass(slots=True)
class Deliveries:
    """What a log has of messages: recipients that were handed over to, put off, given up; and messages taken."""

    messages: int = 0
    delivered: int = 0
    deferred: int = 0
    failed: int = 0


@dataclass(frozen=True)
class LogFile:
    """A file that was written. `first` and `last` are the times of its first and last line; compressed ones end in
    `.gz`.
    """

    log: Log
    path: Path
    lines: int
    first: int
    last: int


@dataclass(frozen=True)
class Written:
    """What was made: the files of each log, oldest first, and what is in them.

    `tallies` are by log and by the account's name there, of names that do not exist too. `networks` and `countries`
    are tables of the addresses (CSV, see `networks`), `truth` has a line a session, where asked for.
    """

    files: tuple[LogFile, ...]
    tallies: Mapping[Log, Mapping[str, Tally]]
    deliveries: Mapping[Log, Deliveries]
    networks: Path
    countries: Path
    truth: Path | None

    def of(self, log: Log) -> tuple[LogFile, ...]:
        """The files of one log, oldest first."""
        return tuple(file for file in self.files if file.log == log)

    def total(self, log: Log) -> Tally:
        """The sums over all names of a log."""
        rows = self.tallies.get(log, {}).values()
        return Tally(
            begun=sum(row.begun for row in rows),
            ended=sum(row.ended for row in rows),
            refused=sum(row.refused for row in rows),
            attempts=sum(row.attempts for row in rows),
        )


class SessionTruth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of `truth.jsonl`: a session that began within the logs. Times are milliseconds since 1970.

    `ended` is None where no log says so. `behind` is the browser's address where a webmail opened it. Network,
    country and kind are those of `address`. `intruder` is the seed of the intrusion, None where it was the owner or
    somebody who may.
    """

    begun: int
    name: str
    address: str
    port: int
    network: str
    country: str
    kind: str
    client: str
    protocol: str
    bytes_in: int
    bytes_out: int
    bodies: int = 0
    ended: int | None = None
    identity: str | None = None
    behind: str | None = None
    intruder: str | None = None


def truth_of(one: Session, end: int) -> SessionTruth:
    """The truth of a session in logs that end at `end`."""
    return SessionTruth(
        begun=one.begin,
        ended=None if one.closing == "cut" or one.end >= end else one.end,
        name=one.name,
        address=one.address,
        port=one.port,
        network=one.network.name,
        country=one.network.country,
        kind=one.network.kind,
        client=one.client,
        protocol=one.protocol,
        bytes_in=one.bytes_in,
        bytes_out=one.bytes_out,
        bodies=one.bodies,
        identity=one.identity,
        behind=one.behind,
        intruder=one.intruder,
    )


@dataclass
class Book:
    """Where the writers of logs count."""

    tallies: dict[Log, defaultdict[str, Tally]] = field(default_factory=dict)
    deliveries: dict[Log, Deliveries] = field(default_factory=dict)
    files: list[LogFile] = field(default_factory=list)

    def accounts(self, log: Log) -> defaultdict[str, Tally]:
        return self.tallies.setdefault(log, defaultdict(Tally))

    def messages(self, log: Log) -> Deliveries:
        return self.deliveries.setdefault(log, Deliveries())
