"""An intrusion: somebody else comes into one account, from a day on. What is drawn once for it, and what it means.

The families are ways in which stolen access has been used, told by where it comes from and how often (MITRE ATT&CK
T1078, valid accounts; T1114.002, remote e-mail collection; T1110.003, password spraying; T1090.002 and T1090.003,
proxies; T1550.001 and T1550.004, stolen tokens and web sessions). All of it is made up: nothing here was taken from a real case's logs, and
nothing is chosen to be easy or hard to find.
"""

from dataclasses import dataclass
from typing import Literal

from postwarden.lab.logs.networks import Network

#: `foreign_hosting`: a rented server or a VPN's exit in another country than the victim's site.
#: `hosting_inside`: the same in the victim's country.
#: `residential_inside`: somebody's line at home in the victim's country, as proxies of infected or rented homes give
#: it, of another provider than the victim's.
#: `same_provider`: another line of the victim's own provider, now and then next door to it (the same /24).
#: `victims_hours`: a line or server in the victim's country, used on the victim's working days in their hours only.
#: `token_only`: a stolen token or session, from anywhere: sessions at the mail server, never a sign-in or password.
#: `once_a_month`: one short session every 20 to 40 days, from anywhere.
#: `spray_then_quiet`: a few passwords over many accounts, fast or slow, until the victim's is right; then seldom a
#: session.
Family = Literal[
    "foreign_hosting",
    "hosting_inside",
    "residential_inside",
    "same_provider",
    "victims_hours",
    "token_only",
    "once_a_month",
    "spray_then_quiet",
]
FAMILIES: tuple[Family, ...] = (
    "foreign_hosting",
    "hosting_inside",
    "residential_inside",
    "same_provider",
    "victims_hours",
    "token_only",
    "once_a_month",
    "spray_then_quiet",
)

#: What the intruder leaves in the mailbox beside having read it: a rule that moves or forwards mail, an application's
#: grant, or nothing. The logs made here do not tell of it.
Leaves = Literal["nothing", "rule", "grant"]

#: `polls`: a program asks by the clock. `by_hand`: somebody looks at the mail for a while. `long`: a connection that is
#: held for hours. `monthly`: one short session.
Rhythm = Literal["polls", "by_hand", "long", "monthly"]

#: `headers`: who writes to whom about what. `some`: some messages. `all`: everything that is new.
Reading = Literal["headers", "some", "all"]


@dataclass(frozen=True)
class Hours:
    """When the intruder comes: between two minutes of the local day in `zone`.

    `country` is whose weekends and holidays they keep; with "" they keep weekends where `weekdays` is set, else none.
    """

    zone: str
    begins: int
    ends: int
    country: str = ""
    weekdays: bool = False


@dataclass(frozen=True)
class Lines:
    """Where the intruder comes from.

    Another line, in one of the `networks`, is taken every `keeps` milliseconds (0: at every coming; None: never). At a
    provider of homes each line's own address lasts `lease` days (0: for good). `dual` says that lines of homes have IPv6.
    `near` is the /24 that the lines lie in, as `28.4.17.`, None where they lie anywhere in the network.
    """

    networks: tuple[Network, ...]
    keeps: int | None
    lease: int
    dual: bool
    near: str | None = None


@dataclass(frozen=True)
class Spray:
    """Passwords tried over many accounts before the entry: `rounds` of them, one try every `pause` milliseconds or
    so, over `share` of the accounts and some names that do not exist, from `lines` lines; at most for `days` days.

    With `stays`, the sessions that follow come from those lines too.
    """

    rounds: int
    pause: int
    share: float
    lines: int
    days: int
    stays: bool


@dataclass(frozen=True)
class Intrusion:
    """Somebody else in the account `victim`. Times are milliseconds since 1970, lengths in milliseconds where not said.

    `entry` is the first session, `until` when they come no more: the end of the logs where they never leave. `seed`
    is their name in the truth, unlike any other's. `left_at` is when the rule or grant was made, None with "nothing".

    `webmail`: they use the webmail, not the mail server itself. `client` is the program's name as in
    `happenings.Session`. `rests` is the pause behind the entry, as with access that is sold on or kept. They come `every`
    milliseconds, on average where it is not by the clock, and by the clock as exactly as `jitter`, a share of it, says.

    `wrong` passwords are refused right before the entry. Interactive sign-ins are repeated every `signs_in`
    milliseconds; None where there is never one. From their coming number `hauls_from` on they copy `haul` bytes,
    spread over `haul_comings` comings; 0 bytes where they never copy the mailbox. `bodies` is how many messages they
    read in a session, on average.
    """

    victim: str
    family: Family
    entry: int
    until: int
    leaves: Leaves
    seed: str
    lines: Lines
    hours: Hours
    rhythm: Rhythm
    every: int
    jitter: float
    rests: int
    protocol: Literal["imap", "pop3"]
    webmail: bool
    client: str
    wrong: int
    signs_in: int | None
    reading: Reading
    bodies: float
    hauls_from: int
    haul: int
    haul_comings: int
    left_at: int | None = None
    spray: Spray | None = None
