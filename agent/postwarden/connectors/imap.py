"""The source kind `imap`: folders and their access control lists, read-only.

Observed live against Dovecot 2.3 with Pigeonhole.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from postwarden.connectors.identity import Login, identity_for, prepare
from postwarden.connectors.imap_session import Session
from postwarden.connectors.sweep import Sweep, account_gaps, own_session, transport_setting
from postwarden.connectors.wire import Tls, context
from postwarden.errors import ConnectorError
from postwarden.model.account import Account
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Delegation, Folder, FolderUse, GranteeKind, Right
from postwarden.model.reading import CheckDone, Excess, Gap, Item, NotSupported, Observed
from postwarden.model.scope import Scope, account_scope

FOLDERS = "folders"
FOLDER_ACL = "folder_acl"

#: More folders than this in one account is taken for a server's mistake.
MAX_FOLDERS = 10_000
#: More than this many folders failing one by one says nothing new.
MAX_FOLDER_GAPS = 100

_ACL_USER = (
    "on Dovecot set acl_user = %u in the plugin section, so that a master user sees what the user sees"
)

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
_USES: dict[bytes, FolderUse] = {
    b"\\archive": "archive",
    b"\\drafts": "drafts",
    b"\\flagged": "flagged",
    b"\\junk": "junk",
    b"\\sent": "sent",
    b"\\trash": "trash",
    b"\\all": "all",
}


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is and how to log in; `timeout` is in seconds, for each wait."""

    host: str
    login: Login
    port: int = 993
    tls: Tls = "implicit"
    ca_file: str | None = None
    cleartext_to: str | None = None
    timeout: int = 20


class ImapSource:
    """One IMAP server."""

    checks = (FOLDERS, FOLDER_ACL)
    source_checks = ("transport",)

    def __init__(self, name: str, options: Options, *, folder: Path, clock: Callable[[], datetime]) -> None:
        self.name = name
        self._options = options
        self._folder = folder
        self._clock = clock
        self._context = context(str(folder / options.ca_file) if options.ca_file else None)
        self._sweep = Sweep()

    def prepare(self, accounts: Sequence[Account]) -> None:
        prepare(self._options.login, accounts, source=self.name, folder=self._folder)

    def read_source(self) -> Iterator[Item]:
        """The source's own settings, from its options."""
        yield from transport_setting(
            self.name, self._options.tls, self._options.host, self._options.cleartext_to, self._clock()
        )

    def read_account(self, account: Account) -> Iterator[Item]:
        scope = account_scope(account.key)
        missing = list(self.checks)
        try:
            self._sweep.ensure_open()
            for item in self._read(account, scope):
                if isinstance(item, CheckDone | NotSupported):
                    missing.remove(item.check)
                yield item
        except ConnectorError as exc:
            yield from account_gaps(exc, scope, self.name, missing)

    def _read(self, account: Account, scope: Scope) -> Iterator[Item]:
        options = self._options
        identity = identity_for(options.login, account, source=self.name, folder=self._folder)
        session = Session(
            options.host,
            options.port,
            tls=options.tls,
            cleartext_to=options.cleartext_to,
            timeout=options.timeout,
            context=self._context,
        )
        try:
            yield own_session(
                self.name, "imap", identity, account, options.host, options.port, session.local, self._clock()
            )
            self._sweep.log_in(identity, lambda: session.authenticate(identity))
            session.introduce()
            yield from self._read_mailbox(session, account, scope)
        finally:
            session.leave()

    def _read_mailbox(self, session: Session, account: Account, scope: Scope) -> Iterator[Item]:
        # Servers list in any order; sorted, an unchanged mailbox gives unchanged bytes.
        found = sorted(_own_folders(session), key=lambda one: one[1])
        _open_inbox(session, account)
        if session.has_capability("ACL"):
            _check_rights(session, account)
        now = self._clock()
        subscribed = {name for _, _, name in session.ask("LSUB", session.list_sub_folders)}
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
        if not session.has_capability("ACL"):
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
            _check_owner(session, account, self.name, name, acl)
            if name.upper() == "INBOX" and set(rights) & set("swipkxte"):
                yield Excess(
                    scope=scope,
                    source=self.name,
                    message=f"our log-in could change the mailbox (rights {rights} in INBOX)",
                    hint="l, r and a are enough; what changes mail is held back by our list of commands",
                )
            entries += delegations(name, acl, account, scope, self.name, self._clock())
        raw = b"".join(
            b"ACL %s %s%s %s\n"
            % (
                entry.folder.encode(),
                b"-" if entry.negative else b"",
                entry.grantee.encode(),
                " ".join(entry.rights).encode(),
            )
            for entry in entries
        )
        for entry in entries:
            yield Observed(evidence=entry, raw=raw)
        yield CheckDone(scope=scope, source=self.name, check=FOLDER_ACL)


def _own_folders(session: Session) -> Iterator[tuple[tuple[bytes, ...], str]]:
    """Flags and names of the account's own folders: those of other users' namespaces are theirs."""
    foreign: set[str] = set()
    above: set[str] = set()
    if session.has_capability("NAMESPACE"):
        spaces = session.ask("NAMESPACE", session.namespace)
        for prefix, separator in (pair for space in (spaces.other, spaces.shared) for pair in space or ()):
            foreign |= {prefix} if prefix else set()
            # Some servers list the name above a namespace as a folder of its own.
            above |= {prefix.removesuffix(separator)} if prefix and separator else set()
    listed = session.ask("LIST", session.list_folders)
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


def _check_owner(
    session: Session, account: Account, source: str, folder: str, acl: list[tuple[str, str]]
) -> None:
    """Refuses an INBOX that somebody else owns: an answer from another user's mailbox is no evidence.

    Servers that list owners give them all rights in their own inbox (RFC 4314 section 3); where another
    user has all and the account has no entry at all, this is not the account's inbox.
    """
    if folder.upper() != "INBOX":
        return
    own = {account.login.casefold(), account.login_at(source).casefold(), "owner", *account.addresses}
    owners = [name for name, rights in acl if {"l", "r", "w", "i", "k", "x", "a"} <= set(rights)]
    if owners and not any(name.casefold() in own for name, _ in acl):
        raise ConnectorError(
            f"{session.host}:{session.port} answered with the mailbox of {owners[0]}",
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


def delegations(
    folder: str, acl: list[tuple[str, str]], account: Account, scope: Scope, source: str, now: datetime
) -> Iterator[Delegation]:
    own = {account.login.casefold(), account.login_at(source).casefold(), "owner"}
    for identifier, letters in sorted(acl):
        negative = identifier.startswith("-")
        grantee = identifier.removeprefix("-")
        yield Delegation(
            scope=scope,
            source=source,
            check=FOLDER_ACL,
            observed=now,
            via="imap_acl",
            folder=encodable(folder),
            grantee=encodable(grantee),
            grantee_kind=_grantee_kind(grantee, own),
            rights=tuple(dict.fromkeys(_RIGHTS[letter] for letter in letters if letter in _RIGHTS)),
            negative=negative,
        )


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
