"""Sessions of the history as they are judged: whose, from where, with what."""

from collections.abc import Iterable
from ipaddress import ip_network

from postwarden.access.addresses import parse_address
from postwarden.access.clients import client_family
from postwarden.access.networks import Networks, Place
from postwarden.config.settings import Config
from postwarden.detect.access.entry import End, Entry
from postwarden.history.replay import Began, Ended
from postwarden.model.account import Account
from postwarden.pipeline.hunting import names_of
from postwarden.pipeline.own_identities import own_identities


class Telling:
    """`shared` are addresses that many accounts have, `networks` where addresses are looked up."""

    def __init__(
        self, config: Config, accounts: Iterable[Account], networks: Networks, shared: frozenset[str]
    ) -> None:
        self._networks, self._shared = networks, shared
        #: The key of each account by each name, folded, that a log may have for it.
        self.keys = {name: account.key for name, account in names_of(accounts).items()}
        servers = {
            server
            for _, entry in config.watched
            if entry.kind == "log_files"
            for server in entry.options.get("servers", ())
        }
        self._own = frozenset(one for one in own_identities(config, servers).values() if one is not None)
        self._known_names = frozenset(name for one in config.history.known for name in one.identities)
        self._known_networks = tuple(
            ip_network(network) for one in config.history.known for network in one.networks
        )
        self._places: dict[str, tuple[Place | None, bool]] = {}

    def account(self, name: str) -> str:
        """The account's key, or the name itself, folded, where no directory knows it."""
        folded = name.casefold()
        return self.keys.get(folded, folded)

    def tell(self, row: Began | Ended) -> Entry | End | None:
        """What is judged; None for what is ours, or is known to the administrator."""
        identity, name = row.identity, row.name
        if identity is not None or name in self._own or name in self._known_names:
            # Who logs in for others has no habits of the account, and is found by what is not explained.
            return None
        place, gateway = self._where(row.address)
        if self._known_networks and self._is_known(row.address):
            return None
        if isinstance(row, Ended):
            return End(
                number=row.number, account=self.account(name), time=row.time, protocol=row.protocol, place=place,
                family=client_family(row.client), session=row.session, bytes_out=row.bytes_out, gateway=gateway,
            )  # fmt: skip
        sign_in = row.protocol == "sign_in"
        return Entry(
            row=row.row, account=self.account(name), time=row.time, source=row.source, protocol=row.protocol,
            address=row.address, place=place, family=client_family(row.client), session=row.session,
            token=row.session if sign_in else None, method=row.method, application=row.application,
            refused=row.refused, attempts=row.attempts, gateway=gateway,
        )  # fmt: skip

    def _where(self, address: str | None) -> tuple[Place | None, bool]:
        """The place of an address, None where it says nothing; and whether a webmail may be behind it."""
        if address is None:
            return None, False
        known = self._places.get(address)
        if known is None:
            place = self._networks.locate(address)
            inside = place is not None and place.address_class == "private"
            shared = address in self._shared and (place is None or place.address_class != "own")
            known = (None, True) if shared or inside else (place, False)
            if len(self._places) >= 65_536:
                self._places.clear()
            self._places[address] = known
        return known

    def _is_known(self, address: str | None) -> bool:
        parsed = parse_address(address or "")
        return parsed is not None and any(parsed in network for network in self._known_networks)
