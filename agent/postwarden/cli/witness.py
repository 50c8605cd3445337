"""`postwarden witness`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

HELP = "keep and cosign the checkpoints of other hosts' ledgers"
DESCRIPTION = """\
Runs a small witness (https://c2sp.org/tlog-witness): it remembers the newest checkpoint of each ledger that it was
given a key for, and cosigns a newer one only if it is signed and is shown to be a continuation. A ledger that is cut
short or rolled back is refused from then on. Two hosts can run it for each other. The first start makes the
witness's key; the key that others verify with is the only line on stdout."""
EPILOG = """\
examples:
  postwarden witness --listen 127.0.0.1:8446 --state witness --name b.example.org/witness --log "$(cat a.vkey)"

exit codes:
  0 stopped by a signal    2 usage, key or address    4 what the witness knows is damaged"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", required=True, metavar="HOST:PORT", help="where to listen; an IPv6 address in brackets"
    )
    parser.add_argument(
        "--state", required=True, metavar="FOLDER", help="the witness's folder; made if it is missing"
    )
    parser.add_argument("--name", required=True, metavar="NAME", help="the witness's name, for good")
    parser.add_argument(
        "--log",
        required=True,
        action="append",
        metavar="VKEY",
        help="the first key of a ledger, as its init printed it; may be given again",
    )
    parser.add_argument(
        "--tls-certificate", metavar="FILE", help="serve https with this certificate (PEM, with its chain)"
    )
    parser.add_argument("--tls-key", metavar="FILE", help="and this key (PEM)")


def run(args: argparse.Namespace) -> int:
    import sys
    from pathlib import Path

    from postwarden.cli.log import begin
    from postwarden.cli.operator import now
    from postwarden.ledger.note import parse_key
    from postwarden.witness.keeping import Keeping
    from postwarden.witness.service import Service

    begin(json=not sys.stderr.isatty())
    tls = _tls(args)
    keeping = Keeping(
        Path(args.state),
        name=args.name,
        logs=[parse_key(text) for text in args.log],
        clock=lambda: now().timestamp(),
    )
    with Service(_address(args.listen), keeping, tls) as service:
        _serve(service.serve_forever, service.shutdown, keeping.key.text)
    return CLEAN


def _serve(serve: "Callable[[], None]", stop: "Callable[[], None]", key: str) -> None:
    """Serves until SIGTERM or SIGINT; the key is printed when they are heard."""
    import signal
    import threading

    ended = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    serving = threading.Thread(target=serve, name="serve", daemon=True)
    serving.start()
    print(key, flush=True)
    try:
        ended.wait()
    finally:
        stop()
        serving.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _tls(args: argparse.Namespace) -> "ssl.SSLContext | None":
    from pathlib import Path

    from postwarden.errors import UsageError
    from postwarden.witness.service import tls_context

    if (args.tls_certificate is None) != (args.tls_key is None):
        raise UsageError("--tls-certificate and --tls-key belong together", "give both, or neither")
    return None if args.tls_key is None else tls_context(Path(args.tls_certificate), Path(args.tls_key))


def _address(text: str) -> tuple[str, int]:
    from postwarden.errors import UsageError

    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UsageError(f"{text!r} is not HOST:PORT", "for example 192.0.2.7:8446, or [2001:db8::7]:8446")
    return host.removeprefix("[").removesuffix("]"), int(port)
