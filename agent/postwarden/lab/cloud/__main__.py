"""The lab's cloud as a process of its own, for benchmarks: `python -m postwarden.lab.cloud --folder F`.

Writes one JSON line when it is ready, and another, with the requests by kind, for each line that it reads and at
its end: SIGTERM, or the end of standard input.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread

from postwarden.lab.cloud.server import CloudLab, start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m postwarden.lab.cloud")
    parser.add_argument(
        "--folder", type=Path, required=True, help="an empty folder for its certificates and keys"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each request takes at least")
    parser.add_argument(
        "--users", type=int, default=0, help="the least number of people in Microsoft's tenant"
    )
    parser.add_argument("--grants", type=int, default=0, help="the least number of grants there")
    asked = parser.parse_args()
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with start(asked.folder, users=asked.users, grants=asked.grants, latency=asked.latency) as lab:
        _write(_ready(lab))
        Thread(target=_answer, args=(lab, ended), daemon=True).start()
        ended.wait()
        _write(_served(lab))


def _answer(lab: CloudLab, ended: Event) -> None:
    # Not by sys.stdin: its lock, held by this thread, would stop the interpreter from ending on SIGTERM.
    while asked := os.read(0, 4096):
        for _ in range(asked.count(b"\n")):
            _write(_served(lab))
            lab.forget()
    ended.set()


def _ready(lab: CloudLab) -> dict[str, object]:
    microsoft = lab.microsoft
    state = microsoft.state
    return {
        "tenant_id": microsoft.tenant_id,
        "client_id": microsoft.client_id,
        "client_secret": microsoft.client_secret,
        "login_url": microsoft.authority.removesuffix(f"/{microsoft.tenant_id}"),
        "graph_url": microsoft.graph_url,
        "exchange_url": microsoft.exchange_url,
        "ca_file": str(lab.ca_file),
        "internal_domains": list(lab.organisation.internal_domains),
        "partners": list(lab.organisation.partners),
        "has": {
            "users": len(state.users),
            "service_principals": len(state.principals),
            "applications": len(state.registrations),
            "delegated": len(state.consents),
            "roles": len(state.assignments),
            "audits": len(state.audits),
        },
    }


def _served(lab: CloudLab) -> dict[str, object]:
    return {
        "requests": dict(lab.counts),
        "peaks": dict(lab.peaks),
        "problems": [f"{one.path}: {one.problem}" for one in lab.problems[:5]],
    }


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
