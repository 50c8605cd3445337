"""Which accounts exist, where sources list people of their own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from postwarden.config.settings import Accounts, Config, DirectoryEntry
from postwarden.errors import ConfigError, ConnectorError
from postwarden.model.account import Account, login_key
from postwarden.model.reading import SAME_GRADE, CheckDone, Gap, Grade, Item
from postwarden.pipeline.directory import Listing, check_directories, list_accounts


def person(name: str, *addresses: str, key: str = "") -> Account:
    return Account(
        key=key or f"graph:{name}",
        login=f"{name}@example.org",
        addresses=addresses or (f"{name}@example.org",),
    )


class Tenant:
    """A source that lists its people, or says why not."""

    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE
    connections = 1
    checks: tuple[str, ...] = ()
    source_checks: tuple[str, ...] = ()

    def __init__(self, name: str, *people: Account, failure: ConnectorError | None = None) -> None:
        self.name, self._people, self._failure = name, people, failure

    def accounts(self) -> Iterator[Account]:
        yield from self._people
        if self._failure is not None:
            raise self._failure

    def prepare(self, accounts: Sequence[Account]) -> None:
        """No secret is needed."""

    def read_source(self) -> Iterator[Item]:
        yield from ()

    def read_account(self, account: Account) -> Iterator[Item]:
        yield from ()


class Server(Tenant):
    """A source that has no list to give."""

    accounts: Any = None


def configured(*directories: str | DirectoryEntry) -> Config:
    return Config(path=Path("agent.toml"), accounts=Accounts(directories=directories))


def listed(
    config: Config, *sources: Tenant, mine: Sequence[Account] = (), known: Iterable[Account] = ()
) -> Listing:
    return list_accounts(config, sources, mine, known)


def test_people_of_a_source_are_accounts() -> None:
    """Each is at that source, and at those that the configuration says have all of them."""
    config = configured(DirectoryEntry(source="m365", also=("archive",)))
    found = listed(config, Tenant("m365", person("alice")), Tenant("other", person("bob")))
    (alice,) = found.accounts
    assert (alice.key, alice.sources, alice.login_at("m365")) == (
        "graph:alice",
        ("m365", "archive"),
        "alice@example.org",
    )
    assert [type(item) for item in found.parts["m365"].items] == [CheckDone]


def test_one_person_is_one_account() -> None:
    """Who is listed by two sources under one address is at both."""
    one, two = person("alice"), person("al", "al@corp.example", "ALICE@example.org", key="google:7")
    (alice,) = listed(configured("m365", "gws"), Tenant("m365", one), Tenant("gws", two)).accounts
    assert (alice.key, alice.sources) == ("graph:alice", ("m365", "gws"))
    assert alice.names == {"m365": "alice@example.org", "gws": "al@example.org"}
    assert alice.addresses == ("alice@example.org", "al@corp.example", "ALICE@example.org")


def test_what_the_configuration_lists_stays_as_it_is() -> None:
    """Its key, sources and addresses are kept, and the source's name for it is learnt."""
    mine = Account(key=login_key("alice"), login="alice", addresses=("alice@example.org",), sources=("imap",))
    (alice,) = listed(
        configured("m365"), Tenant("m365", person("alice", "alice@example.org", "a@example.org")), mine=[mine]
    ).accounts
    assert (alice.key, alice.sources, alice.addresses) == (mine.key, mine.sources, mine.addresses)
    assert alice.login_at("m365") == "alice@example.org"


def test_the_configurations_name_at_a_source_goes_before_the_sources_own() -> None:
    """What an administrator wrote stays; what was left out is learnt, a display name too."""
    mine = Account(key=login_key("alice"), login="alice@example.org", names={"m365": "written"})
    told = replace(person("alice"), display_name="Alice Doe")
    (alice,) = listed(configured("m365"), Tenant("m365", told), mine=[mine]).accounts
    assert (alice.login_at("m365"), alice.display_name) == ("written", "Alice Doe")


def test_an_address_stays_with_whom_it_was_first() -> None:
    """Somebody whom another source gives a second person's address does not become that person."""
    first = Tenant("m365", person("alice"), person("bob"))
    second = Tenant(
        "sso",
        person("x", "alice@example.org", "bob@example.org", key="keycloak:x"),
        person("y", "bob@example.org", key="keycloak:y"),
    )
    alice, bob = listed(configured("m365", "sso"), first, second).accounts
    assert (alice.login_at("sso"), bob.login_at("sso")) == ("x@example.org", "y@example.org")


def test_a_source_that_cannot_be_asked() -> None:
    """Half a list is no list: the gap says so, and those who were listed before are still watched."""
    failure = ConnectorError("m365 broke off", "look at it", reason="unreachable")
    tenant = Tenant("m365", person("new"), failure=failure)
    before = [
        Account(key="graph:alice", login="alice", names={"m365": "alice"}),
        Account(key="login:bob", login="bob", names={"imap": "bob"}),
    ]
    found = listed(configured("m365"), tenant, known=before)
    assert [account.key for account in found.accounts] == ["graph:alice"]
    (gap,) = found.parts["m365"].items
    assert isinstance(gap, Gap)
    assert (gap.check, gap.reason, gap.hint) == ("accounts", "unreachable", "look at it")
    assert "m365 broke off" in gap.message


@pytest.mark.parametrize(
    ("directories", "said"),
    [
        (("nowhere",), "no source 'nowhere'"),
        ((DirectoryEntry(source="m365", also=("nowhere",)),), "no source 'nowhere'"),
        (("imap",), "cannot list accounts"),
    ],
)
def test_directories_that_are_none(directories: tuple[str | DirectoryEntry, ...], said: str) -> None:
    """A name that no source has, or a source without people of its own, is an error of the configuration."""
    config = configured(*directories)
    with pytest.raises(ConfigError, match=said) as caught:
        check_directories(config, [Tenant("m365"), Server("imap")])
    assert caught.value.key == "accounts.directories[0]"
