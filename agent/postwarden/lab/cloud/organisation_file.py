"""Reads `cloud_organisation.toml`, which is part of the package."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from postwarden.lab.cloud.organisation import (
    PROVIDERS,
    Application,
    AppPassword,
    Case,
    CloudOrganisation,
    Credential,
    ExchangeSettings,
    Expected,
    GmailSettings,
    MailRule,
    Owner,
    Person,
    client_id,
)
from postwarden.lab.organisation import load as mail_server


@cache
def stated() -> CloudOrganisation:
    """What the file states, without the ordinary rest."""
    data = _file()
    return CloudOrganisation(
        name=data["name"],
        internal_domains=tuple(data["internal_domains"]),
        partners=tuple(data["partners"]),
        tenant_id=data["microsoft"]["tenant_id"],
        customer_id=data["google"]["customer_id"],
        realm=data["keycloak"]["realm"],
        domains={
            "microsoft": data["microsoft"]["domain"],
            "google": data["google"]["domain"],
            "keycloak": data["internal_domains"][0],
        },
        sizes={
            provider: {word: value for word, value in data[provider].items() if isinstance(value, int)}
            for provider in PROVIDERS
        },
        people=(*(_built(Person, row) for row in data["person"]), *_realm_people()),
        applications=tuple(_application(row) for row in data["application"]),
        grants=(),
        app_passwords=tuple(_built(AppPassword, row) for row in data["app_password"]),
        mail_rules=tuple(_built(MailRule, row) for row in data["mail_rule"]),
        exchange=tuple(_built(ExchangeSettings, row) for row in data["exchange"]),
        gmail=tuple(_built(GmailSettings, row) for row in data["gmail"]),
        expected=Expected(tuple(data["expected"]["bad"]), tuple(data["expected"]["harmless"])),
    )


@cache
def stated_grants() -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """The grants that the file states, each with its application's key; `to` is still logins or a number."""
    return tuple((row["key"], grant) for row in _file()["application"] for grant in row.get("grants", ()))


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(files("postwarden.lab").joinpath("cloud_organisation.toml").read_text("utf-8"))


def _realm_people() -> tuple[Person, ...]:
    """The realm is in front of the mail server, so its people are that server's accounts."""
    return tuple(
        Person("keycloak", account.login, account.name, account.addresses)
        for account in mail_server().accounts
    )


def _built(kind: type[Any], row: Mapping[str, Any]) -> Any:
    """A value of `kind` from a table: arrays become tuples, a case its type."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    if "case" in fields:
        fields["case"] = Case(**fields["case"])
    return kind(**fields)


def _application(row: Mapping[str, Any]) -> Application:
    fields = {word: value for word, value in row.items() if word not in {"grants", "client_number"}}
    provider, key = row["provider"], row["key"]
    fields["id"] = client_id(provider, key, row.get("id", ""), row.get("client_number", ""))
    fields["credentials"] = [Credential(**one) for one in row.get("credentials", ())]
    fields["owners"] = [Owner(**one) for one in row.get("owners", ())]
    application: Application = _built(Application, fields)
    return application
