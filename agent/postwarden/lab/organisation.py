"""The made-up organisation of the lab, as `organisation.toml` states it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

#: What kind of account this is: entered by an intruder, a look-alike that must stay silent, or neither.
Role = Literal["compromised", "innocent", "ordinary"]


@dataclass(frozen=True)
class Folder:
    """A folder of an account; INBOX always exists and is not listed.

    `name` uses `/` between levels; `special_use` is an attribute of RFC 6154 such as `\\Trash`, or None.
    """

    name: str
    subscribed: bool
    special_use: str | None = None


@dataclass(frozen=True)
class Script:
    """A Sieve script; at most one of an account's scripts is active."""

    name: str
    active: bool
    text: str


@dataclass(frozen=True)
class AclEntry:
    """The rights of one identifier (`anyone`, `user=<login>`) to one folder, in the letters of RFC 4314."""

    folder: str
    identifier: str
    rights: str


@dataclass(frozen=True)
class Account:
    """A mailbox and its owner; the first of `addresses` is the primary one, `story` says what happened here."""

    login: str
    password: str = field(repr=False)
    name: str
    addresses: tuple[str, ...]
    role: Role
    story: str
    folders: tuple[Folder, ...]
    scripts: tuple[Script, ...]
    acl: tuple[AclEntry, ...]

    def active_script(self) -> Script | None:
        return next((script for script in self.scripts if script.active), None)


@dataclass(frozen=True)
class Master:
    """The log-in that may open every account, on a server that has such a thing."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ExpectedFinding:
    """A finding that an audit must make: a rule file's stem, and words that the finding's subject has."""

    account: str
    rule: str
    subject: tuple[str, ...]


@dataclass(frozen=True)
class ExpectedGap:
    """A gap that an audit must show; `account` is a login, or `*` for every one of them."""

    account: str
    source: str
    check: str


@dataclass(frozen=True)
class Organisation:
    """The organisation; `findings` and `gaps` are by server, `dovecot` or `pymap`."""

    name: str
    internal_domains: tuple[str, ...]
    partners: tuple[str, ...]
    master: Master
    accounts: tuple[Account, ...]
    findings: Mapping[str, tuple[ExpectedFinding, ...]]
    gaps: Mapping[str, tuple[ExpectedGap, ...]]

    def account(self, login: str) -> Account:
        """The account with this login; KeyError where there is none."""
        for account in self.accounts:
            if account.login == login:
                return account
        raise KeyError(login)


@cache
def load() -> Organisation:
    """Read `organisation.toml`, which is part of the package."""
    text = files("postwarden.lab").joinpath("organisation.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    expected = data["expected"]
    return Organisation(
        name=data["name"],
        internal_domains=tuple(data["internal_domains"]),
        partners=tuple(data["partners"]),
        master=Master(**data["master"]),
        accounts=tuple(_account(row) for row in data["account"]),
        findings={
            server: tuple(
                ExpectedFinding(row["account"], row["rule"], tuple(row["subject"]))
                for row in expected[server]
            )
            for server in ("dovecot", "pymap")
        },
        gaps={server: tuple(ExpectedGap(**row) for row in rows) for server, rows in expected["gaps"].items()},
    )


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        login=row["login"],
        password=row["password"],
        name=row["name"],
        addresses=tuple(row["addresses"]),
        role=row["role"],
        story=row["story"],
        folders=tuple(Folder(**folder) for folder in row.get("folders", ())),
        scripts=tuple(Script(**script) for script in row.get("script", ())),
        acl=tuple(AclEntry(**entry) for entry in row.get("acl", ())),
    )
