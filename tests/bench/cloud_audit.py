"""`python -m tests.bench.cloud_audit CONFIG audit|record|sweeps`: a process that does nothing else, and says what it took.

Writes one JSON line for each part of its work, and waits for a line on standard input after each.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from postwarden.cli import run
from postwarden.cli.operator import now
from postwarden.config.locate import load
from postwarden.connectors import open_sources, prepare
from postwarden.model.reading import Observed
from postwarden.model.scope import account_scope
from postwarden.pipeline.at_once import read_accounts
from postwarden.pipeline.audit import Everybody, acceptance, everybody_of, judged
from postwarden.pipeline.collect import Part, collect_source, conclude
from postwarden.pipeline.directory import list_accounts
from postwarden.pipeline.judge import load_rules


def main() -> None:
    _, path, what = sys.argv
    for told in {"audit": _audit, "record": _record, "sweeps": _sweeps}[what](path):
        print(json.dumps({**told, "peak_mb": _peak()}), flush=True)
        sys.stdin.readline()


def _audit(path: str) -> Iterator[dict[str, Any]]:
    """The command as anybody runs it, without a ledger."""
    yield _command("audit", "--all", "--no-record", "--config", path)


def _record(path: str) -> Iterator[dict[str, Any]]:
    """The same with a new ledger."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        run(["init", "--config", path])
    yield _command("audit", "--all", "--config", path)


def _command(*words: str) -> dict[str, Any]:
    started = time.perf_counter()
    with redirect_stdout(StringIO()) as said:
        run(words)
    assert "everything configured was read" in said.getvalue(), said.getvalue()[-2000:]
    return {"seconds": time.perf_counter() - started}


def _sweeps(path: str) -> Iterator[dict[str, Any]]:
    """Two sweeps, of which the second remembers the first; how long judging took, and reading the same as JSON alone.

    Both are in seconds of processor time of this thread, for others read meanwhile.
    """
    config = load(path)
    book, memory = load_rules(config), dict[str, Any]()
    for _ in range(2):
        sources = open_sources(config, now, memory)
        accounts = list_accounts(config, sources, (), ()).accounts
        prepare(sources, accounts, config)
        everybody: Everybody = everybody_of(accounts)
        judging = decoding = 0.0
        for source in sources:
            reading = collect_source(source, acceptance(config, source, now), None)
            judged(None, reading, everybody, book, config, None, now())
        for account, parts in read_accounts(accounts, sources):
            reading = conclude(account_scope(account.key), parts, acceptance(config, account, now), None)
            before = time.thread_time()
            judged(account, reading, everybody, book, config, None, now())
            between = time.thread_time()
            _decode(parts)
            judging, decoding = judging + between - before, decoding + time.thread_time() - between
        yield {"accounts": len(accounts), "judging": judging, "decoding": decoding}


def _decode(parts: tuple[Part, ...]) -> None:
    """Each raw answer once, by the standard library's reader of JSON."""
    for raw in {item.raw for part in parts for item in part.items if isinstance(item, Observed)}:
        for line in raw.splitlines():
            if line.startswith(b"{"):
                json.loads(line)


def _peak() -> float:
    """The most memory that this process ever had, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
