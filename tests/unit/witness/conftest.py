"""A log without a disk, and a witness that really listens."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.ledger.checkpoint import Position, sign_checkpoint
from postwarden.ledger.note import VerifierKey, encode_base64, make_key, sign_note
from postwarden.ledger.tree import leaf_hash, node_hash
from postwarden.witness.keeping import Keeping
from postwarden.witness.peers import Newest, Witness
from postwarden.witness.service import Service
from tests.unit.ledger.growing import Growing

NOW = 1_795_000_000
ORIGIN = "postwarden/a.example"


def root_over(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(root_over(hashes[:split]), root_over(hashes[split:]))


@dataclass
class Log:
    """A log of some leaves, whose keys change on demand."""

    leaves: list[bytes] = field(default_factory=list)
    origin: str = ORIGIN
    seed: int = 1
    certificates: list[bytes] = field(default_factory=lambda: [b"the first, which nobody asks for"])

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)

    @property
    def key(self) -> VerifierKey:
        return make_key(self.origin, self.private.public_key().public_bytes_raw())

    def grow(self, count: int, mark: str = "") -> "Log":
        self.leaves += [f"{mark}{len(self.leaves) + each}".encode() for each in range(count)]
        return self

    def range_root(self, start: int, stop: int) -> bytes:
        """What proofs are made of."""
        return root_over([leaf_hash(leaf) for leaf in self.leaves[start:stop]])

    @property
    def position(self) -> Position:
        tree = Growing()
        for leaf in self.leaves:
            tree.add(leaf)
        return Position(tree.size, tree.root)

    def newest(self) -> Newest:
        note = sign_checkpoint(self.position, self.origin, self.private)
        return Newest(note, self, tuple(self.certificates))

    def certificate(self, number: int, after: Ed25519PrivateKey) -> bytes:
        """The certificate of the key `after`, signed by the one in use."""
        position, key = self.position, make_key(self.origin, after.public_key().public_bytes_raw())
        lines = [
            "postwarden.epoch/v1", self.origin, str(number), str(position.size),
            encode_base64(position.root), key.text, "2026-11-22T09:30:00.000000Z", "",
        ]  # fmt: skip
        return sign_note("\n".join(lines).encode(), self.origin, self.private)

    def rotate(self) -> None:
        after = Log(origin=self.origin, seed=self.seed + 1)
        self.certificates.append(self.certificate(len(self.certificates), after.private))
        self.seed += 1


@dataclass(frozen=True)
class Running:
    """A witness that listens."""

    keeping: Keeping
    url: str

    @property
    def peer(self) -> Witness:
        return Witness(self.url, self.keeping.key)


@pytest.fixture
def log() -> Log:
    return Log().grow(5)


@pytest.fixture
def keeping(tmp_path: Path, log: Log) -> Keeping:
    return Keeping(tmp_path / "witness", name="b.example/witness", logs=[log.key], clock=lambda: NOW)


@pytest.fixture
def serve() -> Iterator[Callable[[Keeping], Running]]:
    """Lets a witness listen on a port of its own."""
    services: list[tuple[Service, threading.Thread]] = []

    def begin(keeping: Keeping) -> Running:
        service = Service(("127.0.0.1", 0), keeping)
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        services.append((service, thread))
        return Running(keeping, f"http://127.0.0.1:{service.server_address[1]}")

    yield begin
    for service, thread in services:
        service.shutdown()
        thread.join()
        service.server_close()


@pytest.fixture
def witness(keeping: Keeping, serve: Callable[[Keeping], Running]) -> Running:
    return serve(keeping)
