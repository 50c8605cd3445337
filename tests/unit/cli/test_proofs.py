"""prove, verify-proof and export as their caller meets them."""

import json
from pathlib import Path

import pytest

from postwarden.cli.operator import open_recorder
from postwarden.config.locate import load
from postwarden.ledger.note import make_key
from postwarden.ledger.proof_file import InclusionProof, write_inclusion
from postwarden.model.account import Account
from postwarden.model.record import AccountSeen
from tests.unit.cli.conftest import Run

ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
BOB = Account(key="login:bob", login="bob", addresses=("bob@example.org",))


@pytest.fixture
def key(place: Path, run: Run) -> str:
    """A ledger of three records in `state/ledger`; the verifier key that init printed."""
    (place / "agent.toml").write_text('[state]\nfolder = "state"\n[ledger]\norigin = "test/proofs"\n')
    printed = run("init", "--config", "agent.toml").out.strip()
    see(place, ALICE, BOB)
    return printed


def see(place: Path, *accounts: Account) -> None:
    recorder = open_recorder(load(str(place / "agent.toml")))
    recorder.write(lambda envelope: [AccountSeen(**envelope, account=one) for one in accounts])
    recorder.close()


def test_one_record_is_shown_without_the_others(place: Path, run: Run, key: str) -> None:
    """The proof of a record verifies with the kept key and the certificates alone, and holds no other record."""
    assert run("prove", "1", "-o", "alice.tlog-proof").code == 0
    (place / "state").rename(place / "gone")
    (place / "agent.toml").unlink()
    done = run("verify-proof", "alice.tlog-proof", "--key", key, "--keys", "gone/ledger/keys")
    assert done.code == 0
    assert "sound: record 1 is in this ledger as shown" in done.out
    assert "alice@example.org" in done.out
    assert "note:" not in done.out


def test_what_was_not_compared_is_said(run: Run, key: str) -> None:
    """Without a kept key, and without certificates, the proof may be sound, and the output says what is missing."""
    run("prove", "1", "-o", "p")
    assert "the first key was not compared" in run("verify-proof", "p", "--keys", "state/ledger/keys").out
    assert "no certificates were given" in run("verify-proof", "p", "--key", key).out
    assert run("verify-proof", "p").code == 2


def test_another_record_or_key_is_not_sound(place: Path, run: Run, key: str) -> None:
    """With another record, another ledger's key or a changed byte, the verdict is 4 or the file no proof."""
    run("prove", "1", "-o", "p")
    (place / "record").write_text('{"a":1}\n')
    wrong = run("verify-proof", "p", "--key", key, "--record", "record")
    assert (wrong.code, "NOT SOUND" in wrong.out) == (4, True)
    stranger = make_key("test/proofs", bytes(32)).text
    assert run("verify-proof", "p", "--key", stranger).code == 4
    assert run("verify-proof", "p", "--key", stranger, "--keys", "state/ledger/keys").code == 4
    (place / "p").write_bytes((place / "p").read_bytes().replace(b"index 1", b"index 2"))
    assert run("verify-proof", "p", "--key", key).code == 4
    (place / "p").write_bytes(b"something else")
    assert run("verify-proof", "p", "--key", key).code == 2


def test_all_proofs_of_an_export_at_once(place: Path, run: Run, key: str) -> None:
    """Several proofs have a line each, and one that is not sound decides the exit code."""
    run("export", "--format", "jsonl", "out")
    files = sorted(str(path.relative_to(place)) for path in (place / "out/proofs").iterdir())
    done = run("verify-proof", *files, "--key", key, "--keys", "out/keys")
    assert (done.code, done.out.splitlines()) == (0, [f"sound     {file}" for file in files])
    spoilt = place / files[1]
    spoilt.write_bytes(spoilt.read_bytes().replace(b"index 1", b"index 0"))
    done = run("verify-proof", *files, "--key", key, "--keys", "out/keys")
    assert (done.code, done.out.count("NOT SOUND")) == (4, 1)
    assert run("verify-proof", *files, "--key", key, "--record", files[0]).code == 2


