"""Asking a witness (https://c2sp.org/tlog-witness) to cosign our newest checkpoint, and what it has seen of us.

A witness that knows another size than we thought says so (409), and is asked again with the proof from there. One
that knows a larger size than we have, another root for a size that we have, or that does not find our tree a
continuation of the one it knows, has seen a ledger that this one is no continuation of: LedgerUnsound.
"""

from hashlib import sha256

from postwarden.errors import LedgerError, NotifyError
from postwarden.ledger.checkpoint import Position, parse_size
from postwarden.ledger.cosignature import open_cosignature, parse_cosignatures, read_text
from postwarden.ledger.note import Signature, encode_base64, parse_note
from postwarden.witness.exchange import Reply, ask
from postwarden.witness.peers import Look, Newest, Witness
from postwarden.witness.rollback import went_back, went_elsewhere
from postwarden.witness.submission import SIZE_TYPE, encode_submission

#: Times that one submission is sent: others may write to the ledger meanwhile.
_TRIES = 6


def cosigned_by(witness: Witness, look: Look) -> bytes:
    """The newest checkpoint with the witness's cosignature beneath.

    NotifyError where the witness cannot be asked or does not give one; LedgerUnsound where what it has seen and
    what we have do not agree.
    """
    old, told_keys = 0, False
    for _ in range(_TRIES):
        newest = look()
        reply = _submit(witness, "add-checkpoint", newest, newest.note, old, newest.position.size)
        if reply.status == 200:
            return newest.note + _verified(witness, newest.text, reply.body)
        if reply.status == 403 and not told_keys and newest.certificates:
            _tell_keys(witness, newest)
            told_keys = True
        elif reply.status == 409:
            known = _agreed(witness, look().position, reply)
            if known == old:
                # It knows as many records as we thought, and another root over them.
                raise went_elsewhere(
                    f"the witness {witness.name}", Position(known, b""), newest.root_at(known)
                )
            old = known
        elif reply.status == 422:
            raise went_elsewhere(f"the witness {witness.name}", Position(old, b""), None)
        else:
            raise _refused(witness, reply)
    raise NotifyError(f"the witness {witness.name} did not come to an end", "it is asked again later")


def seen_by(witness: Witness, origin: str) -> tuple[Position, bytes] | None:
    """The newest checkpoint of `origin` that the witness has cosigned, or `None` where it knows of none.

    Its cosignature is verified, the log's own is not: this is for whoever compares. NotifyError where it cannot be
    asked, or answers anything else.
    """
    name = sha256(origin.encode()).hexdigest()
    reply = ask(f"{witness.url}/{name}/checkpoint", ca=witness.ca)
    if reply.status == 404:
        return None
    if reply.status != 200:
        raise _refused(witness, reply)
    try:
        note = parse_note(reply.body)
        told, position = read_text(note.text)
        if told != origin:
            raise LedgerError(f"it is a checkpoint of {told}")
        _one_of(witness, note.text, note.signatures)
    except LedgerError as exc:
        raise NotifyError(
            f"the witness {witness.name} has no checkpoint that can be verified: {exc}"
        ) from exc
    return position, reply.body


def _submit(witness: Witness, call: str, newest: Newest, note: bytes, old: int, new: int) -> Reply:
    proof = newest.proof(old, new)
    return ask(f"{witness.url}/{call}", encode_submission(old, proof, note), ca=witness.ca)


def _verified(witness: Witness, text: bytes, lines: bytes) -> bytes:
    """The witness's own line among those that it sent; those of others are left out."""
    try:
        return _one_of(witness, text, parse_cosignatures(text, lines))
    except LedgerError as exc:
        raise NotifyError(
            f"what the witness {witness.name} answered is not its cosignature: {exc}",
            "compare the key in agent.toml with the one that the witness printed",
        ) from exc


def _one_of(witness: Witness, text: bytes, signatures: tuple[Signature, ...]) -> bytes:
    for each in signatures:
        if (each.name, each.identifier) == (witness.key.name, witness.key.identifier):
            open_cosignature(text, each, witness.key)
            return f"— {each.name} {encode_base64(each.identifier + each.value)}\n".encode()
    raise LedgerError(f"there is no line of {witness.name}")


def _agreed(witness: Witness, position: Position, reply: Reply) -> int:
    """The size that the witness knows, if it can be one of ours."""
    if reply.content_type != SIZE_TYPE:
        raise _refused(witness, reply)
    try:
        known = parse_size(reply.body.decode("ascii").removesuffix("\n"))
    except (UnicodeDecodeError, LedgerError) as exc:
        raise NotifyError(f"the witness {witness.name} did not say which size it knows") from exc
    if known > position.size:
        raise went_back(f"the witness {witness.name}", known, position)
    return known


def _tell_keys(witness: Witness, newest: Newest) -> None:
    """Sends each certificate of a key after the first; one that the witness cannot place is passed over."""
    for certificate in newest.certificates[1:]:
        old = 0
        for _ in range(2):
            begins = _begins(certificate)
            if old > begins:
                break
            reply = _submit(witness, "add-epoch", newest, certificate, old, begins)
            if reply.status != 409:
                break
            old = _agreed(witness, newest.position, reply)


def _begins(certificate: bytes) -> int:
    return parse_size(parse_note(certificate).text.decode().split("\n")[3])


def _refused(witness: Witness, reply: Reply) -> NotifyError:
    said = " ".join(reply.body.decode("utf-8", "backslashreplace").split())[:200]
    hints = {
        403: "the witness was given another key for this ledger: give it the first one (postwarden key show)",
        404: "give the witness this ledger's first key with --log (postwarden key show)",
    }
    return NotifyError(
        f"the witness {witness.name} answered {reply.status}" + (f": {said}" if said else ""),
        hints.get(reply.status),
    )
