"""The accounts that a configuration lists."""

from pathlib import Path

import pytest

from postwarden.config import directory
from postwarden.config.directory import ConfiguredDirectory
from postwarden.errors import ConfigError
from postwarden.model.account import Account
from tests.unit.config.conftest import Configure


@pytest.fixture
def accounts(tmp_path: Path, configure: Configure) -> "Listed":
    return Listed(tmp_path, configure)


class Listed:
    """Reads the accounts of a configuration, with a file beside it where one is given."""

    def __init__(self, folder: Path, configure: Configure) -> None:
        self.file = folder / "accounts.csv"
        self._configure = configure

    def __call__(
        self, listed: str = "[]", *, file: str | bytes | None = None, domain: str | None = None
    ) -> tuple[Account, ...]:
        text = f"[accounts]\nlist = {listed}\n"
        if file is not None:
            self.file.write_bytes(file if isinstance(file, bytes) else file.encode())
            text += 'file = "accounts.csv"\n'
        if domain is not None:
            text += f'domain = "{domain}"\n'
        return ConfiguredDirectory(self._configure(text)).accounts()

    def wrong(
        self, listed: str = "[]", *, file: str | bytes | None = None, domain: str | None = None
    ) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            self(listed, file=file, domain=domain)
        assert not str(caught.value).startswith(":")
        return caught.value


ALICE = Account(key="login:alice", login="Alice", addresses=("alice@example.org",))


def test_a_login_alone_is_an_account(accounts: Listed) -> None:
    """Without a domain, a login without @ has no address, and one with @ is its own."""
    assert accounts('["Alice", "Bob@Example.org"]') == (
        Account(key="login:alice", login="Alice"),
        Account(key="login:bob@example.org", login="Bob@Example.org", addresses=("bob@example.org",)),
    )


def test_a_domain_completes_logins(accounts: Listed) -> None:
    """`domain` makes an address of a login without one, and changes no login that has one."""
    assert accounts('["Alice", "bob@other.example"]', domain="example.org") == (
        ALICE,
        Account(key="login:bob@other.example", login="bob@other.example", addresses=("bob@other.example",)),
    )


@pytest.mark.parametrize("domain", ["Example.ORG", "example.org"])
def test_a_domain_in_any_case_gives_addresses_that_compare(domain: str, accounts: Listed) -> None:
    """Own addresses are compared in lower case, so a domain in capitals is folded or refused."""
    try:
        (alice,) = accounts('["alice"]', domain=domain)
    except ConfigError as exc:
        assert exc.key == "accounts.domain"  # noqa: PT017 - either outcome is good
    else:
        assert alice.addresses == ("alice@example.org",)


def test_a_table_says_everything(accounts: Listed) -> None:
    """A table's addresses are taken in its order, in lower case, without the implied one."""
    assert accounts(
        '[{ login = "b", addresses = ["B@Example.org", " b@p.example "], name = "Bob" }]', domain="x.example"
    ) == (Account(key="login:b", login="b", addresses=("b@example.org", "b@p.example"), display_name="Bob"),)


@pytest.mark.parametrize(
    "file",
    [
        "login,addresses,name\nAlice,alice@example.org,\n",
        "\ufefflogin,addresses,name\r\nAlice,alice@example.org,\r\n",
        "login,addresses\n",
        'login,name,addresses\n"Alice","","alice@example.org"\n',
        "login,addresses\n\n Alice , alice@example.org \n\n",
    ],
    ids=["plain", "bom and crlf", "header alone", "quoted", "blank lines"],
)
def test_a_csv_names_its_columns(file: str, accounts: Listed) -> None:
    """Columns may come in any order, with the byte order mark and line ends that spreadsheets write."""
    found = accounts(file=file)
    wanted = [("login:alice", ("alice@example.org",))] if "lice" in file else []
    assert [(one.key, one.addresses) for one in found] == wanted


def test_a_csv_gives_several_addresses_and_a_name(accounts: Listed) -> None:
    """Addresses are separated by spaces, and a name may have commas."""
    file = 'login,addresses,name\nb,B@example.org b@p.example,"Bob, the builder"\nc,,\n'
    assert accounts(file=file, domain="example.org") == (
        Account(
            key="login:b",
            login="b",
            addresses=("b@example.org", "b@p.example"),
            display_name="Bob, the builder",
        ),
        Account(key="login:c", login="c", addresses=("c@example.org",)),
    )


@pytest.mark.parametrize(
    "file",
    [
        "alice:x:1000:1000:Alice:/srv/mail/alice:/bin/sh\nbob:{CRYPT}$6$x::::::\n",
        "# staff\n\nalice\n  \nbob\n",
        "alice:{PLAIN}a:b\r\nbob:\r\n",
    ],
    ids=["passwd", "list", "crlf"],
)
def test_lines_as_in_passwd_give_logins(file: str, accounts: Listed) -> None:
    """Each line's first field is a login; comments and blank lines are none."""
    assert [one.login for one in accounts(file=file)] == ["alice", "bob"]


def test_the_list_comes_before_the_file(accounts: Listed) -> None:
    """Accounts keep the order in which they are written."""
    assert [one.login for one in accounts('["z", "a"]', file="m\nb\n")] == ["z", "a", "m", "b"]


@pytest.mark.parametrize(
    ("listed", "file"),
    [
        ('["alice", "ALICE"]', None),
        ('["alice"]', "alice\n"),
        ("[]", "alice\nAlice\n"),
        ("[]", "login\nalice\nAlice\n"),
    ],
)
def test_an_account_is_listed_once(listed: str, file: str | None, accounts: Listed) -> None:
    """A login that is there twice is refused with both places."""
    error = accounts.wrong(listed, file=file)
    assert "is listed twice" in str(error)
    assert " and " in str(error)
    assert error.hint == "remove one of them"


