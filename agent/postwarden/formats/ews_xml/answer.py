"""What an EWS answer is: an operation's response messages, or a refusal."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from postwarden.errors import ConnectorError, Reason
from postwarden.formats.ews_xml.tree import (
    ERRORS,
    MESSAGES,
    SOAP,
    SOAP12,
    TYPES,
    Element,
    EwsXmlError,
    child,
    children,
    name,
    parse,
    text,
)
from postwarden.model.reading import Gap
from postwarden.model.scope import Scope

__all__ = ["Asked", "EwsXmlError", "Message", "Refusal", "messages", "operation", "refusal"]

_MAX_TEXT = 300
_REASONS: dict[str, Reason] = {
    **dict.fromkeys(
        (
            "ErrorServerBusy",
            "ErrorMailboxStoreUnavailable",
            "ErrorMailboxMoveInProgress",
            "ErrorConnectionFailed",
            "ErrorTimeoutExpired",
            "ErrorTooManyObjectsOpened",
            "ErrorExceededConnectionCount",
            "ErrorInternalServerTransientError",
            "ErrorADUnavailable",
            "ErrorFailover",
            "ErrorInsufficientResources",
        ),
        "unreachable",
    ),
    **dict.fromkeys(
        (
            "ErrorAccessDenied",
            "ErrorImpersonateUserDenied",
            "ErrorImpersonationDenied",
            "ErrorImpersonationFailed",
            "ErrorCallerIsInvalidADAccount",
        ),
        "forbidden",
    ),
    **dict.fromkeys(
        ("ErrorItemCorrupt", "ErrorCorruptData", "ErrorInternalServerError", "ErrorContentConversionFailed"),
        "malformed",
    ),
    **dict.fromkeys(
        ("ErrorInvalidOperation", "ErrorInvalidServerVersion", "ErrorNotSupported"), "unsupported"
    ),
}
_HINTS = {
    "ErrorServerBusy": "wait and ask again, with fewer connections",
    "ErrorAccessDenied": "give the reading identity its rights on this mailbox",
    "ErrorImpersonateUserDenied": "give the reading identity the impersonation role for this mailbox",
    "ErrorDelegateNoUser": "the delegate's account is gone: have its entry removed",
    "ErrorMissingEmailAddress": "give the reading account a mailbox of its own, or read by impersonation",
    "ErrorNonExistentMailbox": "check the account's address; the mailbox may be in the cloud or gone",
}


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked about whom, and when."""

    scope: Scope
    source: str
    check: str
    observed: datetime

    def gap(self, reason: Reason, message: str, *, part: str | None = None, hint: str | None = None) -> Gap:
        return Gap(
            scope=self.scope,
            source=self.source,
            check=self.check,
            reason=reason,
            message=message,
            part=part,
            hint=hint,
        )

    def refused(self, refusal: "Refusal", part: str | None = None) -> Gap:
        return self.gap(refusal.reason, refusal.words, part=part, hint=refusal.hint)


class Refusal(Struct, frozen=True, kw_only=True):
    """A fault or an error: Exchange's word for it, its text, and how long to wait, in milliseconds."""

    code: str
    message: str
    back_off: int | None = None

    @property
    def reason(self) -> Reason:
        return _REASONS.get(self.code, "refused")

    @property
    def words(self) -> str:
        said = f": {self.message[:_MAX_TEXT]}" if self.message else ""
        return f"Exchange answered {self.code}{said}"

    @property
    def hint(self) -> str:
        return _HINTS.get(self.code, "Microsoft's page on ResponseCode says what this code stands for")

    def error(self) -> ConnectorError:
        return ConnectorError(self.words, self.hint, reason=self.reason)


class Message(Struct, frozen=True, kw_only=True):
    """One response message; `refusal` says what is wrong with it, and a warning still has content."""

    element: Element
    refusal: Refusal | None
    has_content: bool


def operation(raw: bytes, *wanted: str) -> Element | Refusal:
    """The operation's response element, or the SOAP fault instead of one; raises EwsXmlError.

    With `wanted`, the answer must be to one of these operations: one to another, however successful, says
    nothing. Saved answers may lack the envelope.
    """
    root = parse(raw)
    body = root
    if root.tag in {SOAP + "Envelope", SOAP12 + "Envelope"}:
        space = root.tag.removesuffix("Envelope")
        body = next(children(root, space + "Body", "*"), None)
        if body is None:
            raise EwsXmlError("a SOAP envelope without a body")
    if body.tag in {SOAP + "Fault", SOAP12 + "Fault"}:
        return _fault(body)
    if not body.tag.startswith(MESSAGES):
        raise EwsXmlError(f"<{name(body)}> is no answer of Exchange Web Services")
    if not name(body).endswith("Response"):
        raise EwsXmlError(f"<{name(body)}> is a request, not an answer", "save what the server answered")
    if wanted and name(body).removesuffix("Response") not in wanted:
        raise EwsXmlError(f"<{name(body)}> is no answer to {' or '.join(wanted)}")
    return body


def messages(answer: Element) -> Iterator[Message]:
    """The response messages of an operation, in their order; raises EwsXmlError where there are none.

    An operation either lists them in ResponseMessages, or is one itself, or has one beside its content.
    """
    listed = [
        one for part in children(answer, MESSAGES + "ResponseMessages") for one in part.iterchildren("*")
    ]
    beside = list(children(answer, MESSAGES + "ResponseMessage"))
    if answer.get("ResponseClass"):
        yield _message(answer, answer)
    elif beside:
        yield _message(answer, beside[0])
    elif listed:
        for one in listed:
            yield _message(one, one)
    else:
        raise EwsXmlError(f"<{name(answer)}> has no response message")


def _message(element: Element, state: Element) -> Message:
    kind, code = state.get("ResponseClass"), text(state, MESSAGES + "ResponseCode")
    if kind == "Success" and code in {"", "NoError"}:
        return Message(element=element, refusal=None, has_content=True)
    found = Refusal(
        code=code or f"ResponseClass {kind}",
        message=text(state, MESSAGES + "MessageText"),
        back_off=_back_off(state),
    )
    return Message(element=element, refusal=found, has_content=kind == "Warning")


def sub_message(element: Element) -> Message:
    """One of the response messages that stand inside another, as those of single delegates do."""
    return _message(element, element)


def refusal(raw: bytes) -> Refusal | None:
    """The first fault or error in an answer, or None; raises EwsXmlError where it is no answer."""
    answer = operation(raw)
    if isinstance(answer, Refusal):
        return answer
    return next((one.refusal for one in messages(answer) if one.refusal and not one.has_content), None)


def _fault(fault: Element) -> Refusal:
    detail = child(fault, "detail")
    code = text(detail, ERRORS + "ResponseCode") or text(fault, "faultcode").rpartition(":")[2]
    said = text(detail, ERRORS + "Message") or text(fault, "faultstring")
    if not code:
        detail = child(fault, SOAP12 + "Detail")
        code = text(detail, ERRORS + "ResponseCode") or text(fault, SOAP12 + "Code", SOAP12 + "Value")
        said = text(detail, ERRORS + "Message") or text(fault, SOAP12 + "Reason", SOAP12 + "Text")
    return Refusal(code=code or "a fault without a code", message=said, back_off=_back_off(fault))


def _back_off(element: Element) -> int | None:
    """Servers put it among other values, in any order, below MessageXml."""
    for value in element.iter(TYPES + "Value"):
        if value.get("Name") == "BackOffMilliseconds":
            digits = (value.text or "").strip()
            return int(digits) if digits.isdecimal() and len(digits) < 10 else None
    return None
