"""Who sends a request: Basic (RFC 7617), NTLM (MS-NTHT) and bearer tokens (RFC 6750), as IIS and Exchange ask for them."""

import base64
import binascii
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from postwarden.lab.exchange.journal import Journal, Logon, Scheme
from postwarden.lab.exchange.ntlm import ChannelBinding, NtlmAcceptor, NtlmRefused, is_negotiate
from postwarden.lab.exchange.organisation import Service
from postwarden.lab.exchange.tokens import TokenEndpoint
from postwarden.lab.https import Connection, HttpRequest, Reply

#: Exchange's own application id, the same in every organisation.
_EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"


@dataclass(frozen=True)
class Identity:
    """Who logged on and how; `user` is `DOMAIN\\login`, or an application's id."""

    user: str
    scheme: Scheme


@dataclass(frozen=True)
class NtlmSettings:
    """The users' file of pyspnego, our certificate's channel binding, and whether clients must send it."""

    users: Path
    binding: bytes
    policy: ChannelBinding


class Authenticator:
    """Takes requests to identities, and counts who failed."""

    def __init__(
        self,
        service: Service,
        *,
        schemes: tuple[Scheme, ...],
        ntlm: NtlmSettings,
        tokens: TokenEndpoint,
        journal: Journal,
        lockout: int | None,
    ) -> None:
        """After `lockout` failures in a row, a user's log-ons with a password are refused until `unlock`."""
        self._service = service
        self._schemes = schemes
        self._ntlm = ntlm
        self._tokens = tokens
        self._journal = journal
        self._lockout = lockout
        self._lock = Lock()
        self._failures: Counter[str] = Counter()

    def identify(self, request: HttpRequest, connection: Connection) -> Identity | Reply:
        """Who sends the request; or the 401 that asks for the next step or refuses."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        found: Identity | Reply
        match scheme.lower():
            case "" if isinstance(connection.state, Identity):
                return connection.state
            case "basic" if "basic" in self._schemes:
                found = self._basic(value)
            case "bearer" if "oauth" in self._schemes:
                found = self._bearer(value.strip())
            case "ntlm" if "ntlm" in self._schemes:
                found = self._handshake(value, connection)
            case _:
                found = self.challenge()
        return found

    def challenge(self, bearer_error: str = "", diagnostics: str = "") -> Reply:
        """401 with every scheme that the server takes."""
        offers = []
        if "oauth" in self._schemes:
            error = f', error="{bearer_error}"' if bearer_error else ""
            offers.append(
                f'Bearer client_id="{_EXCHANGE}", trusted_issuers="00000001-0000-0000-c000-000000000000@*", '
                'token_types="app_asserted_user_v1 service_asserted_app_v1", '
                f'authorization_uri="https://login.windows.net/common/oauth2/authorize"{error}'
            )
        if "ntlm" in self._schemes:
            offers.append("NTLM")
        if "basic" in self._schemes:
            offers.append('Basic realm="localhost"')
        headers = [("WWW-Authenticate", offer) for offer in offers]
        if diagnostics:
            headers.append(("x-ms-diagnostics", diagnostics))
        return Reply(401, tuple(headers))

    def is_locked(self) -> bool:
        """Whether the service's log-ons with a password are refused."""
        with self._lock:
            return self._is_locked(self._user)

    def unlock(self) -> None:
        """Forget all failures."""
        with self._lock:
            self._failures.clear()

    @property
    def _user(self) -> str:
        return f"{self._service.domain}\\{self._service.login}"

    def _canonical(self, named: str) -> str:
        """`DOMAIN\\login` for every name of the service; another user's name as it is."""
        service = self._service
        mine = {self._user.casefold(), service.upn.casefold()}
        return self._user if named.casefold() in mine else named

    def _basic(self, value: str) -> Identity | Reply:
        try:
            named, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Reply(400)
        user = self._canonical(named)
        right = user == self._user and password == self._service.password
        why = "" if right else "wrong password or unknown user"
        return self._ended(named, user, "basic", why)

    def _handshake(self, value: str, connection: Connection) -> Identity | Reply:
        """NTLM: the connection keeps the handshake's state, and who it belongs to when that is over."""
        try:
            message = base64.b64decode(value, validate=True)
        except binascii.Error:
            return Reply(400)
        acceptor, connection.state = connection.state, None
        try:
            if is_negotiate(message):
                ntlm = self._ntlm
                acceptor = NtlmAcceptor(ntlm.users, binding=ntlm.binding, policy=ntlm.policy)
                challenge = acceptor.challenge(message)
                connection.state = acceptor
                text = base64.b64encode(challenge).decode()
                return Reply(401, (("WWW-Authenticate", f"NTLM {text}"),))
            if not isinstance(acceptor, NtlmAcceptor):
                raise NtlmRefused("", "an answer to no challenge")
            named = acceptor.user(message)
        except NtlmRefused as refused:
            return self._ended(refused.user, self._canonical(refused.user), "ntlm", refused.why)
        found = self._ended(named, self._canonical(named), "ntlm", "")
        if isinstance(found, Identity):
            connection.state = found
        return found

    def _bearer(self, token: str) -> Identity | Reply:
        validity = self._tokens.validity(token)
        why = "" if validity == "valid" else f"{validity} token"
        self._journal.add(Logon(self._journal.now(), self._service.client_id, "oauth", why))
        if validity == "valid":
            return Identity(self._service.client_id, "oauth")
        # The header's form is from a published answer (a question on stackoverflow.com, number 35610506).
        reason = "The token has expired." if validity == "expired" else "The token cannot be read."
        return self.challenge("invalid_token", f'2000001;reason="{reason}";error_category="invalid_token"')

    def _ended(self, named: str, user: str, scheme: Scheme, why: str) -> Identity | Reply:
        """Write the attempt down, and say what came of it."""
        with self._lock:
            if self._is_locked(user):
                why = "locked out"
            elif why:
                self._failures[user] += 1
            else:
                del self._failures[user]
        self._journal.add(Logon(self._journal.now(), named, scheme, why))
        return self.challenge() if why else Identity(user, scheme)

    def _is_locked(self, user: str) -> bool:
        return self._lockout is not None and self._failures[user] >= self._lockout
