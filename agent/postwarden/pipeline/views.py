"""Sessions as they are shown and handed out: whose, from where, and who that is known to be."""

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from postwarden.access.addresses import parse_address
from postwarden.access.clients import client_family
from postwarden.access.networks import Networks
from postwarden.access.own import Strength, match
from postwarden.config.settings import Config
from postwarden.findings.own_sessions import OwnSessions
from postwarden.history.history import History
from postwarden.history.reading import Wanted
from postwarden.model.account import Account
from postwarden.model.reading import OwnSession
from postwarden.model.session import Session
from postwarden.pipeline.committing import STORE
from postwarden.pipeline.hunting import names_of
from postwarden.pipeline.own_identities import own_identities

#: `exact` and `weak` say how surely a session of our identity is ours; `unexplained` that no record of the last days
#: explains it; `not compared` that it is older than what is kept for comparing.
Own = Literal["exact", "weak", "unexplained", "not compared"]


#: The protocol of a webmail's own log-ins; how long one lasts at most, and how much its clock may differ, in milliseconds.
WEBMAIL = "webmail"
WEBMAIL_LASTS, SLACK = 12 * 3_600_000, 5_000


class View(Struct, frozen=True, kw_only=True):
    """One session with what is known around it.

    `account` is its primary address, or the name as the log has it; `known` who the administrator says that is (a
    back-up, a monitor). `shared` says that its address carries many accounts, so that it says nothing about a place.
    `behind` is then the address that the webmail's own log has for the account at that time; without it, country, network
    and hosting are None.
    """

    session: Session
    account: str
    family: str | None = None
    known: str | None = None
    own: Own | None = None
    shared: bool = False
    behind: str | None = None
    address_class: str | None = None
    country: str | None = None
    network: str | None = None
    hosting: str | None = None


class Views:
    """Makes views. `conceal` replaces names of accounts, where that is configured."""

    def __init__(
        self,
        history: History,
        state: Path,
        config: Config,
        networks: Networks,
        accounts: Iterable[Account],
        conceal: Callable[[str], str] | None,
    ) -> None:
        self._history, self._config, self._networks, self._conceal = history, config, networks, conceal
        self._webmail: dict[str, tuple[list[int], list[str]]] | None = None
        self._accounts = names_of(accounts)
        self._shared = {
            one.address
            for source in history.read.sources()
            for one in history.read.shared(config.history.shared, source)
        }
        self._identities = _own(config)
        self._explained: dict[int, Strength] | None = None
        self._recorded, self._since = _recorded(state) if self._identities else ([], None)

    def name(self, name: str) -> str:
        """An account as it is shown, by a name that a log has for it."""
        account = self._accounts.get(name.casefold())
        shown = account.address if account is not None else name
        return self._conceal(shown) if self._conceal is not None else shown

    def of(self, session: Session) -> View:
        """The view of one session."""
        shared = session.address in self._shared and not self._is_own(session.address)
        behind = self._behind(session) if shared else None
        place = self._networks.locate(behind or session.address or "")
        view = View(
            session=session,
            account=self.name(session.name),
            family=client_family(session.client),
            known=self._known(session),
            own=self._ours(session),
            shared=shared,
            behind=behind,
            address_class=place.address_class if place is not None else None,
        )
        if place is None or (shared and behind is None):
            return view
        return replace(view, country=place.country, network=place.network, hosting=place.hosting)

    def _is_own(self, address: str | None) -> bool:
        place = self._networks.locate(address) if address is not None else None
        return place is not None and place.address_class == "own"

    def _behind(self, session: Session) -> str | None:
        """Where the browser is, by the webmail's own log: its latest log-in of the account before the session began."""
        if session.protocol == WEBMAIL:
            return None
        account = self._accounts.get(session.name.casefold())
        key = account.key if account is not None else session.name.casefold()
        times, addresses = self._browsers().get(key, ([], []))
        index = bisect_right(times, session.time + SLACK) - 1
        if index < 0 or session.time - times[index] > WEBMAIL_LASTS:
            return None
        return addresses[index]

    def _browsers(self) -> dict[str, tuple[list[int], list[str]]]:
        """The log-ins to webmails by account, oldest first; read once."""
        if self._webmail is None:
            found: dict[str, list[tuple[int, str]]] = {}
            for one in self._history.read.sessions(Wanted(protocols=(WEBMAIL,), refused=False)):
                account = self._accounts.get(one.name.casefold())
                key = account.key if account is not None else one.name.casefold()
                if one.address is not None:
                    found.setdefault(key, []).append((one.time, one.address))
            self._webmail = {
                key: ([time for time, _ in rows], [address for _, address in rows])
                for key, rows in ((key, sorted(rows)) for key, rows in found.items())
            }
        return self._webmail

    def _known(self, session: Session) -> str | None:
        address = parse_address(session.peer or session.address or "")
        for one in self._config.history.known:
            if session.identity in one.identities or session.name in one.identities:
                return one.name
            if address is not None and any(address in ip_network(network) for network in one.networks):
                return one.name
        return None

    def _ours(self, session: Session) -> Own | None:
        if session.end == "refused" or not {session.identity, session.name} & self._identities:
            return None
        if self._since is None or session.time < self._since:
            return "not compared"
        return self._matched().get(session.row, "unexplained")

    def _matched(self) -> dict[int, Strength]:
        """How surely each session of our identity is ours, by its row; all are matched at once, one to one."""
        if self._explained is None:
            by_account: dict[str, list[OwnSession]] = {}
            for record in self._recorded:
                by_account.setdefault(record.account, []).append(record)
            seen: dict[tuple[str, str | None], list[Session]] = {}
            for session in self._history.read.sessions(Wanted(since=self._since, refused=False)):
                if {session.identity, session.name} & self._identities:
                    account = self._accounts.get(session.name.casefold())
                    key = account.key if account is not None else None
                    seen.setdefault((session.source, key), []).append(session)
            self._explained = {}
            for (_, key), sessions in seen.items():
                recorded = self._recorded if key is None else by_account.get(key, [])
                self._explained |= match(recorded, sessions).explained
        return self._explained


def _own(config: Config) -> frozenset[str]:
    servers = {
        server
        for _, entry in config.watched
        if entry.kind == "log_files"
        for server in entry.options.get("servers", ())
    }
    return frozenset(one for one in own_identities(config, servers).values() if one is not None)


def _recorded(state: Path) -> tuple[list[OwnSession], int | None]:
    base = sqlite3.connect(f"{(state / STORE).as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        own = OwnSessions(base)
        since = own.since()
        sources = [name for (name,) in base.execute("SELECT DISTINCT source FROM own_session")]
        return list(own.of(None, sources)), int(since.timestamp()) * 1000 if since is not None else None
    finally:
        base.close()
