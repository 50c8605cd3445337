"""Evidence: immutable typed statements of what a source said about a scope, and when.

A *state* is part of a snapshot: absent from a complete read means gone. An *event* happened and is never
gone. The union's tag field is `kind`.
"""

from typing import Literal

from msgspec import Struct

from postwarden.model.application import Application, Dated
from postwarden.model.mailflow import Origin, Path
from postwarden.model.moment import Moment, require_utc
from postwarden.model.scope import Scope
from postwarden.model.session import Session

#: RFC 4314 rights by name, in the order of their letters `lrswipkxtea`; then what Exchange has beside them.
Right = Literal[
    "lookup",
    "read",
    "seen",
    "write",
    "insert",
    "post",
    "create_folder",
    "delete_folder",
    "delete_message",
    "expunge",
    "administer",
    "write_own",
    "delete_own",
    "free_busy",
    "free_busy_details",
    "send_as",
    "send_on_behalf",
    "meeting_copies",
    "private_items",
]

#: An `orphan` is an entry that belongs to nobody the directory still knows.
GranteeKind = Literal["anyone", "authenticated", "owner", "user", "group", "orphan"]

#: Special use of a folder (RFC 6154), the inbox, folders that hold no mail, and those that Exchange fills itself.
FolderUse = Literal[
    "inbox",
    "archive",
    "drafts",
    "flagged",
    "junk",
    "sent",
    "trash",
    "all",
    "calendar",
    "contacts",
    "tasks",
    "notes",
    "journal",
    "rss",
    "conversation_history",
    "sync_issues",
    "outbox",
    "recoverable",
]


class Base(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all evidence has.

    `source` and `check` say where it was read; `observed` when; `blob` names the ledger's blob that keeps
    the raw answer, once it is recorded.
    """

    scope: Scope
    source: str
    check: str
    observed: Moment
    blob: str | None = None

    def __post_init__(self) -> None:
        require_utc(self.observed)


class MailFlow(Base, frozen=True, kw_only=True, tag="mail_flow"):
    """State: one rule, script or forwarding in the normal form. `key` is stable within account and origin.

    `provider` is the program that says it made the rule; `flaws` are what is odd about the rule as it is
    stored, in words.
    """

    origin: Origin
    key: str
    name: str
    enabled: bool
    hidden: bool = False
    order: int = 0
    paths: tuple[Path, ...] = ()
    created: Moment | None = None
    modified: Moment | None = None
    author: str | None = None
    provider: str | None = None
    flaws: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_utc(self.observed, self.created, self.modified)


class Delegation(Base, frozen=True, kw_only=True, tag="delegation"):
    """State: what `grantee` may do in `folder` of this account.

    `grantee_kind` `anyone` is everybody, also strangers where the server lets them in; `negative` takes the
    rights away (RFC 4314 section 2). `folder` is empty where the rights are to the mailbox as a whole. `use`
    is the folder's, and `level` the server's own word for the rights, where the source tells them.
    """

    via: Literal[
        "imap_acl",
        "ews_permission",
        "ews_delegate",
        "gmail_delegate",
        "mailbox_permission",
        "recipient_permission",
    ]
    folder: str
    grantee: str
    grantee_kind: GranteeKind
    rights: tuple[Right, ...]
    negative: bool = False
    use: FolderUse | None = None
    level: str | None = None


class Folder(Base, frozen=True, kw_only=True, tag="folder"):
    """State: one mail folder, its special uses, and whether its owner's clients show it."""

    name: str
    uses: tuple[FolderUse, ...] = ()
    subscribed: bool = True
    selectable: bool = True


#: `delegated` acts for a person, `application` by itself, `domain_wide` as anybody of a Google domain. `client` may
#: ask an identity provider for tokens without anybody's consent; `offline_session` is a token that outlives the
#: log-in; `registered` is an application that is known here without a grant that we can see.
GrantType = Literal[
    "delegated",
    "application",
    "domain_wide",
    "client",
    "offline_session",
    "app_password",
    "add_in",
    "registered",
]


class Grant(Base, frozen=True, kw_only=True, tag="grant"):
    """State: an application's consented access to one resource, an app password, or an add-in.

    `reaches` says whose mail: this account's, or everybody's; `consent` who agreed, as far as the source tells.
    `granted` and `granted_by` are when and by whom, `last_used` when it was last seen at work. `holders` accounts
    of `population` have this application, as far as the source was read. `account_enabled` is whether the account
    that it belongs to may log in at all.
    """

    provider: Literal["graph", "google", "keycloak", "exchange"]
    grant_type: GrantType
    application: Application
    resource: str = ""
    scopes: tuple[str, ...] = ()
    reaches: Literal["account", "everybody"] = "account"
    consent: Literal["user", "administrator", "none"] | None = None
    granted: Dated | None = None
    granted_by: str | None = None
    last_used: Dated | None = None
    holders: int | None = None
    population: int | None = None
    account_enabled: bool | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from the other grants of its scope, for good."""
        return self.provider, self.grant_type, self.application.id, self.resource


class Recipient(Base, frozen=True, kw_only=True, tag="recipient"):
    """State: what the directory says stands behind a name, for each name that a mail flow of the account has.

    `asked` is the name as the mail flow writes it (an SMTP address, or a legacy DN), or the account's own
    address. `addresses` are SMTP addresses, the primary one first; of a `contact` any of them may be where its
    mail goes. `members` are the addresses of a group's members, those of the groups inside it too; `complete`
    is False where the directory holds some back. `nobody`: the directory has no such name; `ambiguous`: several.
    """

    asked: str
    mailbox_type: Literal["mailbox", "contact", "group", "public_folder", "nobody", "ambiguous"]
    name: str = ""
    addresses: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    complete: bool = True


class Setting(Base, frozen=True, kw_only=True, tag="setting"):
    """State: a control that is on or off; `value` is its value as text."""

    name: str
    value: str


class Access(Base, frozen=True, kw_only=True, tag="access"):
    """Event: one session, sign-in or refused log-in of an account, with what makes it worth judging.

    `own` is `unexplained` where our own identity was used and no record of ours explains it. `indicator` is what
    somebody looked for and this session has.
    """

    session: Session
    own: Literal["unexplained"] | None = None
    indicator: str | None = None


class Change(Base, frozen=True, kw_only=True, tag="change"):
    """Event: an audit record says that a state was made, altered or removed.

    `about` names what it was done to, by the id that the state's evidence has too; `detail` is in the source's words.
    """

    happened: Moment
    operation: str
    author: str | None = None
    about: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        require_utc(self.observed, self.happened)


Evidence = MailFlow | Delegation | Folder | Recipient | Grant | Setting | Access | Change
