"""The front of the lab's Exchange: it routes, authenticates, limits, injects faults and keeps the journal.

What a request is answered is the business of `operations`.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from threading import Event
from typing import Literal

from postwarden.lab.exchange import autodiscover, faults, operations, soap
from postwarden.lab.exchange.authentication import Authenticator, Identity
from postwarden.lab.exchange.journal import Journal, RequestRecord
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.operations import Caller, SoapFault
from postwarden.lab.exchange.soap import MESSAGES, TYPES, Element, Request
from postwarden.lab.exchange.tokens import TokenEndpoint
from postwarden.lab.https import Connection, HttpRequest, Reply

#: On premises, in the cloud, or in the cloud with EWS switched off.
Online = bool | Literal["blocked"]
#: Sees the bytes of each request with those of its answer, except for answers that a fault made.
Observer = Callable[[bytes, bytes], None]

EWS_PATH = "/EWS/Exchange.asmx"
AUTODISCOVER_PATH = "/autodiscover/autodiscover.svc"
PLAIN_AUTODISCOVER_PATH = "/autodiscover/autodiscover.xml"
#: How long somebody who asks too much at once is told to wait.
_BACK_OFF_MILLISECONDS = 500
_BUSY = b"ErrorServerBusy"
_XML = (("Content-Type", soap.CONTENT_TYPE), ("Cache-Control", "private"))


@dataclass(frozen=True)
class Options:
    """What kind of Exchange it is; the words are those of `server.start`."""

    latency: float
    limit: int
    online: Online
    keep: bool


class ExchangeFront:
    """Takes each request to its reply."""

    def __init__(
        self,
        state: State,
        options: Options,
        *,
        authenticator: Authenticator,
        tokens: TokenEndpoint,
        token_path: str,
        journal: Journal,
        origin: str,
        stopping: Event,
    ) -> None:
        """`origin` is how the server's URLs begin; `stopping` ends every wait."""
        self.faults = faults.Faults()
        self.observers: list[Observer] = []
        #: Where Autodiscover sends an address, case folded, instead of answering.
        self.redirects: dict[str, autodiscover.Redirect] = {}
        self.origin = origin
        self._state = state
        self._options = options
        self._authenticator = authenticator
        self._tokens = tokens
        self._token_path = token_path
        self._journal = journal
        self._stopping = stopping
        self._build = soap.ONLINE if options.online else soap.ON_PREMISES

    def reply(self, request: HttpRequest, connection: Connection) -> Reply:
        path = request.path.partition("?")[0].lower()
        if path == self._token_path and request.method == "POST":
            return self._tokens.reply(request.body)
        if path not in {EWS_PATH.lower(), AUTODISCOVER_PATH, PLAIN_AUTODISCOVER_PATH}:
            return Reply(404)
        identity = self._authenticator.identify(request, connection)
        if isinstance(identity, Reply):
            return identity
        if request.method != "POST":
            return Reply(405, (("Allow", "POST"),))
        if path != EWS_PATH.lower():
            return self._autodiscover(request.body, plain=path == PLAIN_AUTODISCOVER_PATH)
        with self._journal.serving(identity.user) as at_once:
            return self._ews(request, connection, identity, at_once)

    def _ews(self, http: HttpRequest, connection: Connection, identity: Identity, at_once: int) -> Reply:
        request, fault = None, None
        try:
            request = soap.parse(http.body)
        except SoapFault as refused:
            reply = _faulted(refused)
        else:
            if self._options.online == "blocked":
                reply = _blocked()
            elif at_once > self._options.limit:
                policy = "EWSMaxConcurrency"
                reply = faults.busy_reply(_BACK_OFF_MILLISECONDS, policy=policy, policy_first=True)
            else:
                if self._options.latency:
                    self._stopping.wait(self._options.latency)
                fault = self._fault_for(request)
                reply = (
                    self._injected(fault, request, connection, identity)
                    if fault
                    else self._observed(http.body, self._genuine(request, identity))
                )
        self._journal.add(
            RequestRecord(
                time=self._journal.now(),
                operation=request.name if request else "",
                user=identity.user,
                impersonated=request.impersonated if request else None,
                anchor=http.headers.get("X-AnchorMailbox", ""),
                scheme=identity.scheme,
                size=len(http.body),
                status=reply.status,
                busy=isinstance(reply.body, bytes) and b"<faultcode" in reply.body and _BUSY in reply.body,
                fault=fault.name if fault else None,
                raw=http.body if self._options.keep else b"",
            )
        )
        return reply

    def _genuine(self, request: Request, identity: Identity) -> Reply:
        """What the state answers."""
        asked = request.impersonated
        if asked is None and identity.scheme == "oauth":
            # An application has no mailbox of its own; code and words are Exchange's, as public reports quote them.
            message = "ExchangeImpersonation SOAP header must be present for this type of OAuth token."
            return _faulted(SoapFault("ErrorInvalidExchangeImpersonationHeaderData", message))
        caller = Caller(
            user=identity.user, mailbox=asked.value if asked else None, impersonating=asked is not None
        )
        return self._answer(caller, request.operation, request.version)

    def _answer(self, caller: Caller, operation: Element, version: str) -> Reply:
        try:
            with self._state.lock:
                answer = operations.answer(self._state, caller, operation, version)
        except SoapFault as refused:
            return _faulted(refused)
        return Reply(200, _XML, soap.envelope(answer, self._build))

    def _injected(
        self, fault: faults.Fault, request: Request, connection: Connection, identity: Identity
    ) -> Reply:
        def about_another(shown: str) -> Reply:
            address = self._address_of_another(shown, request)
            caller = Caller(
                user=identity.user, mailbox=address, impersonating=request.impersonated is not None
            )
            return self._answer(caller, _readdressed(request.operation, address), request.version)

        return faults.inject(
            faults.Occasion(
                fault,
                request,
                connection,
                genuine=lambda: self._genuine(request, identity),
                about_another=about_another,
                challenge=self._authenticator.challenge,
                stopping=self._stopping,
            )
        )

    def _fault_for(self, request: Request) -> faults.Fault | None:
        if not self.faults.waiting:  # spares the search through all mailboxes
            return None
        return self.faults.take(request.name, frozenset(self._names(request)))

    def _observed(self, asked: bytes, reply: Reply) -> Reply:
        assert isinstance(reply.body, bytes)
        for observer in self.observers:
            observer(asked, reply.body)
        return reply

    def _names(self, request: Request) -> Iterator[str]:
        """Every name, case folded, of the mailboxes that a request is about."""
        for named in _named(request):
            yield named.casefold()
            try:
                mailbox = self._state.mailbox(named)
            except KeyError:
                continue
            yield mailbox.login.casefold()
            yield from (address.casefold() for address in mailbox.addresses)

    def _address_of_another(self, shown: str, request: Request) -> str:
        """The address of the mailbox `shown`, or of some mailbox that the request is not about."""
        if shown:
            return self._state.mailbox(shown).addresses[0]
        asked = set(self._names(request))
        others = (one for one in self._state.mailboxes.values() if one.login.casefold() not in asked)
        return next(others).addresses[0]

    def _autodiscover(self, raw: bytes, *, plain: bool) -> Reply:
        try:
            if plain:
                body = autodiscover.answer_plainly(self._settings(autodiscover.asked_plainly(raw)))
            else:
                users, names = autodiscover.asked(raw)
                body = autodiscover.answer([self._settings(user) for user in users], names, self._build)
        except autodiscover.NoAutodiscover:
            return Reply(400)
        return Reply(200, _XML, body)

    def _settings(self, address: str) -> autodiscover.Settings | autodiscover.Redirect | None:
        redirect = self.redirects.get(address.casefold())
        if redirect is not None:
            return redirect
        try:
            mailbox = self._state.mailbox(address)
        except KeyError:
            return None
        return autodiscover.Settings(mailbox.addresses[0], mailbox.name, self.origin + EWS_PATH)


