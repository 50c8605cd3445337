"""A ledger of three epochs with blobs and second signatures, what attackers do to it, and who notices."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from postwarden.ledger import epochs, private_keys, segments, writer
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Epoch, sign_certificate
from postwarden.ledger.own_records import KeyEpoch, read_own
from postwarden.ledger.private_keys import PrivateKeys, Signer
from postwarden.ledger.segments import Edge
from postwarden.ledger.tree import EMPTY_ROOT
from postwarden.ledger.verify import Remembered, verify
from tests.unit.ledger.conftest import ORIGIN, TIME, Place, key_epoch, put, record, rotate

#: Each epoch ends after so many records, the last one open.
ENDS = (5, 10, 14)
#: Records of a segment; `short_segments` makes it so.
SEGMENT = 4
#: A time long before that of every record.
EARLIER = "2024-01-01T00:00:00.000000Z"
FORGED = record(number=77)
OLD = FORGED.replace(TIME.encode(), EARLIER.encode())


@dataclass(frozen=True)
class World:
    """A ledger as it is attacked.

    `pinned` is the first key that verifiers were given, `seen` what somebody outside saw last, `signers` the
    private keys of the epochs (of the closed ones only who took a copy in time has any), `older` the state
    folder as it was at some sizes, `blobs` a blob of each epoch.
    """

    place: Place
    pinned: str
    seen: Position
    signers: tuple[Signer, ...]
    older: dict[int, Path]
    blobs: tuple[str, ...]

    def copy(self, to: Path) -> "World":
        """The same ledger in another place."""
        shutil.copytree(self.place.state, to)
        return replace(self, place=Place(to))

    @property
    def records(self) -> Path:
        return self.place.folder / "records"

    @property
    def lines(self) -> list[bytes]:
        return b"".join(path.read_bytes() for path in sorted(self.records.iterdir())).split(b"\n")[:-1]

    def certificate(self, number: int) -> Path:
        return self.place.folder / epochs.FOLDER / epochs.file_name(number)

    def blob(self, number: int) -> Path:
        return self.place.folder / "blobs" / self.blobs[number]

    def write(self, lines: Sequence[bytes]) -> None:
        """These records in segments, and no others."""
        for path in self.records.iterdir():
            path.unlink()
        for first in range(0, len(lines), segments.LENGTH):
            content = b"".join(line + b"\n" for line in lines[first : first + segments.LENGTH])
            (self.records / segments.segment_name(first)).write_bytes(content)

    def sign(self, signer: Signer, lines: Sequence[bytes]) -> None:
        """A checkpoint over these lines."""
        self.place.checkpoint.write_bytes(
            writer.sign(segments.follow(Edge(), lines).position, ORIGIN, signer, lines[-1])
        )

    def rewrite(self, epoch: int, lines: Sequence[bytes]) -> None:
        """These records, and a checkpoint over them with the key of an epoch."""
        self.write(lines)
        self.sign(self.signers[epoch], lines)

    def put_back(self, size: int, *parts: str) -> None:
        """The ledger, or these parts of it, as they were at a size."""
        for part in parts or ("",):
            now, then = self.place.folder / part, self.older[size] / "ledger" / part
            shutil.rmtree(now) if now.is_dir() else now.unlink()
            shutil.copytree(then, now) if then.is_dir() else shutil.copy(then, now)

    def restore(self, size: int) -> None:
        """The whole state folder, private keys included, as it was at a size."""
        shutil.rmtree(self.place.state)
        shutil.copytree(self.older[size], self.place.state)

    def make_again(self, lines: Sequence[bytes], epoch: int, signer: Signer) -> None:
        """What follows an epoch's beginning made again, with a key of that epoch and new ones for those after it."""
        for path in sorted(self.certificate(0).parent.iterdir())[epoch + 1 :]:
            path.unlink()
        made: list[bytes] = []
        for line in lines:
            own = read_own(line)
            if not isinstance(own, KeyEpoch) or own.epoch <= epoch:
                made.append(line)
                continue
            following = private_keys.make(PrivateKeys(self.place.private, second=True))
            made.append(key_epoch(own.epoch, following.key(ORIGIN).text))
            begins = segments.follow(Edge(), made).position
            self._certify(Epoch(own.epoch, begins, following.key(ORIGIN), TIME), following, signer)
            signer = following
        self.write(made)
        self.sign(signer, made)

    def make_anew(self, lines: Sequence[bytes]) -> str:
        """The whole ledger under a first key of one's own, which is returned."""
        signer = private_keys.make(PrivateKeys(self.place.private, second=True))
        first = Epoch(0, Position(0, EMPTY_ROOT), signer.key(ORIGIN), TIME)
        self._certify(first, signer, signer)
        opened = lines[0].replace(self.pinned.encode(), first.key.text.encode())
        self.make_again([opened, *lines[1:]], 0, signer)
        return first.key.text

    def _certify(self, epoch: Epoch, of: Signer, by: Signer) -> None:
        whole = replace(epoch, cosigner=of.cosigner(ORIGIN))
        self.certificate(epoch.number).write_bytes(sign_certificate(whole, by.first))

    def noticed_by(self) -> str:
        """Who is the first to notice, in the words of the table."""
        folder = self.place.folder
        if not verify(folder).sound:
            return "verify"
        if not verify(folder, key=self.pinned).sound:
            return "first key"
        if not verify(folder, key=self.pinned, remembered=[Remembered("a witness", self.seen)]).sound:
            return "memory"
        found = verify(folder)
        told = found.erased or found.pruned or found.uncommitted or found.next_epoch is not None
        return "said" if told else "nobody"


#: Gives the ledger anew each time.
Fresh = Callable[[], World]


def make_world(folder: Path) -> World:
    """Three epochs, each with a blob, and copies of private keys and of the state at every size."""
    place = Place(folder / "state")
    ledger = place.make(second=True)
    signers, blobs, older = [], [], {}

    def keep() -> None:
        size = ledger.position().size
        older[size] = folder / str(size)
        shutil.copytree(place.state, older[size])

    for epoch, end in enumerate(ENDS):
        signers.append(private_keys.load(PrivateKeys(place.private), ledger.epoch))
        blobs.append(ledger.put_blob(f"a script of epoch {epoch}".encode()))
        put(ledger, record("blobs_kept", blobs=blobs[-1:]))
        keep()
        while ledger.position().size < end - (end != ENDS[-1]):
            put(ledger, record(number=ledger.position().size))
            keep()
        if end != ENDS[-1]:
            ledger = place.open(second=True)
            rotate(ledger)
    return World(place, ledger.verifier_key, ledger.position(), tuple(signers), older, tuple(blobs))


def edited(lines: list[bytes], at: int) -> Iterator[list[bytes]]:
    """One record edited, inserted, deleted, doubled, and exchanged with the next."""
    yield [*lines[:at], FORGED, *lines[at + 1 :]]
    yield [*lines[:at], FORGED, *lines[at:]]
    yield [*lines[:at], *lines[at + 1 :]]
    yield [*lines[:at], lines[at], *lines[at:]]
    yield [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


@contextmanager
def short_segments() -> Iterator[None]:
    """Segments of four records."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("segments", "writer", "nodes", "pruning"):
            patch.setattr(f"postwarden.ledger.{module}.LENGTH", SEGMENT)
        yield
