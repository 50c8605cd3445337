"""What is told to whom, as values: a witness, a time stamping authority, and a ledger's newest checkpoint."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import CosignerKey, read_text
from postwarden.ledger.note import parse_note
from postwarden.ledger.proofs import Subtrees, consistency_path


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness at `url`, without a slash at its end; `ca` is a file with roots other than the system's."""

    url: str
    key: CosignerKey
    ca: Path | None = None

    @property
    def name(self) -> str:
        return self.key.name


@dataclass(frozen=True, slots=True)
class Authority:
    """A time stamping authority (RFC 3161) at `url`; `roots` is a PEM file with the roots that it is verified against."""

    url: str
    roots: Path


@dataclass(frozen=True, slots=True)
class Newest:
    """A ledger's newest checkpoint, `note`, with what proofs are made of, and its keys' certificates from the first on."""

    note: bytes
    subtrees: Subtrees
    certificates: Sequence[bytes] = ()

    @property
    def text(self) -> bytes:
        """The checkpoint's text, without its signatures."""
        return parse_note(self.note).text

    @property
    def origin(self) -> str:
        return read_text(self.text)[0]

    @property
    def position(self) -> Position:
        return read_text(self.text)[1]

    def root_at(self, size: int) -> bytes:
        """The root over the first `size` records."""
        position = self.position
        return position.root if size == position.size else self.subtrees.range_root(0, size)

    def proof(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree over `old` records is the beginning of the one over `new`."""
        return consistency_path(self.subtrees, old, new)


#: Reads the ledger's newest checkpoint again: another process may have written since.
Look = Callable[[], Newest]
