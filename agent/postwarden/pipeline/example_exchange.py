"""Examples about Exchange: a short form in YAML, written out as the server's answers, through the real decoders."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from postwarden.formats.ews_xml import (
    NamedFolder,
    decode_delegates,
    decode_inbox_rules,
    decode_permissions,
    decode_rule_items,
    read_folders,
)
from postwarden.formats.exchange_rule_blob.writing import written_actions, written_condition
from postwarden.model.account import Account
from postwarden.model.evidence import Evidence, MailFlow
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope

RULES, ITEMS, PERMISSIONS, DELEGATES = "inbox_rules", "rule_items", "folder_permissions", "delegates"

#: A predicate or action: a flag, a text, texts or addresses, or parts with a name each.
Value = bool | int | str | tuple[str, ...] | dict[str, int | str]

_NAMESPACES = (
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)
_OK = "<m:ResponseCode>NoError</m:ResponseCode>"
_SOURCE = "example"


class RuleExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as GetInboxRules lists it: elements of Conditions, Exceptions and Actions by their names."""

    name: str = "Tidy"
    enabled: bool = True
    priority: int = 1
    unsupported: bool = False
    conditions: dict[str, Value] = {}
    exceptions: dict[str, Value] = {}
    actions: dict[str, Value] = {}


class ItemExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is stored; without `when` for every message, `damaged` where its actions cannot be read."""

    name: str = ""
    provider: str = ""
    state: int = 1
    when: dict[str, str] | None = None
    then: tuple[str, ...] = ()
    damaged: bool = False


class PermissionExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of a folder's permission set: Default, Anonymous, an address, or a security id."""

    folder: str
    who: str
    level: str


class DelegateExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    who: str
    private: bool = False
    copies: bool = False


class ExchangeExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one mailbox of Exchange has; without `rules`, what it lists is not known."""

    rules: tuple[RuleExample, ...] | None = None
    outlook_rules: bool = False
    items: tuple[ItemExample, ...] = ()
    permissions: tuple[PermissionExample, ...] = ()
    delegates: tuple[DelegateExample, ...] = ()


class ExchangeFolder(Struct, frozen=True, kw_only=True):
    """A folder by its display name, container class and distinguished name."""

    name: str
    folder_class: str = ""
    distinguished: str = ""


def exchange_evidence(
    example: ExchangeExample,
    folders: Iterable[ExchangeFolder],
    account: Account,
    *,
    scope: Scope,
    observed: datetime,
) -> Iterator[Evidence]:
    """What the decoders make of the example; raises ValueError for words that stored rules do not have."""
    elements = {folder.name: folder for folder in folders}
    named = named_folders(elements.values())
    listed: tuple[MailFlow, ...] | None = None
    if example.rules is not None or example.outlook_rules:
        raw = _rules(example.rules or (), example.outlook_rules, named)
        told = _evidence(
            decode_inbox_rules(
                raw, scope=scope, source=_SOURCE, check=RULES, observed=observed, folders=named
            )
        )
        listed = tuple(one for one in told if isinstance(one, MailFlow))
        yield from told
    if example.items:
        raw = _several("GetItem", f"<m:Items>{''.join(map(_item, example.items))}</m:Items>")
        yield from _evidence(
            decode_rule_items(raw, scope=scope, source=_SOURCE, check=ITEMS, observed=observed, listed=listed)
        )
    for entry in example.permissions:
        folder = elements.get(
            entry.folder, ExchangeFolder(name=entry.folder, distinguished=entry.folder.lower())
        )
        raw = _several("GetFolder", f"<m:Folders>{_folder(folder, entry)}</m:Folders>")
        yield from _evidence(
            decode_permissions(
                raw, account, scope=scope, source=_SOURCE, check=PERMISSIONS, observed=observed
            )
        )
    if example.delegates:
        raw = _delegates(example.delegates)
        yield from _evidence(
            decode_delegates(raw, account, scope=scope, source=_SOURCE, check=DELEGATES, observed=observed)
        )


def named_folders(folders: Iterable[ExchangeFolder]) -> dict[str, NamedFolder]:
    """The folders as the decoder reads them, by their ids, which are their names here."""
    listed = "".join(map(_folder, folders))
    return read_folders(_several("GetFolder", f"<m:Folders>{listed}</m:Folders>")) if listed else {}


def _evidence(items: Iterator[Item]) -> list[Evidence]:
    return [item.evidence for item in items if isinstance(item, Observed)]


def _single(operation: str, content: str) -> bytes:
    return f'<m:{operation}Response {_NAMESPACES} ResponseClass="Success">{_OK}{content}</m:{operation}Response>'.encode()


def _several(operation: str, content: str) -> bytes:
    message = (
        f'<m:{operation}ResponseMessage ResponseClass="Success">{_OK}{content}</m:{operation}ResponseMessage>'
    )
    return (
        f"<m:{operation}Response {_NAMESPACES}><m:ResponseMessages>{message}</m:ResponseMessages>"
        f"</m:{operation}Response>"
    ).encode()


def _element(word: str, value: str | int | bool) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<t:{word}>{escape(shown)}</t:{word}>"


def _rules(rules: Iterable[RuleExample], outlook: bool, folders: Mapping[str, NamedFolder]) -> bytes:
    listed = "".join(_rule(rule, number, folders) for number, rule in enumerate(rules, 1))
    blob = f"<m:OutlookRuleBlobExists>{str(outlook).lower()}</m:OutlookRuleBlobExists>"
    return _single("GetInboxRules", f"{blob}<m:InboxRules>{listed}</m:InboxRules>")


def _rule(rule: RuleExample, number: int, folders: Mapping[str, NamedFolder]) -> str:
    parts = (("Conditions", rule.conditions), ("Exceptions", rule.exceptions), ("Actions", rule.actions))
    inside = "".join(
        f"<t:{part}>{''.join(_part(word, value, folders) for word, value in values.items())}</t:{part}>"
        for part, values in parts
        if values
    )
    return (
        f"<t:Rule>{_element('RuleId', f'rule {number}')}{_element('DisplayName', rule.name)}"
        f"{_element('Priority', rule.priority)}{_element('IsEnabled', rule.enabled)}"
        f"{_element('IsNotSupported', rule.unsupported)}{inside}</t:Rule>"
    )


def _part(word: str, value: Value, folders: Mapping[str, NamedFolder]) -> str:
    if isinstance(value, dict):
        return f"<t:{word}>{''.join(_element(name, one) for name, one in value.items())}</t:{word}>"
    if isinstance(value, tuple):
        to_people = word.endswith(("Recipients", "Addresses"))
        return f"<t:{word}>{''.join(_address(one) if to_people else _element('String', one) for one in value)}</t:{word}>"
    if word in {"MoveToFolder", "CopyToFolder"}:
        kind = "FolderId" if str(value) in folders else "DistinguishedFolderId"
        return f"<t:{word}><t:{kind} Id={quoteattr(str(value))}/></t:{word}>"
    if word == "ServerReplyWithMessage":
        return f"<t:{word} Id={quoteattr(str(value))}/>"
    return _element(word, value)


def _address(address: str) -> str:
    routing = "EX" if address.startswith("/") else "SMTP"
    return f"<t:Address>{_element('EmailAddress', address)}{_element('RoutingType', routing)}</t:Address>"


def _item(item: ItemExample) -> str:
    found = {"0x65E9": str(item.state), "0x65EB": item.provider, "0x65EC": item.name}
    actions = b"\1\2\3" if item.damaged else written_actions(item.then)
    found["0x0E99"] = base64.b64encode(actions).decode()
    if item.when is not None:
        found["0x0E9A"] = base64.b64encode(written_condition(item.when)).decode()
    properties = "".join(
        f'<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="{tag}" PropertyType="String"/>'
        f"{_element('Value', value)}</t:ExtendedProperty>"
        for tag, value in found.items()
    )
    kind = _element("ItemClass", "IPM.Rule.Version2.Message")
    return f"<t:Message><t:ItemId Id={quoteattr('item ' + item.name)}/>{kind}{properties}</t:Message>"


def _folder(folder: ExchangeFolder, entry: PermissionExample | None = None) -> str:
    calendar = folder.folder_class.startswith("IPF.Appointment") or folder.distinguished == "calendar"
    kind, prefix = ("CalendarFolder", "Calendar") if calendar else ("Folder", "")
    inside = _element("FolderClass", folder.folder_class) if folder.folder_class else ""
    inside += _element("DisplayName", folder.name)
    if folder.distinguished:
        inside += _element("DistinguishedFolderId", folder.distinguished)
    if entry is not None:
        permission = _user(entry.who) + _element(f"{prefix}PermissionLevel", entry.level)
        inside += (
            f"<t:PermissionSet><t:{prefix}Permissions><t:{prefix}Permission>{permission}</t:{prefix}Permission>"
            f"</t:{prefix}Permissions></t:PermissionSet>"
        )
    return f"<t:{kind}><t:FolderId Id={quoteattr(folder.name)}/>{inside}</t:{kind}>"


def _user(who: str) -> str:
    if who in {"Default", "Anonymous"}:
        word = "DistinguishedUser"
    else:
        word = "SID" if who.startswith("S-1-") else "PrimarySmtpAddress"
    return f"<t:UserId>{_element(word, who)}</t:UserId>"


def _delegates(delegates: Iterable[DelegateExample]) -> bytes:
    listed = "".join(
        f'<m:DelegateUserResponseMessageType ResponseClass="Success">{_OK}<m:DelegateUser>{_user(one.who)}'
        f"{_element('ReceiveCopiesOfMeetingMessages', one.copies)}{_element('ViewPrivateItems', one.private)}"
        "</m:DelegateUser></m:DelegateUserResponseMessageType>"
        for one in delegates
    )
    return _single("GetDelegate", f"<m:ResponseMessages>{listed}</m:ResponseMessages>")
