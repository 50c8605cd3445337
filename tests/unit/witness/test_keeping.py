"""A witness cosigns only what continues what it knows, and remembers before it answers."""

from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files
from postwarden.ledger.cosignature import find_cosignature, open_cosignature, parse_cosignatures
from postwarden.ledger.note import encode_base64, make_key, sign_note
from postwarden.witness.decision import Refusal
from postwarden.witness.keeping import Keeping, log_name
from postwarden.witness.submission import SIZE_TYPE, encode_submission
from tests.unit.witness.conftest import NOW, ORIGIN, Log


def submit(keeping: Keeping, log: Log, old: int, *, claimed: int | None = None) -> bytes | Refusal:
    """Submits the log's newest checkpoint with the proof from `old`, which is called `claimed`."""
    newest = log.newest()
    proof = newest.proof(min(old, newest.position.size), newest.position.size)
    return keeping.take_checkpoint(encode_submission(old if claimed is None else claimed, proof, newest.note))


def status(answer: bytes | Refusal) -> HTTPStatus:
    return answer.status if isinstance(answer, Refusal) else HTTPStatus.OK


def test_the_first_checkpoint_is_cosigned(keeping: Keeping, log: Log) -> None:
    """The first checkpoint of a log that the witness was given a key for is cosigned, with the time."""
    answer = submit(keeping, log, 0)
    assert isinstance(answer, bytes)
    (line,) = parse_cosignatures(log.newest().text, answer)
    assert open_cosignature(log.newest().text, line, keeping.key) == NOW


def test_growth_is_cosigned(keeping: Keeping, log: Log) -> None:
    """A larger tree is cosigned with the proof that it continues the known one; the newest is kept."""
    submit(keeping, log, 0)
    log.grow(7)
    assert status(submit(keeping, log, 5)) == 200
    newest = keeping.newest(log_name(ORIGIN))
    assert newest is not None
    assert newest.startswith(log.newest().note)
    assert find_cosignature(newest, keeping.key) == NOW
    Checkpoint.from_text(newest.decode()).verify(Vkey.from_string(keeping.key.text))


def test_the_same_again_is_cosigned(keeping: Keeping, log: Log) -> None:
    """An equal size with an equal root is cosigned again."""
    submit(keeping, log, 0)
    assert status(submit(keeping, log, 5)) == 200


def test_a_fork_of_the_same_size_is_never_cosigned(keeping: Keeping, log: Log) -> None:
    """Another root for the known size is refused, and the size that is known is told."""
    submit(keeping, log, 0)
    answer = submit(keeping, Log().grow(5, "x"), 5)
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.body, answer.content_type) == (409, "5", SIZE_TYPE)


def test_a_larger_fork_is_never_cosigned(keeping: Keeping, log: Log) -> None:
    """A larger tree whose beginning differs is refused, whatever it calls the old size."""
    submit(keeping, log, 0)
    fork = Log().grow(9, "x")
    assert status(submit(keeping, fork, 5)) == 422
    assert status(submit(keeping, fork, 0)) == 409
    assert status(submit(keeping, fork, 0, claimed=5)) == 422
    assert status(submit(keeping, fork, 9, claimed=5)) == 422


def test_a_rolled_back_log_is_refused(keeping: Keeping, log: Log) -> None:
    """A smaller tree than the known one is refused with the known size, or called a bad request."""
    submit(keeping, log.grow(3), 0)
    back = Log().grow(6)
    answer = submit(keeping, back, 6)
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.body) == (409, "8")
    assert status(submit(keeping, back, 8)) == 400


def test_an_unknown_log_is_not_found(keeping: Keeping) -> None:
    """A checkpoint of an origin that no key was given for is answered with 404."""
    assert status(submit(keeping, Log(origin="postwarden/c.example").grow(2), 0)) == 404


def test_a_log_does_not_speak_for_another_origin(tmp_path: Path) -> None:
    """A log whose name looks like a size gets no cosignature over a checkpoint of another origin."""
    odd = Log(origin="123").grow(1)
    keeping = Keeping(tmp_path / "odd", name="b.example/witness", logs=[odd.key], clock=lambda: NOW)
    root = encode_base64(bytes(32))
    note = sign_note(f"postwarden/victim\n123\n{root}\n".encode(), "123", odd.private)
    assert status(keeping.take_checkpoint(encode_submission(0, [], note))) == 404


