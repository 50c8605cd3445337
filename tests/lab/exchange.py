"""A source of kind `ews` on the lab's Exchange, as an agent.toml would make it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import open_source
from postwarden.connectors.ews.source import EwsSource
from postwarden.lab.exchange import ExchangeLab
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow
from postwarden.pipeline.collect import Reading, collect_account

DOMAIN = "kitano-marine.example"
#: What the checks of an account come to where nothing goes wrong.
ALL_READ = dict.fromkeys(EwsSource.checks, "read")


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - tokens and assertions end by this computer's clock


def account(login: str) -> Account:
    return Account(key=f"login:{login}", login=login, addresses=(f"{login}@{DOMAIN}",))


def private(folder: Path, name: str, text: str) -> str:
    """A file that only its owner can read."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text)
    return name


def login(lab: ExchangeLab, folder: Path, how: str, **changed: Any) -> dict[str, Any]:
    """The log-in of the lab's service account, or of its application."""
    service = lab.service
    application = {
        "mechanism": "oauth",
        "client_id": service.client_id,
        "token_url": lab.token_url,
        "token_ca_file": str(lab.ca_file),
    }
    match how:
        case "secret":
            secret = private(folder, "client-secret", service.client_secret)
            return {**application, "secret": {"file": secret}, **changed}
        case "certificate":
            pem = service.key_file.read_text() + service.certificate_file.read_text()
            return {**application, "certificate": {"file": private(folder, "app.pem", pem)}, **changed}
        case _:
            secret = private(folder, "password", service.password)
            return {"mechanism": how, "user": service.login, "secret": {"file": secret}, **changed}


def source(lab: ExchangeLab, folder: Path, how: str = "basic", **options: Any) -> EwsSource:
    made = open_source(
        SourceEntry(
            name="exchange",
            kind="ews",
            options={
                "url": lab.url,
                "access": "impersonation",
                "ca_file": str(lab.ca_file),
                "timeout": 3,
                "login": login(lab, folder, how),
                **options,
            },
        ),
        0,
        decode(b"", folder / "agent.toml"),
        now,
    )
    assert isinstance(made, EwsSource)
    return made


def read(made: EwsSource, name: str) -> Reading:
    return collect_account(account(name), [made], lambda *_: None, None)


def status(reading: Reading) -> dict[str, str]:
    return {row.check: row.status for row in reading.coverage}


def flows(found: Reading, check: str) -> list[MailFlow]:
    return [item for item in found.evidence if isinstance(item, MailFlow) and item.check == check]
