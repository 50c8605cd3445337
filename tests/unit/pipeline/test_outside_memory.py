"""What others remember is held against the ledger, whatever way they remember it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.ledger import segments
from postwarden.ledger.checkpoint import sign_checkpoint
from postwarden.ledger.cosignature import cosign, cosigner_of
from postwarden.ledger.note import parse_note
from postwarden.ledger.segments import Edge
from postwarden.ledger.verify import Remembered, Verification, verify
from postwarden.pipeline.outside_memory import Memory, gather, remember_in, remembered_in
from postwarden.witness import kept
from postwarden.witness.configured import Outside
from postwarden.witness.outlets import to_file
from postwarden.witness.peers import Authority
from postwarden.witness.timestamp import stamp
from tests.unit.ledger.conftest import ORIGIN, Place, put, record
from tests.unit.witness.test_timestamp import answering, folder, serve

__all__ = ["folder", "serve"]

Serve = Callable[[Callable[[bytes], tuple[int, str, bytes]]], str]
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "b.example/witness"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A ledger of four records; beside it the state folder as it was with two."""
    made = Place(tmp_path / "state")
    ledger = made.make()
    put(ledger, record(number=1))
    shutil.copytree(made.state, tmp_path / "older")
    put(ledger, record(number=2), record(number=3))
    return made


def cosigned(place: Place) -> bytes:
    """The checkpoint with a witness's cosignature."""
    content = place.checkpoint.read_bytes()
    return content + cosign(parse_note(content).text, NAME, WITNESS, time=1_795_000_000)


def rewrite(place: Place) -> None:
    """What somebody does who has the key: the fourth record is another one."""
    lines = place.lines()
    lines[3] = record(number=99)
    private = Ed25519PrivateKey.from_private_bytes((place.private / "00000000").read_bytes())
    place.segment.write_bytes(b"".join(line + b"\n" for line in lines))
    position = segments.follow(Edge(), lines).position
    place.checkpoint.write_bytes(sign_checkpoint(position, ORIGIN, private))


def put_back(place: Place) -> None:
    shutil.rmtree(place.state)
    shutil.copytree(place.state.with_name("older"), place.state)


def put_back_the_checkpoint(place: Place) -> None:
    shutil.copy(place.state.with_name("older") / "ledger" / "checkpoint", place.checkpoint)


def in_state_file(place: Place) -> Callable[[], list[Remembered]]:
    path = place.state.with_name("seen")
    remember_in(path, place.folder, place.open().position())
    return lambda: [each for each in [remembered_in(path)] if each is not None]


def in_configured_file(place: Place) -> Callable[[], list[Remembered]]:
    path = place.state.with_name("kept")
    to_file(place.checkpoint.read_bytes(), path)
    return lambda: list(gather(place.folder, ORIGIN, Outside(file=path), []).remembered)


def in_cosigned_file(place: Place) -> Callable[[], list[Remembered]]:
    path = place.state.with_name("cosigned")
    path.write_bytes(cosigned(place))
    witness = cosigner_of(NAME, WITNESS).text, str(path)
    return lambda: list(gather(place.folder, ORIGIN, Outside(), [witness]).remembered)


@pytest.mark.parametrize("spoil", [put_back, put_back_the_checkpoint, rewrite])
@pytest.mark.parametrize("remember", [in_state_file, in_configured_file, in_cosigned_file])
def test_what_only_others_can_see_they_see(
    place: Place,
    remember: Callable[[Place], Callable[[], list[Remembered]]],
    spoil: Callable[[Place], None],
) -> None:
    """An older checkpoint, put back with or without its records, and a record signed anew, are sound alone only."""
    recall = remember(place)
    put(place.open(), record(number=4))
    assert verify(place.folder, remembered=recall()).sound
    spoil(place)
    assert verify(place.folder).sound
    (found,) = recall()
    assert (found.position.size, found.inside) == (4, False)
    assert not verify(place.folder, remembered=[found]).sound


def stamped(place: Place, folder: Path, serve: Serve) -> Callable[[], tuple[Memory, Verification]]:
    """The checkpoint is stamped and kept as the daemon does it; verifies with what is kept."""
    authority = Authority(serve(answering(folder)), folder / "ca.pem")
    content = place.checkpoint.read_bytes()
    kept.keep(place.folder, content)
    kept.keep_token(place.folder, 4, 0, stamp(authority, parse_note(content).text).token)
    outside = Outside(authorities=(authority,))

    def look() -> tuple[Memory, Verification]:
        memory = gather(place.folder, ORIGIN, outside, [])
        return memory, verify(place.folder, remembered=memory.remembered)

    return look


def test_a_kept_stamp_is_compared(place: Place, folder: Path, serve: Serve) -> None:
    """The stamp says how many records were there; with other records than those the ledger is not sound."""
    look = stamped(place, folder, serve)
    put(place.open(), record(number=4))
    memory, found = look()
    assert memory.stamps[0].startswith("4 records were there at ")
    assert (found.sound, [each.inside for each in found.remembered]) == (True, [True])
    rewrite(place)
    assert verify(place.folder).sound
    memory, found = look()
    assert not found.sound
    assert "witnessed/00000004 with the time stamp of" in found.problems[0].what


@pytest.mark.parametrize("name", ["00000004", "00000004.tsr"])
def test_a_kept_stamp_that_does_not_verify_is_said(
    place: Place, folder: Path, serve: Serve, name: str
) -> None:
    """A stamp, or the checkpoint it is over, that is damaged shows nothing, and counts as not read."""
    look = stamped(place, folder, serve)
    path = place.folder / "witnessed" / name
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    memory, found = look()
    assert (memory.stamps, memory.remembered) == ((), ())
    assert memory.unread[0].startswith("witnessed/00000004 with the time stamp of")
    assert found.sound


def test_a_cosignature_in_the_ledger_is_no_outside_memory(place: Place) -> None:
    """What lies in the ledger's folder is compared, and goes back with it: it excludes no roll-back."""
    kept.keep(place.folder, cosigned(place))
    other = place.state.with_name("elsewhere")
    other.write_bytes(cosigned(place))
    key = cosigner_of(NAME, WITNESS).text
    found = gather(place.folder, ORIGIN, Outside(), [(key, str(other))]).remembered
    assert [each.inside for each in found] == [False, True]
    rewrite(place)
    assert not verify(place.folder, remembered=found[1:]).sound
