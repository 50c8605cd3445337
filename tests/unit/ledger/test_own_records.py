"""The ledger reads the records about its own keys, blobs and old records, and no others."""

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.own_records import Before, Blobs, KeyEpoch, Opened, RecordsPruned, read_own
from tests.unit.ledger.conftest import TIME, record

NAME = "ab" * 32
BEFORE = {"origin": "old", "size": 7, "root": "AAAA", "verifier_key": "old+1+2", "folder": "/old"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (record("key_epoch", epoch=1, verifier_key="k"), KeyEpoch(1, "k", TIME)),
        (record("blobs_kept", blobs=[NAME]), Blobs(False, (NAME,), "tester", TIME)),
        (record("blobs_erased", blobs=[NAME], reason="r"), Blobs(True, (NAME,), "tester", TIME)),
        (record("records_pruned", stop=65_536), RecordsPruned(65_536, "tester", TIME)),
        (record("ledger_opened", origin="o", verifier_key="k"), Opened("o", "k", None)),
        (
            record("ledger_opened", origin="o", verifier_key="k", before=BEFORE),
            Opened("o", "k", Before("old", 7, "AAAA", "old+1+2", "/old")),
        ),
        (record("heartbeat"), None),
        (record("heartbeat", text='"kind":"key_epoch"'), None),
        (record("heartbeat", inner={"kind": "key_epoch"}), None),
    ],
)
def test_own_records_are_read(line: bytes, expected: object) -> None:
    """Each of the ledger's own kinds is read; a record of another kind is none, whatever it holds."""
    assert read_own(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        record("key_epoch", epoch=1),
        record("key_epoch", epoch="1", verifier_key="k"),
        record("key_epoch", epoch=True, verifier_key="k"),
        record("key_epoch", epoch=-1, verifier_key="k"),
        record("key_epoch", epoch=1, verifier_key=None),
        record("blobs_kept"),
        record("blobs_kept", blobs=NAME),
        record("blobs_kept", blobs=["../../etc/passwd"]),
        record("blobs_erased", blobs=[NAME[:-1]]),
        record("records_pruned", stop=-1),
        record("ledger_opened", origin="o", verifier_key="k", before=[]),
        record("ledger_opened", origin="o", verifier_key="k", before=BEFORE | {"size": "7"}),
        record("ledger_opened", verifier_key="k"),
        record("ledger_opened", origin="o"),
        b'{"kind":"key_epoch"',
        b'["kind":"key_epoch"]',
        b'[{"kind":"key_epoch"}]',
        b'"kind":"key_epoch"',
        b'{"a":' * 3000 + b'"kind":"key_epoch"',
    ],
)
def test_own_records_with_wrong_fields_are_refused(line: bytes) -> None:
    """A record of these kinds that lacks a field, or has another type in it, is our error."""
    with pytest.raises(LedgerError):
        read_own(line)
