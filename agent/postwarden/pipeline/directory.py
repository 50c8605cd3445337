"""Which accounts exist: those that the configuration lists, and those that sources with people of their own tell."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from postwarden.config.settings import Config, DirectoryEntry
from postwarden.connectors import Source
from postwarden.errors import ConfigError, ConnectorError, SecretError
from postwarden.model.account import Account, AccountDirectory
from postwarden.model.reading import CheckDone, Gap
from postwarden.model.scope import source_scope
from postwarden.pipeline.collect import Part

#: The check that says whether a source listed its accounts.
ACCOUNTS = "accounts"


class Listing(Struct, frozen=True, kw_only=True):
    """All accounts, and for each source that was asked for its own how that ended."""

    accounts: tuple[Account, ...]
    parts: Mapping[str, Part]


class Told(Struct, frozen=True, kw_only=True):
    """What one source answered; `accounts` are None where it could not be asked."""

    accounts: tuple[Account, ...] | None
    part: Part


def list_accounts(
    config: Config, sources: Sequence[Source], configured: Sequence[Account], known: Iterable[Account]
) -> Listing:
    """Asks every source that `[accounts] directories` names.

    One that cannot be asked costs a gap, and the accounts that it listed before (`known`) are taken instead.
    Raises ConfigError where a source named there has no list to give.
    """
    told: dict[str, Told] = {}
    for source in sources:
        if entry_of(config, source.name) is not None:
            told[source.name] = ask(source)
    return Listing(
        accounts=join(config, configured, told, known), parts={name: one.part for name, one in told.items()}
    )


def check_directories(config: Config, sources: Sequence[Source]) -> None:
    """Raises ConfigError where `[accounts] directories` names no source, or one that has no list to give."""
    by_name = {source.name: source for source in sources}
    for index, entry in enumerate(config.accounts.entries):
        for name in (entry.source, *entry.also):
            if name not in by_name:
                raise ConfigError(
                    f"there is no source {name!r}",
                    f"configured: {', '.join(by_name) or 'none'}",
                    path=str(config.path),
                    key=f"accounts.directories[{index}]",
                )
        if not isinstance(by_name[entry.source], AccountDirectory):
            raise ConfigError(
                f"the source {entry.source!r} cannot list accounts",
                "sources of kind graph, google and keycloak can",
                path=str(config.path),
                key=f"accounts.directories[{index}]",
            )


def entry_of(config: Config, source: str) -> DirectoryEntry | None:
    """What the configuration says about taking accounts from this source, or None."""
    return next((entry for entry in config.accounts.entries if entry.source == source), None)


def ask(source: Source) -> Told:
    """The accounts of one source, and how asking for them ended."""
    assert isinstance(source, AccountDirectory)
    scope = source_scope(source.name)
    accounts: tuple[Account, ...] | None
    item: CheckDone | Gap
    try:
        accounts = tuple(source.accounts())
        item = CheckDone(scope=scope, source=source.name, check=ACCOUNTS)
    except (ConnectorError, SecretError) as exc:
        accounts = None
        item = Gap(
            scope=scope,
            source=source.name,
            check=ACCOUNTS,
            reason=exc.reason if isinstance(exc, ConnectorError) else "refused",
            message=f"its accounts could not be listed, so those that it listed before were taken: {exc.message}",
            hint=exc.hint,
        )
    return Told(
        accounts=accounts,
        part=Part(source=source.name, checks=(ACCOUNTS,), grade=source.grade, items=(item,)),
    )


def unasked(source: str) -> Told:
    """A source that was not asked yet: what it listed before counts."""
    return Told(accounts=None, part=Part(source=source, checks=(), items=()))


def join(
    config: Config, configured: Sequence[Account], told: Mapping[str, Told], known: Iterable[Account]
) -> tuple[Account, ...]:
    """One account for each person: by an address or a login that several places have.

    What the configuration lists keeps its key and its sources. A person that two sources list is one account that
    lies at both.
    """
    found = {account.key: account for account in configured}
    owners = {name: account.key for account in configured for name in _names(account)}
    fixed = frozenset(found)
    before = tuple(known) if any(one.accounts is None for one in told.values()) else ()
    for source, answer in told.items():
        entry = entry_of(config, source)
        at = (source, *(entry.also if entry is not None else ()))
        for account in answer.accounts if answer.accounts is not None else _listed_by(source, before):
            key = next((owners[name] for name in _names(account) if name in owners), account.key)
            mine = found.get(key)
            if mine is None:
                made = replace(account, sources=at, names={source: account.login_at(source)})
            else:
                made = _added(mine, account, source, at, fixed=key in fixed)
            found[key] = made
            for name in _names(made):
                owners.setdefault(name, key)
    return tuple(found.values())


def _added(mine: Account, account: Account, source: str, at: tuple[str, ...], *, fixed: bool) -> Account:
    sources = mine.sources if fixed else (*mine.sources, *(one for one in at if one not in mine.sources))
    addresses = mine.addresses + tuple(one for one in account.addresses if one not in mine.addresses)
    return replace(
        mine,
        names={source: account.login_at(source), **mine.names},
        sources=sources,
        addresses=mine.addresses if fixed and mine.addresses else addresses,
        display_name=mine.display_name or account.display_name,
    )


def _listed_by(source: str, known: Iterable[Account]) -> Iterable[Account]:
    return (account for account in known if source in account.names)


def _names(account: Account) -> tuple[str, ...]:
    return tuple(dict.fromkeys((account.login.casefold(), *(one.casefold() for one in account.addresses))))
