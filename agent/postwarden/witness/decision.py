"""What a witness does with a submission: take it, or answer why not. No disk and no network here.

Of a log the witness knows the newest tree that it cosigned or followed, and the key that signs what comes after.
A tree is taken if it is signed by the key for its size and is shown to begin with the one that is known: so of
two trees that do not agree never both are. A certificate of the log's next key (ours, not C2SP's) is taken in the
same way if the key before it has signed it; from then on the key before counts for the size of the change alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import read_text
from postwarden.ledger.epochs import Epoch, parse_certificate
from postwarden.ledger.note import VerifierKey, open_note, parse_note
from postwarden.ledger.proofs import check_consistency
from postwarden.ledger.tree import EMPTY_ROOT
from postwarden.witness.submission import SIZE_TYPE, Submission

_NOTHING = Position(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Known:
    """What the witness knows of a log.

    `key` signs trees of more than `since` records; `before`, the key before it, signs the one of exactly `since`.
    `number` is the epoch's, unknown until the first certificate. `checkpoint` is the newest that was cosigned, with
    the cosignature; `position` may be beyond it, where a certificate was followed.
    """

    key: VerifierKey
    position: Position = _NOTHING
    since: int = 0
    number: int | None = None
    before: VerifierKey | None = None
    checkpoint: bytes | None = None

    @property
    def origin(self) -> str:
        return self.key.name


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than success; `body` is a line."""

    status: HTTPStatus
    body: str
    content_type: str = "text/plain; charset=utf-8"


def weigh_checkpoint(known: Known | None, submission: Submission) -> Known | Refusal:
    """What is known after a checkpoint, not cosigned yet; `known` is what is known of its origin."""
    origin, position = read_text(parse_note(submission.note).text)
    if known is None or known.origin != origin:
        return _refused(HTTPStatus.NOT_FOUND, f"no log with the origin {origin} is known here")
    if not _is_signed(submission.note, _keys_for(known, position.size)):
        return _refused(
            HTTPStatus.FORBIDDEN, f"no signature of the key for {position.size} records of this origin"
        )
    return _grown(known, submission, position) or replace(known, position=position)


def weigh_certificate(known: Known | None, submission: Submission) -> Known | Refusal:
    """What is known after a certificate of the log's next key; one that was followed already changes nothing."""
    certificate = parse_certificate(submission.note)
    if known is None or known.origin != certificate.key.name:
        return _refused(HTTPStatus.NOT_FOUND, f"no log with the origin {certificate.key.name} is known here")
    if certificate.key == known.key or _is_past(known, certificate):
        return known
    if not _is_signed(submission.note, [known.key]):
        return _refused(HTTPStatus.FORBIDDEN, "the certificate is not signed by the key before it")
    if known.number is not None and certificate.number != known.number + 1:
        return _refused(HTTPStatus.FORBIDDEN, f"the next epoch is {known.number + 1}")
    grown = _grown(known, submission, certificate.begins)
    return grown or Known(
        key=certificate.key,
        position=certificate.begins,
        since=certificate.begins.size,
        number=certificate.number,
        before=known.key,
        checkpoint=known.checkpoint,
    )


def _grown(known: Known, submission: Submission, position: Position) -> Refusal | None:
    """Why the tree at `position` is not taken for the growth of the one that is known, or None."""
    if submission.old > position.size:
        return _refused(HTTPStatus.BAD_REQUEST, "the old size is larger than the new one")
    if submission.old != known.position.size or (
        position.size == known.position.size and position != known.position
    ):
        return Refusal(HTTPStatus.CONFLICT, str(known.position.size), SIZE_TYPE)
    try:
        check_consistency(
            known.position.size, known.position.root, position.size, position.root, submission.proof
        )
    except LedgerError as exc:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc))
    return None


def _keys_for(known: Known, size: int) -> Sequence[VerifierKey]:
    """What is smaller than `since` is refused for its size, whoever signed it."""
    return [known.key] if size > known.since or known.before is None else [known.before]


def _is_past(known: Known, certificate: Epoch) -> bool:
    return known.number is not None and certificate.number <= known.number


def _is_signed(note: bytes, keys: Sequence[VerifierKey]) -> bool:
    try:
        open_note(note, keys)
    except LedgerError:
        return False
    return True


def _refused(status: HTTPStatus, why: str) -> Refusal:
    return Refusal(status, why)