def test_a_kept_checkpoint_is_continued(place: Path, run: Run, key: str) -> None:
    """From the file of a kept checkpoint to the ledger as it is now, the proof verifies; an older ledger is not enough."""
    checkpoint = place / "state/ledger/checkpoint"
    (place / "june").write_bytes(checkpoint.read_bytes())
    see(place, ALICE)
    assert run("prove", "--consistency", "june", "-o", "since-june").code == 0
    done = run("verify-proof", "since-june", "--old", "june", "--key", key)
    assert (done.code, "the first 3 of the 4 records" in done.out) == (0, True)
    missing = run("verify-proof", "since-june", "--key", key)
    assert (missing.code, "--old" in missing.err) == (2, True)
    back = run("prove", "--consistency", str(checkpoint), "june")
    assert (back.code, "not the beginning" in back.err) == (2, True)


def test_a_rewritten_ledger_does_not_continue(place: Path, run: Run, key: str) -> None:
    """Where the ledger is not the one of the kept checkpoint any more, no proof is made, and the verdict is 4."""
    (place / "kept").write_bytes((place / "state/ledger/checkpoint").read_bytes())
    segment = place / "state/ledger/records/00000000.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"bob@", b"eve@"))
    done = run("prove", "--consistency", "kept")
    assert (done.code, done.out) == (4, "")


def test_a_size_without_a_checkpoint_is_explained(place: Path, run: Run, key: str) -> None:
    """A proof up to a size needs a checkpoint there: the ledger's own, one that a witness cosigned, or a kept file."""
    done = run("prove", "--consistency", "1", "2")
    assert (done.code, "no signed checkpoint over 2 records" in done.err) == (2, True)
    assert run("prove", "--consistency", "1", "3").code == 0
    (place / "state/ledger/witnessed").mkdir()
    (place / "state/ledger/witnessed/00000003").write_bytes((place / "state/ledger/checkpoint").read_bytes())
    see(place, ALICE)
    assert run("prove", "--consistency", "1", "3").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("1", "--consistency", "1"),
        ("--consistency", "1", "2", "3"),
        ("99",),
        ("--consistency", "missing"),
    ],
)
def test_prove_asked_wrongly(run: Run, key: str, arguments: tuple[str, ...]) -> None:
    """Neither or both kinds of proof, a record or a file that is not there: 2, with a hint."""
    done = run("prove", *arguments)
    assert (done.code, done.out) == (2, "")
    assert "hint:" in done.err


def test_a_proof_overwrites_nothing(place: Path, run: Run, key: str) -> None:
    """A file that is there stays as it is."""
    (place / "mine").write_text("mine")
    assert run("prove", "1", "-o", "mine").code == 2
    assert (place / "mine").read_text() == "mine"


def test_an_export_of_one_account(place: Path, run: Run, key: str) -> None:
    """Only what concerns the account is there, each record verifies, and the summary names the recorded digest."""
    done = run("export", "--format", "jsonl", "out", "--account", "alice@example.org", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert (told["records"], told["size"]) == (1, 3)
    assert [path.name for path in (place / "out/proofs").iterdir()] == ["1.tlog-proof"]
    assert run("verify-proof", "out/proofs/1.tlog-proof", "--key", key, "--keys", "out/keys").code == 0
    last = json.loads((place / "state/ledger/records/00000000.jsonl").read_bytes().splitlines()[-1])
    assert (last["kind"], last["digest"]) == ("export_made", told["digest"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "tlog-tiles", "out", "--since", "2026-01-01"), "tiles are of the whole ledger"),
        (("--format", "jsonl", "out", "--account", "carol"), "never seen an account 'carol'"),
        (("--format", "jsonl", "out", "--since", "soon"), "is no time"),
        (("--format", "jsonl", "."), "is not empty"),
    ],
)
def test_export_asked_wrongly(
    place: Path, run: Run, key: str, arguments: tuple[str, ...], words: str
) -> None:
    """What cannot be exported as asked is said, and nothing is written or recorded."""
    before = (place / "state/ledger/checkpoint").read_bytes()
    done = run("export", *arguments)
    assert (done.code, words in done.err) == (2, True), done.err
    assert not (place / "out").exists()
    assert (place / "state/ledger/checkpoint").read_bytes() == before


def test_hostile_text_in_a_proof_does_not_reach_the_terminal(place: Path, run: Run, key: str) -> None:
    """A proof from a stranger may hold anything: escapes are shown, not sent."""
    checkpoint = (place / "state/ledger/checkpoint").read_bytes()
    (place / "p\x1b[2J").write_bytes(write_inclusion(InclusionProof(0, (), b"\x1b[2J\xff", checkpoint)))
    done = run("verify-proof", "p\x1b[2J", "--key", key)
    assert done.code == 4
    assert "\x1b" not in done.out + done.err
