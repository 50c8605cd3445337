"""Stage two: evidence and context into findings."""

import hashlib
import tomllib
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from postwarden.config.rule_files import read_rules, read_table, shipped_folder
from postwarden.config.settings import Config
from postwarden.detect.fields import FIELDS
from postwarden.detect.rows import Context, Row, rows
from postwarden.detect.sigma import Rule, compile_rule
from postwarden.detect.verdict import verdicts
from postwarden.errors import RuleError
from postwarden.mailflow.keywords import Keywords, keywords_from
from postwarden.model.account import Account
from postwarden.model.address import Domains
from postwarden.model.evidence import Evidence, Folder
from postwarden.model.finding import CheckRef, Finding

KEYWORDS = "keywords.toml"
FOLDERS = "folders"


class RuleBook(Struct, frozen=True, kw_only=True):
    """The rules in force, and the tables that go with them.

    `digest` is SHA-256 over names and digests of all of them, `ids` their UUIDs.
    """

    rules: tuple[Rule, ...]
    keywords: Keywords
    digest: str

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
    table = read_table(KEYWORDS)
    digest = hashlib.sha256(table.raw)
    for name, rule in sorted(found.items()):
        digest.update(f"{name} {rule.digest}\n".encode())
    keywords = keywords_from(tomllib.loads(table.raw.decode("utf-8")))
    return RuleBook(rules=tuple(found.values()), keywords=keywords, digest=digest.hexdigest())


def judge(
    material: Material, account: Account | None, domains: Domains, book: RuleBook
) -> tuple[Finding, ...]:
    """The findings that the rules see in the evidence of one scope."""
    return verdicts(rows_of(material, account, domains, book), book.rules)


def rows_of(material: Material, account: Account | None, domains: Domains, book: RuleBook) -> tuple[Row, ...]:
    """The rows that rules see; `account` is None for scopes that are not accounts."""
    listed = tuple(item for item in material.evidence if isinstance(item, Folder))
    checks = {CheckRef(source=item.source, check=item.check) for item in listed}
    read = bool(listed) and checks <= material.complete
    context = Context(
        domains=domains,
        own=account.addresses if account is not None else (),
        folders=listed if read else None,
        folder_checks=tuple(sorted(checks)),
        keywords=book.keywords,
    )
    return tuple(rows(material.evidence, context))


def rule_folders(config: Config) -> tuple[Path, ...]:
    """The folders that rules are read from."""
    return (shipped_folder(), *(config.folder / folder for folder in config.rules.folders))
