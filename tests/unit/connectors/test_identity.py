"""As whom we log in."""

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from postwarden.connectors.identity import Identity, Login, Mechanism, identity_for, prepare
from postwarden.errors import ConfigError, SecretError
from postwarden.model.account import Account
from postwarden.secrets import Secret, SecretSource

ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",), names={"ad": "EX\\alice"})
ENV = SecretSource(env="POSTWARDEN_TEST")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTWARDEN_TEST", "tanstaaftanstaaf")


def identity(mechanism: Mechanism, user: str, secret: str, act_as: str = "") -> Identity:
    return Identity(user=user, act_as=act_as, mechanism=mechanism, secret=Secret(secret), shared=True)


def test_plain_is_as_rfc_4616_has_it() -> None:
    """The examples of RFC 4616 section 4: without and with an authorisation identity."""
    assert identity("plain", "tim", "tanstaaftanstaaf").sasl("h", 1) == b"\0tim\0tanstaaftanstaaf"
    assert identity("plain", "Kurt", "xipj3plmq", "Ursel").sasl("h", 1) == b"Ursel\0Kurt\0xipj3plmq"


def test_oauthbearer_is_as_rfc_7628_has_it() -> None:
    """The initial response of RFC 7628 section 4.1, byte for byte."""
    token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
    made = identity("oauthbearer", "user@example.com", token)
    assert made.sasl_base64("server.example.com", 143) == (
        b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRj"
        b"Mk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )


def test_an_oauth_user_is_escaped() -> None:
    """A comma or an equals sign in a user's name does not end the GS2 header (RFC 5801 section 4)."""
    made = identity("oauthbearer", "a=b,c", "token")
    assert made.sasl("h", 1).startswith(b"n,a=a=3Db=2Cc,\x01")


def test_xoauth2_is_as_published() -> None:
    """User and token as the providers that invented it document them."""
    made = identity("xoauth2", "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    assert made.sasl_base64("h", 1) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0"
        b"Q2cBAQ=="
    )


def test_names_and_secrets_are_sent_in_utf_8() -> None:
    """RFC 4616 has everything in UTF-8."""
    sent = base64.b64decode(
        identity("plain", "j\u00fcrgen", "\u4f60\u597d", "al\u00efce").sasl_base64("h", 1)
    )
    assert sent.decode("utf-8") == "al\u00efce\0j\u00fcrgen\0\u4f60\u597d"


@pytest.mark.parametrize(
    ("login", "user", "act_as", "name"),
    [
        ({}, "alice", "", "alice"),
        ({"user": "{login}*auditor"}, "alice*auditor", "", "alice*auditor"),
        ({"user": "auditor", "act_as": "{login}"}, "auditor", "alice", "auditor as alice"),
        ({"user": "{login}", "act_as": "{login}@x"}, "alice", "alice@x", "alice as alice@x"),
        ({"user": "{login}/{login}"}, "alice/alice", "", "alice/alice"),
        ({"user": "{{login}}"}, "{alice}", "", "{alice}"),
    ],
)
def test_the_accounts_login_takes_its_place(login: dict[str, Any], user: str, act_as: str, name: str) -> None:
    """`{login}` stands for the account wherever it is written."""
    made = identity_for(Login(secret=ENV, **login), ALICE, source="imap", folder=Path("/nowhere"))
    assert (made.user, made.act_as, made.name) == (user, act_as, name)


def test_a_login_that_looks_like_a_placeholder_is_not_replaced_again() -> None:
    """What stands in a login is never taken for a template."""
    odd = Account(key="login:odd", login="{login}x")
    made = identity_for(Login(secret=ENV, user="{login}*m"), odd, source="imap", folder=Path("/nowhere"))
    assert made.user == "{login}x*m"


def test_a_source_may_know_the_account_by_another_name() -> None:
    """The name that a source has for the account is the one that is logged in with."""
    made = identity_for(Login(secret=ENV), ALICE, source="ad", folder=Path("/nowhere"))
    assert made.user == "EX\\alice"


@pytest.mark.parametrize("login", ["", "a\0b", "a\nb", "a\r\nDELETE x", "a\tb", "a\x1b", "a\x7f"])
def test_a_login_with_control_characters_is_not_sent(login: str) -> None:
    """A name that could break a protocol's line is an error of the list of accounts."""
    with pytest.raises(ConfigError, match="login") as caught:
        identity_for(
            Login(secret=ENV), Account(key="login:x", login=login), source="imap", folder=Path("/nowhere")
        )
    assert caught.value.key == "accounts"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"user": "master"}, "every account would be the same mailbox"),
        ({"user": "master", "act_as": "other"}, "every account would be the same mailbox"),
        ({"user": "master", "mechanism": "login"}, "every account would be the same mailbox"),
        ({"user": "{Login}"}, "every account would be the same mailbox"),
        ({"user": "a", "act_as": "{login}", "mechanism": "login"}, "act_as needs mechanism plain"),
        ({"user": "a", "act_as": "{login}", "mechanism": "xoauth2"}, "act_as needs mechanism plain"),
        ({"mechanism": "cram-md5"}, "Invalid enum value"),
        ({"password": "x"}, "unknown field"),
    ],
)
def test_a_template_that_cannot_work_is_refused_when_it_is_read(tree: dict[str, Any], words: str) -> None:
    """A log-in that would open the same mailbox for everybody never gets as far as a server."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({"secret": {"env": "A"}, **tree}, Login)


@pytest.mark.parametrize(("source", "shared"), [(ENV, True), (SecretSource(table="passwords"), False)])
def test_only_a_table_has_a_secret_for_each_account(
    source: SecretSource, shared: bool, tmp_path: Path
) -> None:
    """One secret for all is told apart from accounts' own, for that decides what a refusal means."""
    path = tmp_path / "passwords"
    path.touch(mode=0o600)
    path.write_text("alice:x\n")
    made = identity_for(Login(secret=source), ALICE, source="imap", folder=tmp_path)
    assert made.shared is shared


def test_an_identity_does_not_show_its_secret() -> None:
    """Neither its name nor its `repr` has the secret."""
    made = identity("plain", "alice", "tanstaaftanstaaf")
    assert "tanstaaf" not in f"{made!r} {made} {made.name}"


def test_secrets_are_looked_for_beforehand(tmp_path: Path) -> None:
    """Every account's secret is looked for before the first connection, under the name that the source knows."""
    path = tmp_path / "passwords"
    path.touch(mode=0o600)
    path.write_text("ex\\alice:x\n")
    login = Login(secret=SecretSource(table="passwords"))
    prepare(login, [ALICE], source="ad", folder=tmp_path)
    with pytest.raises(SecretError, match="no line for alice"):
        prepare(login, [ALICE], source="imap", folder=tmp_path)


@pytest.mark.parametrize("value", ["a\0b", "token\x01host=evil"], ids=["plain", "oauthbearer"])
def test_a_secret_that_would_break_the_message_is_not_sent(value: str) -> None:
    """The separators of SASL messages are in no secret (RFC 4616 section 2, RFC 7628 section 3.1)."""
    mechanism: Mechanism = "plain" if "\0" in value else "oauthbearer"
    with pytest.raises(SecretError) as caught:
        identity(mechanism, "alice", value).sasl("h", 1)
    assert value not in str(caught.value)
