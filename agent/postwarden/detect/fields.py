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
    "origin": Field(
        "text",
        "where the flow lives: sieve_script, inbox_rule, rule_item, forward_file, mailbox_forwarding, gmail_filter or "
        "gmail_forwarding",
    ),
    "name": Field("text", "the script's or rule's name"),
    "enabled": Field("flag", "whether the script or rule is switched on"),
    "hidden": Field("flag", "whether the owner's client does not list it"),
    "exchange_own": Field(
        "flag",
        "one of the hidden rules of Exchange itself (junk mail, automatic replies, delegates), known by provider, "
        "name and what it does; null where what it does, or who gets the mail, could not be read",
    ),
    "fires": Field("flag", "switched on, this path can be reached, and no earlier rule ends the processing"),
    "blocked": Field("flag", "an earlier rule takes every message and ends the processing"),
    "effect": Field(
        "text",
        "redirect, forward, forward_as_attachment, copy_to_folder, move, delete, mark_read, reject, reply, "
        "notify, execute, keep, label or defer (left to the owner's mail program)",
    ),
    "target": Field("text", "the effect's address, folder or program, as written"),
    "target_class": Field("text", "internal, own, partner, external, unresolved, folder or none"),
    "target_external": Field("flag", "target_class is external"),
    "target_domain": Field(
        "text", "the address's domain; behind a directory's name, that of the telling address"
    ),
    "target_provider": Field(
        "text", "freemail or throwaway, where anybody gets an address at that domain; null elsewhere"
    ),
    "target_addresses": Field("texts", "the addresses that mail goes to, behind a directory's name too"),
    "target_directory": Field(
        "text",
        "what the directory has behind the target: mailbox, contact, group, public_folder, nobody or ambiguous; null "
        "where it was not asked",
    ),
    "target_resolved": Field(
        "flag",
        "false where the target is put together from the message, or a name that the directory does not know",
    ),
    "everything": Field("flag", "the path applies to every message"),
    "everything_by_trick": Field(
        "flag", "it applies to every message, and names something to look for all the same"
    ),
    "condition": Field("text", "the path's condition in words"),
    "senders": Field("texts", "the senders, or parts of their addresses, that all of its messages are from"),
    "sender_classes": Field("texts", "whose those are: internal, own, partner, external, unresolved"),
    "keywords": Field("texts", "telling words that the condition selects messages by"),
    "keyword_classes": Field("texts", "finance, security"),
    "keeps_copy": Field("text", "yes, no or depends: whether the owner still gets the message in a folder"),
    "deletes": Field("flag", "the message is deleted and no copy kept"),
    "permanent": Field("flag", "and it is not in the trash either"),
    "marks_read": Field("flag", "the message is marked read"),
    "moved_to": Field("text", "the folder it is moved to"),
    "folder_use": Field(
        "text", "what that folder is for (as in delegation), by the server's word; null for others"
    ),
    "folder_odd": Field(
        "flag",
        "no honest rule moves mail there: calendar, contacts, tasks, notes, journal, rss, conversation_history, "
        "sync_issues, outbox or recoverable; null where the message is not moved",
    ),
    "folder_unread": Field(
        "flag",
        "nobody looks into that folder: odd, not subscribed, or Trash or Junk; null where folders are unknown",
    ),
    "provider": Field("text", "the program that says it made the rule; null where the source has none"),
    "provider_known": Field(
        "flag", "Exchange, or Outlook, makes rules under that name; null without a provider"
    ),
    "flaws": Field("texts", "what is odd about the rule as it is stored, in words"),
    "unicode_tricks": Field(
        "texts", "what its name, or the words that it looks for, do to be misread, in words"
    ),
    "signs": Field("texts", "weak signs, in sentences; for inbox rules only"),
    "sign_count": Field("number", "how many weak signs there are"),
}

