"""The fields that rules may use, by category: the one place that names them."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

FieldType = Literal["text", "texts", "number", "flag"]


class Field(Struct, frozen=True):
    """A field's type and its meaning; any field may be absent (`null`) where the source does not say."""

    type: FieldType
    meaning: str


_MAIL_FLOW = {
    "origin": Field("text", "where the flow lives: sieve_script, inbox_rule or rule_item"),
    "name": Field("text", "the script's or rule's name"),
    "enabled": Field("flag", "whether the script or rule is switched on"),
    "hidden": Field("flag", "whether the owner's client does not list it"),
    "fires": Field("flag", "switched on, and this path can be reached"),
    "effect": Field(
        "text",
        "redirect, forward, forward_as_attachment, copy_to_folder, move, delete, mark_read, reject, reply, "
        "notify, execute, keep, label or defer (left to the owner's mail program)",
    ),
    "target": Field("text", "the effect's address, folder or program, as written"),
    "target_class": Field("text", "internal, own, partner, external, unresolved, folder or none"),
    "target_external": Field("flag", "target_class is external"),
    "target_domain": Field("text", "the address's domain"),
    "target_resolved": Field("flag", "false where the target is put together from the message"),
    "everything": Field("flag", "the path applies to every message"),
    "condition": Field("text", "the path's condition in words"),
    "keywords": Field("texts", "telling words that the condition selects messages by"),
    "keyword_classes": Field("texts", "finance, security"),
    "keeps_copy": Field("text", "yes, no or depends: whether the owner still gets the message in a folder"),
    "deletes": Field("flag", "the message is deleted and no copy kept"),
    "marks_read": Field("flag", "the message is marked read"),
    "moved_to": Field("text", "the folder it is moved to"),
    "folder_unread": Field(
        "flag",
        "nobody looks into that folder: not subscribed, or Trash or Junk; null where folders are unknown",
    ),
    "provider": Field("text", "the program that says it made the rule; null where the source has none"),
    "flaws": Field("texts", "what is odd about the rule as it is stored, in words"),
}

_DELEGATION = {
    "via": Field("text", "imap_acl, ews_permission or ews_delegate"),
    "folder": Field("text", "the folder's name; empty for rights to the mailbox as a whole"),
    "folder_use": Field(
        "text",
        "inbox, archive, drafts, flagged, junk, sent, trash, all, calendar, contacts, tasks, notes, journal or none",
    ),
    "grantee": Field("text", "who has the right"),
    "grantee_kind": Field("text", "anyone, authenticated, owner, user, group or orphan"),
    "right": Field(
        "text",
        "lookup, read, seen, write, insert, post, create_folder, delete_folder, delete_message, expunge, "
        "administer, write_own, delete_own, free_busy, free_busy_details, send_on_behalf, meeting_copies or "
        "private_items; null where an orphan's are not told",
    ),
    "rights": Field("texts", "all rights that the grantee has in the folder"),
    "full": Field("flag", "may read, write, insert, delete messages and administer"),
    "negative": Field("flag", "the entry takes the right away"),
    "level": Field("text", "Exchange's word for the rights, such as Reviewer; null elsewhere"),
}

_SETTING = {
    "name": Field("text", "the setting's name"),
    "value": Field("text", "its value"),
}

#: Category → field → type and meaning. Categories without fields have no evidence yet.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "mail_flow": _MAIL_FLOW,
    "delegation": _DELEGATION,
    "setting": _SETTING,
    "grant": {},
    "access": {},
    "change": {},
}
