"""What an audit reads of one mailbox, check by check, in eight requests for sixty folders."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from postwarden.connectors.ews import requests
from postwarden.connectors.ews.mailbox import Mailbox
from postwarden.connectors.ews.patience import NotLetIn
from postwarden.errors import ConnectorError
from postwarden.formats import ews_xml
from postwarden.formats.ews_xml import FoundFolder, NamedFolder
from postwarden.model.account import Account
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Folder, MailFlow, Setting
from postwarden.model.reading import CheckDone, Gap, Item, Observed
from postwarden.model.scope import Scope

FOLDERS = "folders"
FOLDER_PERMISSIONS = "folder_permissions"
INBOX_RULES = "inbox_rules"
RULE_ITEMS = "rule_items"
DELEGATES = "delegates"
AUTOMATIC_REPLIES = "automatic_replies"
ADD_INS = "add_ins"

#: More than these in one mailbox is taken for a server's mistake.
MAX_FOLDERS, MAX_ITEMS, MAX_PAGES = 20_000, 20_000, 200

_RULE_CLASSES = ("IPM.RULE.", "IPM.EXTENDEDRULE.")


class Reading(Struct, frozen=True, kw_only=True):
    """Whose mailbox is read, for which scope and source."""

    mailbox: Mailbox
    account: Account
    scope: Scope
    source: str
    clock: Callable[[], datetime]

    def done(self, check: str) -> CheckDone:
        return CheckDone(scope=self.scope, source=self.source, check=check)

    def gap(self, check: str, error: ConnectorError, part: str | None = None) -> Gap:
        return Gap(
            scope=self.scope,
            source=self.source,
            check=check,
            reason=error.reason,
            message=error.message,
            part=part,
            hint=error.hint,
        )


def read_mailbox(reading: Reading, ensure_own: Callable[[Account, str], None]) -> Iterator[Item]:
    """All checks of a mailbox but those about names; `ensure_own` looks whether its inbox is another account's.

    Raises ConnectorError where the mailbox cannot be read at all, which its first request shows, and where
    the server goes away or refuses us in between; what else fails is a gap of its check.
    """
    found = find_folders(reading)
    ensure_own(reading.account, next(one.id for one in found if one.folder.use == "inbox"))
    named = ews_xml.with_paths(found)
    given: set[str] = set()
    permissions = list(_check(reading, FOLDER_PERMISSIONS, _permissions(reading, named, given)))
    yield from _check(reading, FOLDERS, _folders(reading, named, given))
    yield from permissions
    rules = list(_check(reading, INBOX_RULES, _inbox_rules(reading, named)))
    stored = list(_check(reading, RULE_ITEMS, _rule_items(reading, _listed(rules))))
    yield from (rule for rule in rules if not _is_told_by(rule, stored))
    yield from stored
    yield from _check(reading, DELEGATES, _delegates(reading))
    yield from _check(reading, AUTOMATIC_REPLIES, _automatic_replies(reading))
    yield from _check(reading, ADD_INS, _add_ins(reading))


def _check(reading: Reading, check: str, items: Iterator[Item]) -> Iterator[Item]:
    """The items, and how the check ended: an error after some of them is a gap beside them."""
    try:
        yield from items
    except NotLetIn:
        raise
    except ConnectorError as error:
        if error.reason == "unreachable":
            raise
        yield reading.gap(check, error)
        return
    yield reading.done(check)


def find_folders(reading: Reading) -> list[FoundFolder]:
    """Every folder below the top of the mailbox, from as many pages as it takes."""
    found: list[FoundFolder] = []
    offset: int | None = 0
    pages = 0
    while offset is not None:
        page = ews_xml.read_page(
            reading.mailbox.ask(requests.find_folders(reading.mailbox.address, offset)), offset
        )
        found += page.folders
        offset, pages = page.next_offset, pages + 1
        if len(found) > MAX_FOLDERS or pages > MAX_PAGES:
            raise _too_many("folders", len(found))
    if not any(one.folder.use == "inbox" for one in found):
        raise ConnectorError(
            f"the server lists {len(found)} folders and no inbox among them",
            "look at the mailbox: it may be moving, or the log-in sees only a part of it",
            reason="malformed",
        )
    return found


def _folders(reading: Reading, named: Mapping[str, NamedFolder], given: Collection[str]) -> Iterator[Item]:
    """The folders, where the server gives at least one of those that it lists: a list alone may be another's."""
    if named and not given:
        raise ConnectorError(
            "the server gives none of the folders that it lists",
            "look at the server, or at the proxy before it: this may be another mailbox",
            reason="malformed",
        )
    for identifier, folder in named.items():
        evidence = Folder(
            scope=reading.scope,
            source=reading.source,
            check=FOLDERS,
            observed=reading.clock(),
            name=encodable(folder.name),
            uses=(folder.use,) if folder.use is not None else (),
        )
        raw = f"{identifier}\n{folder.distinguished or ''}\n{folder.name}\n".encode()
        yield Observed(evidence=evidence, raw=raw)


