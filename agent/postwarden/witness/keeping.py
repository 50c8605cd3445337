"""A witness's folder: its key, and for each log what it knows of it.

    key                 32 bytes, the seed of the Ed25519 key; made once, 0600
    name                the witness's name, which is part of its key
    logs/<hex>.json     what is known of the log whose origin has this SHA-256
    lock                held while a submission is weighed and its outcome brought to the disk

A cosignature leaves this module only after what it says is on the disk: temporary file, fsync, rename, fsync of the
folder, all under the lock. Two processes on one folder so never cosign two trees that do not agree.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files, lock
from postwarden.ledger.checkpoint import Position, parse_root
from postwarden.ledger.cosignature import CosignerKey, cosign, cosigner_of
from postwarden.ledger.note import VerifierKey, check_name, encode_base64, parse_key, parse_note
from postwarden.witness.decision import Known, Refusal, weigh_certificate, weigh_checkpoint
from postwarden.witness.submission import Submission, parse_submission

_KEY, _NAME, _LOGS = "key", "name", "logs"
_SEED = 32
#: Bytes of a file about a log: a checkpoint with its signatures, and some keys.
_MAX_FILE = 1024 * 1024
#: Seconds that one submission waits for another.
_PATIENCE = 10.0


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    first_key: str
    key: str
    size: int
    root: str
    since: int
    number: int | None
    before: str | None
    checkpoint: str | None


_FILE = msgspec.json.Decoder(_File)


class Keeping:
    """The folder of one witness. `logs` are the verifier keys that its owner trusts, `clock` gives seconds since 1970."""

    def __init__(
        self, folder: Path, *, name: str, logs: Sequence[VerifierKey], clock: Callable[[], float]
    ) -> None:
        self._folder, self._name, self._clock = folder, name, clock
        check_name(name)
        self._logs = {key.name: key for key in logs}
        if len(self._logs) != len(logs):
            raise LedgerError("two keys of one origin are given", "give the first key of each log once")
        try:
            files.make_folder(folder / _LOGS)
        except OSError as exc:
            raise files.failure(f"the folder {folder} cannot be made", exc) from exc
        with self._locked() as root:
            self._private = _own_key(root, name)
        for origin in self._logs:
            self.known(origin)

    @property
    def key(self) -> CosignerKey:
        """The witness's public key."""
        return cosigner_of(self._name, self._private)

    def known(self, origin: str) -> Known | None:
        """What is known of a log, or `None` where it is not one of ours; LedgerUnsound where its file is damaged."""
        first = self._logs.get(origin)
        if first is None:
            return None
        with files.folder(self._folder) as root, files.folder(_LOGS, within=root) as folder:
            return _read(folder, first)

    def take_checkpoint(self, content: bytes) -> bytes | Refusal:
        """Weigh a submitted checkpoint; the cosignature's line, once it is on the disk, or why not.

        LedgerError where the content is no submission, and where the disk fails.
        """
        return self._take(content, weigh_checkpoint, self._cosigned)

    def take_certificate(self, content: bytes) -> bytes | Refusal:
        """Weigh the certificate of a log's next key; a line that says so, once it is on the disk, or why not."""
        return self._take(content, weigh_certificate, lambda known, _: (known, b"taken\n"))

    def newest(self, digest: str) -> bytes | None:
        """The newest checkpoint cosigned for the log whose origin has this SHA-256, or `None`."""
        for origin in self._logs:
            if log_name(origin) == digest:
                known = self.known(origin)
                return known.checkpoint if known is not None else None
        return None

    def _take(
        self,
        content: bytes,
        weigh: Callable[[Known | None, Submission], Known | Refusal],
        answer: Callable[[Known, Submission], tuple[Known, bytes]],
    ) -> bytes | Refusal:
        submission = parse_submission(content)
        origin = parse_note(submission.note).text.decode().split("\n")
        # A checkpoint has its origin in its first line, a certificate, whose first line is its format, in its second.
        named = next((each for each in origin[:2] if each in self._logs), "")
        with self._locked() as root, files.folder(_LOGS, within=root) as folder:
            first = self._logs.get(named)
            outcome = weigh(_read(folder, first) if first is not None else None, submission)
            if isinstance(outcome, Refusal) or first is None:
                return outcome if isinstance(outcome, Refusal) else b""
            after, body = answer(outcome, submission)
            _write(folder, first, after)
        return body

    def _cosigned(self, known: Known, submission: Submission) -> tuple[Known, bytes]:
        note = parse_note(submission.note)
        line = cosign(note.text, self._name, self._private, time=int(self._clock()))
        # Only the log's own signatures are kept beside ours: of others nothing was verified.
        origin = known.origin
        own = b"".join(
            f"— {each.name} {encode_base64(each.identifier + each.value)}\n".encode()
            for each in note.signatures
            if each.name == origin
        )
        return _with_checkpoint(known, note.text + b"\n" + own + line), line

    @contextmanager
    def _locked(self) -> Iterator[int]:
        deadline = time.monotonic() + _PATIENCE
        with files.folder(self._folder) as root, lock.hold(root, owner=os.geteuid(), deadline=deadline):
            yield root