_DELEGATION = {
    "via": Field(
        "text",
        "imap_acl, ews_permission, ews_delegate, gmail_delegate, mailbox_permission or recipient_permission",
    ),
    "folder": Field("text", "the folder's name; empty for rights to the mailbox as a whole"),
    "folder_use": Field(
        "text",
        "inbox, archive, drafts, flagged, junk, sent, trash, all, calendar, contacts, tasks, notes, journal, rss, "
        "conversation_history, sync_issues, outbox, recoverable or none",
    ),
    "grantee": Field("text", "who has the right"),
    "grantee_kind": Field("text", "anyone, authenticated, owner, user, group or orphan"),
    "grantee_class": Field(
        "text",
        "whose the grantee's address is: internal, own, partner, external, unresolved; null without an address",
    ),
    "right": Field(
        "text",
        "lookup, read, seen, write, insert, post, create_folder, delete_folder, delete_message, expunge, "
        "administer, write_own, delete_own, free_busy, free_busy_details, send_as, send_on_behalf, meeting_copies or "
        "private_items; null where an orphan's are not told",
    ),
    "rights": Field("texts", "all rights that the grantee has in the folder"),
    "full": Field("flag", "may read, write, insert, delete messages and administer"),
    "negative": Field("flag", "the entry takes the right away"),
    "level": Field(
        "text",
        "the server's word for the rights, such as Reviewer or FullAccess; of a delegate in Gmail, pending or accepted",
    ),
    "mailbox_purpose": Field(
        "text",
        "what the mailbox is for: user, linked, shared, room, equipment or others; null where the source does not tell",
    ),
}

_SETTING = {
    "name": Field("text", "the setting's name"),
    "value": Field("text", "its value"),
    "address": Field(
        "text", "the address that send_as or forwarding_address is about; null for other settings"
    ),
    "address_class": Field("text", "whose that is: internal, own, partner, external or unresolved"),
    "address_like": Field("text", "the organisation's domain that it passes for, and is not of"),
    "reply_to": Field("text", "the address that answers go to, where send_as says so"),
    "reply_class": Field("text", "whose that is"),
}

