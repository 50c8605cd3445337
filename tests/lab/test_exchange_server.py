"""The lab's Exchange as exchangelib meets it: log-ons, answers, limits, Autodiscover."""

import base64
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
import requests
import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from exchangelib import (
    BASIC,
    IMPERSONATION,
    NTLM,
    OAUTH2,
    Account,
    Build,
    Configuration,
    Credentials,
    FailFast,
    OAuth2Credentials,
    Version,
)
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import (
    ErrorImpersonateUserDenied,
    ErrorNonExistentMailbox,
    ErrorServerBusy,
    MalformedResponseError,
    UnauthorizedError,
)
from exchangelib.protocol import BaseProtocol, close_connections
from requests.adapters import HTTPAdapter
from requests_ntlm import HttpNtlmAuth
from spnego.channel_bindings import GssChannelBindings

from postwarden.lab import exchange
from postwarden.lab.exchange import ExchangeLab
from postwarden.lab.exchange.autodiscover import Redirect
from tests.ews_schema import SCHEMA_FILE, SchemaObserver

SOMEBODY = "tom.becker@kitano-marine.example"
StartExchange = Callable[..., ExchangeLab]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartExchange]:
    """Start the server, with options of `exchange.start`; exchangelib trusts its authority, and forgets it after."""
    with ExitStack() as running:

        def started(**options: Any) -> ExchangeLab:
            lab = running.enter_context(exchange.start(tmp_path, **options))
            monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", trusting(lab))
            return lab

        running.callback(close_connections)
        yield started


def trusting(lab: ExchangeLab) -> type[HTTPAdapter]:
    class Trusting(HTTPAdapter):
        """Verifies the lab's certificate."""

        def send(self, *arguments: Any, **more: Any) -> requests.Response:
            return super().send(*arguments, **more | {"verify": str(lab.ca_file)})

    return Trusting


def password_of(lab: ExchangeLab, *, password: str | None = None) -> Credentials:
    return Credentials(lab.service.login, password or lab.service.password)


def account(
    lab: ExchangeLab, credentials: Any, auth: str = BASIC, *, address: str = SOMEBODY, at_once: int = 1
) -> Account:
    """An account as an audit opens it; connections of earlier ones are not used again."""
    close_connections()
    how = Configuration(
        service_endpoint=lab.url,
        credentials=credentials,
        auth_type=auth,
        version=Version(Build(15, 2, 1748, 10)),
        retry_policy=FailFast(),
        max_connections=at_once,
    )
    return Account(address, config=how, access_type=IMPERSONATION, autodiscover=False)


def application_of(lab: ExchangeLab, *, secret: str | None = None) -> Any:
    class Application(OAuth2Credentials):  # type: ignore[misc]  # exchangelib has no types
        """The application with its secret, at the lab's own token endpoint."""

        @property
        def token_url(self) -> str:
            return lab.token_url

    return Application(
        client_id=lab.service.client_id,
        client_secret=secret or lab.service.client_secret,
        tenant_id=lab.service.tenant_id,
    )


def certified_application_of(lab: ExchangeLab) -> Any:
    class Certified(OAuth2Credentials):  # type: ignore[misc]  # exchangelib has no types
        """The application with its certificate."""

        @property
        def token_url(self) -> str:
            return lab.token_url

        def token_params(self) -> dict[str, object]:
            return {
                "include_client_id": True,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion(lab),
            }

    return Certified(client_id=lab.service.client_id, client_secret=None, tenant_id=lab.service.tenant_id)


def assertion(lab: ExchangeLab) -> str:
    key = serialization.load_pem_private_key(lab.service.key_file.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(lab.service.certificate_file.read_bytes())
    assert isinstance(key, rsa.RSAPrivateKey)
    header = {"alg": "PS256", "x5t#S256": base64url(certificate.fingerprint(hashes.SHA256()))}
    ends = int(datetime.now(UTC).timestamp()) + 300  # noqa: TID251 - the server has this computer's clock
    client = lab.service.client_id
    claims = {"iss": client, "sub": client, "aud": lab.token_url, "jti": "one", "exp": ends}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims)).encode()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    return f"{signed.decode()}.{base64url(key.sign(signed, pss, hashes.SHA256()))}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def names(rules: Any) -> list[str]:
    return [rule.display_name for rule in rules]


