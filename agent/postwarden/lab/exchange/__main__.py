"""The lab's Exchange as a process of its own, for benchmarks: `python -m postwarden.lab.exchange --folder F`.

Writes one JSON line when it is ready, runs until SIGTERM or the end of standard input, and writes another.
"""

import argparse
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from threading import Event, Thread

from postwarden.lab.exchange.server import ExchangeLab, start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m postwarden.lab.exchange")
    parser.add_argument(
        "--folder", type=Path, required=True, help="an empty folder for its certificates and keys"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each request takes at least")
    parser.add_argument("--limit", type=int, default=27, help="requests of one user at once")
    parser.add_argument("--accounts", type=int, default=0, help="the least number of mailboxes")
    asked = parser.parse_args()
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    Thread(target=_wait_for_the_end, args=(ended,), daemon=True).start()
    with start(asked.folder, latency=asked.latency, limit=asked.limit, accounts=asked.accounts) as lab:
        _write(_ready(lab))
        ended.wait()
        _write(_served(lab))


def _wait_for_the_end(ended: Event) -> None:
    # Not by sys.stdin: its lock, held by this thread, would stop the interpreter from ending on SIGTERM.
    while os.read(0, 4096):
        pass
    ended.set()


def _ready(lab: ExchangeLab) -> dict[str, object]:
    service = lab.service
    return {
        "url": lab.url,
        "autodiscover_url": lab.autodiscover_url,
        "token_url": lab.token_url,
        "ca_file": str(lab.ca_file),
        "login": service.login,
        "upn": service.upn,
        "password": service.password,
        "tenant_id": service.tenant_id,
        "client_id": service.client_id,
        "client_secret": service.client_secret,
        "certificate_file": str(service.certificate_file),
        "key_file": str(service.key_file),
        "accounts": [mailbox.addresses[0] for mailbox in lab.state.mailboxes.values()],
    }


def _served(lab: ExchangeLab) -> dict[str, object]:
    requests = lab.requests
    return {
        "requests": dict(Counter(one.operation for one in requests)),
        "peak": lab.peak,
        "busy": sum(one.busy for one in requests),
    }


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