def test_an_address_belongs_to_one_account(accounts: Listed) -> None:
    """An address of two accounts is refused with both logins."""
    error = accounts.wrong(
        '[{ login = "a", addresses = ["x@example.org"] }, { login = "b", addresses = ["X@Example.org"] }]'
    )
    assert "x@example.org belongs to both a and b" in str(error)
    assert error.hint


def test_an_address_may_be_repeated_within_an_account(accounts: Listed) -> None:
    """The same address twice in one account is no conflict."""
    assert (
        accounts('[{ login = "a", addresses = ["x@example.org", "X@example.org"] }]')[0].address
        == "x@example.org"
    )


@pytest.mark.parametrize("login", ["a\\u0000b", "a\\tb", "a\\nb", "\\u007f", "", "  "])
def test_a_login_without_printable_characters_is_refused(login: str, accounts: Listed) -> None:
    """What would break a protocol's line is no login, and the place of the entry is named."""
    error = accounts.wrong(f'["{login}"]')
    assert "is not a login" in str(error)
    assert error.key == "accounts.list[0]"


@pytest.mark.parametrize("file", ["alice\nb\x00b\n", "login\nalice\nb\x00b\n"], ids=["lines", "csv"])
def test_a_bad_login_in_a_file_is_named_with_its_line(file: str, accounts: Listed) -> None:
    """The place of a bad login is the file and the line."""
    error = accounts.wrong(file=file)
    line = file.count("\n")
    assert error.key == f"{accounts.file}:{line}"


@pytest.mark.parametrize("address", ["alice", "alice@", "@example.org", "a b@c d"])
def test_an_address_that_is_none_is_refused(address: str, accounts: Listed) -> None:
    """Addresses are what exposure and notification rest on, so each must be one."""
    assert "is not a mail address" in str(accounts.wrong(f'[{{ login = "a", addresses = ["{address}"] }}]'))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("login,mail\na,b\n", "has a column 'mail'"),
        ("login,addresses\n,b@example.org\n", "broken row in line 2"),
        ("login,addresses\na,b@example.org,c\n", "broken row in line 2"),
        ('login,addresses\na,"b\n', "is not CSV"),
        ('login,addresses\n"a"b,c@example.org\n', "is not CSV"),
        (b"login\n\xff\n", "is not UTF-8"),
        ("login,addresses\na," + "x" * 200_000 + "\n", "is not CSV"),
    ],
    ids=["column", "no login", "cells", "open quote", "text after a quote", "bytes", "long cell"],
)
def test_a_broken_file_is_named_with_what_is_broken(file: str | bytes, words: str, accounts: Listed) -> None:
    """A directory that cannot be understood is an error with the file's name and a next step."""
    error = accounts.wrong(file=file)
    assert words in str(error)
    assert str(accounts.file) in str(error)
    assert error.key == "accounts.file"
    assert error.hint


@pytest.mark.parametrize(
    "file",
    [
        '"login","addresses","name"\n"alice","alice@example.org","Alice"\n',
        "Login,Addresses\nalice,alice@example.org\n",
        "login;addresses;name\nalice;alice@example.org;Alice\n",
    ],
    ids=["quoted header", "capitals", "semicolons"],
)
def test_what_a_spreadsheet_writes_is_never_taken_for_a_list_of_logins(file: str, accounts: Listed) -> None:
    """A table in another dialect of CSV is read or refused, and its lines do not become logins."""
    try:
        found = accounts(file=file)
    except ConfigError as exc:
        assert exc.hint  # noqa: PT017 - either outcome is good
    else:
        assert [(one.login, one.addresses) for one in found] == [("alice", ("alice@example.org",))]


def test_a_missing_file_is_named(accounts: Listed, configure: Configure) -> None:
    """A directory file that is not there is named with its whole path."""
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        ConfiguredDirectory(configure('[accounts]\nfile = "gone.csv"')).accounts()
    assert "gone.csv" in str(caught.value)
    assert caught.value.key == "accounts.file"


def test_a_file_that_is_too_large_is_refused(accounts: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its limit a directory file is a mistake."""
    monkeypatch.setattr(directory, "MAX_BYTES", 10)
    assert "is larger than 10 bytes" in str(accounts.wrong(file="a\n" * 6))
    assert len(accounts(file="a\nb\nc\nd\ne")) == 5


SOURCE = '[[source]]\nname = "exchange"\nkind = "ews"\n[[source]]\nname = "imap"\nkind = "imap"\n'


def test_an_account_may_say_where_it_lies(configure: Configure, tmp_path: Path) -> None:
    """Sources by name, in the list and in a file; without any, all have the account."""
    (tmp_path / "accounts.csv").write_text("login,sources\nbob,exchange imap\ncarol,\n")
    text = (
        '[accounts]\nlist = [{ login = "alice", sources = ["exchange"] }]\nfile = "accounts.csv"\n' + SOURCE
    )
    alice, bob, carol = ConfiguredDirectory(configure(text)).accounts()
    assert (alice.sources, bob.sources, carol.sources) == (("exchange",), ("exchange", "imap"), ())
    assert [alice.is_at("imap"), bob.is_at("imap"), carol.is_at("imap")] == [False, True, True]


def test_a_source_that_is_not_configured_is_named(configure: Configure) -> None:
    """An account that lies nowhere would never be read, and nobody would see it."""
    text = '[accounts]\nlist = [{ login = "alice", sources = ["exchagne"] }]\n' + SOURCE
    with pytest.raises(ConfigError, match="alice is at the source 'exchagne'") as caught:
        ConfiguredDirectory(configure(text)).accounts()
    assert caught.value.hint == "configured: exchange, imap"
