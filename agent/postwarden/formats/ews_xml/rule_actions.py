"""What an inbox rule does (RuleActionsType)."""

from collections.abc import Iterator

from msgspec import Struct

from postwarden.formats.ews_xml.folders import Folders, into_folder
from postwarden.formats.ews_xml.tree import TYPES, Element, child, children, is_true, name, text
from postwarden.model.mailflow import Effect, EffectKind

_RECIPIENTS: dict[str, EffectKind] = {
    "ForwardToRecipients": "forward",
    "ForwardAsAttachmentToRecipients": "forward_as_attachment",
    "RedirectToRecipients": "redirect",
    "SendSMSAlertToRecipients": "notify",
}
_FOLDERS: dict[str, EffectKind] = {"MoveToFolder": "move", "CopyToFolder": "copy_to_folder"}
_FLAGS = {
    # "Delete" moves to Deleted Items.
    "Delete": Effect(what="delete"),
    "PermanentDelete": Effect(what="delete", permanent=True),
    "MarkAsRead": Effect(what="mark_read"),
    "StopProcessingRules": Effect(what="stop"),
}


class Actions(Struct, frozen=True, kw_only=True):
    """Effects in the rule's order, and the names of elements that are not known."""

    effects: tuple[Effect, ...]
    unknown: tuple[str, ...]


def effects_of(actions: Element | None, folders: Folders) -> Actions:
    """The effects of an Actions element; none has none."""
    effects: list[Effect] = []
    unknown: list[str] = []
    for action in children(actions, "*"):
        found = _action(action, folders)
        if found is None:
            unknown.append(name(action))
        else:
            effects += found
    return Actions(effects=tuple(effects), unknown=tuple(unknown))


def _action(action: Element, folders: Folders) -> list[Effect] | None:
    word = name(action)
    if word in _FLAGS:
        return [_FLAGS[word]] if is_true(action) else []
    if word in _RECIPIENTS:
        return list(_to_mailboxes(_RECIPIENTS[word], action))
    if word in _FOLDERS:
        return [into_folder(_FOLDERS[word], action, folders)]
    match word:
        case "AssignCategories":
            categories = [text(one) for one in children(action, TYPES + "String")]
            return [Effect(what="label", target=f"category {category}") for category in categories]
        case "MarkImportance":
            return [Effect(what="label", target=f"importance {text(action)}")]
        case "ServerReplyWithMessage":
            return [Effect(what="reply", target=f"template {action.get('Id', '')}")]
        case _:
            return None


def _to_mailboxes(what: EffectKind, action: Element) -> Iterator[Effect]:
    """A directory name (`EX`) is not resolved: behind it may be a contact whose mail goes outside."""
    for address in children(action, TYPES + "Address"):
        routing = text(address, TYPES + "RoutingType").upper() or "SMTP"
        mailbox = text(address, TYPES + "EmailAddress")
        item = child(address, TYPES + "ItemId")
        known = bool(mailbox) and (routing == "MOBILE" if what == "notify" else routing == "SMTP")
        target = mailbox or text(address, TYPES + "Name") or (item.get("Id") if item is not None else None)
        if what == "notify" and mailbox and ":" not in mailbox:
            target = f"tel:{mailbox}" if routing == "MOBILE" else mailbox
        yield Effect(what=what, target=target, resolved=known)