def test_another_key_is_forbidden(keeping: Keeping) -> None:
    """A checkpoint that another key than the given one has signed is answered with 403."""
    assert status(submit(keeping, Log(seed=9).grow(5), 0)) == 403


def test_what_it_knows_outlives_it(tmp_path: Path, keeping: Keeping, log: Log) -> None:
    """A witness that starts again has its key and what it knew."""
    submit(keeping, log, 0)
    again = Keeping(tmp_path / "witness", name="b.example/witness", logs=[log.key], clock=lambda: NOW)
    assert again.key == keeping.key
    assert status(submit(again, Log().grow(5, "x"), 5)) == 409


def test_nothing_is_said_before_it_is_on_the_disk(
    keeping: Keeping, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk fails, there is no cosignature, and what was known stays."""

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    submit(keeping, log, 0)
    monkeypatch.setattr(files, "fsync", fail)
    log.grow(1)
    with pytest.raises(LedgerError):
        submit(keeping, log, 5)
    monkeypatch.undo()
    assert status(submit(keeping, log, 5)) == 200


def test_two_processes_on_one_folder_do_not_sign_a_fork(tmp_path: Path, keeping: Keeping, log: Log) -> None:
    """What one process took, another one on the same folder knows at once."""
    other = Keeping(tmp_path / "witness", name="b.example/witness", logs=[log.key], clock=lambda: NOW)
    submit(keeping, log, 0)
    assert status(submit(other, Log().grow(6, "x"), 0)) == 409


def test_the_key_is_the_witness_own(tmp_path: Path, keeping: Keeping) -> None:
    """The private key can be read by its owner alone."""
    assert (tmp_path / "witness" / "key").stat().st_mode & 0o777 == 0o600
    assert keeping.key.name == "b.example/witness"


def test_a_witness_keeps_its_name(tmp_path: Path, keeping: Keeping, log: Log) -> None:
    """A folder that belongs to another witness is refused."""
    assert keeping.key.name
    with pytest.raises(LedgerError, match=r"belongs to the witness b\.example/witness"):
        Keeping(tmp_path / "witness", name="c.example/witness", logs=[log.key], clock=lambda: NOW)


def test_a_lost_name_does_not_cost_the_key(tmp_path: Path, keeping: Keeping, log: Log) -> None:
    """A witness whose name's file is gone keeps its key."""
    (tmp_path / "witness" / "name").unlink()
    again = Keeping(tmp_path / "witness", name="b.example/witness", logs=[log.key], clock=lambda: NOW)
    assert again.key == keeping.key


def test_a_lost_key_is_not_made_again(tmp_path: Path, keeping: Keeping, log: Log) -> None:
    """A witness whose key is gone does not begin a new one in silence."""
    assert keeping.key.name
    (tmp_path / "witness" / "key").unlink()
    with pytest.raises(LedgerUnsound, match="missing"):
        Keeping(tmp_path / "witness", name="b.example/witness", logs=[log.key], clock=lambda: NOW)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_damage_is_noticed_at_the_start(tmp_path: Path, keeping: Keeping, log: Log, content: bytes) -> None:
    """A witness that cannot read what it knew does not begin anew in silence."""
    submit(keeping, log, 0)
    (tmp_path / "witness" / "logs" / f"{log_name(ORIGIN)}.json").write_bytes(content)
    with pytest.raises(LedgerUnsound, match="cannot be read"):
        Keeping(tmp_path / "witness", name="b.example/witness", logs=[log.key], clock=lambda: NOW)


def test_another_first_key_of_a_known_log_is_refused(tmp_path: Path, keeping: Keeping, log: Log) -> None:
    """A log that is known cannot be given another first key."""
    submit(keeping, log, 0)
    with pytest.raises(LedgerError, match="another key is known"):
        Keeping(tmp_path / "witness", name="b.example/witness", logs=[Log(seed=2).key], clock=lambda: NOW)


class TestKeyChange:
    """The certificate of a log's next key."""

    def tell(self, keeping: Keeping, log: Log, certificate: bytes, old: int) -> bytes | Refusal:
        proof = log.newest().proof(old, log.position.size)
        return keeping.take_certificate(encode_submission(old, proof, certificate))

    def test_the_next_key_counts_after_its_certificate(self, keeping: Keeping, log: Log) -> None:
        """After its certificate the new key's checkpoints are cosigned, and before it they are not."""
        submit(keeping, log, 0)
        log.grow(3).rotate()
        certificate = log.certificates[-1]
        log.grow(1)
        assert status(submit(keeping, log, 5)) == 403
        at_change = Log(log.leaves[:8])
        assert status(self.tell(keeping, at_change, certificate, 5)) == 200
        assert status(submit(keeping, log, 8)) == 200

    def test_the_old_key_counts_no_more(self, keeping: Keeping, log: Log) -> None:
        """After the change the old key's checkpoint of a larger size is refused, of the very size it is not."""
        submit(keeping, log, 0)
        log.rotate()
        assert status(self.tell(keeping, log, log.certificates[-1], 5)) == 200
        old = Log(list(log.leaves))
        assert status(submit(keeping, old, 5)) == 200
        assert status(submit(keeping, old.grow(1), 5)) == 403

    def test_the_same_certificate_again_changes_nothing(self, keeping: Keeping, log: Log) -> None:
        """A certificate that was followed already is taken, and no step back."""
        log.rotate()
        first = log.certificates[-1]
        assert status(self.tell(keeping, log, first, 0)) == 200
        log.grow(1).rotate()
        assert status(self.tell(keeping, log, log.certificates[-1], 5)) == 200
        assert status(self.tell(keeping, log, first, 0)) == 200
        assert status(submit(keeping, log.grow(1), 6)) == 200

    def test_a_skipped_epoch_is_refused(self, keeping: Keeping, log: Log) -> None:
        """A certificate whose number is not the next is refused, though the right key signed it."""
        log.rotate()
        self.tell(keeping, log, log.certificates[-1], 0)
        log.grow(1)
        other = Ed25519PrivateKey.from_private_bytes(bytes(32))
        assert status(self.tell(keeping, log, log.certificate(3, other), 5)) == 403

    def test_a_certificate_of_a_stranger_is_refused(self, keeping: Keeping, log: Log) -> None:
        """A certificate that the known key did not sign is refused."""
        stranger = Log(list(log.leaves), seed=7)
        stranger.rotate()
        assert status(self.tell(keeping, stranger, stranger.certificates[-1], 0)) == 403

    def test_a_certificate_over_a_fork_is_refused(self, keeping: Keeping, log: Log) -> None:
        """A certificate whose tree does not continue the known one is refused."""
        submit(keeping, log, 0)
        fork = Log().grow(9, "x")
        fork.rotate()
        assert status(self.tell(keeping, fork, fork.certificates[-1], 5)) == 422


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"old 0\n",
        b"old 00\n\nx",
        b"old -1\n\nx",
        b"new 0\n\nx",
        b"old 0\nAAAA\n\nx",
        b"old 0\n\nnothing\n",
    ],
)
def test_what_is_no_submission_is_our_error(keeping: Keeping, content: bytes) -> None:
    """What does not have a submission's form is refused as such."""
    with pytest.raises(LedgerError):
        keeping.take_checkpoint(content)


def test_a_proof_beyond_any_tree_is_refused(keeping: Keeping, log: Log) -> None:
    """A submission with more than 63 hashes is none."""
    with pytest.raises(LedgerError, match="more than 63"):
        keeping.take_checkpoint(encode_submission(0, [bytes(32)] * 64, log.newest().note))


def test_one_key_for_each_log(tmp_path: Path, log: Log) -> None:
    """Two keys for one origin are refused at the start."""
    keys = [log.key, make_key(ORIGIN, bytes(32))]
    with pytest.raises(LedgerError, match="two keys"):
        Keeping(tmp_path / "w", name="b.example/witness", logs=keys, clock=lambda: NOW)
