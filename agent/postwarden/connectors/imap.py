"""The source kind `imap`: folders and their access control lists, read-only.

Observed live against Dovecot 2.3, and pymap, which has no access lists.
"""

from collections.abc import Iterator
from datetime import datetime

from postwarden.connectors import mail_server
from postwarden.connectors.imap_session import Session
from postwarden.connectors.mail_server import MailServer
from postwarden.connectors.wire import Tls
from postwarden.errors import ConnectorError
from postwarden.formats.imap_acl import delegations, raw_acl, stranger
from postwarden.model.account import Account
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Delegation, Folder, FolderUse
from postwarden.model.reading import CheckDone, Excess, Gap, Item, NotSupported, Observed
from postwarden.model.scope import Scope

FOLDERS = "folders"
FOLDER_ACL = "folder_acl"

#: More folders than this in one account is taken for a server's mistake.
MAX_FOLDERS = 10_000
#: More than this many folders failing one by one says nothing new.
MAX_FOLDER_GAPS = 100

_ACL_USER = (
    "on Dovecot set acl_user = %u in the plugin section, so that a master user sees what the user sees"
)

_USES: dict[bytes, FolderUse] = {
    b"\\archive": "archive",
    b"\\drafts": "drafts",
    b"\\flagged": "flagged",
    b"\\junk": "junk",
    b"\\sent": "sent",
    b"\\trash": "trash",
    b"\\all": "all",
}


