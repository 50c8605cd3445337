"""`python -m tests.bench.stub_daemon AGENT_TOML`: the daemon, with a source of the kind `stub` that answers at once."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from postwarden import connectors, logs
from postwarden.cli.operator import now, open_recorder
from postwarden.config.directory import ConfiguredDirectory
from postwarden.config.locate import load
from postwarden.findings.due import period, phase
from postwarden.findings.sweeps import count
from postwarden.model.account import Account
from postwarden.model.reading import SAME_GRADE, CheckDone, Coverage, Grade, Item
from postwarden.model.scope import account_scope, source_scope
from postwarden.pipeline.collect import Reading
from postwarden.pipeline.record import Conclusion, create_ledger

#: Accounts that one commit records.
STEP = 100
AGENT_TOML = """\
[organisation]
internal_domains = ["example.org"]
[accounts]
file = "accounts"
domain = "example.org"
[state]
folder = "state"
[daemon]
interval = {interval}
{more}
[[source]]
name = "stub"
kind = "stub"
"""


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """None."""


class StubSource:
    """Says at once that there is nothing."""

    checks: tuple[str, ...] = ("inbox_rules",)
    source_checks: tuple[str, ...] = ("transport",)
    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE
    connections = 8

    def __init__(self, name: str, options: Options, **_: Any) -> None:
        self.name = name

    def prepare(self, accounts: Sequence[Account]) -> None:
        pass

    def read_source(self) -> Iterator[Item]:
        yield CheckDone(scope=source_scope(self.name), source=self.name, check="transport")

    def read_account(self, account: Account) -> Iterator[Item]:
        yield CheckDone(scope=account_scope(account.key), source=self.name, check="inbox_rules")


def write(folder: Path, accounts: int, *, interval: int = 900, more: str = "") -> Path:
    """A configuration with so many accounts, and a ledger; returns agent.toml."""
    path = folder / "agent.toml"
    path.write_text(AGENT_TOML.format(interval=interval, more=more))
    path.chmod(0o600)
    (folder / "accounts").write_text("".join(f"user{number:06}:\n" for number in range(accounts)))
    create_ledger(
        folder / "state", origin="postwarden/bench", run="bench", actor="bench", agent="bench", now=now()
    )
    return path


def sweep_once(path: Path) -> None:
    """Records one sweep of every account, each at its own place in the interval that ends now."""
    config = load(str(path))
    end, round_ = now(), period(config.daemon.interval * 1_000_000)
    ago = {
        account.key: (count(end) - round_ * phase(account.key) // 2**32) % round_
        for account in ConfiguredDirectory(config).accounts()
    }
    accounts = sorted(ConfiguredDirectory(config).accounts(), key=lambda account: -ago[account.key])
    when = [end]
    recorder = open_recorder(config, clock=lambda: when[0])
    for first in range(0, len(accounts), STEP):
        some = accounts[first : first + STEP]
        when[0] = end - timedelta(microseconds=ago[some[-1].key])
        recorder.finish_all([_read(account) for account in some], rules=frozenset())
    recorder.close()


def _read(account: Account) -> Conclusion:
    scope = account_scope(account.key)
    row = Coverage(scope=scope, source="stub", check="inbox_rules", status="read")
    return Conclusion(
        account=account, reading=Reading(scope=scope, evidence=(), coverage=(row,)), findings=()
    )


def main() -> None:
    connectors.KINDS["stub"] = "tests.bench.stub_daemon:StubSource"
    from postwarden.daemon.service import Service

    logs.configure(json=True)
    Service(Path(sys.argv[1]), partial(open_recorder, run="bench", wait=4.0)).run()


if __name__ == "__main__":
    main()
