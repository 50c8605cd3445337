"""A ledger that is there, for whoever reads it. No lock is needed: what is under a checkpoint never changes."""

from collections.abc import Iterator
from pathlib import Path

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import blobs, epochs, files, segments, writer
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain, Epoch

RUN_VERIFY = "run postwarden verify, and keep what is there as evidence"


class Reader:
    """Reads a ledger. It holds no file open between its calls; threads may share it."""

    def __init__(self, folder: Path, chain: Chain, owner: int) -> None:
        self._folder = folder
        self._chain = chain
        self._owner = owner
        self._marks: dict[int, int] = {}
        #: The checkpoint that was last found sound, the epoch that was the last one then, and what it says.
        self._seen: tuple[bytes, int, Position] | None = None

    @property
    def origin(self) -> str:
        """The ledger's name, which its checkpoints begin with."""
        return self._chain.origin

    @property
    def verifier_key(self) -> str:
        """The first key, in the one-line form that people keep: with it, every later one is verified."""
        return self._chain.epochs[0].key.text

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Every epoch so far, as of the last look at the ledger."""
        return tuple(self._chain.epochs)

    @property
    def epoch(self) -> Epoch:
        """The epoch that signs now, as of the last look at the ledger."""
        return self._chain.last

    def position(self) -> Position:
        """How far the ledger goes, from its checkpoint; LedgerUnsound where that is missing or not sound."""
        with files.folder(self._folder) as root:
            return self._read_position(root)

    def records(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Index and line of each record from `start` to before `stop`, and never beyond the checkpoint.

        The lines are as they stand, without line feeds, and are not verified. LedgerUnsound where one within
        the checkpoint is missing.
        """
        if start < 0 or (stop is not None and stop < 0):
            raise LedgerError("a record's index is not negative")
        return self._stream(start, stop)

    @property
    def first(self) -> int:
        """The index of the first record that is there: 0, or where the removed segments end."""
        with files.folder(self._folder) as root, files.folder(segments.FOLDER, within=root) as records:
            return min(segments.list_segments(records), default=0)

    def has_blob(self, name: str) -> bool:
        """Whether a blob of this name is there; its content is not looked at."""
        return (self._folder / blobs.FOLDER / name).is_file()

    def blob(self, name: str) -> bytes:
        """The content of a blob; LedgerError where there is none, LedgerUnsound where it was changed."""
        with files.folder(self._folder) as root, files.folder(blobs.FOLDER, within=root) as folder:
            return blobs.read_blob(folder, name, owner=self._owner)

    def find_blob(self, name: str) -> bytes | None:
        """The content of a blob, `None` where there is none of this name; LedgerUnsound where it was changed."""
        return self.blob(name) if self.has_blob(name) else None

    def blobs(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every blob, by name; errors as in `blob`."""
        with files.folder(self._folder) as root, files.folder(blobs.FOLDER, within=root) as folder:
            for name in blobs.list_blobs(folder):
                yield name, blobs.read_blob(folder, name, owner=self._owner)

    def _stream(self, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
        with files.folder(self._folder) as root:
            size = self._read_position(root).size
            end = size if stop is None else min(stop, size)
            if start < end:
                with files.folder(segments.FOLDER, within=root) as records:
                    offset = self._marks.get(start)
                    lines = segments.read_lines(records, start, end, owner=self._owner, offset=offset)
                    yield from enumerate(lines, start)

    def _read_position(self, root: int) -> Position:
        return self._open_checkpoint(root)[0]

    def _open_checkpoint(self, root: int) -> tuple[Position, bytes]:
        """What the checkpoint says, and its bytes."""
        content = writer.read_checkpoint(root, owner=self._owner)
        if content is None:
            raise LedgerUnsound("the checkpoint is missing", RUN_VERIFY)
        with files.folder(epochs.FOLDER, within=root) as folder:
            # After the checkpoint: a certificate is always there before what its key signs.
            epochs.extend_chain(self._chain, folder, owner=self._owner)
        seen = self._seen
        if seen is None or seen[:2] != (content, self.epoch.number):
            try:
                seen = content, self.epoch.number, self._chain.open_checkpoint(content)
            except LedgerError as exc:
                raise LedgerUnsound(f"the checkpoint is not sound: {exc}", RUN_VERIFY) from exc
            self._seen = seen
        return seen[2], content
