"""Is a proof sound? Needs the proof, a key that somebody kept, and no ledger."""

from dataclasses import dataclass
from pathlib import Path

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import epochs, files
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain, Epoch
from postwarden.ledger.note import parse_key
from postwarden.ledger.proof_file import ConsistencyProof, InclusionProof
from postwarden.ledger.proofs import check_consistency, check_inclusion
from postwarden.ledger.tree import EMPTY_ROOT, leaf_hash


@dataclass(frozen=True, slots=True)
class Trust:
    """What a proof is checked against: the epochs, whether the first key was compared with one that somebody kept,
    and whether there were certificates, without which the key counts for every size.
    """

    chain: Chain
    compared: bool
    certified: bool


def trust(key: str | None, certificates: Path | None) -> Trust:
    """What a kept key and a folder of certificates give; one of them may be missing.

    LedgerError where both are, or the key is none; LedgerUnsound where they do not belong together or a certificate
    does not follow the one before it.
    """
    kept = None if key is None else parse_key(key)
    if certificates is None:
        if kept is None:
            raise LedgerError(
                "there is no key to check the proof with",
                "give --key with the first key, as init printed it, or --keys with the folder of certificates",
            )
        return Trust(Chain(Epoch(0, Position(0, EMPTY_ROOT), kept, "")), compared=True, certified=False)
    with files.folder(certificates) as folder:
        names = files.list_names(folder, str(certificates))
        chain = epochs.read_chain(folder, owner=None)
    strange = set(names) - {epochs.file_name(epoch.number) for epoch in chain.epochs}
    if strange:
        raise LedgerUnsound(f"{min(strange)!a} in {certificates} is not a certificate of this chain")
    if kept is not None and chain.epochs[0].key != kept:
        raise LedgerUnsound("the first certificate's key is not the one that it was compared with")
    return Trust(chain, compared=kept is not None, certified=True)


def verify_inclusion(proof: InclusionProof, record: bytes, chain: Chain) -> Position:
    """The position of the signed checkpoint that covers `record`; LedgerUnsound where the proof does not show that."""
    position = _open(proof.checkpoint, chain)
    try:
        check_inclusion(leaf_hash(record), proof.index, position.size, position.root, proof.path)
    except LedgerError as exc:
        raise LedgerUnsound(exc.message) from exc
    return position


def verify_consistency(proof: ConsistencyProof, old: bytes | None, chain: Chain) -> Position:
    """The position of the signed checkpoint that continues the older one.

    `old` is the checkpoint that somebody kept; without one, an epoch that begins with that many records gives
    their root. LedgerError where neither does, LedgerUnsound where the proof does not show it.
    """
    position = _open(proof.checkpoint, chain)
    before = _older(proof, old, chain)
    if before.size != proof.old:
        raise LedgerUnsound(
            f"the proof is about {proof.old} records, the kept checkpoint about {before.size}"
        )
    try:
        check_consistency(before.size, before.root, position.size, position.root, proof.path)
    except LedgerError as exc:
        raise LedgerUnsound(exc.message) from exc
    return position


def _older(proof: ConsistencyProof, old: bytes | None, chain: Chain) -> Position:
    if old is not None:
        return _open(old, chain)
    for epoch in chain.epochs:
        if epoch.begins.size == proof.old:
            return epoch.begins
    raise LedgerError(
        f"nothing says the root over {proof.old} records, which the proof begins with",
        "give --old with the checkpoint that was kept then",
    )


def _open(checkpoint: bytes, chain: Chain) -> Position:
    try:
        return chain.open_checkpoint(checkpoint)
    except LedgerError as exc:
        raise LedgerUnsound(f"the checkpoint is not sound: {exc}") from exc
