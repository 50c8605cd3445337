"""A new ledger that goes on for one whose key is gone, or whose newer state is lost.

The old key has not signed this: the first record of the new ledger says where the old one ended, and whoever
verifies follows both. What the old one's records came to is carried over, but for what belongs to its own indices.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.findings.carried import Part
from postwarden.findings.store import StateStore
from postwarden.ledger import files
from postwarden.ledger.note import encode_base64
from postwarden.ledger.own_records import Opened, read_own
from postwarden.ledger.store import Ledger, open_ledger
from postwarden.ledger.verify import Verification, verify
from postwarden.model.record import Before, CarriedAnswer, CarriedFinding
from postwarden.pipeline.committing import STORE, Committer, Keys
from postwarden.pipeline.keeping import carried_parts
from postwarden.pipeline.record import create_ledger


class Succession(Struct, frozen=True, kw_only=True):
    """The new ledger's first key, and where the old one lies now."""

    verifier_key: str
    before: Before


def succeed(
    state: Path,
    old: Path,
    *,
    origin: str,
    reason: str,
    run: str,
    actor: str,
    agent: str,
    now: datetime,
    keys: Keys,
) -> Succession:
    """Open a ledger in the state folder that goes on for the one in the folder `old`.

    Where `old` is the state folder's own, it and what is left of its keys are put aside there first. `origin` is
    the new name: one name is one ledger. LedgerError where that does not hold or `old` is none, LedgerUnsound
    where it is not sound: then there is nothing to go on for. What was interrupted is done to its end by another
    call, with `old` where it lies by then.
    """
    found = verify(old)
    if not found.sound or found.size is None or found.root is None:
        first = found.problems[0].what if found.problems else "it has no checkpoint"
        raise LedgerUnsound(
            f"{old} is not sound, so no ledger can go on for it: {first}",
            "keep it as evidence, move it away, and run postwarden init",
        )
    if found.origin == origin:
        raise LedgerError(
            f"the old ledger has the name {origin} too",
            "give the new one a name of its own: [ledger] origin in agent.toml",
        )
    place = _put_aside(state, old, found)
    before = Before(
        origin=str(found.origin),
        size=found.size,
        root=encode_base64(found.root),
        verifier_key=str(found.verifier_key),
        folder=str(place),
    )
    key = _begun(state, origin, before) or create_ledger(
        state,
        origin=origin,
        run=run,
        actor=actor,
        agent=agent,
        now=now,
        before=before,
        reason=reason,
        keys=keys,
    )
    (state / STORE).unlink(missing_ok=True)
    committer = Committer(state, run=run, actor=actor, agent=agent, clock=lambda: now, keys=keys)
    try:
        parts = _known(open_ledger(place, place / "no keys"))
        committer.commit(lambda _: carried_parts(committer, 0, parts))
    finally:
        committer.close()
    return Succession(verifier_key=key, before=before)


def _put_aside(state: Path, old: Path, found: Verification) -> Path:
    """Where the old ledger lies from now on."""
    ledger, private = state / "ledger", state / "private"
    if not (ledger.exists() and ledger.samefile(old)):
        return old.resolve()
    mark = f"before-{found.size}"
    try:
        aside = state / f"private.{mark}"
        aside.mkdir(mode=0o700, exist_ok=True)
        for key in private.glob("[0-9]" * 8 + "*"):
            key.rename(aside / key.name)
        # Last: keys without a ledger would look like the half of a lost one.
        ledger.rename(state / f"ledger.{mark}")
        with files.folder(state) as folder:
            files.sync(folder, "the state folder")
    except OSError as exc:
        raise LedgerError(f"the old ledger cannot be put aside: {exc}", "check the state folder") from exc
    return (state / f"ledger.{mark}").resolve()


def _begun(state: Path, origin: str, before: Before) -> str | None:
    """The first key of a new ledger that was opened for this old one and got no further, if there is one."""
    if not (state / "ledger").is_dir():
        return None
    ledger = open_ledger(state / "ledger", state / "private")
    if ledger.origin != origin or ledger.position().size != 1:
        return None
    opened = read_own(next(line for _, line in ledger.records()))
    known = opened.before if isinstance(opened, Opened) else None
    if known is None or (known.origin, known.size, known.root) != (before.origin, before.size, before.root):
        return None
    return ledger.verifier_key


def _known(old: Ledger) -> Iterator[Part]:
    """What the old ledger's records came to, without what counts or names its records, blobs and notifiers."""
    position = old.position()
    with tempfile.TemporaryDirectory() as folder:
        store = StateStore(Path(folder) / STORE)
        try:
            store.catch_up(
                position.size,
                position.root,
                lambda start: old.records(start, position.size),
                lambda: (),
                old.find_blob,
                old.first,
            )
            for name, item in store.carry():
                if name in {"configuration", "notifiers"}:
                    continue
                yield name, _renumbered(item, position.size)
        finally:
            store.close()


def _renumbered(item: Any, size: int) -> object:
    """Without indices of the old ledger: answers, whose order counts, come before the new one's first record."""
    if isinstance(item, CarriedFinding):
        return replace(item, records=())
    if isinstance(item, CarriedAnswer):
        return replace(item, record=item.record - size)
    return item
