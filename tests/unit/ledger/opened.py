"""Parts of a ledger as its own code opens them, for tests that need one part alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from postwarden.ledger import files
from postwarden.ledger.epochs import Chain, begin_chain
from postwarden.ledger.nodes import Nodes


def follow(certificates: Sequence[bytes]) -> Chain:
    """The chain over certificates in their order."""
    chain = begin_chain(certificates[0])
    for certificate in certificates[1:]:
        chain.add(certificate)
    return chain


@contextmanager
def open_nodes(ledger: Path, size: int) -> Iterator[Nodes]:
    """The nodes of the tree over the first `size` records of the ledger in a folder."""
    with files.folder(ledger) as root:
        yield Nodes(root, size, owner=None)
