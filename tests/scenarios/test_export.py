"""A sysadmin hands one account's records to somebody who has neither the ledger nor the right to see the others."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

from tests.scenarios.conftest import Done, Workplace

NAOMI, LARS = "naomi.sato@kitano-works.example", "lars.eriksen@kitano-works.example"


def judge(place: Workplace, export: Path, key: str) -> Done:
    """What the receiver finds about every proof in the folder."""
    proofs = sorted(str(path) for path in (export / "proofs").iterdir())
    return place.run("verify-proof", *proofs, "--keys", str(export / "keys"), "--key", key)


def test_one_accounts_records_for_a_court(workplace: Workplace, tmp_path: Path) -> None:
    """The export holds what concerns the account and nothing about another's findings, and is proven and recorded."""
    assert workplace.run("audit", "--all").code == 1
    key = json.loads(workplace.run("verify", "--json").out)["verifier_key"]
    done = workplace.run("export", "--format", "jsonl", "out", "--account", NAOMI, "--json")
    assert done.code == 0, done.err
    (told,) = done.of("export")
    handed = tmp_path / "handed"
    shutil.move(workplace.folder / "out", handed)
    records = [json.loads(line) for line in (handed / "records.jsonl").read_bytes().splitlines()]
    kinds = {record["kind"] for record in records}
    assert kinds >= {"account_seen", "audit_started", "audit_finished", "finding_opened"}
    assert len(records) == told["records"] == len(list((handed / "proofs").iterdir()))
    assert LARS.encode() not in (handed / "records.jsonl").read_bytes()
    verdict = judge(workplace, handed, key)
    assert (verdict.code, verdict.out.count("sound  ")) == (0, len(records)), verdict.err
    last = workplace.records()[-1]
    assert last["kind"] == "export_made"
    assert last["digest"] == sha256((handed / "SHA256SUMS").read_bytes()).hexdigest()
    assert workplace.run("verify", "--key", key).code == 0


def test_an_export_from_a_made_up_ledger_does_not_convince(workplace: Workplace, tmp_path: Path) -> None:
    """Whoever makes up a ledger with keys of its own cannot show its records to somebody who kept the first key."""
    key = json.loads(workplace.run("verify", "--json").out)["verifier_key"]
    shutil.rmtree(workplace.ledger.parent)
    assert workplace.run("init", "--origin", key.partition("+")[0]).code == 0
    assert workplace.run("audit", "--account", "jan.novotny").code == 0
    assert workplace.run("export", "--format", "jsonl", "out").code == 0
    verdict = judge(workplace, workplace.folder / "out", key)
    assert verdict.code == 4
    assert "not the one that it was compared with" in verdict.out
