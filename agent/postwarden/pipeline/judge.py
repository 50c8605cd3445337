"""Stage two: evidence and context into findings."""

import hashlib
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

from postwarden.config.rule_files import read_rules, read_table, shipped_folder
from postwarden.config.settings import Config
from postwarden.detect.fields import FIELDS
from postwarden.detect.rows import Context, Row, rows
from postwarden.detect.sigma import Rule, compile_rule
from postwarden.detect.verdict import verdicts
from postwarden.errors import RuleError
from postwarden.grants.catalogue import catalogue_from
from postwarden.grants.risk import FirstSeenTimes
from postwarden.grants.tables import GrantTables
from postwarden.grants.weights import weights_from
from postwarden.mailflow.keywords import Keywords, keywords_from
from postwarden.mailflow.providers import Providers, providers_from
from postwarden.model.account import Account
from postwarden.model.address import Domains
from postwarden.model.evidence import Evidence, Folder, MailFlow, Recipient
from postwarden.model.finding import CheckRef, Finding

KEYWORDS = "keywords.toml"
PROVIDERS = "freemail.toml"
WEIGHTS = "grants.toml"
APPLICATIONS = "applications.csv"

#: Where nobody remembers what was seen before.
NOTHING_SEEN: FirstSeenTimes = MappingProxyType({})


class RuleBook(Struct, frozen=True, kw_only=True):
    """The rules in force, and the tables that go with them.

    `digest` is SHA-256 over names and digests of all of them, `ids` their UUIDs.
    """

    rules: tuple[Rule, ...]
    keywords: Keywords
    grants: GrantTables
    digest: str
    providers: Providers = Providers()

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(rule.id for rule in self.rules)


class Material(Protocol):
    """Something with evidence about one scope, and the checks that were read completely."""

    @property
    def evidence(self) -> tuple[Evidence, ...]: ...

    @property
    def complete(self) -> frozenset[CheckRef]: ...


def load_rules(config: Config) -> RuleBook:
    """Reads and compiles all rules; raises RuleError with file and line, ConfigError where one is not trusted."""
    folders = (shipped_folder(), *(config.folder / folder for folder in config.rules.folders))
    placeholders = {
        "internal_domains": config.organisation.internal_domains,
        "partners": config.organisation.partners,
        **config.rules.placeholders,
    }
    types = {
        category: {name: field.type for name, field in fields.items()} for category, fields in FIELDS.items()
    }
    found: dict[str, Rule] = {}
    for file in read_rules(folders):
        rule = compile_rule(file.raw, path=file.path, fields=types, placeholders=placeholders)
        for other in found.values():
            if other.id == rule.id or other.name == rule.name:
                raise RuleError(
                    f"has the id or the name of {other.path}",
                    "give it its own; to replace a shipped rule, switch that one off in [rules] disabled",
                    path=file.path,
                )
        found[rule.name] = rule
    for name in dict.fromkeys(config.rules.disabled):
        if name not in found:
            raise RuleError(
                f"[rules] disabled names {name!r}, which is no rule",
                "postwarden rules list shows the names",
                path=str(config.path),
            )
        del found[name]
    tables = {name: read_table(name).raw for name in (KEYWORDS, PROVIDERS, WEIGHTS, APPLICATIONS)}
    digest = hashlib.sha256()
    for raw in tables.values():
        digest.update(raw)
    lists = config.grants
    digest.update(repr((sorted(lists.allow), sorted(lists.block))).encode())
    for name, rule in sorted(found.items()):
        digest.update(f"{name} {rule.digest}\n".encode())
    return RuleBook(
        rules=tuple(found.values()),
        keywords=keywords_from(tomllib.loads(tables[KEYWORDS].decode("utf-8"))),
        providers=providers_from(tomllib.loads(tables[PROVIDERS].decode("utf-8"))),
        grants=GrantTables(
            weights=weights_from(tomllib.loads(tables[WEIGHTS].decode("utf-8"))),
            catalogue=catalogue_from(tables[APPLICATIONS].decode("utf-8")),
            allow=frozenset(one.casefold() for one in lists.allow),
            block=frozenset(one.casefold() for one in lists.block),
        ),
        digest=digest.hexdigest(),
    )


def judge(
    material: Material,
    account: Account | None,
    domains: Domains,
    book: RuleBook,
    *,
    names: frozenset[str] = frozenset(),
    first_seen: FirstSeenTimes = NOTHING_SEEN,
) -> tuple[Finding, ...]:
    """The findings that the rules see in the evidence of one scope; `names` and `first_seen` as in `Context`."""
    seen = rows_of(material, account, domains, book, names=names, first_seen=first_seen)
    return verdicts(seen, book.rules)


def rows_of(
    material: Material,
    account: Account | None,
    domains: Domains,
    book: RuleBook,
    *,
    names: frozenset[str] = frozenset(),
    first_seen: FirstSeenTimes = NOTHING_SEEN,
) -> tuple[Row, ...]:
    """The rows that rules see; `account` is None for scopes that are not accounts."""
    folders = tuple(item for item in material.evidence if isinstance(item, Folder))
    checks = {CheckRef(source=item.source, check=item.check) for item in folders}
    read = bool(folders) and checks <= material.complete
    context = Context(
        domains=domains,
        own=account.addresses if account is not None else (),
        folders=folders if read else None,
        folder_checks=tuple(sorted(checks)),
        keywords=book.keywords,
        grants=book.grants,
        providers=book.providers,
        recipients=tuple(item for item in material.evidence if isinstance(item, Recipient)),
        listed=_listed(material),
        names=names,
        first_seen=first_seen,
    )
    return tuple(rows(material.evidence, context))


def _listed(material: Material) -> tuple[MailFlow, ...] | None:
    """The rules that Exchange lists, where it listed any and all were read."""
    flows = tuple(
        item for item in material.evidence if isinstance(item, MailFlow) and item.origin == "inbox_rule"
    )
    checks = {CheckRef(source=item.source, check=item.check) for item in flows}
    return flows if flows and checks <= material.complete else None


def rule_folders(config: Config) -> tuple[Path, ...]:
    """The folders that rules are read from."""
    return (shipped_folder(), *(config.folder / folder for folder in config.rules.folders))
