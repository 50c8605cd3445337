"""Delegations into rows: one for each grantee, folder and right."""

from collections.abc import Iterator

from postwarden.detect.row import Row, check_of
from postwarden.mailflow.recipients import Directory, Reached, reached
from postwarden.model.evidence import Delegation, Folder, GranteeKind, Right, Setting
from postwarden.model.finding import CheckRef, Fact

#: Ways of having rights that Exchange's administrators give on a mailbox as a whole.
_WHOLE = frozenset({"mailbox_permission", "recipient_permission"})
#: Together these make somebody the folder's second owner.
_FULL = frozenset({"read", "write", "insert", "delete_message", "administer"})


def delegation_rows(
    entry: Delegation, known: Directory, folders: tuple[Folder, ...] | None, purpose: Setting | None = None
) -> Iterator[Row]:
    """The rows of one entry; an orphan's rights need not be told. `purpose` is what the mailbox is for."""
    uses = entry.use or _folder_uses(entry.folder, folders)
    where = f'the folder "{entry.folder}"' if entry.folder else "the mailbox as a whole"
    reach = _reach(entry, known)
    kind: GranteeKind = "owner" if reach is not None and reach.target_class == "own" else entry.grantee_kind
    rights = ", ".join(right.replace("_", " ") for right in entry.rights) or "which ones is not told"
    verb = "is denied" if entry.negative else "has"
    sentences = [f"{_who(entry, kind)} {verb} rights in {where}: {rights}", *_meaning(entry, purpose)]
    if reach is not None and reach.target_class == "external":
        sentences.append(f"{entry.grantee} is neither of the organisation nor of an allowed partner")
    checks: list[CheckRef] = [check_of(entry)]
    if entry.via in _WHOLE and purpose is not None:
        checks.append(check_of(purpose))
    if reach is not None and reach.recipient is not None:
        checks.append(check_of(reach.recipient))
    # Of an orphan the server tells only that it is there.
    unknown: tuple[Right | None, ...] = (None,) if kind == "orphan" else ()
    for right in entry.rights or unknown:
        yield Row(
            category="delegation",
            scope=entry.scope,
            subject=(entry.via, ("-" if entry.negative else "") + entry.grantee),
            values={
                "via": entry.via,
                "folder": entry.folder,
                "folder_use": uses,
                "grantee": entry.grantee,
                "grantee_kind": kind,
                "grantee_class": reach.target_class if reach is not None else None,
                "right": right,
                "rights": entry.rights,
                "full": set(entry.rights) >= _FULL,
                "negative": entry.negative,
                "level": entry.level,
                "mailbox_purpose": purpose.value if purpose is not None else None,
            },
            sentences=tuple(sentences),
            facts=(Fact(name=f"rights in {entry.folder or 'the mailbox'}", values=entry.rights),),
            checks=tuple(checks),
            blob=entry.blob,
        )


def _reach(entry: Delegation, known: Directory) -> Reached | None:
    """Whose the grantee's address is; None where the entry names somebody by another name."""
    if entry.grantee_kind not in {"user", "group", "owner"} or "@" not in entry.grantee:
        return None
    return reached(entry.grantee, known)


def _who(entry: Delegation, kind: GranteeKind) -> str:
    return {
        "anyone": "everybody",
        "authenticated": "everybody with an account",
        "owner": "the owner",
        "group": f"the group {entry.grantee}",
        "user": f"the user {entry.grantee}",
        "orphan": f"{entry.grantee}, whom the directory does not know,",
    }[kind]


def _meaning(entry: Delegation, purpose: Setting | None) -> Iterator[str]:
    """What rights to a whole mailbox come to, and what is not yet so."""
    if entry.negative:
        return
    if entry.via == "gmail_delegate" and entry.rights:
        yield "a delegate in Gmail reads, sends and deletes mail from a session of their own, without this account's password"
    if entry.via == "gmail_delegate" and entry.level == "pending":
        yield "they have not accepted yet"
    if entry.via == "mailbox_permission" and "read" in entry.rights:
        yield "that is Full Access: all mail is open to them, whatever the account's own password is"
    if entry.via == "mailbox_permission" and "administer" in entry.rights:
        yield "they may give rights in the mailbox to themselves and to others"
    if "send_as" in entry.rights:
        yield "what they send as this account does not show who sent it"
    if entry.via in _WHOLE and purpose is not None and purpose.value != "user":
        yield f"the mailbox is no person's: it is of the type {purpose.value}"


def _folder_uses(name: str, folders: tuple[Folder, ...] | None) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    for folder in folders or ():
        if folder.name == name and folder.uses:
            return folder.uses[0]
    return "none"
