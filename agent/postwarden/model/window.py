"""Access windows: spans of access that do not fit an account's habits."""

from typing import Literal

from msgspec import Struct

#: What somebody said about the sessions of a window.
Verdict = Literal["yours", "not_mine"]


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that does not fit, as a sentence.

    `sign` is its fixed name. `weight` is in decibans: ten times the logarithm to base ten of how many times likelier it is
    where somebody else is in than where the owner is (I. J. Good, "Weight of evidence: a brief survey", 1985). What
    speaks for the owner has a weight below zero.
    """

    sign: str
    weight: int
    words: str


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One access window of an account. Times are milliseconds since 1970 in UTC.

    `subject` identifies it for good: the session that opened it. `opened` is the time of the session that made it one;
    `first` and `last` are those of the first and latest access that belongs to it. `reasons` are the heaviest first, and
    `weight` is their sum. `cited` are the rows of its sessions in the history, the first ones; `sessions` counts all.
    `habits_since` is when what is known of the account begins, None where nothing is. `provisional` says that the bound of
    the log's delay has not passed yet for its latest session. A verdict is what the account's owner answered.
    """

    account: str
    subject: str
    opened: int
    first: int
    last: int
    sessions: int
    weight: int
    reasons: tuple[Reason, ...]
    networks: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    bytes_out: int | None = None
    cited: tuple[int, ...] = ()
    habits_since: int | None = None
    provisional: bool = False
    verdict: Verdict | None = None