def _permissions(reading: Reading, named: Mapping[str, NamedFolder], given: set[str]) -> Iterator[Item]:
    """What the folders' permission sets have; `given` takes the ids of those that the server gave."""
    for first, ids in _chunks(tuple(named), requests.FOLDER_CHUNK):
        raw = reading.mailbox.ask(requests.get_folders(reading.mailbox.address, ids, top=first))
        answered = set(ews_xml.read_folders(raw))
        # The top of the mailbox is asked for by name, and comes with an id of its own.
        if len(answered - set(ids)) > int(first) or (answered and answered.isdisjoint(ids)):
            raise ConnectorError(
                "the server answered with folders that were not asked for",
                "look at the server, or at the proxy before it: this may be another mailbox",
                reason="malformed",
            )
        given |= answered
        yield from ews_xml.decode_permissions(
            raw,
            reading.account,
            scope=reading.scope,
            source=reading.source,
            check=FOLDER_PERMISSIONS,
            observed=reading.clock(),
            folders=named,
        )


def _inbox_rules(reading: Reading, named: Mapping[str, NamedFolder]) -> Iterator[Item]:
    return ews_xml.decode_inbox_rules(
        reading.mailbox.ask(requests.get_inbox_rules(reading.mailbox.address)),
        scope=reading.scope,
        source=reading.source,
        check=INBOX_RULES,
        observed=reading.clock(),
        folders=named,
    )


def _listed(rules: Sequence[Item]) -> tuple[MailFlow, ...] | None:
    """The rules that the server lists; None where it did not tell all of them."""
    if any(isinstance(item, Gap) and item.part is None for item in rules):
        return None
    return tuple(
        item.evidence for item in rules if isinstance(item, Observed) and isinstance(item.evidence, MailFlow)
    )


def _is_told_by(rule: Item, stored: Sequence[Item]) -> bool:
    """Whether what the list does not show of a rule is told by the rule as it is stored."""
    return (
        isinstance(rule, Gap)
        and rule.reason == "unsupported"
        and rule.part
        in {
            f'rule "{item.evidence.name}"'
            for item in stored
            if isinstance(item, Observed) and isinstance(item.evidence, MailFlow) and item.evidence.paths
        }
    )


def _rule_items(reading: Reading, listed: tuple[MailFlow, ...] | None) -> Iterator[Item]:
    found = _associated(reading)
    ids = [identifier for identifier, kind in found if kind.upper().startswith(_RULE_CLASSES)]
    yield _looked_at(reading, len(found), len(ids))
    flows: list[Item] = []
    raws = [
        reading.mailbox.ask(requests.get_rule_items(part)) for _, part in _chunks(ids, requests.ITEM_CHUNK)
    ]
    for raw in raws:
        flows += ews_xml.decode_rule_items(
            raw,
            scope=reading.scope,
            source=reading.source,
            check=RULE_ITEMS,
            observed=reading.clock(),
            listed=listed,
        )
    yield from flows


def _looked_at(reading: Reading, items: int, rules: int) -> Observed:
    """How much was looked at: that there is no hidden rule rests on it, and some servers answer with nothing."""
    value = f"{items} associated items in the inbox, {rules} of them rules"
    setting = Setting(
        scope=reading.scope,
        source=reading.source,
        check=RULE_ITEMS,
        observed=reading.clock(),
        name="rule_items_looked_at",
        value=value,
    )
    return Observed(evidence=setting, raw=value.encode())


def _associated(reading: Reading) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    offset: int | None = 0
    pages = 0
    while offset is not None:
        request = requests.find_associated_items(reading.mailbox.address, offset)
        page = ews_xml.read_page(reading.mailbox.ask(request), offset)
        found += page.items
        offset, pages = page.next_offset, pages + 1
        if len(found) > MAX_ITEMS or pages > MAX_PAGES:
            raise _too_many("associated items in the inbox", len(found))
    return found


def _delegates(reading: Reading) -> Iterator[Item]:
    return ews_xml.decode_delegates(
        reading.mailbox.ask(requests.get_delegates(reading.mailbox.address)),
        reading.account,
        scope=reading.scope,
        source=reading.source,
        check=DELEGATES,
        observed=reading.clock(),
    )


def _automatic_replies(reading: Reading) -> Iterator[Item]:
    return ews_xml.decode_automatic_replies(
        reading.mailbox.ask(requests.get_automatic_replies(reading.mailbox.address)),
        scope=reading.scope,
        source=reading.source,
        check=AUTOMATIC_REPLIES,
        observed=reading.clock(),
    )


def _add_ins(reading: Reading) -> Iterator[Item]:
    if not reading.mailbox.is_impersonated:
        raise ConnectorError(
            "with delegate access the add-ins of a mailbox cannot be asked for: the request names none",
            'use access = "impersonation", or accept this gap in [[coverage.accepted]]',
            reason="unsupported",
        )
    return ews_xml.decode_add_ins(
        reading.mailbox.ask(requests.get_add_ins()),
        scope=reading.scope,
        source=reading.source,
        check=ADD_INS,
        observed=reading.clock(),
    )


def _chunks(ids: Sequence[str], size: int) -> Iterator[tuple[bool, Sequence[str]]]:
    """The ids in parts, each with whether it is the first."""
    for start in range(0, len(ids), size):
        yield start == 0, ids[start : start + size]


def _too_many(what: str, count: int) -> ConnectorError:
    return ConnectorError(
        f"the server lists {count} {what} and more", "look at the server", reason="malformed"
    )
