"""Servers that are busy, broken or hostile: faults on demand, for one operation or mailbox, once or more often.

`FAULTS` has every fault by its name; each function's sentence says what the client sees. Text, sizes and pace can be
set with `Faults.add`. What a fault answers is ours to make up, except for the shapes of busy, denied and unavailable,
which are those of Microsoft's documentation.
"""

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Any

from lxml import etree

from postwarden.errors import LabError
from postwarden.lab.exchange import soap
from postwarden.lab.exchange.soap import MESSAGES, SOAP, Request
from postwarden.lab.https import Connection, Reply

_BLOCK = 1024 * 1024
_XML = (("Content-Type", soap.CONTENT_TYPE),)
_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_BUSY = "The server cannot service this request right now. Try again later."


@dataclass(frozen=True)
class Fault:
    """One fault that waits for its request; None matches every operation or mailbox, or is without end.

    `seconds` is the pace: of back-off, Retry-After, dripped bytes, silence. `size` is bytes of a large answer or
    levels of a deep one, `shown` the mailbox whose data is answered, `location` where a redirect leads.
    """

    name: str
    operation: str | None = None
    mailbox: str | None = None
    times: int | None = 1
    seconds: float | None = None
    size: int | None = None
    shown: str = ""
    location: str = "https://elsewhere.invalid/EWS/Exchange.asmx"

    def pace(self, usual: float) -> float:
        return usual if self.seconds is None else self.seconds


@dataclass(frozen=True)
class Occasion:
    """A request that meets a fault.

    `genuine` makes the reply that it would have got, `about_another` one about the mailbox of this name, or, where
    that is empty, about some other one.
    """

    fault: Fault
    request: Request
    connection: Connection
    genuine: Callable[[], Reply]
    about_another: Callable[[str], Reply]
    challenge: Callable[[], Reply]
    stopping: Event

    def answer(self) -> bytes:
        """The genuine reply's bytes."""
        body = self.genuine().body
        assert isinstance(body, bytes)
        return body


