"""What is in force: configuration, rules and accounts, read together and replaced together."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from postwarden.config.directory import ConfiguredDirectory
from postwarden.config.locate import load_with_text
from postwarden.config.settings import Config
from postwarden.model.account import Account
from postwarden.model.scope import Scope, account_scope, source_scope
from postwarden.notify import Attached, open_notifiers
from postwarden.pipeline.audit import Everybody, everybody_of
from postwarden.pipeline.directory import Told, join
from postwarden.pipeline.judge import RuleBook, load_rules


class Policy(Struct, frozen=True, kw_only=True):
    """`raw` is agent.toml as it was read; `configured` are the accounts that it lists.

    `told` is what sources with accounts of their own answered last. `accounts` are all, by key, `everybody`
    what judging one takes from all.
    """

    config: Config
    raw: bytes
    book: RuleBook
    notifiers: tuple[Attached, ...]
    configured: tuple[Account, ...]
    accounts: Mapping[str, Account]
    everybody: Everybody
    told: Mapping[str, Told] = {}

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=self.config.daemon.interval)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(entry.name for _, entry in self.config.watched)

    def sources_of(self, account: Account) -> tuple[str, ...]:
        """The sources that have this account, in their order."""
        return tuple(name for name in self.sources if account.is_at(name))

    def wanted(self) -> Iterator[tuple[Scope, str]]:
        """Every scope that is to be swept, with each of its sources."""
        for name in self.sources:
            yield source_scope(name), name
        for account in self.accounts.values():
            for name in self.sources_of(account):
                yield account_scope(account.key), name


class InForce:
    """The policy that counts now, for all threads: it is replaced as a whole."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy


def with_accounts(policy: Policy, told: Mapping[str, Told], known: Iterable[Account]) -> Policy:
    """The policy with the accounts that sources told; of one that could not be asked, those that are `known`."""
    named = {
        entry.source: told[entry.source] for entry in policy.config.accounts.entries if entry.source in told
    }
    accounts = join(policy.config, policy.configured, named, known)
    return replace(
        policy,
        accounts={account.key: account for account in accounts},
        everybody=everybody_of(accounts),
        told=named,
    )


def load_policy(path: str) -> Policy:
    """Reads all of it; raises ConfigError or RuleError where a part cannot be used.

    The accounts that sources have are not there yet: see `with_accounts`.
    """
    config, raw = load_with_text(path)
    accounts = ConfiguredDirectory(config).accounts()
    return Policy(
        config=config,
        raw=raw,
        book=load_rules(config),
        notifiers=open_notifiers(config),
        configured=accounts,
        accounts={account.key: account for account in accounts},
        everybody=everybody_of(accounts),
    )
