"""Delegations into rows: one for each grantee, folder and right."""

from collections.abc import Iterator

from postwarden.detect.row import Row, check_of
from postwarden.mailflow.recipients import Directory, Reached, reached
from postwarden.model.evidence import Delegation, Folder, GranteeKind, Right
from postwarden.model.finding import Fact

#: Together these make somebody the folder's second owner.
_FULL = frozenset({"read", "write", "insert", "delete_message", "administer"})


def delegation_rows(entry: Delegation, known: Directory, folders: tuple[Folder, ...] | None) -> Iterator[Row]:
    """The rows of one entry; an orphan's rights need not be told."""
    uses = entry.use or _folder_uses(entry.folder, folders)
    where = f'the folder "{entry.folder}"' if entry.folder else "the mailbox as a whole"
    reach = _reach(entry, known)
    kind: GranteeKind = "owner" if reach is not None and reach.target_class == "own" else entry.grantee_kind
    rights = ", ".join(right.replace("_", " ") for right in entry.rights) or "which ones is not told"
    verb = "is denied" if entry.negative else "has"
    sentences = [f"{_who(entry, kind)} {verb} rights in {where}: {rights}"]
    if reach is not None and reach.target_class == "external":
        sentences.append(f"{entry.grantee} is neither of the organisation nor of an allowed partner")
    checks = [check_of(entry)]
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


def _folder_uses(name: str, folders: tuple[Folder, ...] | None) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    for folder in folders or ():
        if folder.name == name and folder.uses:
            return folder.uses[0]
    return "none"
