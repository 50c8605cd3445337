"""Failed log-ins of Dovecot, which two processes tell of: each is counted once.

The authentication process writes a line for each password that it refuses (`passwd-file(bob,192.0.2.1,<session>): Password
mismatch`, where `auth_verbose` is on), with the name that was tried; the log-in process one at the end of the connection,
with the number of tries and the last name. Where several password databases are asked in turn, the first may refuse what
the second accepts. So a line of the first kind waits for the connection's own line: its number of tries counts, the names
come from what waited. After a log-in that went well, what waited counts if it was another name or some seconds before.
What waits for too long was no connection of Dovecot's (another program asked for the password), and stands for itself.
"""

import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from postwarden.formats.server_logs.dovecot_elements import LEVEL
from postwarden.model.event import Access

#: A connection without a log-in is closed after three minutes.
WAIT = 300_000
_MOST = 2048
#: Databases that are asked in turn answer within the same second; a failed log-in is answered two seconds later.
_TURN = 1000

#: What 2.3's process and its workers write in front.
_ORIGIN = re.compile(
    rf"auth(?:-worker)?(?:\(\d+\))?: {LEVEL}(?:conn \S+ \([^()]*\): auth-worker<\d+>: )?", re.DOTALL
)
_ADDRESS = r"[0-9a-fA-F.:]{2,45}"
_VERDICT = re.compile(
    rf"[a-z][\w-]*\(([^,()<>]*),({_ADDRESS})(?:,master)?(?:,<([^<>,\s]*)>)?\): (.*)", re.DOTALL
)
#: 2.4 writes the user, the address and the mechanism first, and the database behind.
_VERDICT_2_4 = re.compile(
    rf"auth\(([^,()<>]*),({_ADDRESS})(?:,[^()<>]*)?\)(?:<([^<>\s]*)>)?: {LEVEL}(?:[a-z][\w-]*: )?(.*)",
    re.DOTALL,
)
#: Behind the words there may be the password that was tried: it is never kept.
_WORDS = re.compile(
    r"((?:unknown user|[Pp]assword mismatch|invalid credentials|[Ee]mpty password|user (?:is )?disabled"
    r"|allow_nets check failed.*?|pam_(?:authenticate|acct_mgmt)\(\) failed: .*?|[Aa]uthentication failure.*?"
    r"|[Pp]assword expired|[Ll]ogin disabled.*?))(?: \((?:[\w-]+ of )?given password: .*\))?",
    re.DOTALL,
)
_DISALLOWED = re.compile(
    r"(Username character disallowed by auth_username_chars: 0x[0-9a-f]{2}) \(username: (.*)\)", re.DOTALL
)
_MASTER = re.compile(r"Master user logging in as (.+)", re.DOTALL)


class Try(Struct, frozen=True, gc=False):
    """One password that was refused."""

    at: int
    time: int
    name: str
    address: str
    session: str | None
    reason: str

    @property
    def key(self) -> str:
        """What it shares with the connection's own line: a session has no blank in front."""
        return self.session or " " + self.address


def is_authentication(message: str) -> bool:
    """Whether the authentication process wrote the line."""
    return message.startswith("auth") and (
        _ORIGIN.match(message) is not None or _VERDICT_2_4.fullmatch(message) is not None
    )


def master_of(message: str) -> str | None:
    """The account that a master user logs in to."""
    origin = _ORIGIN.match(message)
    match = _MASTER.fullmatch(message, origin.end()) if origin else None
    return None if match is None else match[1]


def try_of(message: str, at: int, time: int) -> Try | None:
    """The refusal that a line of the authentication process tells of."""
    origin = _ORIGIN.match(message)
    match = _VERDICT.fullmatch(message, origin.end()) if origin else _VERDICT_2_4.fullmatch(message)
    if match is None:
        return None
    name, address, session, said = match.groups()
    if name == "?" and (disallowed := _DISALLOWED.fullmatch(said)):
        return Try(at, time, disallowed[2], address, session, disallowed[1])
    words = _WORDS.fullmatch(said)
    return None if words is None or not name else Try(at, time, name, address, session, words[1])


