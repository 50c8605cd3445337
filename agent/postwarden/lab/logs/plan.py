"""What to make: who, when, which servers' logs, in which form."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from postwarden.errors import LabError
from postwarden.lab.logs.intrusion import Intrusion

#: Dovecot's own log file; Dovecot through a syslog without years; Exchange's IMAP4 protocol log; sign-ins as
#: Microsoft Graph gives them; Roundcube's log of log-ins; Postfix through a syslog without years.
Log = Literal["dovecot", "dovecot_syslog", "exchange_imap4", "entra", "roundcube", "postfix"]
LOGS: tuple[Log, ...] = ("dovecot", "dovecot_syslog", "exchange_imap4", "entra", "roundcube", "postfix")

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Plan:
    """An organisation, and the logs of its servers for `days` days from `begin`, 00:00 UTC.

    Equal plans make equal files.

    `people` are log-ins of persons, `shared` of mailboxes that several of them open, `devices` of machines that log
    in by themselves; none may be in two of them. `zone` is the servers' time zone, `domain` the part behind the
    log-ins. The same habits are written to each of `logs`, as if each product served everybody.

    `rotation` is how often a log starts a new file, at 00:00 UTC; old ones are compressed where `compress` is set.
    Exchange always starts one a day and compresses none, and exported sign-ins are in one file a month.
    `login_format` is Dovecot's login_log_format_elements: as it comes, or with all that is good to know. `sign_ins`
    says whether each file of them is one array or has one object a line. With `truth`, the folder has a line for
    every session in `truth.jsonl`.

    `intrusions` happen to the people's and shared mailboxes; see `draw_intrusions`. What the others do is the same with
    and without them. In a `lively` organisation more changes than holidays, journeys and new phones: see `lively` and
    `changes`.
    """

    seed: int
    people: tuple[str, ...]
    begin: date
    days: int = 400
    shared: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    logs: tuple[Log, ...] = LOGS
    domain: str = "kitano-works.example"
    zone: str = "Europe/Berlin"
    rotation: Literal["daily", "weekly", "none"] = "daily"
    compress: bool = True
    login_format: Literal["default", "full"] = "full"
    sign_ins: Literal["lines", "array"] = "lines"
    truth: bool = False
    intrusions: tuple[Intrusion, ...] = ()
    ordinary: Literal["plain", "lively"] = "plain"

    def __post_init__(self) -> None:
        """LabError where the plan cannot be carried out."""
        names = self.people + self.shared + self.devices
        if len(set(names)) != len(names):
            raise LabError("a log-in is in the plan twice", "name each of people, shared and devices once")
        if self.days < 1 or not self.people:
            raise LabError("a plan needs a day and a person at least")
        if self.shared and len(self.people) < 2:
            raise LabError("a shared mailbox needs two people at least")
        victims = {one.victim for one in self.intrusions}
        if not victims <= set(self.people + self.shared):
            raise LabError(
                f"there is no {min(victims - set(self.people + self.shared))!r} to intrude upon",
                "one of people or shared",
            )
        if len({one.seed for one in self.intrusions}) != len(self.intrusions):
            raise LabError("two intrusions have the same seed", "draw them with another one")
        unknown = set(self.logs) - set(LOGS)
        if unknown:
            raise LabError(f"there is no log {min(unknown)!r} to make", f"one of {', '.join(LOGS)}")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as exc:
            raise LabError(f"{self.zone!r} is no time zone") from exc

    @property
    def first_ms(self) -> int:
        """When the logs begin, in milliseconds since 1970."""
        return int(datetime(self.begin.year, self.begin.month, self.begin.day, tzinfo=UTC).timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        """When the logs end: nothing at or behind it is in them."""
        return self.first_ms + self.days * DAY_MS


_GIVEN_NAMES = """
aiko akira amara amina anders anton bea bruno carla cem clara dana daniel dora edda elif emil eva
farah felix freya georg gina hanna haruto hugo ida ilse ines ivan jana jonas julia kaito karim lea
leo lina luca maja malik mara milan mina nadia nils nora oskar paula petra rafael rosa ruben sara
sven tala tom una vera viktor yara yuki zoe
"""
_FAMILY_NAMES = """
abe adler bauer berg brandt costa dahl diaz eder fischer fuchs garcia haas hayashi holm ito jansen
kato keller klein koch kolar kuhn lang lehto lopez maier mori nagy nakano neri novak ota peters popa
rao reyes roth sano santos silva sommer stein suzuki tanaka toth vogel wagner weber winter yamada
ziegler
"""


def made_up_people(count: int) -> tuple[str, ...]:
    """Log-ins of persons who do not exist, always the same ones; at most 3,000."""
    given_names, family_names = _GIVEN_NAMES.split(), _FAMILY_NAMES.split()
    names = [
        f"{given}.{family_names[(n * 7 + step) % len(family_names)]}"
        for step in range(len(family_names))
        for n, given in enumerate(given_names)
    ]
    if count > len(names):
        raise LabError(f"only {len(names)} people can be made up")
    return tuple(names[:count])
