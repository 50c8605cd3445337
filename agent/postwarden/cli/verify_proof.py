"""`postwarden verify-proof`."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.common import add_json
from postwarden.cli.exits import CLEAN, NOT_SOUND

if TYPE_CHECKING:
    from postwarden.ledger.checkpoint import Position
    from postwarden.ledger.proof_file import ConsistencyProof, InclusionProof
    from postwarden.ledger.verify_proof import Trust

HELP = "check a proof that prove or export wrote, without the ledger"
DESCRIPTION = """\
Checks a file that postwarden prove or export wrote: that the record which it shows, and no other, is in the
ledger that the key belongs to, or that a later checkpoint continues an older one. It needs neither ledger nor
configuration. --key is the first key, as init printed it; --keys is the folder of certificates (keys/ of the
ledger or of an export), which lead from that key to the one that signed the checkpoint. Without --keys only
what the first key signed can be checked, and not whether it still was in force; without --key nobody says that
the certificates are the right ones."""
EPILOG = """\
examples:
  postwarden verify-proof 4711.tlog-proof --key "$(cat postwarden.vkey)" --keys keys
  postwarden verify-proof 4711.tlog-proof --record record.json --key "$(cat postwarden.vkey)" --keys keys
  postwarden verify-proof proofs/*.tlog-proof --key "$(cat postwarden.vkey)" --keys keys
  postwarden verify-proof since-june.proof --old checkpoint.june --key "$(cat postwarden.vkey)" --keys keys

exit codes:
  0 all sound    4 one is not sound    2 not a proof, something is missing, or it cannot be read"""

#: A record and its line feed.
MAX_RECORD = 65_536


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proofs", nargs="+", metavar="FILE", help="a proof, or several")
    parser.add_argument(
        "--record", metavar="FILE", help="the record, one line (default: the one in the proof's extra field)"
    )
    parser.add_argument("--old", metavar="FILE", help="the checkpoint that a consistency proof begins with")
    parser.add_argument("--key", metavar="VKEY", help="the first key, as init printed it")
    parser.add_argument("--keys", metavar="FOLDER", help="the certificates of the epochs")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli.files import read_file
    from postwarden.errors import LedgerUnsound, UsageError
    from postwarden.ledger.proof_file import MAX_PROOF, read_proof
    from postwarden.ledger.verify_proof import trust

    if len(args.proofs) > 1 and (args.record or args.old):
        raise UsageError("--record and --old are about one proof", "check that proof alone")
    known: Trust | None = None
    unsound = False
    for file in args.proofs:
        shown = _Shown(file, read_proof(read_file(file, MAX_PROOF)))
        try:
            known = known or trust(args.key, Path(args.keys) if args.keys else None)
            _check(args, shown, known)
        except LedgerUnsound as exc:
            shown.problem = exc.message
            unsound = True
        if args.json:
            print(json.dumps(shown.as_object(), sort_keys=True, separators=(",", ":")))
        else:
            shown.print(briefly=len(args.proofs) > 1)
    if known is not None and not args.json and not unsound:
        _print_notes(known)
    return NOT_SOUND if unsound else CLEAN


def _check(args: argparse.Namespace, shown: "_Shown", known: "Trust") -> None:
    """Find out what a proof shows; LedgerUnsound where it does not."""
    from postwarden.cli.files import read_file
    from postwarden.cli.prove import MAX_CHECKPOINT
    from postwarden.errors import UsageError
    from postwarden.ledger.proof_file import InclusionProof
    from postwarden.ledger.verify_proof import verify_consistency, verify_inclusion

    shown.trust = known
    if isinstance(shown.proof, InclusionProof):
        if args.old:
            raise UsageError("--old is for a consistency proof", "leave it out")
        shown.record = (
            read_file(args.record, MAX_RECORD).removesuffix(b"\n") if args.record else shown.proof.extra
        )
        if shown.record is None:
            raise UsageError("the proof does not hold its record", "give --record with the record's line")
        shown.position = verify_inclusion(shown.proof, shown.record, known.chain)
    else:
        if args.record:
            raise UsageError("--record is for the proof of a record", "leave it out")
        old = read_file(args.old, MAX_CHECKPOINT) if args.old else None
        shown.position = verify_consistency(shown.proof, old, known.chain)


def _print_notes(known: "Trust") -> None:
    if not known.compared:
        print("note: the first key was not compared with one that somebody kept (--key)")
    if not known.certified:
        print("note: no certificates were given (--keys): whether the key was still in force is not checked")


class _Shown:
    """What is told of a proof; filled in while it is checked."""

    def __init__(self, file: str, proof: "InclusionProof | ConsistencyProof") -> None:
        self.file = file
        self.proof = proof
        self.trust: Trust | None = None
        self.record: bytes | None = None
        self.position: Position | None = None
        self.problem: str | None = None

    def as_object(self) -> dict[str, object]:
        """What `--json` prints: docs/json.md calls it `proof`."""
        position = self.position
        return {
            "type": "proof",
            "file": self.file,
            "sound": self.problem is None,
            "index": self._index,
            "old": self._old,
            "origin": self.trust.chain.origin if self.trust and position else None,
            "size": position.size if position else None,
            "root": _base64(position.root) if position else None,
            "epoch": self.trust.chain.at(position.size).number if self.trust and position else None,
            "record": self.record.decode("ascii", "backslashreplace") if self.record and position else None,
            "key_compared": bool(self.trust and self.trust.compared),
            "certificates_followed": bool(self.trust and self.trust.certified),
            "problem": self.problem,
        }

    def print(self, *, briefly: bool) -> None:
        from postwarden.cli.terminal import clean

        if briefly:
            verdict = "sound    " if self.problem is None else f"NOT SOUND: {self.problem}:"
            print(clean(f"{verdict} {self.file}"))
            return
        print(clean(f"proof    {self.file}"))
        if self.problem is not None or self.position is None or self.trust is None:
            print(clean(f"problem  {self.problem}"))
            print("NOT SOUND: this shows nothing; keep the file, and ask for the ledger")
            return
        size = self.position.size
        print(clean(f"origin   {self.trust.chain.origin}"))
        print(f"covers   {size} records, root {_base64(self.position.root)}")
        print(f"epoch    {self.trust.chain.at(size).number}")
        if self.record is not None:
            print(clean(f"record   {self.record.decode('ascii', 'backslashreplace')}"))
            print(f"sound: record {self._index} is in this ledger as shown")
        else:
            print(f"sound: the first {self._old} of the {size} records are those of the older checkpoint")

    @property
    def _index(self) -> int | None:
        return getattr(self.proof, "index", None)

    @property
    def _old(self) -> int | None:
        return getattr(self.proof, "old", None)


def _base64(root: bytes) -> str:
    import base64

    return base64.b64encode(root).decode("ascii")