class Faults:
    """The faults that wait for their requests; each request meets one at most, the oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[Fault] = []

    def add(
        self,
        name: str,
        *,
        operation: str | None = None,
        mailbox: str | None = None,
        times: int | None = 1,
        **details: Any,
    ) -> None:
        """Let a fault wait; `details` are further fields of Fault. LabError where no fault has this name."""
        if name not in FAULTS:
            raise LabError(f"there is no fault {name!r}", f"take one of {', '.join(FAULTS)}")
        with self._lock:
            self._waiting.append(
                Fault(name=name, operation=operation, mailbox=mailbox, times=times, **details)
            )

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """What no request has met yet, or not often enough."""
        with self._lock:
            return tuple(self._waiting)

    def take(self, operation: str, mailboxes: frozenset[str]) -> Fault | None:
        """The fault for a request about these mailboxes (case folded), if any; counts it down."""
        with self._lock:
            for position, fault in enumerate(self._waiting):
                if fault.operation not in {None, operation}:
                    continue
                if fault.mailbox is not None and fault.mailbox.casefold() not in mailboxes:
                    continue
                if fault.times is not None:
                    left = fault.times - 1
                    self._waiting[position : position + 1] = [replace(fault, times=left)] if left else []
                return fault
        return None


def inject(occasion: Occasion) -> Reply:
    """The reply that the fault makes of the request."""
    return FAULTS[occasion.fault.name](occasion)


def busy_reply(milliseconds: int, *, policy: str = "", policy_first: bool = False) -> Reply:
    """ErrorServerBusy; with `policy`, the name of the limit that was met stands beside the time to wait."""
    back_off = ("BackOffMilliseconds", str(milliseconds))
    values = [back_off]
    if policy:
        values.insert(0 if policy_first else 1, ("Policy", policy))
    return Reply(500, _XML, soap.fault("ErrorServerBusy", _BUSY, values))


def _busy(occasion: Occasion) -> Reply:
    """ErrorServerBusy with the time to wait."""
    return busy_reply(_milliseconds(occasion))


def _busy_policy_first(occasion: Occasion) -> Reply:
    """ErrorServerBusy with the name of the limit before the time to wait."""
    return busy_reply(_milliseconds(occasion), policy="EWSMaxConcurrency", policy_first=True)


def _busy_without_back_off(_: Occasion) -> Reply:
    """ErrorServerBusy that does not say how long to wait."""
    return Reply(500, _XML, soap.fault("ErrorServerBusy", _BUSY))


def _milliseconds(occasion: Occasion) -> int:
    return round(occasion.fault.pace(0.2) * 1000)


def _unavailable(occasion: Occasion) -> Reply:
    """HTTP 503 with Retry-After, in whole seconds."""
    headers = (*_HTML, ("Retry-After", str(round(occasion.fault.pace(1)))))
    return Reply(503, headers, b"<html><body><h1>Service Unavailable</h1></body></html>")


def _server_error(_: Occasion) -> Reply:
    """HTTP 500 with a page of ASP.NET."""
    return Reply(
        500, _HTML, b"<html><title>Runtime Error</title><h1>Server Error in '/EWS' Application.</h1></html>"
    )


def _internal_error(_: Occasion) -> Reply:
    """A SOAP fault without a reason."""
    message = "An internal server error occurred. The operation failed."
    return Reply(500, _XML, soap.fault("ErrorInternalServerError", message))


def _denied(occasion: Occasion) -> Reply:
    """ErrorAccessDenied in the response message."""
    message = "Access is denied. Check credentials and try again."
    answer = soap.error_answer(occasion.request.name, "ErrorAccessDenied", message)
    return Reply(200, _XML, soap.envelope(answer, soap.ON_PREMISES))


def _denied_fault(_: Occasion) -> Reply:
    """ErrorAccessDenied as a SOAP fault."""
    message = "Access is denied. Check credentials and try again."
    return Reply(500, _XML, soap.fault("ErrorAccessDenied", message))


def _impersonation_denied(_: Occasion) -> Reply:
    """ErrorImpersonateUserDenied: the caller lacks the role for this mailbox."""
    message = "The account does not have permission to impersonate the requested user."
    return Reply(500, _XML, soap.fault("ErrorImpersonateUserDenied", message))


def _no_mailbox(_: Occasion) -> Reply:
    """ErrorNonExistentMailbox as a SOAP fault, as for an impersonated address that nobody has."""
    message = "The SMTP address has no mailbox associated with it."
    return Reply(500, _XML, soap.fault("ErrorNonExistentMailbox", message))


def _unauthorized(occasion: Occasion) -> Reply:
    """HTTP 401 on a connection that was let in before."""
    occasion.connection.state = None
    return occasion.challenge()


def _forbidden(_: Occasion) -> Reply:
    """HTTP 403 without a body."""
    return Reply(403)


def _redirect(occasion: Occasion) -> Reply:
    """HTTP 302 to another host."""
    return Reply(302, (("Location", occasion.fault.location),))


def _cut_off(occasion: Occasion) -> Reply:
    """The connection ends in the middle of the answer."""
    whole = occasion.answer()
    return Reply(200, _XML, whole[: len(whole) // 2], length=len(whole), drop=True)


def _wrong_length(occasion: Occasion) -> Reply:
    """Content-Length says less than is sent."""
    whole = occasion.answer()
    return Reply(200, _XML, whole, length=len(whole) // 2, drop=True)


def _drip(occasion: Occasion) -> Reply:
    """The answer comes byte by byte."""
    whole = occasion.answer()

    def pieces() -> Iterator[bytes]:
        for position in range(len(whole)):
            if occasion.stopping.wait(occasion.fault.pace(0.05)):
                return
            yield whole[position : position + 1]

    return Reply(200, _XML, pieces(), length=len(whole), drop=True)


def _stall(occasion: Occasion) -> Reply:
    """Half of the answer comes, and then nothing more."""
    whole = occasion.answer()

    def pieces() -> Iterator[bytes]:
        yield whole[: len(whole) // 2]
        occasion.stopping.wait(occasion.fault.pace(600))

    return Reply(200, _XML, pieces(), length=len(whole), drop=True)


def _silence(occasion: Occasion) -> Reply:
    """Nothing comes at all, not even a status."""
    occasion.stopping.wait(occasion.fault.pace(600))
    return Reply(503, drop=True)


def _garbage(_: Occasion) -> Reply:
    """Bytes that are no XML, called XML."""
    return Reply(200, _XML, random.Random(20260101).randbytes(4096))  # noqa: S311 (not for secrets)


def _html(_: Occasion) -> Reply:
    """A page to log on, with status 200."""
    page = b"<!DOCTYPE html><html><head><title>Outlook</title></head><body><form action='/owa/auth.owa'></form></body></html>"
    return Reply(200, _HTML, page)


def _empty(_: Occasion) -> Reply:
    """Status 200 and no body."""
    return Reply(200, _XML)


def _document_type(occasion: Occasion) -> Reply:
    """The answer with a document type whose entities grow when they are replaced, to about a MiB."""
    levels = ['<!ENTITY a0 "0123456789">']
    levels += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 6)]
    whole = occasion.answer()
    head, _, rest = whole.partition(b"?>")
    document_type = f"<!DOCTYPE Envelope [{''.join(levels)}]>".encode()
    return Reply(200, _XML, head + b"?>" + document_type + rest.replace(b"</s:Body>", b"&a5;</s:Body>"))


def _deep(occasion: Occasion) -> Reply:
    """Elements within elements, ten thousand levels."""
    levels = occasion.fault.size or 10_000
    return Reply(200, _XML, _opening(occasion) + b"<m:a>" * levels + b"</m:a>" * levels + _closing(occasion))


def _large(occasion: Occasion) -> Reply:
    """100 MiB that look like an answer, made while they are sent."""

    def pieces() -> Iterator[bytes]:
        yield _opening(occasion)
        element = b"<m:Padding>" + b"x" * 1000 + b"</m:Padding>"
        block = element * (_BLOCK // len(element) + 1)
        for _ in range(0, occasion.fault.size or 100 * _BLOCK, len(block)):
            if occasion.stopping.is_set():
                return
            yield block
        yield _closing(occasion)

    return Reply(200, _XML, pieces())


def _gzip_bomb(occasion: Occasion) -> Reply:
    """A small compressed answer that becomes 100 MiB."""
    opening, closing = _opening(occasion), _closing(occasion)
    blocks = (occasion.fault.size or 100 * _BLOCK) // _BLOCK
    space = b" " * _BLOCK
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = squeeze.compress(opening) + squeeze.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers to what was before, so that the block's bytes can be repeated.
    block = squeeze.compress(space) + squeeze.flush(zlib.Z_FULL_FLUSH)
    last = squeeze.compress(closing) + squeeze.flush()
    check = zlib.crc32(opening)
    for _ in range(blocks):
        check = zlib.crc32(space, check)
    check = zlib.crc32(closing, check)
    size = (len(opening) + blocks * _BLOCK + len(closing)) % 2**32
    body = (
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
        + first
        + block * blocks
        + last
        + struct.pack("<II", check, size)
    )
    return Reply(200, (*_XML, ("Content-Encoding", "gzip")), body)


def _other_mailbox(occasion: Occasion) -> Reply:
    """A sound answer about somebody else's mailbox."""
    return occasion.about_another(occasion.fault.shown)


