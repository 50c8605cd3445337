"""What people answer about access windows: recorded, and what follows for the finding."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from postwarden.access.networks import Networks
from postwarden.detect.access.entry import Answer
from postwarden.errors import LedgerError, UsageError
from postwarden.findings.store import StateStore
from postwarden.findings.windows import ADDRESSES, SESSIONS, WINDOW, is_window, values
from postwarden.formats.indicators import parse_indicator
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.finding import Finding
from postwarden.model.indicator import Indicator
from postwarden.model.record import (
    Envelope,
    FindingAcknowledged,
    FindingAnswered,
    FindingChanged,
    FindingReopened,
    Record,
)
from postwarden.model.standing import Standing
from postwarden.model.window import Verdict
from postwarden.pipeline.record import Recorder

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAIL = re.compile(r"\b(?:e-?mails?|mails?|webmail|mailbox)\b")

WORTHLESS = (
    "it came through the account's own mailbox, or says nothing of another one: whoever is in there reads what is asked, and"
    " answers it"
)


class Said(Struct, frozen=True, kw_only=True):
    """An answer as somebody gives it: who said so, and over which channel; `until` is for a `yours` only."""

    verdict: Verdict
    by: str
    channel: str
    reason: str = ""
    until: datetime | None = None


class Taken(Struct, frozen=True, kw_only=True):
    """An answer that was recorded: how the finding stands now, and why the answer is worthless, if it is."""

    standing: Standing
    worthless: str | None


def answer(recorder: Recorder, prefix: str, said: Said, configured: Mapping[str, Account]) -> Taken:
    """Records an answer about the window whose finding's id starts with `prefix`. `configured` are the configuration's
    accounts by key, beside those that the ledger knows.

    Raises UsageError for a finding on something else, LedgerError where the prefix names none or several, or where the
    answer would take back that it was not the owner.
    """
    told: list[str | None] = []

    def decide(envelope: Envelope) -> list[Record]:
        standing = recorder.one(prefix)
        finding = standing.finding
        if not is_window(finding):
            raise UsageError(
                f"the finding {finding.id} ({finding.name}) is no access window",
                "only of windows can somebody say whose access it was; postwarden findings ack silences others",
            )
        key = finding.scope.key
        known = [one for one in (recorder.store.account(key), configured.get(key)) if one is not None]
        worthless = worthless_because(
            said.channel, {key.partition(":")[2], *_addresses(known)}, known=bool(known)
        )
        told.append(worthless)
        return list(_records(standing, said, worthless, envelope))

    recorder.write(decide)
    return Taken(standing=recorder.one(prefix), worthless=told[-1])


def _records(standing: Standing, said: Said, worthless: str | None, envelope: Envelope) -> Iterator[Record]:
    finding, before = standing.finding, standing.answer
    if standing.status == "resolved":
        raise LedgerError(f"the finding {finding.id} is resolved", "only of open windows can somebody answer")
    if worthless is None and said.verdict == "yours" and before is not None and before.verdict == "not_mine":
        raise LedgerError(
            f"the finding {finding.id} was answered: not mine, by {before.by} over {before.channel}",
            "that stands for good, so that nobody who is in can talk his sessions into being the owner's",
        )
    until = moment.text(said.until) if said.until else None
    yield FindingAnswered(
        **envelope, id=finding.id, scope=finding.scope, subject=finding.subject[1], verdict=said.verdict, by=said.by,
        channel=said.channel, reason=said.reason, worthless=worthless, until=until, sessions=_sessions(finding),
        cited=finding.evidence,
    )  # fmt: skip
    if worthless is not None:
        return
    words = f"answered by {said.by} over {said.channel}: {said.verdict.replace('_', ' ')}"
    if said.verdict == "yours":
        yield FindingAcknowledged(**envelope, id=finding.id, reason=words, until=until)
    elif standing.status == "acknowledged":
        yield FindingReopened(**envelope, id=finding.id, reason=words)
    else:
        yield FindingChanged(**envelope, finding=finding, changes=(words,))


def given(store: StateStore) -> tuple[Answer, ...]:
    """All that was said and counts, oldest first, as windows are scored with it."""
    return tuple(
        Answer(
            account=one.scope.key,
            subject=one.subject,
            verdict=one.verdict,
            time=_milliseconds(one.time),
            until=_milliseconds(one.until) if one.until else None,
        )
        for one in store.answers()
    )


def _milliseconds(text: str) -> int:
    return (moment.parse(text) - _EPOCH) // timedelta(milliseconds=1)


def worthless_because(channel: str, own: AbstractSet[str], *, known: bool) -> str | None:
    """Why an answer over this channel counts for nothing, or None.

    `own` are the account's addresses; `known` says whether these are all. Mail counts only where another address than the
    account's is named.
    """
    words = channel.casefold()
    if any("@" in address and address.casefold() in words for address in own):
        return WORTHLESS
    return WORTHLESS if _MAIL.search(words) and not (known and "@" in words) else None


def _addresses(accounts: Iterable[Account]) -> Iterator[str]:
    for account in accounts:
        yield from (account.login, *account.addresses, *account.names.values())


def indicators_of(finding: Finding, networks: Networks) -> tuple[tuple[Indicator, ...], tuple[str, ...]]:
    """What a window that was not the owner's is hunted by: its addresses; and those that are not, each with why.

    Of an IPv6 address it is the /64, since hosts there change addresses by themselves.
    """
    found: list[Indicator] = []
    left: list[str] = []
    for address in values(finding, ADDRESSES):
        place = networks.locate(address)
        if place is None:
            left.append(f"{address} is no address")
        elif place.address_class != "public":
            left.append(f"{address} is shared by many ({place.address_class.replace('_', ' ')})")
        else:
            note = f"{WINDOW} {finding.id}"
            found.append(parse_indicator("network" if "/" in place.place else "ip", place.place, note))
    return _once(found), tuple(left)


def _once(indicators: Sequence[Indicator]) -> tuple[Indicator, ...]:
    return tuple({one.text: one for one in indicators}.values())


def _sessions(finding: Finding) -> int:
    """How many sessions the window has, as its fact says."""
    return sum(int(text) for text in values(finding, SESSIONS))
