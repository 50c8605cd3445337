"""The account directory that the configuration gives: a list in agent.toml, and a file."""

import csv
import io
from collections.abc import Iterator

from postwarden.config.settings import AccountEntry, Config
from postwarden.errors import ConfigError
from postwarden.model.account import Account, login_key
from postwarden.model.address import domain_of

#: A directory file of a million accounts stays below this.
MAX_BYTES = 128 * 1024 * 1024

#: Columns of a CSV directory; only the first is needed.
COLUMNS = ("login", "addresses", "name", "sources")


class ConfiguredDirectory:
    """Accounts from `[accounts]`: the list first, then the file."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def accounts(self) -> tuple[Account, ...]:
        """Every account; raises ConfigError for a duplicate, or a file that makes no sense."""
        found: dict[str, tuple[Account, str]] = {}
        for entry, place in self._entries():
            account = _account(entry, self._config.accounts.domain, place)
            self._check_sources(account, place)
            if account.key in found:
                raise ConfigError(
                    f"the account {entry.login} is listed twice ({found[account.key][1]} and {place})",
                    "remove one of them",
                    path=str(self._config.path),
                    key="accounts",
                )
            found[account.key] = (account, place)
        accounts = tuple(account for account, _ in found.values())
        _check_addresses(accounts, str(self._config.path))
        return accounts

    def _check_sources(self, account: Account, place: str) -> None:
        known = [source.name for source in self._config.sources]
        for name in account.sources:
            if name not in known:
                raise ConfigError(
                    f"{place} says that {account.login} is at the source {name!r}, which is not configured",
                    f"configured: {', '.join(known) or 'none'}",
                    path=str(self._config.path),
                    key="accounts",
                )

    def _entries(self) -> Iterator[tuple[AccountEntry, str]]:
        for index, entry in enumerate(self._config.accounts.list):
            yield (AccountEntry(login=entry) if isinstance(entry, str) else entry), f"accounts.list[{index}]"
        file = self._config.accounts.file
        if file is None:
            return
        path = self._config.folder / file
        try:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
            text = raw.decode("utf-8-sig")
        except OSError as exc:
            raise ConfigError(
                f"the account file {path} cannot be read: {exc.strerror}",
                "check its path and mode",
                path=str(self._config.path),
                key="accounts.file",
            ) from exc
        except UnicodeDecodeError as exc:
            raise ConfigError(
                f"the account file {path} is not UTF-8", "save it as UTF-8", key="accounts.file"
            ) from exc
        if len(raw) > MAX_BYTES:
            raise ConfigError(
                f"the account file {path} is larger than {MAX_BYTES} bytes",
                "is it the right file?",
                key="accounts.file",
            )
        for line, entry in _read_file(text, str(path)):
            yield entry, f"{path}:{line}"


def _read_file(text: str, place: str) -> Iterator[tuple[int, AccountEntry]]:
    """CSV where the first line names columns, else lines `login:…` as in /etc/passwd and Dovecot's users."""
    header = text.split("\n", 1)[0].strip().lower()
    if header.split(",")[0].strip() == "login":
        yield from _read_csv(text, place)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        login = line.partition(":")[0].strip()
        if login and not login.startswith("#"):
            yield number, AccountEntry(login=login)


def _read_csv(text: str, place: str) -> Iterator[tuple[int, AccountEntry]]:
    reader = csv.DictReader(io.StringIO(text), strict=True, skipinitialspace=True)
    try:
        unknown = set(reader.fieldnames or ()) - set(COLUMNS)
        if unknown:
            raise ConfigError(
                f"the account file {place} has a column {min(unknown)!r}",
                f"known columns: {', '.join(COLUMNS)}",
                key="accounts.file",
            )
        for row in reader:
            login = (row.get("login") or "").strip()
            if not login or None in row:
                raise ConfigError(
                    f"the account file {place} has a broken row in line {reader.line_num}",
                    "give each row a login, and as many cells as the header",
                    key="accounts.file",
                )
            entry = AccountEntry(
                login=login,
                addresses=tuple((row.get("addresses") or "").split()),
                name=(row.get("name") or "").strip(),
                sources=tuple((row.get("sources") or "").split()),
            )
            yield reader.line_num, entry
    except csv.Error as exc:
        raise ConfigError(
            f"the account file {place} is not CSV: {exc} (line {reader.line_num})",
            "save it as CSV with commas and double quotes",
            key="accounts.file",
        ) from exc


def _account(entry: AccountEntry, domain: str | None, place: str) -> Account:
    login = entry.login.strip()
    if not login or any(ord(char) < 0x20 or ord(char) == 0x7F for char in login):
        raise ConfigError(f"{entry.login!r} is not a login", "mend the line", key=place)
    addresses = tuple(address.strip().lower() for address in entry.addresses)
    if not addresses:
        implied = login.lower() if "@" in login else f"{login}@{domain}".lower() if domain else None
        addresses = (implied,) if implied else ()
    for address in addresses:
        if domain_of(address) is None:
            raise ConfigError(f"{address!r} is not a mail address", "mend the line", key=place)
    return Account(
        key=login_key(login),
        login=login,
        addresses=addresses,
        display_name=entry.name,
        sources=entry.sources,
    )


def _check_addresses(accounts: tuple[Account, ...], path: str) -> None:
    owners: dict[str, Account] = {}
    for account in accounts:
        for address in account.addresses:
            other = owners.setdefault(address, account)
            if other is not account:
                raise ConfigError(
                    f"the address {address} belongs to both {other.login} and {account.login}",
                    "give it to one of them",
                    path=path,
                    key="accounts",
                )