def log_name(origin: str) -> str:
    """How a log is named in the witness's addresses: hex SHA-256 of its origin."""
    return sha256(origin.encode()).hexdigest()


def _with_checkpoint(known: Known, checkpoint: bytes) -> Known:
    return Known(known.key, known.position, known.since, known.number, known.before, checkpoint)


def _own_key(root: int, name: str) -> Ed25519PrivateKey:
    """The witness's key, made where there is none; LedgerError where the folder is another witness's."""
    owner = os.geteuid()
    seed = files.read(root, _KEY, owner=owner, limit=_SEED)
    known = files.read(root, _NAME, owner=owner, limit=1024)
    if known is None:
        # The name comes last: a first start that was cut short goes on with the key that it made.
        seed = seed or Ed25519PrivateKey.generate().private_bytes_raw()
        known = name.encode() + b"\n"
        try:
            files.store(root, _KEY, [seed])
            files.store(root, _NAME, [known])
        except OSError as exc:
            raise files.failure("the witness's key cannot be written", exc) from exc
    if known != name.encode() + b"\n":
        raise LedgerError(
            f"the folder belongs to the witness {known.decode('utf-8', 'backslashreplace').strip()}",
            "a witness keeps its name; use another folder for another one",
        )
    if seed is None or len(seed) != _SEED:
        raise LedgerUnsound(
            "the witness's key is missing or not whole",
            "restore it from a backup, or begin a new witness in an empty folder and give its key to the logs",
        )
    return Ed25519PrivateKey.from_private_bytes(seed)


def _read(folder: int, first: VerifierKey) -> Known:
    name = log_name(first.name) + ".json"
    content = files.read(folder, name, owner=os.geteuid(), limit=_MAX_FILE)
    if content is None:
        return Known(first)
    try:
        file = _FILE.decode(content)
        if file.first_key != first.text:
            raise LedgerError(
                f"another key is known for {first.name} than the one given",
                f"give {file.first_key}; a log that was begun anew needs a new origin",
            )
        return Known(
            key=parse_key(file.key),
            position=Position(file.size, parse_root(file.root)),
            since=file.since,
            number=file.number,
            before=None if file.before is None else parse_key(file.before),
            checkpoint=None if file.checkpoint is None else file.checkpoint.encode(),
        )
    except msgspec.DecodeError as exc:
        raise LedgerUnsound(
            f"what the witness knows of {first.name} cannot be read: {exc}",
            "restore the witness's folder from a backup; until then it cosigns nothing of this log",
        ) from exc


def _write(folder: int, first: VerifierKey, known: Known) -> None:
    file = _File(
        first_key=first.text,
        key=known.key.text,
        size=known.position.size,
        root=encode_base64(known.position.root),
        since=known.since,
        number=known.number,
        before=None if known.before is None else known.before.text,
        checkpoint=None if known.checkpoint is None else known.checkpoint.decode(),
    )
    try:
        files.store(folder, log_name(first.name) + ".json", [msgspec.json.encode(file, order="sorted")])
    except OSError as exc:
        raise files.failure(f"what the witness knows of {first.name} was not written", exc) from exc
