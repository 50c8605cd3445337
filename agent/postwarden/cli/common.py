"""Arguments that several verbs share."""

import argparse
from pathlib import Path


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="agent.toml to use (default: ./agent.toml, then the user's configuration folder, then /etc/postwarden)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a line (docs/json.md describes them)"
    )


def ledger_folder(given: str | None, config: str | None) -> Path:
    """The ledger's folder: the one that was given, or the configured one."""
    from postwarden.config.locate import load, state_folder

    return Path(given) if given else state_folder(load(config)) / "ledger"