@pytest.mark.parametrize("auth", [BASIC, NTLM])
def test_a_password_opens_the_mailbox(start: StartExchange, auth: str) -> None:
    """A client logs on with Basic and NTLM over TLS, and reads an impersonated account's rules."""
    lab = start()
    mailbox = account(lab, password_of(lab), auth)
    listed = [rule.rule.name for rule in lab.state.mailbox(SOMEBODY).rules]
    assert names(mailbox.rules) == names(mailbox.rules) == listed
    scheme = auth.lower()
    assert [(one.operation, one.scheme, one.status) for one in lab.requests] == [
        ("GetInboxRules", scheme, 200)
    ] * 2
    assert {one.user for one in lab.requests} == {lab.service.login}
    assert {(one.impersonated.kind, one.impersonated.value) for one in lab.requests if one.impersonated} == {
        ("PrimarySmtpAddress", SOMEBODY)
    }
    assert {one.anchor for one in lab.requests} == {SOMEBODY}
    assert {one.raw for one in lab.requests} == {b""}
    # Basic proves itself in each request, NTLM once for its connection.
    assert len(lab.logons) == (2 if auth == BASIC else 1)
    assert all(one.succeeded and one.scheme == scheme for one in lab.logons)


@pytest.mark.parametrize("auth", [BASIC, NTLM])
def test_both_names_of_a_user_are_one(start: StartExchange, auth: str) -> None:
    """A log-on by the principal name is the same user's, in the journal as in the limits."""
    lab = start()
    assert names(account(lab, Credentials(lab.service.upn, lab.service.password), auth).rules)
    assert [one.user for one in lab.requests] == [lab.service.login]
    assert [one.user.casefold() for one in lab.logons] == [lab.service.upn.casefold()]


@pytest.mark.parametrize("auth", [BASIC, NTLM])
def test_a_wrong_password_is_refused_each_time(start: StartExchange, auth: str) -> None:
    """Each attempt is a 401 and stands in the journal; nothing is answered."""
    lab = start()
    mailbox = account(lab, password_of(lab, password="guess"), auth)
    for attempt in (1, 2):
        with pytest.raises(UnauthorizedError):
            _ = mailbox.rules
        assert [one.succeeded for one in lab.logons] == [False] * attempt
    assert lab.logons[0].user == lab.service.login
    assert lab.requests == ()


@pytest.mark.parametrize("auth", [BASIC, NTLM])
def test_wrong_passwords_lock_the_account(start: StartExchange, auth: str) -> None:
    """After so many failures the right password is refused too, until somebody unlocks."""
    lab = start(lockout=2)
    for _ in range(2):
        assert not lab.is_locked
        with pytest.raises(UnauthorizedError):
            _ = account(lab, password_of(lab, password="guess"), auth).rules
    assert lab.is_locked
    with pytest.raises(UnauthorizedError):
        _ = account(lab, password_of(lab), auth).rules
    assert lab.logons[-1].why == "locked out"
    lab.unlock()
    assert names(account(lab, password_of(lab), auth).rules)


def test_only_failures_in_a_row_lock_the_account(start: StartExchange) -> None:
    """The right password in between starts the count again."""
    lab = start(lockout=2)
    for _ in range(2):
        with pytest.raises(UnauthorizedError):
            _ = account(lab, password_of(lab, password="guess")).rules
        assert names(account(lab, password_of(lab)).rules)
    assert not lab.is_locked


