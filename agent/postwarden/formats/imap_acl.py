"""Entries of an IMAP access control list (RFC 4314) into delegations."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from postwarden.model.account import Account
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Delegation, GranteeKind, Right
from postwarden.model.scope import Scope

_RIGHTS: dict[str, Right] = {
    "l": "lookup",
    "r": "read",
    "s": "seen",
    "w": "write",
    "i": "insert",
    "p": "post",
    "k": "create_folder",
    "x": "delete_folder",
    "t": "delete_message",
    "e": "expunge",
    "a": "administer",
    # RFC 2086's c and d stand for what RFC 4314 section 2.1.1 took apart.
    "c": "create_folder",
    "d": "delete_message",
}

#: What makes somebody an owner, whatever else a server lists.
_OWNERS = frozenset("lrwikxa")


def delegations(
    folder: str,
    acl: Sequence[tuple[str, str]],
    account: Account,
    *,
    scope: Scope,
    source: str,
    check: str,
    observed: datetime,
) -> Iterator[Delegation]:
    """One delegation for each entry (identifier and letters), sorted; `-` before an identifier takes rights away.

    Letters that RFC 4314 does not know are left out.
    """
    own = {account.login.casefold(), account.login_at(source).casefold(), "owner"}
    for identifier, letters in sorted(acl):
        grantee = identifier.removeprefix("-")
        yield Delegation(
            scope=scope,
            source=source,
            check=check,
            observed=observed,
            via="imap_acl",
            folder=encodable(folder),
            grantee=encodable(grantee),
            grantee_kind=_grantee_kind(grantee, own),
            rights=tuple(dict.fromkeys(right for letter, right in _RIGHTS.items() if letter in letters)),
            negative=identifier.startswith("-"),
        )


def raw_acl(entries: Sequence[Delegation]) -> bytes:
    """Access lists as they are kept: a line for each entry, without what changes from answer to answer."""
    return b"".join(
        b"ACL %s %s%s %s\n"
        % (
            entry.folder.encode(),
            b"-" if entry.negative else b"",
            entry.grantee.encode(),
            " ".join(entry.rights).encode(),
        )
        for entry in entries
    )


def stranger(acl: Sequence[tuple[str, str]], own: set[str]) -> str | None:
    """Who owns the folder, where an owner is listed and none of `own` (case folded) has any entry."""
    owners = [name for name, letters in acl if set(letters) >= _OWNERS]
    return owners[0] if owners and not any(name.casefold() in own for name, _ in acl) else None


def _grantee_kind(grantee: str, own: set[str]) -> GranteeKind:
    folded = grantee.casefold()
    if folded in {"anyone", "anonymous"}:
        return "anyone"
    if folded == "authenticated":
        return "authenticated"
    if folded in own:
        return "owner"
    # RFC 4314 section 2 leaves groups to servers: Dovecot writes `$name`, Cyrus `group:name`.
    return "group" if folded.startswith(("$", "!$", "group:")) else "user"
