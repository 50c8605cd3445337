"""Accounts, and finding them by any of their names."""

import pytest

from postwarden.errors import ConfigError
from postwarden.model.account import Account, find, login_key

ALICE = Account(
    key="login:alice",
    login="alice",
    addresses=("alice@example.org", "a@example.org"),
    names={"ad": "EX\\Alice"},
)
BOB = Account(
    key="guid:1", login="bob", addresses=("bob@example.org",), names={"ad": "alice2", "imap": "b.ob"}
)
BOTH = (ALICE, BOB)


@pytest.mark.parametrize(
    "name",
    [
        "alice",
        "ALICE",
        " alice ",
        "login:alice",
        "LOGIN:alice",
        "alice@example.org",
        "A@Example.org",
        "ex\\alice",
    ],
)
def test_an_account_is_found_by_each_of_its_names(name: str) -> None:
    """Key, login, address and a source's own name all lead to the account, in any case."""
    assert find(BOTH, name) == ALICE


@pytest.mark.parametrize("name", ["", "ali", "carol", "alice@evil.example", "guid:2"])
def test_a_name_that_nobody_has_finds_nothing(name: str) -> None:
    """Parts of names and strangers find no account."""
    assert find(BOTH, name) is None


def test_a_name_of_two_accounts_is_refused() -> None:
    """Where a name belongs to two accounts, neither is picked, and the message has both keys."""
    other = Account(key="guid:2", login="other", names={"ad": "Alice"})
    with pytest.raises(ConfigError, match="ambiguous: login:alice, guid:2") as caught:
        find((*BOTH, other), "alice")
    assert caught.value.hint == "name it by its key"
    assert find((*BOTH, other), "guid:2") == other


def test_an_address_with_a_sharp_s_is_found() -> None:
    """Letters whose lower case and folded case differ do not hide an account."""
    strauss = Account(key="login:s", login="s", addresses=("strau\u00df@example.org",))
    assert find((strauss,), "strau\u00df@example.org") == strauss


def test_a_source_may_know_an_account_by_another_name() -> None:
    """The name for a source is its own where it has one, else the login."""
    assert ALICE.login_at("ad") == "EX\\Alice"
    assert ALICE.login_at("imap") == "alice"


def test_the_first_address_is_the_primary_one() -> None:
    """An account is shown by its primary address, or by its login where it has none."""
    assert ALICE.address == "alice@example.org"
    assert Account(key="login:x", login="x").address == "x"


def test_the_key_of_a_login_folds_its_case() -> None:
    """The same login in another case is the same account."""
    assert login_key("Alice") == login_key("aLICE") == "login:alice"
