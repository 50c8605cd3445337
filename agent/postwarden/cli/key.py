"""`postwarden key`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    from postwarden.ledger.epochs import Epoch

HELP = "show or change the key that signs the ledger"
DESCRIPTION = """\
Each epoch of the ledger has a signing key of its own. When it ends, the old key certifies the new one and is
destroyed: whoever takes this host later can rewrite nothing that the old key signed. The first key is the one to
keep elsewhere, for every later one is verified with it."""
EPILOG = """\
examples:
  postwarden key show
  postwarden key rotate --reason "a colleague left"
  postwarden key fingerprint

exit codes:
  0 done    2 usage, configuration, local state    4 the ledger is not sound"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    show = verbs.add_parser(
        "show", help="every epoch: since when, from which record on, and its verifier key", allow_abbrev=False
    )
    add_config(show)
    add_json(show)
    show.set_defaults(act=_show)
    rotate = verbs.add_parser(
        "rotate", help="change to a new key now, and destroy the old one", allow_abbrev=False
    )
    rotate.add_argument("--reason", required=True, help="why; it is recorded")
    add_config(rotate)
    add_json(rotate)
    rotate.set_defaults(act=_rotate)
    fingerprint = verbs.add_parser(
        "fingerprint",
        help="the first key's SHA-256, short enough to read out on the telephone",
        allow_abbrev=False,
    )
    add_config(fingerprint)
    fingerprint.set_defaults(act=_fingerprint)


def run(args: argparse.Namespace) -> int:
    code: int = args.act(args)
    return code


def _show(args: argparse.Namespace) -> int:
    for epoch in _epochs(args.config):
        _print(args, epoch)
    return CLEAN


def _rotate(args: argparse.Namespace) -> int:
    from postwarden.cli.operator import open_recorder
    from postwarden.config.locate import load

    recorder = open_recorder(load(args.config))
    try:
        recorder.rotate(args.reason)
        recorder.publish()
        _print(args, recorder.ledger.epoch)
    finally:
        recorder.close()
    return CLEAN


def _fingerprint(args: argparse.Namespace) -> int:
    from hashlib import sha256

    from postwarden.cli.terminal import clean

    first = next(iter(_epochs(args.config)))
    digest = sha256(first.key.text.encode()).hexdigest()
    groups = [digest[at : at + 4] for at in range(0, len(digest), 4)]
    print(clean(f"{first.key.name}: {' '.join(groups)}"))
    return CLEAN


def _epochs(config: str | None) -> "tuple[Epoch, ...]":
    from postwarden.config.locate import load, state_folder
    from postwarden.ledger.store import open_ledger

    state = state_folder(load(config))
    return open_ledger(state / "ledger", state / "private").epochs


def _print(args: argparse.Namespace, epoch: "Epoch") -> None:
    if args.json:
        import json

        print(json.dumps(as_object(epoch), sort_keys=True, separators=(",", ":")))
        return
    from postwarden.cli.terminal import clean

    print(f"epoch {epoch.number}  since {epoch.time}, from record {epoch.begins.size} on")
    print(clean(f"  {epoch.key.text}"))
    if epoch.cosigner is not None:
        print(clean(f"  second signature: {epoch.cosigner.text}"))


def as_object(epoch: "Epoch") -> dict[str, object]:
    """What `--json` prints: docs/json.md calls it `epoch`."""
    return {
        "type": "epoch",
        "epoch": epoch.number,
        "since": epoch.time,
        "begins": epoch.begins.size,
        "verifier_key": epoch.key.text,
        "second_key": None if epoch.cosigner is None else epoch.cosigner.text,
    }
