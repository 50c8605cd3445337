"""The ledger: verifying and appending, against the least that the disk and the hashes ask for."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from postwarden.ledger.creation import create
from postwarden.ledger.quarantine import Quarantined
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from postwarden.model.record import Envelope, FindingResolved, LedgerOpened
from postwarden.pipeline.committing import line
from tests.bench.measure import Ratio, compare

RUNS = 7
RECORDS = 20_000
GROUPS = (1, 10, 100, 1000)

_TIME = "2026-11-23T02:36:00.000000Z"
_COMMON: Envelope = {"time": _TIME, "run": "0" * 32, "actor": "uid 0 (root)", "agent": "postwarden/0.1.0"}


def ratios() -> Iterator[Ratio]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = create(
            folder / "ledger",
            folder / "private",
            origin="postwarden/bench",
            time=_TIME,
            first=lambda key: line(LedgerOpened(**_COMMON, origin="postwarden/bench", verifier_key=key)),
        )
        records = [_record(number) for number in range(RECORDS)]
        for start in range(0, RECORDS, 1000):
            _commit(ledger, records[start : start + 1000])
        yield compare(
            f"verifying a ledger of {RECORDS:,} records",
            lambda: verify(folder / "ledger"),
            "reading it and hashing each line",
            lambda: _hash_lines(folder / "ledger" / "records" / "00000000.jsonl"),
            runs=RUNS,
            parts=(RECORDS, RECORDS),
            per="record",
        )
        plain = folder / "plain"
        plain.mkdir()
        for size in GROUPS:
            group = records[:size]
            yield compare(
                f"one commit of {size} record{'s' if size > 1 else ''}",
                lambda group=group: _commit(ledger, group),  # type: ignore[misc]  # a lambda's default has no type
                "the same writes and syncs",
                lambda group=group: _write(plain, group),  # type: ignore[misc]  # a lambda's default has no type
                runs=3 * RUNS,
                per="commit",
            )


def _record(number: int) -> bytes:
    reason = "a complete read no longer shows it, and this text makes the record as long as most are"
    return line(FindingResolved(**_COMMON, id=f"{number:026d}", reason=reason))


def _commit(ledger: Ledger, lines: Sequence[bytes]) -> None:
    ledger.commit(lambda _: lines, recovered=_unexpected)


def _unexpected(_: Quarantined) -> bytes:
    raise AssertionError("nothing was left by another writer")


def _hash_lines(path: Path) -> None:
    with path.open("rb") as file:
        for one in file:
            hashlib.sha256(b"\0" + one[:-1]).digest()


def _write(folder: Path, lines: Sequence[bytes]) -> None:
    """A lock, an append with its sync, and a small file replaced with its two syncs."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    records = os.open(folder / "records", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(records, b"".join(one + b"\n" for one in lines))
    os.fdatasync(records)
    os.close(records)
    new = os.open(folder / "checkpoint.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(new, b"x" * 200)
    os.fsync(new)
    os.close(new)
    (folder / "checkpoint.tmp").rename(folder / "checkpoint")
    whole = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(whole)
    os.close(whole)
    os.close(lock)
