"""key, ledger and verify as their caller meets them."""

import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.ledger.cosignature import cosign, cosigner_of
from postwarden.ledger.note import parse_note
from postwarden.witness import kept
from tests.unit.cli.conftest import Run

STATE = Path("../.local/state/postwarden")


@pytest.fixture
def key(run: Run, place: Path) -> str:
    """A configured ledger, and its first key as init printed it."""
    done = run("init", "--config", "agent.toml", "--origin", "postwarden/test")
    assert done.code == 0
    return done.out.strip()


def test_key_show_prints_every_epoch(run: Run, key: str) -> None:
    """Each epoch with its key, in words and as objects; the first is the one that init printed."""
    rotated = run("key", "rotate", "--reason", "why")
    assert rotated.code == 0
    done = run("key", "show")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[:2] for line in lines[::2]] == [["epoch", "0"], ["epoch", "1"]]
    assert lines[1].strip() == key
    objects = [json.loads(line) for line in run("key", "show", "--json").out.splitlines()]
    assert [(one["epoch"], one["begins"]) for one in objects] == [(0, 0), (1, 2)]
    assert objects[0]["verifier_key"] == key
    assert objects[1]["second_key"] is None


def test_key_fingerprint_is_short_and_of_the_first_key(run: Run, key: str) -> None:
    """The fingerprint is 16 groups of four digits, and stays when the key changes."""
    before = run("key", "fingerprint").out
    assert len(before.split(": ")[1].split()) == 16
    run("key", "rotate", "--reason", "why")
    assert run("key", "fingerprint").out == before


def test_a_change_of_key_needs_a_reason(run: Run, key: str) -> None:
    """Without a reason nothing is changed."""
    assert run("key", "rotate").code == 2
    assert not (STATE / "private" / "00000001").exists()


def test_a_second_signature_comes_with_the_next_key(run: Run, key: str) -> None:
    """What agent.toml says of a second signature and a passphrase holds from the next key on."""
    config = Path("agent.toml")
    text = config.read_text().replace("second_signature = false", "second_signature = true")
    secret = Path("words")
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    config.write_text(
        text.replace('# passphrase = { credential = "postwarden-ledger" }', 'passphrase = { file = "words" }')
    )
    assert run("key", "rotate", "--reason", "why").code == 0
    assert json.loads(run("key", "show", "--json").out.splitlines()[1])["second_key"]
    assert (STATE / "private" / "00000001").read_bytes().startswith(b"postwarden.wrapped/v1\n")
    assert run("key", "rotate", "--reason", "again").code == 0
    assert run("verify", "--key", key).code == 0
    secret.write_text("battery staple\n")
    refused = run("key", "rotate", "--reason", "third")
    assert (refused.code, "passphrase does not open" in refused.err) == (2, True)
    assert "horse" not in refused.err
    assert "staple" not in refused.err


def test_check_config_looks_at_the_passphrase(run: Run, key: str) -> None:
    """A passphrase that cannot be read is an error before it is needed."""
    config = Path("agent.toml")
    Path("drop").mkdir()
    config.write_text(
        config.read_text().replace(
            '# passphrase = { credential = "postwarden-ledger" }', 'passphrase = { file = "words" }'
        )
        + '\n[[source]]\nname = "drop"\nkind = "drop_folder"\npath = "drop"\n'
    )
    done = run("check-config", "--offline")
    assert (done.code, "words" in done.err) == (2, True)
    Path("words").write_text("correct horse\n")
    Path("words").chmod(0o600)
    assert run("check-config", "--offline").code == 0


def test_verify_says_what_it_was_compared_with(run: Run, key: str) -> None:
    """Alone it says so; with a key and a state file it names them."""
    alone = run("verify")
    assert alone.code == 0
    assert "local only: a roll-back is not excluded" in alone.out
    assert "was not compared with one that somebody kept" in alone.out
    first = run("verify", "--key", key, "--state", "seen")
    assert (first.code, "was not compared" in first.out) == (0, False)
    run("key", "rotate", "--reason", "why")
    second = run("verify", "--key", key, "--state", "seen")
    assert second.code == 0
    assert "compared with the state file seen, which has seen 1 records" in second.out
    assert "local only" not in second.out
    assert json.loads(run("verify", "--state", "seen", "--json").out)["remembered"] == [
        {"by": "the state file seen", "size": 2}
    ]


