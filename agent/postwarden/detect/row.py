"""One row for the rules, and what judging a scope needs beside its evidence."""

from collections.abc import Mapping

from msgspec import Struct

from postwarden.grants.risk import FirstSeenTimes
from postwarden.grants.tables import GrantTables
from postwarden.mailflow.keywords import Keywords
from postwarden.mailflow.providers import Providers
from postwarden.model.address import Domains
from postwarden.model.evidence import Delegation, Folder, Grant, MailFlow, Recipient, Setting
from postwarden.model.finding import CheckRef, Fact
from postwarden.model.scope import Scope

Value = str | int | bool | None | tuple[str, ...]


class Row(Struct, frozen=True, kw_only=True):
    """One row for the rules of `category`.

    `subject` identifies what is judged; `facts` are what a finding remembers, so that a change shows;
    `checks` are what must be read completely before the row's absence means anything; `advice` is what to do, where the
    rule has no advice of its own and it depends on more than the category.
    """

    category: str
    scope: Scope
    subject: tuple[str, ...]
    values: Mapping[str, Value]
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    checks: tuple[CheckRef, ...]
    blob: str | None
    advice: tuple[str, ...] = ()


class Context(Struct, frozen=True, kw_only=True):
    """What judging one scope needs beside its evidence.

    `folders` are the account's folders, or None where they could not be read; `folder_checks` the checks
    that list them, as far as any source of the account has one. `listed` are the rules that Exchange lists, or
    None where they were not read completely. `recipients` is what a directory says about names. `grants` are
    the tables that applications are judged by, `names` those of people here (`grants.names.people`), `first_seen` when
    each grant of this scope was first seen, by its key; what is not in there was not seen before.
    """

    domains: Domains
    own: tuple[str, ...]
    folders: tuple[Folder, ...] | None
    folder_checks: tuple[CheckRef, ...]
    keywords: Keywords
    grants: GrantTables
    providers: Providers = Providers()
    recipients: tuple[Recipient, ...] = ()
    listed: tuple[MailFlow, ...] | None = None
    names: frozenset[str] = frozenset()
    first_seen: FirstSeenTimes = {}


def check_of(evidence: MailFlow | Delegation | Grant | Setting | Recipient) -> CheckRef:
    """The check that the evidence is of."""
    return CheckRef(source=evidence.source, check=evidence.check)
