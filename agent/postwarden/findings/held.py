"""Which grants a scope held when it was last read, and since when: a part of the state store.

All of it is derived from the ledger's `grants_changed` records, so a first-seen time is one that was signed.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.findings.life import facts_changed
from postwarden.model import moment
from postwarden.model.application import FirstSeen
from postwarden.model.encoding import encode
from postwarden.model.evidence import Grant
from postwarden.model.finding import CheckRef, Fact
from postwarden.model.moment import Moment
from postwarden.model.record import CarriedGrants, Envelope, GrantsChanged, HeldGrant
from postwarden.model.scope import Scope

Key = tuple[str, str, str, str]

SCHEMA = (
    (
        "CREATE TABLE held (scope_kind TEXT NOT NULL, scope_key TEXT NOT NULL, source TEXT NOT NULL,"
        " checked TEXT NOT NULL, key TEXT NOT NULL, seen BLOB NOT NULL,"
        " PRIMARY KEY (scope_kind, scope_key, source, checked, key)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE held_whole (scope_kind TEXT NOT NULL, scope_key TEXT NOT NULL, source TEXT NOT NULL,"
        " checked TEXT NOT NULL, PRIMARY KEY (scope_kind, scope_key, source, checked)) WITHOUT ROWID"
    ),
)

#: The checks that grants come from: absence in a complete read of one of them means gone.
CHECKS = frozenset(
    {
        "grants",
        "tenant_grants",
        "applications",
        "app_passwords",
        "offline_sessions",
        "clients",
        "domain_wide",
        "add_ins",
    }
)

#: Bytes that grants may take of a record, one grant of them, and the words about them: a ledger's line has 65,535.
MAX_BYTES, MAX_GRANT, MAX_TOLD = 40_000, 20_000, 12_000
#: Values of one fact of a grant, and characters of each and of its name: the first that fits.
_LIMITS = ((40, 200), (20, 100), (10, 60), (5, 30))
_SCOPES = "scopes"
#: The fact that says who consented: the last one, where it is told.
_CONSENT = "consent"
#: The fact that has a digest, where not all of a grant is kept.
_ALL = "all of it"
#: Changes that a record tells in words; the others it only counts. Characters of each: the first that fits.
MAX_WORDS = 20
_CHARACTERS = (200, 100, 40)
#: Characters of an application's id and of a resource, and how many of them stay beside a digest where there are more.
_MAX_PART, _PART = 200, 60


class Seen(Struct, frozen=True, kw_only=True):
    """A grant that a scope holds, and since when with all that it allows now.

    `initial`: it was there before its check was read whole for the first time.
    """

    grant: HeldGrant
    first: Moment
    initial: bool


class Held:
    """The tables over a connection of the state store, which sees to transactions and the ledger's lock."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def apply(self, record: GrantsChanged, time: datetime) -> None:
        """Takes in one record, in the order of the ledger."""
        place = (record.scope.kind, record.scope.key, record.source, record.check)
        initial = not self._was_whole(place)
        for grant in record.added:
            self._put(place, Seen(grant=grant, first=time, initial=initial))
        for grant in record.changed:
            before = self._get(place, grant.key)
            if before is not None:
                grown = Seen(grant=grant, first=time, initial=initial)
                self._put(place, grown if _grew(before.grant, grant) else replace(before, grant=grant))
        for key in record.removed:
            self._base.execute(
                "DELETE FROM held WHERE scope_kind = ? AND scope_key = ? AND source = ? AND checked = ? AND key = ?",
                (*place, _name(key)),
            )
        if record.complete:
            self._base.execute("INSERT OR IGNORE INTO held_whole VALUES (?, ?, ?, ?)", place)

    def carried(self) -> Iterator[CarriedGrants]:
        """Everything, by scope, source and check."""
        for kind, key, source, check in self._base.execute(
            "SELECT scope_kind, scope_key, source, checked FROM held_whole ORDER BY 1, 2, 3, 4"
        ):
            yield CarriedGrants(scope=Scope(kind=kind, key=key), source=source, check=check, whole=True)
        for kind, key, source, check, seen in self._base.execute(
            "SELECT scope_kind, scope_key, source, checked, seen FROM held ORDER BY 1, 2, 3, 4, key"
        ):
            one = _SEEN.decode(seen)
            yield CarriedGrants(
                scope=Scope(kind=kind, key=key), source=source, check=check, grant=one.grant, first=one.first,
                initial=one.initial,
            )  # fmt: skip

    def restore(self, carried: Iterable[CarriedGrants]) -> None:
        """Takes in what was carried."""
        for one in carried:
            place = (one.scope.kind, one.scope.key, one.source, one.check)
            if one.whole:
                self._base.execute("INSERT OR IGNORE INTO held_whole VALUES (?, ?, ?, ?)", place)
            if one.grant is not None and one.first is not None:
                self._put(place, Seen(grant=one.grant, first=one.first, initial=one.initial))

    def at(self, scope: Scope, check: CheckRef) -> dict[Key, Seen]:
        """What the scope holds by one check of one source."""
        rows = self._base.execute(
            "SELECT seen FROM held WHERE scope_kind = ? AND scope_key = ? AND source = ? AND checked = ?",
            (scope.kind, scope.key, check.source, check.check),
        )
        found = (_SEEN.decode(row[0]) for row in rows)
        return {seen.grant.key: seen for seen in found}

    def was_whole(self, scope: Scope, check: CheckRef) -> bool:
        """Whether that check was ever read to its end for the scope."""
        return self._was_whole((scope.kind, scope.key, check.source, check.check))

    def first_seen(self, scope: Scope, grants: Sequence[Grant], now: datetime) -> dict[Key, FirstSeen]:
        """Since when we know each of these grants of the scope; one that was just read for the first time: `now`."""
        found: dict[Key, FirstSeen] = {}
        for check in {CheckRef(source=grant.source, check=grant.check) for grant in grants}:
            known = self.at(scope, check)
            new = FirstSeen(time=moment.utc(now), initial=not self.was_whole(scope, check))
            for grant in grants:
                if (grant.source, grant.check) == (check.source, check.check):
                    seen = known.get(key_of(grant))
                    as_before = seen is not None and not _grew(seen.grant, held(grant))
                    found[grant.key] = (
                        FirstSeen(time=seen.first, initial=seen.initial) if seen and as_before else new
                    )
        return found

    def _was_whole(self, place: tuple[str, str, str, str]) -> bool:
        row = self._base.execute(
            "SELECT 1 FROM held_whole WHERE scope_kind = ? AND scope_key = ? AND source = ? AND checked = ?",
            place,
        ).fetchone()
        return row is not None

    def _get(self, place: tuple[str, str, str, str], key: Key) -> Seen | None:
        row = self._base.execute(
            "SELECT seen FROM held WHERE scope_kind = ? AND scope_key = ? AND source = ? AND checked = ? AND key = ?",
            (*place, _name(key)),
        ).fetchone()
        return _SEEN.decode(row[0]) if row else None

    def _put(self, place: tuple[str, str, str, str], seen: Seen) -> None:
        self._base.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?)",
            (*place, _name(seen.grant.key), msgspec.json.encode(seen)),
        )