def test_ntlm_holds_for_a_connection_until_a_handshake_fails(start: StartExchange) -> None:
    """Requests after the handshake need no proof, and those after a failed one do again."""
    lab = start()
    connection = connect(lab)

    def ask(token: bytes | None) -> tuple[int, bytes]:
        proof = {"Authorization": f"NTLM {base64.b64encode(token).decode()}"} if token else {}
        connection.request("POST", "/EWS/Exchange.asmx", b"<a/>", proof)
        answer = connection.getresponse()
        answer.read()
        _, _, challenge = (answer.headers.get("WWW-Authenticate") or "").partition("NTLM ")
        return answer.status, base64.b64decode(challenge) if challenge.startswith("TlRM") else b""

    connection.connect()
    assert isinstance(connection.sock, ssl.SSLSocket)
    seen = x509.load_der_x509_certificate(connection.sock.getpeercert(binary_form=True) or b"")
    bindings = GssChannelBindings(
        application_data=b"tls-server-end-point:" + seen.fingerprint(hashes.SHA256())
    )
    client = spnego.client(
        lab.service.login,
        lab.service.password,
        protocol="ntlm",
        channel_bindings=bindings,
        options=spnego.NegotiateOptions.use_ntlm,
    )
    _, challenge = ask(client.step())
    assert ask(client.step(challenge))[0] == 500
    assert [ask(None)[0] for _ in range(2)] == [500, 500]
    assert ask(b"NTLMSSP\0\x03\0\0\0")[0] == 401
    assert ask(None)[0] == 401
    connection.close()


def test_many_connections_log_on_with_ntlm_at_once(start: StartExchange) -> None:
    """Handshakes of many connections do not disturb each other, and each connection makes one."""
    lab = start()

    def read(_: int) -> int:
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(lab.ca_file)
            session.auth = HttpNtlmAuth(lab.service.login, lab.service.password)
            return [session.post(lab.url, data=b"<a/>").status_code for _ in range(3)].count(500)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(16))) == [3] * 16
    assert [one.why for one in lab.logons] == [""] * 16


def test_ntlm_without_channel_binding_is_refused(start: StartExchange) -> None:
    """A client that does not bind itself to the channel gets 401 though its password is right."""
    lab = start()
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(lab.ca_file)
        session.auth = HttpNtlmAuth(lab.service.login, lab.service.password, send_cbt=False)
        assert session.post(lab.url, data=b"<a/>").status_code == 401
    assert [one.why for one in lab.logons] == ["no channel binding"]


def test_ntlm_without_channel_binding_can_be_accepted(start: StartExchange) -> None:
    """Where Extended Protection is off, as on old servers, the same client is let in."""
    lab = start(channel_binding="accepted")
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(lab.ca_file)
        session.auth = HttpNtlmAuth(lab.service.login, lab.service.password, send_cbt=False)
        assert session.post(lab.url, data=b"<a/>").status_code == 500
    assert [one.succeeded for one in lab.logons] == [True]


@pytest.mark.parametrize("application", [application_of, certified_application_of])
def test_an_application_opens_the_mailbox_with_a_token(
    start: StartExchange, application: Callable[[ExchangeLab], Any]
) -> None:
    """A client gets a token with secret or certificate, and reads with it."""
    lab = start()
    mailbox = account(lab, application(lab), OAUTH2)
    assert names(mailbox.rules)
    assert (lab.tokens.given, lab.tokens.refused) == (1, 0)
    assert [(one.scheme, one.user) for one in lab.requests] == [("oauth", lab.service.client_id)]


def test_an_expired_token_is_refused(start: StartExchange) -> None:
    """A token that ended is a 401 that says so."""
    lab = start()
    mailbox = account(lab, application_of(lab), OAUTH2)
    assert names(mailbox.rules)
    lab.tokens.expire_all()
    with pytest.raises(UnauthorizedError):
        _ = mailbox.rules
    assert lab.logons[-1].why == "expired token"
    status, headers, _ = post(lab, b"<a/>", {"Authorization": "Bearer stolen"})
    assert status == 401
    assert 'error="invalid_token"' in headers["WWW-Authenticate"]
    assert "invalid_token" in headers["x-ms-diagnostics"]


