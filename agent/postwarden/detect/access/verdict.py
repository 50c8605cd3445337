"""A window as a finding: the verdict of a detector in code, with a life of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from postwarden.model import moment
from postwarden.model.finding import Fact, Finding, Level
from postwarden.model.finding_id import finding_id
from postwarden.model.scope import Scope
from postwarden.model.window import Window

#: The detector's id and name, as a rule has them.
RULE, NAME = "8d0c0a3e-6c1b-4c55-9d0e-5f6a7be2a4c1", "access_window"
TITLE = "Somebody else may have been in: access that does not fit the account"
#: From this weight on, in decibans, or with one of these signs, a window is not merely odd.
STRONG = 40
GRAVE = frozenset({"impossible_travel", "sprayed", "departed"})
#: Values of a fact.
MOST = 20

#: Facts that grow while a window goes on; what else changes is news.
GROWING = frozenset({"last access", "sessions", "bytes", "scoring"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ADVICE: tuple[str, ...] = (
    "preserve first: keep the servers' logs of this time, and export what the history has (postwarden history export)",
    "ask the owner, not by mail to this account, and record it: postwarden findings answer ID --yours (or --not-mine)",
    "not the owner: end the sessions, change the password, take back grants; postwarden findings list --by-time shows what else",
)


def level_of(window: Window) -> Level:
    """How grave a window is."""
    grave = any(reason.sign in GRAVE for reason in window.reasons)
    return "high" if grave or window.weight >= STRONG else "medium"


def finding_of(window: Window, scope: Scope, *, subject: str, evidence: tuple[str, ...]) -> Finding:
    """The finding on a window; `subject` is what identifies it in the ledger, `evidence` names the blobs with its sessions."""
    return Finding(
        id=finding_id(RULE, scope, ("window", subject)),
        rule=RULE,
        name=NAME,
        title=TITLE,
        level=level_of(window),
        scope=scope,
        subject=("window", subject),
        checks=(),
        facts=tuple(_facts(window, scope)),
        why=tuple(_why(window, scope)),
        evidence=evidence,
        attack=("T1078", "T1114.002"),
        advice=_ADVICE,
    )


def not_confirmed(finding: Finding) -> Finding:
    """The same when all lines are in and show that it fits the habits."""
    facts = tuple(
        Fact(name="scoring", values=("not confirmed",)) if fact.name == "scoring" else fact
        for fact in finding.facts
    )
    why = (
        "with all lines in, the sessions fit the account's habits; what was said before all had come:",
        *finding.why,
    )
    return Finding(
        id=finding.id, rule=finding.rule, name=finding.name, title=finding.title, level="low", scope=finding.scope,
        subject=finding.subject, checks=finding.checks, facts=facts, why=why, evidence=finding.evidence,
        attack=finding.attack, advice=finding.advice,
    )  # fmt: skip


def _why(window: Window, scope: Scope) -> Iterator[str]:
    who = "" if scope.kind == "account" else f" of {window.account}, whom no directory knows"
    times = _minute(window.first)
    if window.last // 60_000 != window.first // 60_000:
        times += f" to {_minute(window.last)}"
    fetched = f", {_size(window.bytes_out)} sent to it" if window.bytes_out else ""
    yield f"{times}: {_number(window.sessions, 'session')}{who}{fetched}"
    for reason in window.reasons:
        yield f"{reason.words} ({reason.weight:+d} decibans)"
    if window.habits_since is None:
        yield "nothing was known of the account's habits before"
    else:
        yield f"habits known since {_minute(window.habits_since)}, not known to be clean"
    if window.provisional:
        yield "this was said before the log's delay had passed: lines that are still to come may change it"


def _facts(window: Window, scope: Scope) -> Iterator[Fact]:
    if scope.kind != "account":
        yield Fact(name="account", values=(window.account,))
    yield Fact(name="first access", values=(moment.text(_moment(window.first)),))
    yield Fact(name="last access", values=(moment.text(_moment(window.last)),))
    yield Fact(name="sessions", values=(str(window.sessions),))
    for name, values in (
        ("networks", window.networks),
        ("countries", window.countries),
        ("addresses", window.addresses),
        ("clients", window.clients),
        ("protocols", window.protocols),
    ):
        if values:
            yield Fact(name=name, values=values[:MOST])
    if window.bytes_out is not None:
        yield Fact(name="bytes", values=(str(window.bytes_out),))
    yield Fact(name="reasons", values=tuple(reason.sign for reason in window.reasons if reason.weight > 0))
    yield Fact(name="scoring", values=("provisional" if window.provisional else "final",))


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _minute(milliseconds: int) -> str:
    return _moment(milliseconds).strftime("%Y-%m-%d %H:%M UTC")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _size(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f} MB"
    return f"{count // 1000} kB" if count >= 1000 else f"{count} bytes"
