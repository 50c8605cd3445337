"""The shape of agent.toml, decoded strictly: an unknown key is an error that names its path."""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from postwarden.config.access import AccessSection, check_access
from postwarden.config.checkpoints import (
    CheckpointsSection,
    TimestampSection,
    WitnessSection,
    check_checkpoints,
)
from postwarden.config.networks import NetworksSection
from postwarden.errors import ConfigError
from postwarden.model.address import Domains
from postwarden.model.finding import LEVELS, Level
from postwarden.secrets import SecretSource

#: A configuration is kilobytes; a larger file is a mistake.
MAX_BYTES = 4 * 1024 * 1024

_T = TypeVar("_T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ORIGIN = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_DOMAIN = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_LINE = re.compile(r"\(at line (\d+)")


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of agent.toml."""


class Organisation(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`internal_domains` are the organisation's own, with all below them; `partners` may be written to."""

    internal_domains: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()


class AccountEntry(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account. Without `addresses`, the login with `[accounts] domain` is its address.

    `sources` names the sources that have it; without, all have.
    """

    login: str
    addresses: tuple[str, ...] = ()
    name: str = ""
    sources: tuple[str, ...] = ()


class DirectoryEntry(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source whose own people are accounts; `also` are other sources that have all of them."""

    source: str
    also: tuple[str, ...] = ()


class Accounts(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The accounts: a list here, a file (CSV, or lines as in /etc/passwd), and sources that list their people."""

    list: tuple[str | AccountEntry, ...] = ()
    file: str | None = None
    domain: str | None = None
    directories: tuple[str | DirectoryEntry, ...] = ()

    @property
    def entries(self) -> tuple[DirectoryEntry, ...]:
        """`directories`, each in its long form."""
        return tuple(DirectoryEntry(source=one) if isinstance(one, str) else one for one in self.directories)


class SourceEntry(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[source]]`: its name, its kind, and the kind's own options, not yet decoded."""

    name: str
    kind: str
    options: dict[str, Any]

    @property
    def is_for_incident(self) -> bool:
        """Whether it is the identity for one case, which neither audits nor the daemon use."""
        return self.options.get("identity") == "incident"


class NotifyEntry(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[notify]]`: whom changes of findings of at least this level are told, and the kind's own options."""

    name: str
    kind: str
    level: Level
    options: dict[str, Any]


class Ledger(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`origin` is the ledger's name for good: it is in every signature.

    A new signing key replaces the old one after so many days or records, 0 for never. `passphrase` wraps private keys.
    With `second_signature`, the next key is two: checkpoints are signed by ML-DSA-44 too. The others say where
    checkpoints go.
    """

    origin: str | None = None
    new_key_days: Annotated[int, Meta(ge=0, le=3_650)] = 30
    new_key_records: Annotated[int, Meta(ge=0)] = 0
    passphrase: SecretSource | None = None
    second_signature: bool = False
    checkpoints: CheckpointsSection = CheckpointsSection()
    witness: tuple[WitnessSection, ...] = ()
    timestamp: tuple[TimestampSection, ...] = ()


class State(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: str | None = None


class Rules(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The administrator's own rules beside the shipped ones, rules that are off, and placeholders."""

    folders: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    placeholders: dict[str, tuple[str, ...]] = {}


class Grants(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ids of applications that the administrator knows: to `allow` is to take them for inventory, to `block` for bad."""

    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()


class Daemon(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `postwarden run` sweeps.

    `interval` is the most seconds from one sweep of an account to the next, `at_once` the most readings at a
    time over all sources, `disk_low` how many MiB must be free where the state is.
    """

    interval: Annotated[int, Meta(ge=1, le=86_400)] = 900
    at_once: Annotated[int, Meta(ge=1, le=256)] = 16
    disk_low: Annotated[int, Meta(ge=0)] = 1024


class KnownAccess(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who opens many mailboxes on purpose: a back-up, a migration, a monitor. Sessions of any of these
    `identities`, or from these `networks`, are shown as theirs.
    """

    name: str
    identities: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()


class HistorySettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of logs. `days` since their arrival rows are kept. An address that more than `shared` accounts with mixed
    clients come from counts as shared. `indicators` is a folder that is hunted for once a day. With `pseudonyms`,
    names of accounts are replaced in what hunts and exports show.
    """

    days: Annotated[int, Meta(ge=1, le=3_650)] = 400
    shared: Annotated[int, Meta(ge=1)] = 8
    indicators: str | None = None
    pseudonyms: bool = False
    known: tuple[KnownAccess, ...] = ()


class Accepted(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gap that the administrator lives with: `scope` is an account's login, key or address, or `*`."""

    source: str
    scope: str
    check: str
    reason: str
    until: date


class CoverageSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    accepted: tuple[Accepted, ...] = ()


class Config(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of agent.toml, with the file it came from."""

    path: Path
    organisation: Organisation = Organisation()
    accounts: Accounts = Accounts()
    sources: tuple[SourceEntry, ...] = ()
    notify: tuple[NotifyEntry, ...] = ()
    ledger: Ledger = Ledger()
    state: State = State()
    rules: Rules = Rules()
    grants: Grants = Grants()
    daemon: Daemon = Daemon()
    history: HistorySettings = HistorySettings()
    access: AccessSection = AccessSection()
    networks: NetworksSection = NetworksSection()
    coverage: CoverageSettings = CoverageSettings()

    @property
    def folder(self) -> Path:
        """Where relative paths in the file start."""
        return self.path.parent

    @property
    def watched(self) -> tuple[tuple[int, SourceEntry], ...]:
        """The sources that audits and the daemon read, each with its place in the file."""
        return tuple((index, one) for index, one in enumerate(self.sources) if not one.is_for_incident)

    @property
    def domains(self) -> Domains:
        return Domains(internal=self.organisation.internal_domains, partners=self.organisation.partners)

    def accepted_reason(self, source: str, names: frozenset[str], check: str, now: datetime) -> str | None:
        """Why the administrator lives with a gap, or None; `names` are the account's, case folded."""
        for accepted in self.coverage.accepted:
            if (
                accepted.source == source
                and accepted.check == check
                and (accepted.scope == "*" or accepted.scope.casefold() in names)
                and now.date() <= accepted.until
            ):
                return f"{accepted.reason} (until {accepted.until})"
        return None


class _File(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    organisation: Organisation = Organisation()
    accounts: Accounts = Accounts()
    source: tuple[dict[str, Any], ...] = ()
    notify: tuple[dict[str, Any], ...] = ()
    ledger: Ledger = Ledger()
    state: State = State()
    rules: Rules = Rules()
    grants: Grants = Grants()
    daemon: Daemon = Daemon()
    history: HistorySettings = HistorySettings()
    access: AccessSection = AccessSection()
    networks: NetworksSection = NetworksSection()
    coverage: CoverageSettings = CoverageSettings()


def decode(raw: bytes, path: Path) -> Config:
    """The configuration in `raw`, the content of `path`; raises ConfigError with the key or the line."""
    where = str(path)
    try:
        tree = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise ConfigError("is not UTF-8", "save it as UTF-8", path=where) from exc
    except tomllib.TOMLDecodeError as exc:
        line = _LINE.search(str(exc))
        raise ConfigError(
            str(exc).partition(" (at ")[0].lower(),
            "see https://toml.io for the syntax",
            path=where,
            line=int(line[1]) if line else None,
        ) from exc
    except ValueError as exc:
        raise ConfigError("has a number beyond reason", "is it the right file?", path=where) from exc
    except RecursionError as exc:
        raise ConfigError("is nested too deep", "is it the right file?", path=where) from exc
    file = convert(tree, _File, path=where)
    _check_names(file, where)
    return Config(
        path=path,
        organisation=file.organisation,
        accounts=file.accounts,
        sources=tuple(_source(table, index, where) for index, table in enumerate(file.source)),
        notify=tuple(_notifier(table, index, where) for index, table in enumerate(file.notify)),
        ledger=file.ledger,
        state=file.state,
        rules=file.rules,
        grants=file.grants,
        daemon=file.daemon,
        history=file.history,
        access=file.access,
        networks=file.networks,
        coverage=file.coverage,
    )


def is_domain(text: str) -> bool:
    """Whether `text` is a domain in lower case and ASCII."""
    return _DOMAIN.fullmatch(text) is not None


def convert(tree: Mapping[str, Any], kind: type[_T], *, path: str, prefix: str = "") -> _T:
    """`tree` as `kind`; raises ConfigError with the path of the key below `prefix`."""
    try:
        return msgspec.convert(dict(tree), kind)
    except msgspec.ValidationError as exc:
        message, key = str(exc), ""
        place = _PLACE.search(message)
        if place:
            message, key = message[: place.start()], place[1]
        full = ".".join(part for part in (prefix, key) if part)
        raise ConfigError(
            message[:1].lower() + message[1:],
            "the shipped agent.toml shows every key with its meaning",
            path=path,
            key=full or None,
        ) from exc


def _source(table: dict[str, Any], index: int, where: str) -> SourceEntry:
    name, kind, options = _named(dict(table), f"source[{index}]", where, 'for example kind = "imap"')
    return SourceEntry(name=name, kind=kind, options=options)


def _named(table: dict[str, Any], key: str, where: str, example: str) -> tuple[str, str, dict[str, Any]]:
    """Name, kind and what else is in the table."""
    name, kind = table.pop("name", None), table.pop("kind", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            "needs a name of letters, digits, dot, dash and underscore",
            'for example name = "imap"; it is in records, so keep it',
            path=where,
            key=f"{key}.name",
        )
    if not isinstance(kind, str):
        raise ConfigError("needs a kind", example, path=where, key=f"{key}.kind")
    return name, kind, table


def _notifier(table: dict[str, Any], index: int, where: str) -> NotifyEntry:
    options = dict(table)
    level = options.pop("level", "medium")
    if level not in LEVELS:
        raise ConfigError(
            f"{level!r} is no level", f"levels: {', '.join(LEVELS)}", path=where, key=f"notify[{index}].level"
        )
    name, kind, options = _named(options, f"notify[{index}]", where, 'for example kind = "journal"')
    return NotifyEntry(name=name, kind=kind, level=level, options=options)


def _check_names(file: _File, where: str) -> None:
    for section, tables in (("source", file.source), ("notify", file.notify)):
        seen: set[str] = set()
        for index, table in enumerate(tables):
            name = table.get("name")
            if isinstance(name, str) and name in seen:
                raise ConfigError(
                    f"the name {name!r} is used twice",
                    "give each its own: records tell them apart by it",
                    path=where,
                    key=f"{section}[{index}].name",
                )
            seen.add(str(name))
    for field in ("internal_domains", "partners"):
        for index, domain in enumerate(getattr(file.organisation, field)):
            if not is_domain(domain):
                raise ConfigError(
                    f"{domain!r} is not a domain in lower case",
                    "write it as in mail addresses, international ones in their ASCII form (xn--…)",
                    path=where,
                    key=f"organisation.{field}[{index}]",
                )
    for index, known in enumerate(file.history.known):
        for place, network in enumerate(known.networks):
            try:
                ipaddress.ip_network(network)
            except ValueError as exc:
                raise ConfigError(
                    f"{network!r} is no network", 'for example "192.0.2.0/24"', path=where,
                    key=f"history.known[{index}].networks[{place}]",
                ) from exc  # fmt: skip
    check_access(file.access, where)
    ledger = file.ledger
    check_checkpoints(ledger.checkpoints, ledger.witness, ledger.timestamp, where)
    blocked = {one.casefold() for one in file.grants.block}
    for index, application in enumerate(file.grants.allow):
        if application.casefold() in blocked:
            raise ConfigError(
                f"{application!r} is in grants.block too",
                "an application is allowed or blocked",
                path=where,
                key=f"grants.allow[{index}]",
            )
    if file.ledger.origin is not None and not _ORIGIN.fullmatch(file.ledger.origin):
        raise ConfigError(
            "has a space or a +", "init --origin writes a good one", path=where, key="ledger.origin"
        )