_SEEN = msgspec.json.Decoder(Seen)


def _name(key: Key) -> str:
    return "\n".join(key)


def key_of(grant: Grant) -> Key:
    """What the grant is remembered by: `Grant.key`, whose parts are cut where somebody made them long."""
    provider, grant_type, application, resource = grant.key
    return provider, grant_type, _part(application), _part(resource)


def _part(text: str) -> str:
    return text if len(text) <= _MAX_PART else f"{text[:_PART]}… sha256 {_digest(text)}"


def held(grant: Grant) -> HeldGrant:
    """What is remembered of a grant: what changes by itself, as how many have it, is not in it.

    An application may be made to be too large for a line of the ledger: then less of it is kept, and a digest.
    """
    application = grant.application
    named = (
        (_SCOPES, grant.scopes),
        ("publisher", (application.publisher,) if application.publisher else ()),
        ("reply URLs", application.reply_urls),
        (
            "credentials",
            tuple(f"{one.type} {one.id or one.name}" for one in application.credentials),
        ),
        ("owners", tuple(one.name for one in application.owners)),
        ("enabled", () if application.enabled is None else ("yes" if application.enabled else "no",)),
    )
    name = application.name or application.id
    whole = tuple(Fact(name=name, values=tuple(sorted(set(values)))) for name, values in named if values)
    for values, characters in _LIMITS:
        found = _limited(key_of(grant), name, whole, values, characters)
        if len(encode(found)) <= MAX_GRANT:
            break
    if grant.consent is None:
        return found
    return replace(found, facts=(*found.facts, Fact(name=_CONSENT, values=(grant.consent,))))


def _limited(key: Key, name: str, whole: tuple[Fact, ...], values: int, characters: int) -> HeldGrant:
    facts = tuple(
        Fact(name=fact.name, values=tuple(_short(one, characters) for one in fact.values[:values]))
        for fact in whole
    )
    short = _short(name, characters)
    if (facts, short) != (whole, name):
        # A change beyond the cut is a change all the same.
        facts = (*facts, Fact(name=_ALL, values=(f"sha256 {_digest((name, whole))}",)))
    return HeldGrant(key=key, name=short, facts=facts)


def _digest(of: object) -> str:
    return hashlib.sha256(msgspec.json.encode(of)).hexdigest()[:32]