def test_a_wrong_secret_gets_no_token(start: StartExchange) -> None:
    """The identity platform refuses, and Exchange is not asked."""
    lab = start()
    with pytest.raises(Exception, match="invalid_client"):
        account(lab, application_of(lab, secret="guess"), OAUTH2).rules  # noqa: B018 (reads over the network)
    assert lab.tokens.refused == 1
    assert lab.requests == ()


def test_only_offered_schemes_are_taken(start: StartExchange) -> None:
    """A 401 offers what the server takes, and what it does not offer does not work."""
    lab = start(auth=("ntlm",))
    status, headers, _ = post(lab, b"<a/>", basic(lab))
    assert (status, headers.get_all("WWW-Authenticate")) == (401, ["NTLM"])
    assert lab.logons == ()


def test_a_token_must_act_for_somebody(start: StartExchange) -> None:
    """An application has no mailbox, so that a request without impersonation is refused."""
    lab = start(keep=True)
    mailbox = account(lab, application_of(lab), OAUTH2)
    assert names(mailbox.rules)
    bare = re.sub(rb"<t:ExchangeImpersonation>.*</t:ExchangeImpersonation>", b"", lab.requests[0].raw)
    token = mailbox.protocol.credentials.access_token["access_token"]
    status, _, body = post(lab, bare, {"Authorization": f"Bearer {token}"})
    assert status == 500
    assert b"ErrorInvalidExchangeImpersonationHeaderData" in body


def test_impersonation_needs_the_role(start: StartExchange) -> None:
    """Without the role nobody is impersonated, and an unknown address has no mailbox."""
    lab = start(impersonation=False)
    with pytest.raises(ErrorImpersonateUserDenied):
        _ = account(lab, password_of(lab)).rules
    lab.state.allow_impersonation(lab.service.login)
    assert names(account(lab, password_of(lab)).rules)
    with pytest.raises(ErrorNonExistentMailbox):
        _ = account(lab, password_of(lab), address="nobody@kitano-marine.example").rules


def test_exchanges_are_as_the_schema_says(start: StartExchange) -> None:
    """Every request of exchangelib and every answer that it gets is valid; the raw request is kept where asked."""
    if not SCHEMA_FILE.exists():
        pytest.skip("schemas/ews is not in the folder of shared data (POSTWARDEN_SHARED names another)")
    lab, observer = start(keep=True), SchemaObserver()
    lab.observers.append(observer.observe)
    mailbox = account(lab, password_of(lab))
    assert names(mailbox.rules)
    assert mailbox.oof_settings
    assert mailbox.inbox.total_count is not None
    assert (observer.seen, observer.violations) == (len(lab.requests), [])
    assert observer.seen >= 4
    assert all(one.size == len(one.raw) for one in lab.requests)


def test_pages_are_as_small_as_asked(start: StartExchange) -> None:
    """A server whose pages are smaller than asked gives the same folders in more requests."""
    counts, folders = [], []
    for options in ({}, {"page_cap": 4}):
        lab = start(**options)
        folders.append(sorted(one.name for one in account(lab, password_of(lab)).root.walk()))
        counts.append([one.operation for one in lab.requests].count("FindFolder"))
    assert folders[0] == folders[1]
    assert counts[0] < counts[1]


def test_too_much_at_once_is_busy(start: StartExchange) -> None:
    """Beyond the limit a request is told the policy first and how long to wait, and the others are served."""
    lab = start(limit=2, latency=0.4)
    mailbox = account(lab, password_of(lab), at_once=4)

    def read(_: int) -> object:
        try:
            return names(mailbox.rules)
        except ErrorServerBusy as busy:
            return busy

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(read, range(4)))
    busy = [one for one in outcomes if isinstance(one, ErrorServerBusy)]
    assert len(busy) == 2
    assert sum(one.busy for one in lab.requests) == 2
    assert lab.peak in {3, 4}
    lab.forget()
    assert names(mailbox.rules)
    assert (lab.peak, len(lab.requests)) == (1, 1)


