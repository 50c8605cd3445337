"""A source of kind `google` on the lab's domain, as an agent.toml would make it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import open_source
from postwarden.connectors.google.source import GoogleSource
from postwarden.lab.cloud import CloudLab
from postwarden.model.account import Account
from postwarden.pipeline.collect import Reading, collect_account
from tests.lab.graph import now

DOMAIN = "kitano-design.example"


def account(login: str) -> Account:
    return Account(key=f"login:{login}", login=f"{login}@{DOMAIN}", addresses=(f"{login}@{DOMAIN}",))


def source(
    lab: CloudLab, folder: Path, *, clock: Callable[[], datetime] = now, **options: Any
) -> GoogleSource:
    """The source; where it has to wait, no time passes."""
    domain = lab.google
    entry = SourceEntry(
        name="workspace",
        kind="google",
        options={
            "login": {"key": {"file": str(domain.key_file)}, "admin": domain.admin},
            "urls": {"token": domain.token_url, "admin": domain.admin_url, "gmail": domain.gmail_url},
            "ca_file": str(lab.ca_file),
            "timeout": 3,
            **options,
        },
    )
    made = open_source(entry, 0, decode(b"", folder / "agent.toml"), clock)
    assert isinstance(made, GoogleSource)
    made.pause.sleep = lambda _: None
    return made


def read(made: GoogleSource, name: str) -> Reading:
    return collect_account(account(name), [made], lambda *_: None, None)
