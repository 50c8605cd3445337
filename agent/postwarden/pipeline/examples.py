"""Running the examples that stand beside the rules: material in its foreign form, through the real decoders."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from postwarden.config.rule_files import RuleFile, read_examples
from postwarden.config.settings import Config, Organisation
from postwarden.connectors.imap import FOLDER_ACL, FOLDERS
from postwarden.detect.rows import Row
from postwarden.detect.sigma.document import load
from postwarden.errors import ConnectorError, RuleError
from postwarden.formats import forward_file
from postwarden.formats.imap_acl import delegations
from postwarden.formats.sieve.decoding import decode
from postwarden.grants.names import plain
from postwarden.model.account import Account
from postwarden.model.event import Protocol
from postwarden.model.evidence import Access, Change, Evidence, Folder, FolderUse, Grant, Recipient, Setting
from postwarden.model.finding import CheckRef
from postwarden.model.reading import Observed
from postwarden.model.scope import Scope, account_scope, source_scope
from postwarden.model.session import Session
from postwarden.pipeline.example_cloud import (
    GmailExample,
    Microsoft365Example,
    gmail_evidence,
    microsoft365_evidence,
)
from postwarden.pipeline.example_exchange import (
    RULES,
    ExchangeExample,
    ExchangeFolder,
    exchange_evidence,
    named_folders,
)
from postwarden.pipeline.example_grants import GrantExample, first_seen_of, grant_of, tables_of
from postwarden.pipeline.judge import RuleBook, load_rules, rows_of, rule_folders

MailboxType = Literal["mailbox", "contact", "group", "public_folder", "nobody", "ambiguous"]

#: The organisation that all examples live in.
ORGANISATION = Organisation(internal_domains=("example.org",), partners=("partner.example",))
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org", "alice@freemail.example"))


class FolderExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder with its uses, or of Exchange with what they follow from: container class, distinguished name."""

    name: str
    uses: tuple[FolderUse, ...] = ()
    subscribed: bool = True
    folder_class: str = ""
    distinguished: str = ""


class RecipientExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the directory has behind a name that is asked for."""

    asked: str
    type: MailboxType
    name: str = ""
    addresses: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    complete: bool = True


class AclExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of an IMAP access list: rights as letters, `-` before the identifier takes them away."""

    folder: str
    identifier: str
    rights: str


class SettingExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    value: str


class AccessExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session of the account, with what makes it worth judging."""

    own: Literal["unexplained"] | None = None
    indicator: str | None = None
    protocol: Protocol = "imap"
    identity: str | None = None
    address: str | None = None
    port: int | None = None
    client: str | None = None
    application: str | None = None
    refused: bool = False


class ChangeExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change as its source tells it."""

    operation: str
    about: str = ""
    author: str | None = None
    detail: str = ""


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One example: exactly one kind of material; without folders, the folders are unknown."""

    name: str
    sieve: str | None = None
    forward: str | None = None
    active: bool = True
    folders: tuple[FolderExample, ...] | None = None
    acl: AclExample | None = None
    setting: SettingExample | None = None
    exchange: ExchangeExample | None = None
    microsoft365: Microsoft365Example | None = None
    gmail: GmailExample | None = None
    grant: GrantExample | None = None
    access: AccessExample | None = None
    change: ChangeExample | None = None
    recipients: tuple[RecipientExample, ...] = ()

    def __post_init__(self) -> None:
        given = (
            self.sieve, self.forward, self.acl, self.setting, self.exchange, self.microsoft365, self.gmail, self.grant,
            self.access, self.change,
        )  # fmt: skip
        if given.count(None) != len(given) - 1:
            kinds = "sieve, forward, acl, setting, exchange, microsoft365, gmail, grant, access, change"
            raise ValueError(f"the example {self.name!r} needs exactly one of {kinds}")


class Examples(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    must_match: tuple[Example, ...]
    must_not_match: tuple[Example, ...]


class Outcome(Struct, frozen=True, kw_only=True):
    rule: str
    name: str
    must_match: bool
    passed: bool


class _Material(Struct, frozen=True, kw_only=True):
    evidence: tuple[Evidence, ...]
    complete: frozenset[CheckRef]


def run_examples(config: Config, folder: Path | None, now: datetime) -> Iterator[Outcome]:
    """Runs the examples of the rules in use, or of those in one folder; raises RuleError for a broken file.

    A rule without examples is an error: nothing shows that it works.
    """
    rules = msgspec.structs.replace(config.rules, disabled=())
    if folder is not None and folder.resolve() not in {known.resolve() for known in rule_folders(config)}:
        rules = msgspec.structs.replace(rules, folders=(*rules.folders, str(folder.resolve())))
    book = load_rules(msgspec.structs.replace(config, organisation=ORGANISATION, rules=rules))
    folders = (folder,) if folder is not None else rule_folders(config)
    files = {Path(file.path).name.removesuffix(".examples.yml"): file for file in read_examples(folders)}
    for rule in book.rules:
        if folder is not None and folder.resolve() not in Path(rule.path).resolve().parents:
            continue
        if rule.name not in files:
            raise RuleError("has no examples", f"write {rule.name}.examples.yml beside it", path=rule.path)
        yield from _run(rule.name, files.pop(rule.name), book, now)
    for file in files.values():
        raise RuleError("belongs to no rule", "name it after its rule", path=file.path)


def _run(name: str, file: RuleFile, book: RuleBook, now: datetime) -> Iterator[Outcome]:
    try:
        examples = msgspec.convert(load(file.raw, file.path).content, Examples)
    except msgspec.ValidationError as exc:
        raise RuleError(f"is no examples file: {exc}", "see docs/rules.md", path=file.path) from exc
    rule = next(rule for rule in book.rules if rule.name == name)
    for wanted, group in ((True, examples.must_match), (False, examples.must_not_match)):
        for example in group:
            material = _Material(
                evidence=tuple(_evidence(example, file.path, now)),
                complete=frozenset(CheckRef(source="example", check=check) for check in (FOLDERS, RULES)),
            )
            rows = _rows(example, material, book, now)
            matched = any(row.category == rule.category and rule.matches(row.values) for row in rows)
            yield Outcome(rule=name, name=example.name, must_match=wanted, passed=matched is wanted)


def _rows(example: Example, material: _Material, book: RuleBook, now: datetime) -> tuple[Row, ...]:
    if example.grant is None:
        return rows_of(material, ALICE, ORGANISATION_DOMAINS, book)
    (grant,) = (item for item in material.evidence if isinstance(item, Grant))
    judged_by = msgspec.structs.replace(book, grants=tables_of(example.grant, book.grants))
    return rows_of(
        material,
        ALICE if grant.scope.kind == "account" else None,
        ORGANISATION_DOMAINS,
        judged_by,
        names=frozenset(plain(name) for name in example.grant.people),
        first_seen=first_seen_of(example.grant, grant, now),
    )


def _evidence(example: Example, path: str, now: datetime) -> Iterator[Evidence]:
    scope = account_scope(ALICE.key)
    exchange = [
        ExchangeFolder(name=one.name, folder_class=one.folder_class, distinguished=one.distinguished)
        for one in example.folders or ()
    ]
    named = named_folders(exchange)
    for folder in example.folders or ():
        use = named[folder.name].use
        yield Folder(
            scope=scope, source="example", check=FOLDERS, observed=now,
            name=folder.name, uses=folder.uses or ((use,) if use else ()), subscribed=folder.subscribed,
        )  # fmt: skip
    for one in example.recipients:
        yield Recipient(
            scope=scope, source="example", check="recipients", observed=now, asked=one.asked, mailbox_type=one.type,
            name=one.name, addresses=one.addresses, members=one.members, complete=one.complete,
        )  # fmt: skip
    if example.sieve is not None:
        yield from _sieve(example, example.sieve, scope, path, now)
    elif example.forward is not None:
        found = forward_file.decode(
            example.forward.encode(), ALICE, name=".forward", scope=scope, source="example",
            check="forward_files", observed=now,
        )  # fmt: skip
        yield from (item.evidence for item in found if isinstance(item, Observed))
    elif example.acl is not None:
        entry = (example.acl.identifier, example.acl.rights)
        yield from delegations(
            example.acl.folder, [entry], ALICE, scope=scope, source="example", check=FOLDER_ACL, observed=now
        )
    elif example.setting is not None:
        yield Setting(
            scope=source_scope("example"), source="example", check="transport", observed=now,
            name=example.setting.name, value=example.setting.value,
        )  # fmt: skip
    elif example.grant is not None:
        yield grant_of(example.grant, scope, "example", now)
    elif example.access is not None:
        yield _access(example.access, scope, now)
    elif example.change is not None:
        yield Change(
            scope=source_scope("example"), source="example", check="log_files", observed=now, happened=now,
            operation=example.change.operation, author=example.change.author, about=example.change.about,
            detail=example.change.detail,
        )  # fmt: skip
    elif example.exchange is not None:
        found_there = exchange_evidence(example.exchange, exchange, ALICE, scope=scope, observed=now)
        yield from _written(example, found_there, path)
    elif example.microsoft365 is not None:
        yield from _written(
            example, microsoft365_evidence(example.microsoft365, scope=scope, observed=now), path
        )
    elif example.gmail is not None:
        yield from _written(example, gmail_evidence(example.gmail, scope=scope, observed=now), path)


def _access(example: AccessExample, scope: Scope, now: datetime) -> Access:
    time = int(now.timestamp() * 1000)
    session = Session(
        row=1, source="example", stage="refused" if example.refused else "begun", protocol=example.protocol, name="alice",
        begun=time, ended=None, end="refused" if example.refused else "unknown", address=example.address, port=example.port,
        client=example.client, application=example.application, identity=example.identity,
    )  # fmt: skip
    return Access(
        scope=scope, source="example", check="own_sessions", observed=now, session=session, own=example.own,
        indicator=example.indicator,
    )  # fmt: skip


def _written(example: Example, evidence: Iterator[Evidence], path: str) -> Iterator[Evidence]:
    """The evidence of an example that is written out as a server's answer; RuleError where that cannot be done."""
    try:
        found = list(evidence)
    except (ValueError, ConnectorError) as exc:
        raise RuleError(f"the example {example.name!r} cannot be written: {exc}", path=path) from exc
    if not found:
        raise RuleError(f"the example {example.name!r} has nothing that could be read", path=path)
    yield from found


def _sieve(example: Example, text: str, scope: Scope, path: str, now: datetime) -> Iterator[Evidence]:
    found = decode(
        text.encode(), name="script", active=example.active, scope=scope, source="example",
        check="sieve_scripts", observed=now,
    )  # fmt: skip
    evidence = [item.evidence for item in found if isinstance(item, Observed)]
    if not evidence:
        raise RuleError(f"the script of the example {example.name!r} does not parse", path=path)
    yield from evidence


ORGANISATION_DOMAINS = Config(path=Path("agent.toml"), organisation=ORGANISATION).domains
