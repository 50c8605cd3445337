"""`postwarden export`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    from pathlib import Path

    from postwarden.pipeline.export import Exported
    from postwarden.pipeline.export_choice import Choice
    from postwarden.pipeline.record import Recorder

HELP = "hand out records of the ledger with their proofs; a signed record says so"
DESCRIPTION = """\
Writes records as they stand into a new folder, each with a proof that it is in the ledger, together with the
checkpoint, the certificates of the keys, a README.txt that says how to check all this with and without
postwarden, and SHA256SUMS. With tlog-tiles it writes the whole ledger in the form of public transparency logs
(C2SP). The ledger gets a record with the digest of what was handed out."""
EPILOG = """\
examples:
  postwarden export --format jsonl /tmp/case-4711 --account alice@example.org --since 2026-06-01
  postwarden export --format csv /tmp/for-the-insurer --until 2026-10-01
  postwarden export --format tlog-tiles /srv/www/log

exit codes:
  0 written and recorded    4 the ledger is not sound: nothing was handed out    2 usage, configuration, local state"""

FORMATS = ("jsonl", "csv", "tlog-tiles")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="a folder that is empty or not there yet")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        required=True,
        help="lines of JSON, a table for spreadsheets, or tiles of the whole ledger",
    )
    parser.add_argument("--account", metavar="A", help="only what concerns it: an address, login or key")
    parser.add_argument(
        "--since", metavar="TIME", help="records from then on (2026-06-01, or with a time in UTC)"
    )
    parser.add_argument("--until", metavar="TIME", help="records before then")
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    from postwarden.cli.operator import open_recorder
    from postwarden.cli.terminal import Progress
    from postwarden.config.locate import load, state_folder
    from postwarden.errors import UsageError
    from postwarden.pipeline.export import export

    if args.format == "tlog-tiles" and (args.account or args.since or args.until):
        raise UsageError(
            "tiles are of the whole ledger",
            "leave --account, --since and --until out, or choose another format",
        )
    config = load(args.config)
    folder = Path(args.folder)
    progress = Progress()
    recorder = open_recorder(config)
    try:
        exported = export(
            recorder,
            state_folder(config) / "ledger",
            folder,
            args.format,
            _choice(args, recorder),
            lambda count: progress.show(f"{count} records"),
        )
        recorder.publish()
    finally:
        progress.clear()
        recorder.close()
    _print(args, folder, exported)
    return CLEAN


def _choice(args: argparse.Namespace, recorder: "Recorder") -> "Choice":
    from datetime import UTC, datetime, timedelta

    from postwarden.cli.times import span
    from postwarden.errors import UsageError
    from postwarden.model import moment
    from postwarden.model.account import find
    from postwarden.pipeline.export_choice import Choice

    def text(milliseconds: int | None) -> str | None:
        if milliseconds is None:
            return None
        return moment.text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds))

    since, until = span(args.since, args.until)
    account = None
    if args.account:
        found = find(tuple(recorder.store.accounts()), args.account)
        if found is None:
            raise UsageError(
                f"the ledger has never seen an account {args.account!r}",
                "name an address, a login or its key",
            )
        account = found.key
    return Choice(since=text(since), until=text(until), account=account)


def _print(args: argparse.Namespace, folder: "Path", exported: "Exported") -> None:
    import base64
    import json

    from postwarden.cli.terminal import clean

    root = base64.b64encode(exported.position.root).decode("ascii")
    if args.json:
        told = {
            "type": "export",
            "folder": str(folder),
            "format": args.format,
            "records": exported.count,
            "size": exported.position.size,
            "root": root,
            "digest": exported.digest,
        }
        print(json.dumps(told, sort_keys=True, separators=(",", ":")))
        return
    print(clean(f"folder   {folder}"))
    print(f"records  {exported.count}, under a checkpoint over {exported.position.size}, root {root}")
    print(f"digest   {exported.digest} (SHA-256 of SHA256SUMS; it is in the ledger)")
