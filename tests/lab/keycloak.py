"""A source of kind `keycloak` on the lab's realm, as an agent.toml would make it."""

from pathlib import Path
from typing import Any

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import open_source
from postwarden.connectors.keycloak.source import KeycloakSource
from postwarden.lab.cloud import CloudLab
from postwarden.model.account import Account
from postwarden.pipeline.collect import Reading, collect_account
from tests.lab.graph import now, private


def source(lab: CloudLab, folder: Path, **options: Any) -> KeycloakSource:
    """The source; where it has to wait, no time passes."""
    realm = lab.keycloak
    entry = SourceEntry(
        name="sso",
        kind="keycloak",
        options={
            "url": realm.url,
            "realm": realm.realm,
            "login": {
                "client_id": realm.client_id,
                "secret": private(folder, "keycloak.secret", realm.client_secret),
            },
            "ca_file": str(lab.ca_file),
            "timeout": 3,
            **options,
        },
    )
    made = open_source(entry, 0, decode(b"", folder / "agent.toml"), now)
    assert isinstance(made, KeycloakSource)
    made.pause.sleep = lambda _: None
    return made


def read(made: KeycloakSource, name: str) -> Reading:
    one = Account(key=f"login:{name}", login=name)
    return collect_account(one, [made], lambda *_: None, None)
