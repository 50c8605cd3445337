"""The part of the made-up organisation that is on Exchange, as `exchange_organisation.toml` states it."""

import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from postwarden.lab.organisation import ExpectedFinding, Role

EntryKind = Literal["mailbox", "contact", "mail_user", "group"]


@dataclass(frozen=True)
class RuleRecipient:
    """Whom a rule names: an SMTP address, or with `routing` EX a legacy DN of the directory."""

    name: str
    address: str
    routing: Literal["SMTP", "EX"]


#: A flag, a word of an enumeration, strings, recipients, or the bounds of a range by their names.
RuleValue = bool | str | tuple[str, ...] | tuple[RuleRecipient, ...] | Mapping[str, str | int]


@dataclass(frozen=True)
class Rule:
    """An inbox rule in the words of RulePredicatesType and RuleActionsType; `Deferred` is an action of Outlook's.

    One that is not `listed` is only an associated item of the inbox. `form` is how its bytes are stored there.
    """

    name: str
    provider: str = "ExchangeMailboxRules14"
    enabled: bool = True
    listed: bool = True
    in_error: bool = False
    not_supported: bool = False
    form: Literal["standard", "extended"] = "extended"
    when: Mapping[str, RuleValue] = field(default_factory=dict)
    unless: Mapping[str, RuleValue] = field(default_factory=dict)
    then: Mapping[str, RuleValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Permission:
    """What `who` may do in a folder, which is a distinguished id or a name; `level` is Exchange's word.

    `who` is `Default`, `Anonymous`, a login or alias, `sid:` and the security id of an account that is gone, or
    `unknown:` and the text of an entry that Exchange itself cannot read. `visible` matters in level Custom only.
    """

    folder: str
    who: str
    level: str
    visible: bool = False


@dataclass(frozen=True)
class Delegate:
    """A delegate, by login, with the level in each of the six folders that a delegate can have."""

    who: str
    calendar: str = "None"
    tasks: str = "None"
    inbox: str = "None"
    contacts: str = "None"
    notes: str = "None"
    journal: str = "None"
    meeting_copies: bool = False
    private_items: bool = False


@dataclass(frozen=True)
class AutomaticReply:
    """UserOofSettings; `start` and `end` (xs:dateTime, UTC) bound a scheduled one. Empty texts answer nobody."""

    state: Literal["Disabled", "Enabled", "Scheduled"] = "Disabled"
    audience: Literal["None", "Known", "All"] = "None"
    internal: str = ""
    external: str = ""
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class AddIn:
    """An add-in of a mailbox; `permission` is Restricted, ReadItem, ReadWriteItem or ReadWriteMailbox."""

    id: str
    name: str
    provider: str
    permission: str


@dataclass(frozen=True)
class ExchangeAccount:
    """A mailbox and its owner; the first of `addresses` is the primary one, `story` says what happened here.

    `folder_names` are the display names of its standard folders by distinguished id (`rss` is none: that folder is
    known by its class), `folders` the names of its others from the top, parents before children.
    """

    login: str
    name: str
    addresses: tuple[str, ...]
    sid: str
    legacy_dn: str
    role: Role
    story: str
    language: str
    folder_names: Mapping[str, str]
    folders: tuple[str, ...]
    rules: tuple[Rule, ...]
    permissions: tuple[Permission, ...]
    delegates: tuple[Delegate, ...]
    meeting_requests: str
    automatic_reply: AutomaticReply
    add_ins: tuple[AddIn, ...]
    outlook_rules: bool


@dataclass(frozen=True)
class DirectoryEntry:
    """Somebody or something in the directory beside the mailboxes.

    The first of `addresses` is how it is shown; mail of a contact or mail user goes to `goes_to`; `members` of a
    group are logins and aliases.
    """

    alias: str
    kind: EntryKind
    name: str
    addresses: tuple[str, ...]
    legacy_dn: str
    goes_to: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """The identity that an audit reads with."""

    domain: str
    login: str
    upn: str
    password: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    sid: str

    @property
    def names(self) -> frozenset[str]:
        """Every name that this identity may log in by, case folded."""
        names = (self.login, f"{self.domain}\\{self.login}", self.upn, self.client_id, self.sid)
        return frozenset(name.casefold() for name in names)


@dataclass(frozen=True)
class ExchangeOrganisation:
    """The organisation; `directory` has its mailboxes' entries too."""

    name: str
    unit: str
    internal_domains: tuple[str, ...]
    partners: tuple[str, ...]
    service: Service
    accounts: tuple[ExchangeAccount, ...]
    directory: tuple[DirectoryEntry, ...]
    findings: tuple[ExpectedFinding, ...]

    def account(self, login: str) -> ExchangeAccount:
        """The account with this login; KeyError where there is none."""
        for account in self.accounts:
            if account.login == login:
                return account
        raise KeyError(login)

    def entry(self, alias: str) -> DirectoryEntry:
        """The directory entry with this alias or login; KeyError where there is none."""
        for entry in self.directory:
            if entry.alias == alias:
                return entry
        raise KeyError(alias)


@cache
def load() -> ExchangeOrganisation:
    """Read `exchange_organisation.toml`, which is part of the package."""
    text = files("postwarden.lab").joinpath("exchange_organisation.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    sids, names = data["sid_prefix"], data["dn_prefix"]
    entries = {row["alias"]: _entry(row, names) for row in data["directory"]}
    for row in data["account"]:
        entries[row["login"]] = DirectoryEntry(
            alias=row["login"],
            kind="mailbox",
            name=row["name"],
            addresses=tuple(row["addresses"]),
            legacy_dn=_legacy_dn(names, row["login"]),
        )
    service = data["service"]
    return ExchangeOrganisation(
        name=data["name"],
        unit=data["unit"],
        internal_domains=tuple(data["internal_domains"]),
        partners=tuple(data["partners"]),
        service=Service(
            domain=service["domain"],
            login=service["login"],
            upn=service["upn"],
            password=service["password"],
            client_id=service["client_id"],
            client_secret=service["client_secret"],
            sid=f"{sids}-{service['rid']}",
        ),
        accounts=tuple(
            _account(row, f"{sids}-{row['rid']}", entries, data["folder_names"]) for row in data["account"]
        ),
        directory=tuple(entries.values()),
        findings=tuple(
            ExpectedFinding(row["account"], row["rule"], tuple(row["subject"]))
            for row in data["expected"]["exchange"]
        ),
    )


def _legacy_dn(prefix: str, alias: str) -> str:
    """As Exchange makes them since 2013: a random number, here a fixed one, before the alias."""
    return f"{prefix}{uuid.uuid5(uuid.NAMESPACE_DNS, alias).hex}-{alias}"


def _entry(row: Mapping[str, Any], names: str) -> DirectoryEntry:
    return DirectoryEntry(
        alias=row["alias"],
        kind=row["kind"],
        name=row["name"],
        addresses=tuple(row["addresses"]),
        legacy_dn=_legacy_dn(names, row["alias"]),
        goes_to=row.get("goes_to"),
        members=tuple(row.get("members", ())),
    )


def _account(
    row: Mapping[str, Any],
    sid: str,
    entries: Mapping[str, DirectoryEntry],
    folder_names: Mapping[str, Mapping[str, str]],
) -> ExchangeAccount:
    return ExchangeAccount(
        login=row["login"],
        name=row["name"],
        addresses=tuple(row["addresses"]),
        sid=sid,
        legacy_dn=entries[row["login"]].legacy_dn,
        role=row["role"],
        story=row["story"],
        language=row["language"],
        folder_names=folder_names[row["language"]],
        folders=tuple(row["folders"]),
        rules=tuple(_rule(rule, entries) for rule in row.get("rule", ())),
        permissions=tuple(Permission(**one) for one in row.get("permissions", ())),
        delegates=tuple(Delegate(**one) for one in row.get("delegates", ())),
        meeting_requests=row.get("meeting_requests", "NoForward"),
        automatic_reply=AutomaticReply(**row.get("automatic_reply", {})),
        add_ins=tuple(AddIn(**one) for one in row.get("add_ins", ())),
        outlook_rules=row.get("outlook_rules", False),
    )


def _rule(row: Mapping[str, Any], entries: Mapping[str, DirectoryEntry]) -> Rule:
    written: dict[str, Any] = dict(row)
    for part in ("when", "unless", "then"):
        written[part] = {word: _value(word, value, entries) for word, value in row.get(part, {}).items()}
    return Rule(**written)


def _value(word: str, value: Any, entries: Mapping[str, DirectoryEntry]) -> RuleValue:
    if not isinstance(value, list):
        flag_word_or_range: bool | str | Mapping[str, str | int] = value
        return flag_word_or_range
    if word.endswith(("Recipients", "Addresses")):
        return tuple(_recipient(one, entries) for one in value)
    return tuple(value)


def _recipient(written: str, entries: Mapping[str, DirectoryEntry]) -> RuleRecipient:
    alias = written.removeprefix("ex:")
    if alias == written:
        return RuleRecipient(name=written, address=written, routing="SMTP")
    return RuleRecipient(name=entries[alias].name, address=entries[alias].legacy_dn, routing="EX")
