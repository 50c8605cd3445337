"""Arguments that several verbs share."""

import argparse


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
