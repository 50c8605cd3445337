"""What `export` writes, Go takes as it is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.model import moment
from postwarden.model.record import AuditStarted, KeyEpoch
from postwarden.model.scope import account_scope
from postwarden.pipeline.committing import line
from postwarden.pipeline.export import Format, export
from postwarden.pipeline.export_choice import Choice
from postwarden.pipeline.record import Recorder, create_ledger
from tests.interop.conftest import Go
from tests.unit.ledger.conftest import recovery

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(("form", "shown"), [("jsonl", "proofs"), ("tlog-tiles", "tiles")])
def test_an_export_through_three_epochs(go: Go, tmp_path: Path, form: Format, shown: str) -> None:
    """From the first key, which init printed, Go follows the export's certificates and finds everything sound."""
    state = tmp_path / "state"
    key = create_ledger(state, origin="postwarden/test", run="r", actor="a", agent="p", now=NOW)
    recorder = Recorder(state, run="r", actor="a", agent="p", clock=lambda: NOW)

    def named(number: int, verifier_key: str) -> bytes:
        return line(
            KeyEpoch(
                time=moment.text(NOW), run="r", actor="a", agent="p",
                epoch=number, verifier_key=verifier_key, reason="a test",
            )
        )  # fmt: skip

    for _ in range(2):
        recorder.write(
            lambda envelope: [
                AuditStarted(**envelope, scope=account_scope(f"login:{number}"), sources=("imap",))
                for number in range(150)
            ]
        )
        recorder.ledger.rotate(named, recovered=recovery)
    recorder.write(lambda envelope: [AuditStarted(**envelope, scope=account_scope("login:x"), sources=())])
    out = tmp_path / "out"
    exported = export(recorder, state / "ledger", out, form, Choice(), lambda _: None)
    recorder.close()
    assert exported.count == 304
    done = go("ledger", out, key)
    assert (done.returncode, done.stdout) == (0, f"sound: 304 records in 3 epochs, from {shown}\n"), (
        done.stderr
    )