def test_each_request_takes_its_latency(start: StartExchange) -> None:
    """A request takes as long as asked at least."""
    lab = start(latency=0.2)
    mailbox = account(lab, password_of(lab))
    before = time.monotonic()
    assert names(mailbox.rules)
    assert time.monotonic() - before >= 0.2


def test_exchange_online_takes_tokens_only(start: StartExchange) -> None:
    """In the cloud a password is no way in, and the version is that of the service."""
    lab = start(online=True)
    with pytest.raises(UnauthorizedError):
        _ = account(lab, password_of(lab)).rules
    seen: list[bytes] = []
    lab.observers.append(lambda _, answer: seen.append(answer))
    assert names(account(lab, application_of(lab), OAUTH2).rules)
    assert b'MajorVersion="15" MinorVersion="20"' in seen[0]


def test_exchange_online_refuses_ews(start: StartExchange) -> None:
    """Where EWS is switched off, a good token gets 403 without a word."""
    lab = start(online="blocked")
    with pytest.raises(MalformedResponseError, match="Code: 403"):
        _ = account(lab, application_of(lab), OAUTH2).rules
    assert [one.succeeded for one in lab.logons] == [True]
    assert [(one.operation, one.status) for one in lab.requests] == [("GetInboxRules", 403)]


def test_autodiscover_finds_ews(start: StartExchange) -> None:
    """A client learns where EWS is; redirects and unknown addresses come as they are."""
    lab = start()
    how = Configuration(
        service_endpoint=lab.autodiscover_url,
        credentials=password_of(lab),
        auth_type=BASIC,
        retry_policy=FailFast(),
    )
    protocol = AutodiscoverProtocol(config=how)
    asked = ["external_ews_url", "internal_ews_url", "ews_supported_schemas", "auto_discover_smtp_address"]
    found = protocol.get_user_settings(SOMEBODY, asked)
    assert found.ews_url == lab.url
    assert found.autodiscover_smtp_address == SOMEBODY
    assert protocol.get_user_settings("nobody@kitano-marine.example", asked).error_code == "InvalidUser"
    more = protocol.get_user_settings(SOMEBODY, ["user_dn", "external_ews_url"])
    assert (more.ews_url, list(more.user_settings_errors)) == (lab.url, ["user_dn"])
    lab.redirects[SOMEBODY] = Redirect("RedirectAddress", "tom@kitano-works.example")
    assert protocol.get_user_settings(SOMEBODY, asked).redirect_address == "tom@kitano-works.example"
    lab.redirects[SOMEBODY] = Redirect(
        "RedirectUrl", "https://elsewhere.invalid/autodiscover/autodiscover.svc"
    )
    assert protocol.get_user_settings(SOMEBODY, asked).redirect_url.startswith("https://elsewhere.invalid/")
    protocol.close()


