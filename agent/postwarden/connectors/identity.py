"""Who we log in as: one template for master users, authorisation identities, own passwords and tokens."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from postwarden.errors import ConfigError, SecretError
from postwarden.model.account import Account
from postwarden.secrets import Secret, SecretSource, check, resolve

Mechanism = Literal["login", "plain", "oauthbearer", "xoauth2"]


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to log in for an account.

    `user` is the authentication identity, `act_as` the authorisation identity (RFC 4616), in which `{login}`
    stands for the account's login. Dovecot's master user is either `user = "{login}*auditor"`, or, with
    mechanism `plain`, `user = "auditor"` and `act_as = "{login}"`. `secret` gives the password or the token.
    """

    secret: SecretSource
    user: str = "{login}"
    act_as: str | None = None
    mechanism: Mechanism = "plain"

    def __post_init__(self) -> None:
        if "{login}" not in self.user and self.act_as is None and self.mechanism == "login":
            raise ValueError("user has no {login}: every account would be the same mailbox")
        if "{login}" not in self.user + (self.act_as or ""):
            raise ValueError("neither user nor act_as has {login}: every account would be the same mailbox")
        if self.act_as is not None and self.mechanism != "plain":
            raise ValueError("act_as needs mechanism plain")


class Identity(Struct, frozen=True, kw_only=True):
    """A log-in with its secret at hand. `shared` says that all accounts' log-ins use one secret."""

    user: str
    act_as: str
    mechanism: Mechanism
    secret: Secret
    shared: bool

    @property
    def name(self) -> str:
        """The identity as logs show it."""
        return f"{self.user} as {self.act_as}" if self.act_as else self.user

    def sasl(self, host: str, port: int) -> bytes:
        """The initial response of the mechanism (RFC 4616; RFC 7628 section 3.1; XOAUTH2 as published)."""
        between = "\0" if self.mechanism in {"plain", "login"} else "\x01"
        if between in self.secret.reveal():
            raise SecretError(
                f"the secret for {self.name} has a character that {self.mechanism.upper()} cannot carry",
                "look at its file or command: it is not a password or token",
            )
        secret = self.secret.reveal().encode()
        user = self.user.encode()
        if self.mechanism == "oauthbearer":
            authorisation = self.user.replace("=", "=3D").replace(",", "=2C").encode()
            return b"n,a=%s,\x01host=%s\x01port=%d\x01auth=Bearer %s\x01\x01" % (
                authorisation,
                host.encode(),
                port,
                secret,
            )
        if self.mechanism == "xoauth2":
            return b"user=%s\x01auth=Bearer %s\x01\x01" % (user, secret)
        return b"%s\0%s\0%s" % (self.act_as.encode(), user, secret)

    def sasl_base64(self, host: str, port: int) -> bytes:
        return base64.b64encode(self.sasl(host, port))


def identity_for(login: Login, account: Account, *, source: str, folder: Path) -> Identity:
    """The identity for `account` at `source`; raises SecretError, or ConfigError for an unusable name."""
    name = account.login_at(source)
    if not name or any(ord(char) < 0x20 or ord(char) == 0x7F for char in name):
        raise ConfigError(
            f"the login {name!r} has control characters", "mend the accounts' list", key="accounts"
        )
    return Identity(
        user=login.user.replace("{login}", name),
        act_as=(login.act_as or "").replace("{login}", name),
        mechanism=login.mechanism,
        secret=resolve(login.secret, login=name, folder=folder),
        shared=not login.secret.is_per_account,
    )


def prepare(login: Login, accounts: Sequence[Account], *, source: str, folder: Path) -> None:
    """Looks for the secret of every account without running a command; raises SecretError or ConfigError."""
    check(login.secret, logins=[account.login_at(source) for account in accounts], folder=folder)
