"""A source of kind `graph` on the lab's tenant, as an agent.toml would make it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import Source, open_source
from postwarden.connectors.graph.source import GraphSource
from postwarden.lab.cloud import CloudLab
from postwarden.model.account import Account
from postwarden.model.evidence import Grant
from postwarden.pipeline.collect import Reading, collect_account, collect_source

DOMAIN = "kitano-trading.example"

#: What Graph shows to nobody.
UNSHOWN = {"app_passwords", "hidden_rules", "mailbox_forwarding", "mailbox_permissions"}

#: What the checks of an account and of the tenant come to where nothing goes wrong.
ACCOUNT_READ = {name: "gap" if name in UNSHOWN else "read" for name in GraphSource.checks}
SOURCE_READ = {name: "gap" if name == "exchange_roles" else "read" for name in GraphSource.source_checks}


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - assertions end by this computer's clock


def account(login: str, **names: Any) -> Account:
    return Account(key=f"login:{login}", login=f"{login}@{DOMAIN}", addresses=(f"{login}@{DOMAIN}",), **names)


def private(folder: Path, name: str, text: str) -> dict[str, str]:
    """A file that only its owner can read."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text)
    return {"file": str(path)}


def login(lab: CloudLab, folder: Path, how: str) -> dict[str, Any]:
    tenant = lab.microsoft
    if how == "certificate":
        pem = tenant.key_file.read_text() + tenant.certificate_file.read_text()
        return {"client_id": tenant.client_id, "certificate": private(folder, "app.pem", pem)}
    return {"client_id": tenant.client_id, "secret": private(folder, "graph.secret", tenant.client_secret)}


def source(
    lab: CloudLab,
    folder: Path,
    how: str = "secret",
    *,
    memory: dict[str, Any] | None = None,
    clock: Callable[[], datetime] = now,
    **options: Any,
) -> GraphSource:
    """The source; where it has to wait, no time passes."""
    tenant = lab.microsoft
    entry = SourceEntry(
        name="m365",
        kind="graph",
        options={
            "tenant": tenant.tenant_id,
            "urls": {
                "login": tenant.authority.rpartition("/")[0],
                "graph": tenant.graph_url,
                "exchange": tenant.exchange_url,
            },
            "ca_file": str(lab.ca_file),
            "timeout": 3,
            "login": login(lab, folder, how),
            **options,
        },
    )
    made = open_source(entry, 0, decode(b"", folder / "agent.toml"), clock, memory)
    assert isinstance(made, GraphSource)
    made.pause.sleep = lambda _: None
    return made


def read(made: GraphSource, name: str) -> Reading:
    return collect_account(account(name), [made], lambda *_: None, None)


def read_all(made: Source) -> Reading:
    return collect_source(made, lambda *_: None, None)


def status(reading: Reading) -> dict[str, str]:
    return {row.check: row.status for row in reading.coverage}


def grants(found: Reading, check: str = "grants") -> list[Grant]:
    return [item for item in found.evidence if isinstance(item, Grant) and item.check == check]


def named(found: list[Grant], name: str) -> Grant:
    (one,) = [item for item in found if item.application.name == name]
    return one


def without_time(item: Any) -> str:
    told = msgspec.structs.asdict(item)
    told.pop("observed", None)
    return str(sorted(told.items()))


def same(one: Reading, other: Reading) -> bool:
    return sorted(map(without_time, one.evidence)) == sorted(map(without_time, other.evidence))
