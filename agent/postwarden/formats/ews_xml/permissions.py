"""Folder permissions in answers to GetFolder and FindFolder into delegations."""

from collections.abc import Iterator
from datetime import datetime
from types import MappingProxyType

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.answer import Asked, Message, Refusal, messages, operation
from postwarden.formats.ews_xml.folders import Folders, NamedFolder, folder_elements, folder_id, named
from postwarden.formats.ews_xml.grantees import grantee
from postwarden.formats.ews_xml.levels import of_level, of_permission
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, child, children, text, written
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation, GranteeKind, Right
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope

_NO_FOLDERS: Folders = MappingProxyType({})
#: A calendar's set differs only in what is inside it.
_LISTS = ("Permissions", "CalendarPermissions")


def decode_permissions(
    raw: bytes,
    account: Account,
    *,
    scope: Scope,
    source: str,
    check: str,
    observed: datetime,
    folders: Folders = _NO_FOLDERS,
) -> Iterator[Item]:
    """One Delegation for each entry of each folder's permission set, and gaps.

    `folders` are what is known of them by id, for their names. Entries that the directory no longer knows are orphans. `observed` is in UTC. No bytes raise: an answer
    that is an error is a gap, and so is a folder that came without its permission set, or a page that is not
    the last.
    """
    asked = Asked(scope=scope, source=source, check=check, observed=observed)
    try:
        answer = operation(raw, "GetFolder", "FindFolder")
        if isinstance(answer, Refusal):
            yield asked.refused(answer)
            return
        for message in messages(answer):
            if message.refusal is not None:
                yield asked.refused(message.refusal)
            if message.has_content:
                yield from _folders(message, asked, account, folders)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)


def _folders(message: Message, asked: Asked, account: Account, folders: Folders) -> Iterator[Item]:
    for folder in folder_elements(message.element):
        called = folders.get(folder_id(folder)) or named(folder)
        found = child(folder, TYPES + "PermissionSet")
        if found is None:
            part = f'folder "{called.name}"'
            hint = "ask for folder:PermissionSet; search folders have none"
            yield asked.gap(
                "unsupported", "the answer has no permissions of this folder", part=part, hint=hint
            )
            continue
        raw = f"{folder_id(folder)}\n{called.name}\n".encode() + written(found)
        for entry in _entries(found, called, asked, account):
            yield Observed(evidence=entry, raw=raw)
        yield from _unknown_levels(found, called, asked)
    root = child(message.element, MESSAGES + "RootFolder")
    if root is not None and root.get("IncludesLastItemInRange") in {"false", "0"}:
        yield asked.gap("unsupported", "this page of folders is not the last", hint="read the next page too")


def _permissions(found: Element) -> Iterator[tuple[Element, str]]:
    for listed in _LISTS:
        for permission in children(found, TYPES + listed, "*"):
            level = text(permission, TYPES + "PermissionLevel")
            yield permission, level or text(permission, TYPES + "CalendarPermissionLevel")


def _entries(found: Element, called: NamedFolder, asked: Asked, account: Account) -> Iterator[Delegation]:
    for permission, level in _permissions(found):
        who, kind = grantee(child(permission, TYPES + "UserId"), account.addresses)
        yield _delegation(asked, called, who, kind, of_permission(permission, level), level or None)
    for unknown in children(found, TYPES + "UnknownEntries", TYPES + "UnknownEntry"):
        yield _delegation(asked, called, text(unknown), "orphan", (), None)


def _delegation(
    asked: Asked,
    called: NamedFolder,
    who: str,
    kind: GranteeKind,
    rights: tuple[Right, ...],
    level: str | None,
) -> Delegation:
    return Delegation(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        via="ews_permission",
        folder=called.name,
        grantee=who,
        grantee_kind=kind,
        rights=rights,
        use=called.use,
        level=level,
    )


def _unknown_levels(found: Element, called: NamedFolder, asked: Asked) -> Iterator[Item]:
    for level in sorted({level for _, level in _permissions(found) if level and of_level(level) is None}):
        part = f'folder "{called.name}"'
        yield asked.gap("unsupported", f"the permission level {level} is not known", part=part)
