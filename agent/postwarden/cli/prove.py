"""`postwarden prove`."""

import argparse
import sys
from pathlib import Path

from postwarden.cli.common import add_config, ledger_folder
from postwarden.cli.exits import CLEAN

HELP = "write the proof that a record is in the ledger, or that one checkpoint continues another"
DESCRIPTION = """\
Shows one record to somebody who must not see the others: the proof holds that record, and whoever has the
ledger's first key can check that it is in the ledger, with postwarden verify-proof or with other tools for
tlog-proof files. With --consistency it shows that nothing was changed or taken away between two checkpoints.
OLD is a size or the file of a checkpoint that was kept; NEW is the file of a later one, or its size where that
is the ledger's or a witness has cosigned it (default: the ledger's), for a proof ends in a signed checkpoint,
and the ledger keeps no others. What OLD's size had as its root, the one who checks must know: from a checkpoint
that was kept, or since an epoch began there. The private key is not needed."""
EPILOG = """\
examples:
  postwarden prove 4711 > 4711.tlog-proof
  postwarden prove 4711 -o 4711.tlog-proof --ledger /mnt/copy/ledger
  postwarden prove --consistency checkpoint.june > since-june.proof
  postwarden prove --consistency 4096

exit codes:
  0 proven    4 the ledger is not sound, or does not continue OLD    2 no such record or size, or it cannot be read"""

#: What a checkpoint cannot be longer than (ledger.note.MAX_NOTE; not loaded for `--help`).
MAX_CHECKPOINT = 256 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", nargs="?", type=int, metavar="RECORD", help="a record's index, from 0")
    parser.add_argument(
        "--consistency",
        nargs="+",
        metavar=("OLD", "NEW"),
        help="prove that the ledger at OLD is the beginning of the one at NEW",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the proof here (default: stdout)")
    parser.add_argument(
        "--ledger", metavar="FOLDER", help="the ledger's folder (default: the configured one)"
    )
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.errors import UsageError
    from postwarden.ledger.proof_file import write_consistency, write_inclusion
    from postwarden.ledger.proving import open_sealed, prove_consistency, prove_record, witnessed

    if (args.record is None) == (args.consistency is None) or len(args.consistency or ()) > 2:
        raise UsageError(
            "say either which record to prove, or --consistency OLD [NEW]", "see postwarden prove --help"
        )
    with open_sealed(ledger_folder(args.ledger, args.config)) as sealed:
        if args.consistency is None:
            proof = prove_record(sealed, args.record)
            content = write_inclusion(proof)
            if proof.extra is None:
                print(
                    f"postwarden: warning: record {args.record} was pruned; the proof does not hold it",
                    file=sys.stderr,
                )
        else:
            old, *rest = args.consistency
            new = _kept(rest[0]) if rest else sealed.checkpoint
            after = witnessed(sealed, new) if isinstance(new, int) else new
            if after is None:
                raise UsageError(
                    f"the ledger has no signed checkpoint over {rest[0]} records any more",
                    "give the file of a checkpoint that was kept, or leave NEW out for the ledger's own",
                )
            content = write_consistency(prove_consistency(sealed, _kept(old), after))
    _write(content, args.output)
    return CLEAN


def _kept(text: str) -> int | bytes:
    """A size, or the content of a kept checkpoint."""
    from postwarden.cli.files import read_file

    return int(text) if text.isascii() and text.isdigit() else read_file(text, MAX_CHECKPOINT)


def _write(content: bytes, output: str | None) -> None:
    from postwarden.errors import UsageError

    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    try:
        with Path(output).open("xb") as file:
            file.write(content)
    except OSError as exc:
        raise UsageError(
            f"{output} cannot be written: {(exc.strerror or str(exc)).lower()}",
            "name a file that is not there yet",
        ) from exc