def _wrong_operation(_: Occasion) -> Reply:
    """A sound answer to what was not asked."""
    answer = etree.Element(f"{{{MESSAGES}}}UnsubscribeResponse", nsmap={"m": MESSAGES})
    listed = etree.SubElement(answer, f"{{{MESSAGES}}}ResponseMessages")
    message = etree.SubElement(listed, f"{{{MESSAGES}}}UnsubscribeResponseMessage", ResponseClass="Success")
    etree.SubElement(message, f"{{{MESSAGES}}}ResponseCode").text = "NoError"
    return Reply(200, _XML, soap.envelope(answer, soap.ON_PREMISES))


def _opening(occasion: Occasion) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body>'
        f'<m:{occasion.request.name}Response xmlns:m="{MESSAGES}">'
    ).encode()


def _closing(occasion: Occasion) -> bytes:
    return f"</m:{occasion.request.name}Response></s:Body></s:Envelope>".encode()


#: Every fault by its name.
FAULTS: Mapping[str, Callable[[Occasion], Reply]] = {
    "busy": _busy,
    "busy_policy_first": _busy_policy_first,
    "busy_without_back_off": _busy_without_back_off,
    "unavailable": _unavailable,
    "server_error": _server_error,
    "internal_error": _internal_error,
    "denied": _denied,
    "denied_fault": _denied_fault,
    "impersonation_denied": _impersonation_denied,
    "no_mailbox": _no_mailbox,
    "unauthorized": _unauthorized,
    "forbidden": _forbidden,
    "redirect": _redirect,
    "cut_off": _cut_off,
    "wrong_length": _wrong_length,
    "drip": _drip,
    "stall": _stall,
    "silence": _silence,
    "garbage": _garbage,
    "html": _html,
    "empty": _empty,
    "document_type": _document_type,
    "deep": _deep,
    "large": _large,
    "gzip_bomb": _gzip_bomb,
    "other_mailbox": _other_mailbox,
    "wrong_operation": _wrong_operation,
}
