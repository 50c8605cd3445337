"""`postwarden history export`: sessions for others, and the signed record of that."""

import argparse
import hashlib
import json
import sys
from typing import TYPE_CHECKING

from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    from collections.abc import Callable

    from postwarden.config.settings import Config
    from postwarden.model.account import Account
    from postwarden.model.event import Transfer
    from postwarden.pipeline.views import View

#: Bytes of keys that a record has room for.
MAX_KEYS = 40_000
#: The columns, in their order; JSON lines have the same names.
COLUMNS = (
    "account", "name", "source", "protocol", "begun", "ended", "end", "address", "peer", "behind", "port", "server", "address_class",
    "country", "network", "hosting", "shared", "client", "family", "application", "session", "identity", "known", "own", "method",
    "encrypted", "attempts", "reason", "requests", "bytes_in", "bytes_out", "bodies", "body_bytes", "headers", "header_bytes",
    "deleted", "expunged",
)  # fmt: skip

TRANSFER_COLUMNS = (
    "source", "time", "sender", "recipients", "original", "message_id", "size", "direction", "outcome", "name", "address", "queue",
)  # fmt: skip


def export(args: argparse.Namespace, config: "Config") -> int:
    """Prints the sessions; the record is written when all of them are out."""
    from postwarden.cli.audit import choose
    from postwarden.cli.operator import now, open_recorder
    from postwarden.cli.times import shown, span
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.config.locate import state_folder
    from postwarden.errors import UsageError
    from postwarden.history.history import open_history
    from postwarden.history.reading import Wanted
    from postwarden.model import moment
    from postwarden.model.encoding import encodable, encode
    from postwarden.model.record import HistoryExported
    from postwarden.pipeline.places import open_networks
    from postwarden.pipeline.pseudonyms import Pseudonyms
    from postwarden.pipeline.views import Views

    since, until = span(args.since, args.until)
    state, networks = state_folder(config), open_networks(config)
    recorder = open_recorder(config)
    try:
        accounts = {
            one.key: one for one in (*recorder.store.accounts(), *ConfiguredDirectory(config).accounts())
        }
        chosen = choose(args.account, tuple(accounts.values())) if args.account else ()
        keys = tuple(one.key for one in chosen)
        if len(encode(keys)) > MAX_KEYS:
            raise UsageError(
                f"{len(keys)} accounts are more than one record can name", "export them in parts, or all"
            )
        with open_history(state) as history:
            wanted = Wanted(
                since=since, until=until, names=_names(history.read.names(), chosen) if chosen else None
            )
            conceal = Pseudonyms(state).of if config.history.pseudonyms else None
            views = Views(history, state, config, networks, accounts.values(), conceal)
            transfers = args.of == "transfers"
            out = _Out(args.format, *((TRANSFER_COLUMNS, "transfer") if transfers else (COLUMNS, "session")))
            name_of = views.name if conceal else str
            try:
                if transfers:
                    addresses = _addresses(chosen) if chosen else None
                    for source, transfer in history.read.transfers(addresses, since, until):
                        out.write(_transfer_row(source, transfer, name_of))
                else:
                    for session in history.read.sessions(wanted):
                        out.write(_row(views.of(session), name_of))
                sys.stdout.flush()
            finally:
                # What was handed out is recorded, also where the reader went away in the middle.
                recorder.write(
                    lambda envelope: [
                        HistoryExported(
                            **envelope,
                            of=args.of,
                            accounts=keys,
                            since=shown(since),
                            until=shown(until),
                            count=out.count,
                            digest=out.digest,
                            reason=encodable(args.reason[:1000]),
                        )
                    ]
                )
    finally:
        recorder.close()
    print(
        f"postwarden: {out.count} {args.of} handed out at {moment.text(now())}; sha-256 {out.digest}",
        file=sys.stderr,
    )
    return CLEAN


class _Out:
    """Writes to standard output and sums up what was written."""

    def __init__(self, form: str, columns: tuple[str, ...], kind: str) -> None:
        from postwarden.pipeline.csv_cells import csv_line

        self._csv_line = csv_line
        self._csv, self._columns, self._kind = form == "csv", columns, kind
        self._digest = hashlib.sha256()
        self.count = 0
        if self._csv:
            self._line(csv_line(columns))

    @property
    def digest(self) -> str:
        """SHA-256 of all that was written."""
        return self._digest.hexdigest()

    def write(self, row: dict[str, object]) -> None:
        self.count += 1
        if self._csv:
            self._line(self._csv_line([row[column] for column in self._columns]))
        else:
            self._line(json.dumps({"type": self._kind, **row}, sort_keys=True, separators=(",", ":")) + "\n")

    def _line(self, text: str) -> None:
        self._digest.update(text.encode("utf-8"))
        sys.stdout.write(text)


def _transfer_row(source: str, one: "Transfer", shown_name: "Callable[[str], str]") -> dict[str, object]:
    from postwarden.cli.times import shown

    row: dict[str, object] = {
        column: getattr(one, column) for column in TRANSFER_COLUMNS if hasattr(one, column)
    }
    people = {
        column: shown_name(str(row[column])) for column in ("sender", "name", "original") if row[column]
    }
    recipients = [shown_name(recipient) for recipient in one.recipients]
    return row | people | {"source": source, "time": shown(one.time), "recipients": recipients}


def _addresses(chosen: "tuple[Account, ...]") -> tuple[str, ...]:
    """What these accounts are called in envelopes, folded."""
    return tuple(
        name.casefold() for one in chosen for name in (one.login, *one.addresses, *one.names.values())
    )


def _row(view: "View", name_of: "Callable[[str], str]") -> dict[str, object]:
    from postwarden.cli.times import shown

    session = view.session
    row: dict[str, object] = {
        column: getattr(session if hasattr(session, column) else view, column) for column in COLUMNS
    }
    names = {
        "name": name_of(session.name),
        "identity": name_of(session.identity) if session.identity is not None else None,
    }
    return row | names | {"begun": shown(session.begun), "ended": shown(session.ended)}


def _names(known: list[str], chosen: "tuple[Account, ...]") -> tuple[str, ...]:
    """The names in the history that belong to these accounts."""
    from postwarden.pipeline.hunting import names_of

    mine = names_of(chosen)
    return tuple(name for name in known if name.casefold() in mine)
