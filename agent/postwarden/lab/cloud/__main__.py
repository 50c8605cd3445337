"""The lab's cloud as a process of its own, for benchmarks: `python -m postwarden.lab.cloud --folder F`.

Writes one JSON line when it is ready, and another, with what it was asked since the last, for each line that it reads
and at its end: SIGTERM, or the end of standard input.
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
    parser.add_argument("--users", type=int, default=0, help="the least number of users at Microsoft")
    parser.add_argument("--grants", type=int, default=0, help="the least number of grants at Microsoft")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each request takes at least")
    asked = parser.parse_args()
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with start(asked.folder, users=asked.users, grants=asked.grants, latency=asked.latency) as lab:
        _write(_ready(lab))
        Thread(target=_answer_lines, args=(lab, ended), daemon=True).start()
        ended.wait()
        _write(_served(lab))


def _answer_lines(lab: CloudLab, ended: Event) -> None:
    # Not by sys.stdin: its lock, held by this thread, would stop the interpreter from ending on SIGTERM.
    while lines := os.read(0, 4096):
        for _ in range(lines.count(b"\n")):
            _write(_served(lab))
            lab.forget()
    ended.set()


def _ready(lab: CloudLab) -> dict[str, object]:
    microsoft, google, keycloak = lab.microsoft, lab.google, lab.keycloak
    return {
        "ca_file": str(lab.ca_file),
        "internal_domains": lab.organisation.internal_domains,
        "partners": lab.organisation.partners,
        "microsoft": {
            "tenant_id": microsoft.tenant_id,
            "client_id": microsoft.client_id,
            "client_secret": microsoft.client_secret,
            "certificate_file": str(microsoft.certificate_file),
            "key_file": str(microsoft.key_file),
            "authority": microsoft.authority,
            "token_url": microsoft.token_url,
            "graph_url": microsoft.graph_url,
            "exchange_url": microsoft.exchange_url,
            "users": len(microsoft.state.users),
            "grants": len(microsoft.state.consents) + len(microsoft.state.assignments),
            "delegated": len(microsoft.state.consents),
            "service_principals": len(microsoft.state.principals),
            "applications": len(microsoft.state.registrations),
            "audits": len(microsoft.state.audits),
        },
        "google": {
            "domain": google.domain,
            "service_account": google.service_account,
            "key_file": str(google.key_file),
            "admin": google.admin,
            "token_url": google.token_url,
            "admin_url": google.admin_url,
            "gmail_url": google.gmail_url,
        },
        "keycloak": {
            "realm": keycloak.realm,
            "client_id": keycloak.client_id,
            "client_secret": keycloak.client_secret,
            "url": keycloak.url,
            "issuer": keycloak.issuer,
            "token_url": keycloak.token_url,
        },
    }


def _served(lab: CloudLab) -> dict[str, object]:
    return {
        "requests": dict(lab.counts),
        "peaks": dict(lab.peaks),
        "outlook_peak": lab.microsoft.outlook.peak,
        "problems": len(lab.problems),
    }


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