def _named(request: Request) -> Iterator[str]:
    if request.impersonated is not None:
        yield request.impersonated.value
    for name in (f"{{{TYPES}}}EmailAddress", f"{{{MESSAGES}}}MailboxSmtpAddress", f"{{{TYPES}}}Address"):
        yield from (element.text.strip() for element in request.operation.iter(name) if element.text)


def _readdressed(operation: Element, address: str) -> Element:
    """The operation as if it had been about another mailbox."""
    changed = deepcopy(operation)
    for name in (f"{{{TYPES}}}EmailAddress", f"{{{MESSAGES}}}MailboxSmtpAddress", f"{{{TYPES}}}Address"):
        for element in changed.iter(name):
            element.text = address
    return changed


def _faulted(refused: SoapFault) -> Reply:
    values = [("BackOffMilliseconds", str(refused.back_off))] if refused.back_off is not None else []
    return Reply(refused.status, _XML, soap.fault(refused.code, refused.message, values))


def _blocked() -> Reply:
    """What Exchange Online says where EWS is off for the tenant, or for this application: 403 and nothing else.

    From public reports, not seen by us: the message center's post MC1191578 names the status, and the empty body and
    the headers are those of answers quoted in exchangelib's issue 1324 and in administrators' notes of 2026.
    """
    headers = (
        ("Cache-Control", "private"),
        ("X-BEServer", "LABPR00MB0001"),
        ("X-NanoProxy", "1"),
        ("Restrict-Access-Confirm", "1"),
        ("X-AspNet-Version", "4.0.30319"),
    )
    return Reply(403, headers)