def test_autodiscover_in_plain_xml(start: StartExchange) -> None:
    """The older form answers the same, with an error for an unknown address and a redirect where there is one."""
    lab = start()

    def ask(address: str) -> str:
        space = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
        raw = f'<Autodiscover xmlns="{space}"><Request><EMailAddress>{address}</EMailAddress></Request></Autodiscover>'
        status, _, body = post(lab, raw.encode(), basic(lab), path="/Autodiscover/Autodiscover.xml")
        assert status == 200
        return body.decode()

    assert f"<EwsUrl>{lab.url}</EwsUrl>" in ask(SOMEBODY)
    assert "<ErrorCode>500</ErrorCode>" in ask("nobody@kitano-marine.example")
    lab.redirects[SOMEBODY] = Redirect("RedirectAddress", "tom@kitano-works.example")
    assert "<RedirectAddr>tom@kitano-works.example</RedirectAddr>" in ask(SOMEBODY)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/elsewhere", {}, 404),
        ("GET", "/EWS/Exchange.asmx", {}, 405),
        ("POST", "/EWS/Exchange.asmx", {"Transfer-Encoding": "chunked"}, 411),
        ("POST", "/EWS/Exchange.asmx", {"Content-Length": "99999999"}, 413),
        ("POST", "/EWS/Exchange.asmx", {"Authorization": "Basic !"}, 400),
        ("POST", "/EWS/Exchange.asmx", {"Authorization": "NTLM !"}, 400),
        ("POST", "/EWS/Exchange.asmx", {"Authorization": "NTLM TlRM"}, 401),
        ("POST", "/EWS/Exchange.asmx", {"Authorization": "Kerberos x"}, 401),
        ("POST", "/autodiscover/autodiscover.svc", {}, 400),
    ],
)
def test_other_requests_are_refused(
    start: StartExchange, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """What is no request that it serves gets the status that says why."""
    lab = start()
    sent = {"Content-Length": "0"} | basic(lab) | headers
    if "Transfer-Encoding" in headers:
        del sent["Content-Length"]
    with_connection = connect(lab)
    with_connection.request(method, path, headers=sent)
    assert with_connection.getresponse().status == status
    with_connection.close()


def test_what_is_no_soap_is_a_fault(start: StartExchange) -> None:
    """A body that is no request is answered with a SOAP fault, and the connection stays open."""
    lab = start()
    connection = connect(lab)
    for _ in range(2):
        connection.request("POST", "/EWS/Exchange.asmx", b"<a/>", basic(lab))
        answer = connection.getresponse()
        assert answer.status == 500
        assert b"ErrorSchemaValidation" in answer.read()
    connection.close()
    assert [(one.operation, one.status) for one in lab.requests] == [("", 500)] * 2


def test_it_stops_at_once(start: StartExchange) -> None:
    """Every thread and the port are gone soon, though a client keeps its connection."""
    before = set(threading.enumerate())
    lab = start()
    connection = connect(lab)
    connection.request("POST", "/elsewhere", b"")
    assert connection.getresponse().read() == b""
    idle = connect(lab)
    idle.connect()
    lab.stop()
    assert not set(threading.enumerate()) - before
    connection.close()
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        connect(lab).connect()


def test_clients_that_trust_another_authority_disturb_nobody(start: StartExchange) -> None:
    """A failed handshake ends that connection only."""
    lab = start()
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        HTTPSConnection("localhost", lab.port, context=context, timeout=20).request("POST", "/")
    assert post(lab, b"", {})[0] == 401


def test_clients_that_say_nothing_disturb_nobody(start: StartExchange) -> None:
    """A connection that does not begin its handshake keeps nobody waiting."""
    lab = start()
    with socket.create_connection((lab.host, lab.port), timeout=20):
        assert post(lab, b"", {})[0] == 401


@pytest.mark.parametrize("end", ["terminate", "close"])
def test_it_runs_as_a_process(tmp_path: Path, end: str) -> None:
    """For benchmarks it is a program that says how to reach it, and at its end what it served."""
    command = [sys.executable, "-m", "postwarden.lab.exchange", "--folder", str(tmp_path), "--accounts", "30"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert len(set(ready["accounts"])) == 30
        context = ssl.create_default_context(cafile=ready["ca_file"])
        port = int(ready["url"].split(":")[2].partition("/")[0])
        connection = HTTPSConnection("localhost", port, context=context, timeout=20)
        connection.request("POST", "/EWS/Exchange.asmx", b"<a/>")
        assert connection.getresponse().status == 401
        connection.close()
        if end == "terminate":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert json.loads(process.stdout.read()) == {"requests": {}, "peak": 0, "busy": 0}
        assert process.wait(timeout=10) == 0


def connect(lab: ExchangeLab) -> HTTPSConnection:
    context = ssl.create_default_context(cafile=str(lab.ca_file))
    return HTTPSConnection(lab.host, lab.port, context=context, timeout=20)


def post(
    lab: ExchangeLab, body: bytes, headers: dict[str, str], *, path: str = "/EWS/Exchange.asmx"
) -> tuple[int, Any, bytes]:
    """One request on a connection of its own: status, headers, body."""
    connection = connect(lab)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def basic(lab: ExchangeLab) -> dict[str, str]:
    text = f"{lab.service.login}:{lab.service.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(text).decode()}"}