def changes(
    now: Mapping[Key, HeldGrant],
    before: Mapping[Key, Seen],
    *,
    scope: Scope,
    check: CheckRef,
    complete: bool,
    whole: bool,
    first: bool,
    envelope: Envelope,
) -> Iterator[GrantsChanged]:
    """The records that one reading of one check gives rise to, in pieces that fit into a line each.

    `now` is what was read, and `whole` whether it was read to its end, so that what comes later is new; `complete` says
    that nothing is beyond that which the provider does not show, so that what is missing is gone. `first` says that
    this check was never read whole before.
    """
    now = {key: _with_consent(grant, before.get(key)) for key, grant in now.items()}
    if not complete:
        now = {key: _with_scopes(grant, before.get(key)) for key, grant in now.items()}
    added = [grant for key, grant in now.items() if key not in before]
    changed = [grant for key, grant in now.items() if key in before and before[key].grant != grant]
    removed = [key for key in before if complete and key not in now]
    if not (added or changed or removed or (whole and first)):
        return
    told = [] if first else [f"new: {_words(grant)}" for grant in added]
    told += [
        f"{grant.name}: {difference}"
        for grant in changed
        for difference in _differences(before[grant.key].grant, grant)
    ]
    told += [f"gone: {_words(before[key].grant)}" for key in removed]
    pieces = list(_pieces(added, changed, removed))
    for number, (new, other, gone) in enumerate(pieces, 1):
        yield GrantsChanged(
            **envelope,
            scope=scope,
            source=check.source,
            check=check.check,
            # Only what comes after the last piece is new to a check that was read whole.
            complete=whole and number == len(pieces),
            added=tuple(new),
            changed=tuple(other),
            removed=tuple(gone),
            words=_bounded(told) if number == 1 else (),
        )


def _with_consent(grant: HeldGrant, before: Seen | None) -> HeldGrant:
    """The grant with who consented, as far as it was ever told: an audit log forgets, and nothing has changed then."""
    if before is None or _consents(grant):
        return grant
    return replace(grant, facts=(*grant.facts, *_consents(before.grant)))


def _with_scopes(grant: HeldGrant, before: Seen | None) -> HeldGrant:
    """The grant with the scopes that it had: where not all is shown, they may be there as before."""
    had = _scopes(before.grant) if before is not None else ()
    every = tuple(sorted({*had, *_scopes(grant)}))
    if every == _scopes(grant):
        return grant
    others = tuple(fact for fact in grant.facts if fact.name != _SCOPES)
    found = replace(grant, facts=(Fact(name=_SCOPES, values=every), *others))
    return found if len(encode(found)) <= MAX_GRANT else grant


def _grew(before: HeldGrant, now: HeldGrant) -> bool:
    """Whether it allows more than before, or may: beyond the cut we do not see which of all has changed."""
    cut = [[fact for fact in one.facts if fact.name == _ALL] for one in (before, now)]
    return not set(_scopes(now)) <= set(_scopes(before)) or cut[0] != cut[1]


def _differences(before: HeldGrant, now: HeldGrant) -> Iterator[str]:
    """In words; that it is told now who consented is no change."""
    known = now.facts if _consents(before) else tuple(fact for fact in now.facts if fact.name != _CONSENT)
    return facts_changed(before.facts, known)


def _consents(grant: HeldGrant) -> tuple[Fact, ...]:
    return tuple(fact for fact in grant.facts if fact.name == _CONSENT)


def _pieces(
    added: Sequence[HeldGrant], changed: Sequence[HeldGrant], removed: Sequence[Key]
) -> Iterator[tuple[list[HeldGrant], list[HeldGrant], list[Key]]]:
    """The same in order, in pieces of which each fits into a record; one at least."""
    new: list[HeldGrant] = []
    other: list[HeldGrant] = []
    gone: list[Key] = []
    size = 0
    kinds: tuple[tuple[list[Any], Sequence[Any]], ...] = ((new, added), (other, changed), (gone, removed))
    for into, given in kinds:
        for one in given:
            cost = len(encode(one)) + 1
            if size and size + cost > MAX_BYTES:
                yield list(new), list(other), list(gone)
                new.clear()
                other.clear()
                gone.clear()
                size = 0
            into.append(one)
            size += cost
    yield new, other, gone


def _scopes(grant: HeldGrant) -> tuple[str, ...]:
    return next((fact.values for fact in grant.facts if fact.name == _SCOPES), ())


def _words(grant: HeldGrant) -> str:
    kind, resource = grant.key[1].replace("_", " "), grant.key[3]
    where = f" in {resource}" if resource else ""
    return f"{grant.name} ({kind}){where}: {', '.join(_scopes(grant)) or 'no scope'}"


def _bounded(words: Sequence[str]) -> tuple[str, ...]:
    more = (f"and {len(words) - MAX_WORDS} more",) if len(words) > MAX_WORDS else ()
    for characters in _CHARACTERS:
        told = (*(_short(text, characters) for text in words[:MAX_WORDS]), *more)
        if len(encode(told)) <= MAX_TOLD:
            break
    return told


def _short(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[:characters] + "…"