class Tries:
    """The refusals that wait for their connection's own line, oldest first."""

    def __init__(self, waiting: Iterable[Try] = ()) -> None:
        #: What waits for each session, or for each address with a blank in front.
        self.by_key: dict[str, list[Try]] = {}
        self._count = 0
        #: When the oldest has waited for too long.
        self.due: float = float("inf")
        for one in waiting:
            self._put(one)
        self._set_due()

    def waiting(self) -> list[Try]:
        return [one for tries in self.by_key.values() for one in tries]

    def add(self, one: Try) -> list[Access]:
        """Let one wait; returns those that are no longer waited for, as there are too many."""
        self._put(one)
        gone = self._pop_oldest() if self._count > _MOST else []
        self._set_due()
        return gone

    def overdue(self, now: int) -> list[Access]:
        """Those that waited for too long, standing for themselves."""
        gone: list[Access] = []
        while self.by_key and next(iter(self.by_key.values()))[0].time + WAIT < now:
            gone += self._pop_oldest()
        self._set_due()
        return gone

    def settle(self, line: Access) -> list[Access]:
        """A connection's own line with what waited for it, each try counted once; the line's own event is the last."""
        own = self._take(line)
        if line.stage == "begun":
            own = [one for one in own if not _in_turn(one, line)]
        others = [one for one in own if line.stage == "begun" or one.name != line.name]
        if line.stage == "refused":
            reasons = [one.reason for one in own if one.name == line.name]
            line = replace(
                line,
                attempts=max(1, line.attempts - len(others)),
                reason=reasons[-1] if reasons else line.reason,
            )
        told = [
            replace(
                line,
                at=one.at,
                time=one.time,
                stage="refused",
                name=one.name,
                identity=None,
                attempts=1,
                reason=one.reason,
            )
            for one in others
        ]
        return [*told, line]

    def _take(self, line: Access) -> list[Try]:
        """What waited for the line. Where no session is written, the address has to do."""
        if line.session in self.by_key:
            key, most = line.session, _MOST
        else:
            key, most = f" {line.address}", line.attempts if line.stage == "refused" else _MOST
        waiting = self.by_key.get(key, [])
        if line.stage == "begun" and key != line.session:
            # Of others behind the same address, or of tries before: they wait on.
            tries = [one for one in waiting if _in_turn(one, line)]
        else:
            tries = waiting[:most]
        rest = [one for one in waiting if one not in tries]
        if rest:
            self.by_key[key] = rest
        elif waiting:
            del self.by_key[key]
        self._count -= len(waiting) - len(rest)
        self._set_due()
        return tries

    def _put(self, one: Try) -> None:
        tries = self.by_key.setdefault(one.key, [])
        if tries and tries[-1].name == one.name and 0 <= one.time - tries[-1].time < _TURN:
            # The next database in turn: one try.
            tries[-1] = one
        else:
            tries.append(one)
            self._count += 1

    def _pop_oldest(self) -> list[Access]:
        tries = self.by_key.pop(next(iter(self.by_key)))
        self._count -= len(tries)
        return [
            Access(
                at=one.at,
                time=one.time,
                stage="refused",
                protocol="other",
                name=one.name,
                address=one.address,
                session=one.session,
                reason=one.reason,
            )
            for one in tries
        ]

    def _set_due(self) -> None:
        oldest = next(iter(self.by_key.values()), None)
        self.due = float("inf") if oldest is None else oldest[0].time + WAIT


def _in_turn(one: Try, line: Access) -> bool:
    """Whether a refusal is of a database that was asked before the one that let the log-in in."""
    return one.name in {line.name, line.identity} and line.time - one.time < _TURN