class Options(mail_server.Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As for every mail server; IMAP over TLS by default."""

    port: mail_server.Port = 993
    tls: Tls = "implicit"


class ImapSource(MailServer[Session]):
    """One IMAP server."""

    protocol = "imap"
    checks = (FOLDERS, FOLDER_ACL)

    def _connect(self) -> Session:
        options = self._options
        return Session(
            options.host,
            options.port,
            tls=options.tls,
            cleartext_to=options.cleartext_to,
            timeout=options.timeout,
            context=self._context,
        )

    def _read(self, session: Session, account: Account, scope: Scope) -> Iterator[Item]:
        session.introduce()
        # Servers list in any order; sorted, an unchanged mailbox gives unchanged bytes.
        found = session.ask("LIST", lambda: sorted(_own_folders(session), key=lambda one: one[1]))
        _open_inbox(session, account)
        if session.can("ACL"):
            _check_rights(session, account)
        now = self._clock()
        subscribed = session.ask("LSUB", lambda: {name for _, _, name in session.list_sub_folders()})
        folders = [
            _folder(flags, name, name in subscribed or name.upper() == "INBOX", scope, self.name, now)
            for flags, name in found
        ]
        raw = b"".join(
            b"LIST (%s) %s %s\n"
            % (b" ".join(flags), b"subscribed" if folder.subscribed else b"hidden", folder.name.encode())
            for (flags, _), folder in zip(found, folders, strict=True)
        )
        for folder in folders:
            yield Observed(evidence=folder, raw=raw)
        yield CheckDone(scope=scope, source=self.name, check=FOLDERS)
        if not session.can("ACL"):
            yield NotSupported(
                scope=scope, source=self.name, check=FOLDER_ACL, message="the server has no ACL extension"
            )
            return
        yield from self._read_acl(
            session,
            account,
            scope,
            [name for (_, name), folder in zip(found, folders, strict=True) if folder.selectable],
        )

    def _read_acl(self, session: Session, account: Account, scope: Scope, names: list[str]) -> Iterator[Item]:
        entries: list[Delegation] = []
        failed = 0
        for name in names:
            try:
                rights = session.my_rights(name)
                acl = session.acl(name)
            except ConnectorError as exc:
                if exc.reason == "unreachable" or failed >= MAX_FOLDER_GAPS:
                    raise
                failed += 1
                yield Gap(
                    scope=scope,
                    source=self.name,
                    check=FOLDER_ACL,
                    reason=exc.reason,
                    message=exc.message,
                    part=f"folder {encodable(name)}",
                    hint=exc.hint,
                )
                continue
            if name.upper() == "INBOX":
                _check_owner(session, account, self.name, acl)
                if set(rights) & set("swipkxte"):
                    yield Excess(
                        scope=scope,
                        source=self.name,
                        message=f"our log-in could change the mailbox (rights {rights} in INBOX)",
                        hint="l, r and a are enough; what changes mail is held back by our list of commands",
                    )
            entries += delegations(
                name, acl, account, scope=scope, source=self.name, check=FOLDER_ACL, observed=self._clock()
            )
        raw = raw_acl(entries)
        for entry in entries:
            yield Observed(evidence=entry, raw=raw)
        yield CheckDone(scope=scope, source=self.name, check=FOLDER_ACL)


def _own_folders(session: Session) -> Iterator[tuple[tuple[bytes, ...], str]]:
    """Flags and names of the account's own folders: those of other users' namespaces are theirs."""
    foreign: set[str] = set()
    above: set[str] = set()
    if session.can("NAMESPACE"):
        spaces = session.namespace()
        for prefix, separator in (pair for space in (spaces.other, spaces.shared) for pair in space or ()):
            foreign |= {prefix} if prefix else set()
            # Some servers list the name above a namespace as a folder of its own.
            above |= {prefix.removesuffix(separator)} if prefix and separator else set()
    listed = session.list_folders()
    if len(listed) > MAX_FOLDERS:
        raise ConnectorError(
            f"the server lists {len(listed)} folders", "look at the server", reason="malformed"
        )
    for flags, _, name in listed:
        if not isinstance(name, str) or not all(isinstance(flag, bytes) for flag in flags):
            raise ConnectorError("the server lists a folder without a name", reason="malformed")
        if not name.startswith(tuple(foreign)) and name not in above:
            yield tuple(flags), name


def _open_inbox(session: Session, account: Account) -> None:
    """Opens the inbox read-only: a master user without rights logs in, lists INBOX, and opens nothing."""
    try:
        session.ask("EXAMINE INBOX", session.select_folder, "INBOX", True)
    except ConnectorError as exc:
        if exc.reason != "forbidden":
            raise
        raise ConnectorError(
            f"the log-in for {account.login} works, but may not open its INBOX",
            _ACL_USER,
            reason="forbidden",
        ) from exc


def _check_rights(session: Session, account: Account) -> None:
    """Refuses a view that is not the owner's: without the right to administer, folders may be missing in it."""
    rights = session.my_rights("INBOX")
    if "a" not in rights:
        raise ConnectorError(
            f"the log-in for {account.login} has only the rights {rights} in its INBOX, so folders and rights stay unseen",
            _ACL_USER,
            reason="forbidden",
        )


def _check_owner(session: Session, account: Account, source: str, acl: list[tuple[str, str]]) -> None:
    """Refuses an INBOX that somebody else owns: an answer from another user's mailbox is no evidence.

    Servers that list owners give them all rights in their own inbox (RFC 4314 section 3); where another
    user has all and the account has no entry at all, this is not the account's inbox.
    """
    own = {account.login.casefold(), account.login_at(source).casefold(), "owner", *account.addresses}
    other = stranger(acl, own)
    if other is not None:
        raise ConnectorError(
            f"{session.host}:{session.port} answered with the mailbox of {other}",
            "look at the server, or at the proxy before it",
            reason="malformed",
        )


def _folder(
    flags: tuple[bytes, ...], name: str, subscribed: bool, scope: Scope, source: str, now: datetime
) -> Folder:
    lowered = {flag.lower() for flag in flags}
    uses: list[FolderUse] = ["inbox"] if name.upper() == "INBOX" else []
    uses += [use for flag, use in _USES.items() if flag in lowered]
    return Folder(
        scope=scope,
        source=source,
        check=FOLDERS,
        observed=now,
        name=encodable(name),
        uses=tuple(uses),
        subscribed=subscribed,
        selectable=not lowered & {b"\\noselect", b"\\nonexistent"},
    )
