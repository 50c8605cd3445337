"""A long ledger of real audits, through three keys, and whoever verifies it: we, and a program with Go's own libraries."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from postwarden import lab
from postwarden.cli.demo import write_configuration
from tests.bench.cloud import open_tenant
from tests.interop.conftest import Go, go

__all__ = ["go"]

#: Records that the ledger is to have at least, and the users of the lab's tenant that are audited for them. The first
#: audit writes five records and a half for each user, every later one three; fewer users the lab does not make.
RECORDS, USERS = (100_000, 6_000) if os.environ.get("POSTWARDEN_LONG") else (1_800, 119)
EPOCHS = 3


@dataclass(frozen=True)
class Audited:
    """A ledger that audits have filled, its configuration, and the key that its administrator kept at the beginning."""

    folder: Path
    config: Path
    key: str

    def run(self, *arguments: str, code: int = 0) -> str:
        """What a command prints that must end with `code`."""
        command = [sys.executable, "-m", "postwarden", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout

    @property
    def size(self) -> int:
        return int((self.folder / "checkpoint").read_bytes().split(b"\n")[1])

    def lines(self) -> Iterator[bytes]:
        for segment in sorted((self.folder / "records").iterdir()):
            yield from segment.read_bytes().splitlines(keepends=True)


def beside(ledger: Audited, folder: Path, dovecot: lab.Lab) -> Audited:
    """The same ledger, for those whose mail is on a Dovecot."""
    write_configuration(folder, dovecot)
    config = folder / "agent.toml"
    text = config.read_text().replace("postwarden/demo", "postwarden/bench")
    config.write_text(text.replace('folder = "state"', f'folder = "{ledger.folder.parent}"'))
    return replace(ledger, config=config)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, dovecot: lab.Lab) -> Iterator[Audited]:
    """Everybody is audited again and again; at a third and at two thirds of the records the key changes.

    In each epoch the people of a real Dovecot are audited once, and those of the lab's tenant, where an audit is
    quicker, as often as it takes.
    """
    began = time.monotonic()
    with open_tenant(USERS, USERS) as tenant:
        ledger = Audited(tenant.ledger, tenant.config, "")
        ledger = replace(ledger, key=ledger.run("init").strip())
        on_dovecot = beside(ledger, tmp_path_factory.mktemp("mail"), dovecot)
        for epoch in range(1, EPOCHS + 1):
            on_dovecot.run("audit", "--all", code=1)
            while ledger.size < epoch * RECORDS // EPOCHS:
                ledger.run("audit", "--all", code=1)
                print(f"{time.monotonic() - began:6.1f} s  {ledger.size} records, epoch {epoch}", flush=True)
            if epoch < EPOCHS:
                ledger.run("key", "rotate", "--reason", f"a third of the records, number {epoch}")
        yield ledger


def test_we_and_go_agree_on_a_ledger_of_audits(audited: Audited, go: Go) -> None:
    """From the first key on, verify and Go's libraries follow every key over every record, and both say sound."""
    began = time.monotonic()
    (found,) = map(
        json.loads, audited.run("verify", str(audited.folder), "--key", audited.key, "--json").splitlines()
    )
    ours = time.monotonic() - began
    assert (found["sound"], found["epochs"], found["compared_epoch"], found["problems"]) == (
        True,
        EPOCHS,
        0,
        [],
    )
    assert found["size"] == audited.size == sum(1 for _ in audited.lines()) >= RECORDS
    done = go("ledger", audited.folder, audited.key)
    theirs = time.monotonic() - began - ours
    assert (done.returncode, done.stdout) == (
        0,
        f"sound: {audited.size} records in {EPOCHS} epochs, from records\n",
    ), done.stderr
    print(
        f"verify {ours:.1f} s: sound, {found['size']} records, {found['epochs']} epochs, {found['blobs']} blobs"
    )
    print(f"Go     {theirs:.1f} s: {done.stdout.strip()}")


def test_records_are_of_audits(audited: Audited) -> None:
    """Nothing fills the ledger up: but for its opening and its keys, every record comes of an audit of the lab."""
    kinds: dict[str, int] = {}
    for line in audited.lines():
        kind = json.loads(line)["kind"]
        kinds[kind] = kinds.get(kind, 0) + 1
    print(dict(sorted(kinds.items(), key=lambda each: -each[1])))
    assert kinds.pop("ledger_opened") == 1
    assert kinds.pop("key_epoch") == EPOCHS - 1
    assert kinds.pop("operator_action", 0) <= EPOCHS - 1
    assert kinds["audit_finished"] > len(kinds)
    assert set(kinds) <= {
        "account_seen", "audit_finished", "audit_started", "blobs_kept", "configuration_changed",
        "finding_opened", "grants_changed", "sessions_opened",
    }  # fmt: skip


@pytest.mark.parametrize("part", ["the first epoch", "the second epoch", "the open epoch"])
def test_neither_takes_it_with_a_changed_record(
    audited: Audited, go: Go, tmp_path_factory: pytest.TempPathFactory, part: str
) -> None:
    """One letter of one record in any of the epochs, and both refuse the ledger."""
    copy = tmp_path_factory.mktemp("spoilt") / "copy"
    shutil.copytree(audited.folder, copy)
    at = {"the first epoch": 0, "the second epoch": 1, "the open epoch": 2}[part] * RECORDS // EPOCHS + 20
    (*_, path) = [each for each in sorted((copy / "records").iterdir()) if int(each.stem) <= at]
    lines = path.read_bytes().splitlines(keepends=True)
    lines[at - int(path.stem)] = lines[at - int(path.stem)].replace(b'"actor":"uid', b'"actor":"UID')
    path.write_bytes(b"".join(lines))
    assert go("ledger", copy, audited.key).returncode == 1
    audited.run("verify", str(copy), "--key", audited.key, code=4)
    shutil.rmtree(copy)


def test_neither_takes_another_key_for_the_first(audited: Audited, go: Go) -> None:
    """Who kept a later key and takes it for the first one is told by Go; we say which epoch's it is."""
    last = [json.loads(line) for line in audited.run("key", "show", "--json").splitlines()][-1][
        "verifier_key"
    ]
    assert go("ledger", audited.folder, last).returncode == 1
    (found,) = map(
        json.loads, audited.run("verify", str(audited.folder), "--key", last, "--json").splitlines()
    )
    assert (found["sound"], found["compared_epoch"]) == (True, EPOCHS - 1)
