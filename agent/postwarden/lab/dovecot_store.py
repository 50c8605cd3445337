"""Writes the organisation's mail store straight to disk, as Dovecot keeps it: Maildir++, Sieve files, ACL files."""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from imapclient import imap_utf7

from postwarden.lab.dovecot_config import Identities
from postwarden.lab.organisation import Account, AclEntry, Organisation

#: Identifiers of RFC 4314 that are no user's name; Dovecot's files write those of users with `user=`.
_SPECIAL_IDENTIFIERS = ("anyone", "authenticated", "owner")


def write(home: Path, who: Identities, organisation: Organisation) -> None:
    """Make the folders `mail` and `acl` in `home`, with everything that the accounts have, owned by `who.mail`."""
    for account in organisation.accounts:
        _write_account(home / "mail" / account.login, account)
    (home / "acl").mkdir()
    (home / "acl" / "shared-mailboxes.db").write_text(_shared_mailboxes(organisation), encoding="utf-8")
    if who.root:
        for top in (home / "mail", home / "acl"):
            for path in (top, *top.rglob("*")):
                shutil.chown(path, who.mail, who.mail_group)


def _write_account(folder: Path, account: Account) -> None:
    maildir = folder / "Maildir"
    _make_maildir(maildir)
    for each in account.folders:
        _make_maildir(_folder_path(maildir, each.name))
        (_folder_path(maildir, each.name) / "maildirfolder").touch()
    subscribed = ["INBOX", *(each.name for each in account.folders if each.subscribed)]
    lines = ["\t".join(_encoded(level) for level in name.split("/")) for name in subscribed]
    (maildir / "subscriptions").write_text("V\t2\n\n" + "\n".join(lines) + "\n", encoding="ascii")
    entries: dict[str, list[AclEntry]] = defaultdict(list)
    for entry in account.acl:
        entries[entry.folder].append(entry)
    for name, rows in entries.items():
        text = "".join(f"{_acl_identifier(row.identifier)} {row.rights}\n" for row in rows)
        (_folder_path(maildir, name) / "dovecot-acl").write_text(text, encoding="utf-8")
    (folder / "sieve").mkdir()
    for script in account.scripts:
        (folder / "sieve" / f"{script.name}.sieve").write_text(script.text, encoding="utf-8")
        if script.active:
            (folder / ".dovecot.sieve").symlink_to(f"sieve/{script.name}.sieve")


def _make_maildir(path: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)


def _folder_path(maildir: Path, name: str) -> Path:
    return (
        maildir
        if name == "INBOX"
        else maildir / ("." + ".".join(_encoded(level) for level in name.split("/")))
    )


def _encoded(level: str) -> str:
    return str(imap_utf7.encode(level), "ascii")


def _acl_identifier(identifier: str) -> str:
    return identifier if identifier in _SPECIAL_IDENTIFIERS else f"user={identifier}"


def _shared_mailboxes(organisation: Organisation) -> str:
    """Who shares with whom: Dovecot lists another one's folders only where this file says so."""
    return "".join(f"{key}\n1\n" for key in sorted(set(_shared_keys(organisation.accounts))))


def _shared_keys(accounts: Iterable[Account]) -> Iterable[str]:
    for account in accounts:
        for entry in account.acl:
            whom = (
                entry.identifier if entry.identifier in _SPECIAL_IDENTIFIERS else f"user/{entry.identifier}"
            )
            yield f"shared/shared-boxes/{whom}/{account.login}"