def test_an_older_state_is_noticed_by_a_state_file(run: Run, key: str) -> None:
    """A whole older state, put back, is sound alone and not with the file that remembers."""
    shutil.copytree(STATE, "older")
    run("key", "rotate", "--reason", "why")
    run("verify", "--state", "seen")
    shutil.rmtree(STATE)
    shutil.copytree("older", STATE)
    assert run("verify", "--key", key).code == 0
    done = run("verify", "--key", key, "--state", "seen")
    assert done.code == 4
    assert "seen has seen 2 records, and the ledger has 1: it was cut off or put back" in done.out
    assert Path("seen").read_text().split("\n")[1] == "2"


def test_a_state_file_that_is_none_is_an_error(run: Run, key: str) -> None:
    """A state file with something else in it is named, and stays as it is."""
    Path("seen").write_text("my diary\n")
    done = run("verify", "--state", "seen")
    assert done.code == 2
    assert Path("seen").read_text() == "my diary\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("verify", "--witness", "nonsense", "https://b.example.org"), "does not have three parts"),
        (
            (
                "verify", "--witness",
                "b.example.org/witness+0d6be0bb+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", "gone",
            ),
            "there is no file gone",
        ),
        (("ledger", "prune", "--before", "soon", "--reason", "r"), "'soon' is no time"),
        (("ledger", "prune", "--before", "2020-01-01", "--reason", "r"), "no whole segment"),
        (("ledger", "erase", "../../etc/passwd", "--reason", "r"), "no record names a blob"),
        (("ledger", "succeed", "--from", "nowhere", "--reason", "r"), "nowhere"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_changes_nothing(run: Run, key: str, words: tuple[str, ...], why: str) -> None:
    """What cannot be done is an error of one sentence with code 2."""
    before = (STATE / "ledger" / "checkpoint").read_bytes()
    done = run(*words)
    assert done.code == 2
    assert why in done.err
    assert "Traceback" not in done.err
    assert (STATE / "ledger" / "checkpoint").read_bytes() == before


def test_a_witness_that_cannot_be_asked_is_not_passed_over(run: Run, key: str) -> None:
    """Where the caller wants a witness asked and nobody answers, that is said and the code is 3."""
    witness = "b.example.org/witness+0d6be0bb+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    done = run("verify", "--witness", witness, "http://127.0.0.1:9")
    assert done.code == 3
    assert "not read the witness b.example.org/witness" in done.out


def test_what_lies_in_the_ledger_excludes_no_roll_back(run: Run, key: str) -> None:
    """A kept cosignature is compared; while its witness is not reached, the ledger counts as compared with nobody."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    content = (STATE / "ledger" / "checkpoint").read_bytes()
    line = cosign(parse_note(content).text, "b.example/witness", private, time=1_795_000_000)
    kept.keep(STATE / "ledger", content + line)
    witness = cosigner_of("b.example/witness", private).text
    done = run("verify", "--witness", witness, "http://127.0.0.1:9")
    assert done.code == 3
    assert "compared with witnessed/00000001 with the cosignature of b.example/witness" in done.out
    assert "local only: a roll-back is not excluded" in done.out
    assert json.loads(run("verify", "--json", "--witness", witness, "http://127.0.0.1:9").out)["local_only"]


def test_a_new_ledger_goes_on_and_verify_follows_both(run: Run, key: str) -> None:
    """Succeed prints the new key alone on stdout; verify says that the link is not signed by the old key."""
    (STATE / "private" / "00000000").unlink()
    assert run("key", "rotate", "--reason", "why").code == 2
    same = run("ledger", "succeed", "--from", str(STATE / "ledger"), "--reason", "the key is gone")
    assert (same.code, "has the name postwarden/test too" in same.err) == (2, True)
    config = Path("agent.toml")
    config.write_text(config.read_text().replace('"postwarden/test"', '"postwarden/test/2"'))
    done = run("ledger", "succeed", "--from", str(STATE / "ledger"), "--reason", "the key is gone")
    assert done.code == 0
    new = done.out.strip()
    assert new.startswith("postwarden/test/2+")
    told = run("verify", "--key", new)
    assert told.code == 0
    assert "goes on for postwarden/test, which ended with 1 records" in told.out
    assert "not signed by the older ledger's key" in told.out
    objects = [json.loads(line) for line in run("verify", "--json").out.splitlines()]
    assert [(one["type"], one["sound"]) for one in objects] == [("verification", True), ("predecessor", True)]
    old = next(Path(STATE).glob("ledger.before-*"))
    segment = old / "records" / "00000000.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"postwarden", b"postwardem", 1))
    broken = run("verify")
    assert (broken.code, "NOT SOUND" in broken.out) == (4, True)
    old.rename("moved")
    assert "say where it lies with --before" in run("verify").out
    assert run("verify", "--before", "moved").code == 4