_GRANT = {
    "provider": Field("text", "graph, google, keycloak or exchange"),
    "grant_type": Field(
        "text",
        "delegated (for a person), application (by itself), domain_wide (as anybody of a Google domain), client (at an "
        "identity provider, without consent), offline_session, app_password, add_in, or registered (known here without "
        "a grant that can be seen)",
    ),
    "judged_in": Field("text", "account, or source for what is about everybody"),
    "application": Field("text", "the application's id"),
    "application_name": Field("text", "its name, which its author chose"),
    "publisher": Field("text", "who publishes it, as far as the source tells"),
    "publisher_verified": Field("flag", "the provider checked who publishes it"),
    "vouched": Field(
        "flag", "the provider's own, the organisation's own, or of a publisher that the provider checked"
    ),
    "home": Field(
        "text", "own, first_party (the provider's), foreign or unknown, by tenant or id, never by name"
    ),
    "resource": Field("text", "what the scopes are for"),
    "scopes": Field("texts", "the scopes on that resource"),
    "scope_classes": Field(
        "texts",
        "what those are: mail_full, mail_read, mail_write, mail_send, mail_headers, mail_unknown, rules_write, "
        "rules_read, password, session, contacts, calendar, files, chat, admin, directory, audit, identity, persist, "
        "unknown",
    ),
    "unknown_scopes": Field("texts", "those that rules/grants.toml does not know"),
    "mail": Field("flag", "the application may read, send, or redirect mail, by any of its resources"),
    "mail_write": Field("flag", "and change or send it, or make rules"),
    "offline": Field("flag", "it works on when nobody is logged in"),
    "reaches": Field("text", "account or everybody"),
    "consent": Field("text", "who agreed: user, administrator or none"),
    "granted_by": Field("text", "who let it in"),
    "reach": Field("number", "what the scopes can do, 0 to 100"),
    "trust": Field("number", "how far it can be trusted, in percent: the more, the less"),
    "risk": Field("number", "reach times trust, 0 to 100; 100 for what a list calls critical or high"),
    "band": Field("text", "high (80 and more), medium (50), low (25) or inventory"),
    "catalogue": Field("text", "first_party, malicious or dual_use, by rules/applications.csv"),
    "catalogue_severity": Field(
        "text", "informational, low, medium, high or critical, where that list rates it"
    ),
    "listed_by_admin": Field("text", "allow or block, by [grants] in agent.toml"),
    "known_as": Field(
        "text",
        "what decides before anything else: allowed or blocked by the administrator, else malicious or dual_use by the "
        "shipped list",
    ),
    "name_flags": Field(
        "texts",
        "letters (that look like others), brand_disguised, first_party_disguised, brand, first_party (called like "
        "them), user_name (like somebody here), no_letters, test; none that somebody's vouching settles",
    ),
    "name_misleads": Field(
        "flag",
        "its letters are disguised; or it is called like a brand or a person, nobody vouches for it, and its risk is "
        "medium or high",
    ),
    "reply_urls": Field("texts", "the addresses that tokens are sent to"),
    "reply_url_flags": Field(
        "texts",
        "access_path (http://localhost:PORT/access), cleartext, address (an IP address), tunnel, free_host, wildcard, "
        "other_domain, unreadable",
    ),
    "age_days": Field(
        "number", "days since consent, else since the application is there, else since we saw it first"
    ),
    "age_origin": Field("text", "who says so: api, audit_log or first_seen"),
    "young": Field("flag", "30 days or less; null where the age is not known"),
    "holders": Field("number", "how many accounts have the application"),
    "population": Field("number", "of how many"),
    "prevalence": Field("number", "the same in percent"),
    "credential_count": Field(
        "number",
        "keys that it can log in with by itself, not yet ended; null in accounts, and where told already",
    ),
    "credentials_added": Field("number", "those of them that are young and replace none that ends"),
    "owner_count": Field("number", "who may change it here"),
    "owners_added": Field("number", "those of them who are so since a short time"),
    "unused_days": Field("number", "days since it was last used"),
    "account_enabled": Field("flag", "the account may log in"),
    "enabled": Field("flag", "the application is switched on here"),
    "disabled_by_provider": Field("text", "the provider's word where it switched it off"),
}

_ACCESS = {
    "own": Field("text", "unexplained, where our own identity was used and no record of ours explains it"),
    "indicator": Field("text", "what somebody looked for, which this session has: its kind and its value"),
    "protocol": Field("text", "imap, pop3, managesieve, submission, owa, ews, activesync, mapi, sign_in, …"),
    "refused": Field("flag", "it was not let in"),
    "name": Field("text", "the account as the log has it"),
    "identity": Field("text", "who logged in, where the log tells it apart from the account: a master user"),
    "address": Field("text", "where it came from"),
    "client": Field("text", "the client as it named itself"),
    "application": Field("text", "the application's id at the identity provider"),
    "bytes_out": Field("number", "bytes that the server sent in it; null where nobody counted"),
    "bodies": Field("number", "message bodies that were fetched; zero proves nothing"),
}

_CHANGE = {
    "operation": Field(
        "text",
        "what happened, as the audit record names it; to a log: log_truncated, log_shortened, log_replaced, log_jumped or log_gone",
    ),
    "about": Field("text", "what it happened to: an id, or a log's path"),
    "author": Field("text", "who did it"),
    "detail": Field("text", "more, in words"),
}

#: Category → field → type and meaning. Categories without fields have no evidence yet.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "mail_flow": _MAIL_FLOW,
    "delegation": _DELEGATION,
    "setting": _SETTING,
    "grant": _GRANT,
    "access": _ACCESS,
    "change": _CHANGE,
}
