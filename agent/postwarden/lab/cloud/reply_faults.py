"""Faults of a connection: answers that end in the middle, drip, are no JSON, or are far too much of it."""

import gzip
import random
from collections.abc import Callable, Iterator, Mapping

from postwarden.lab.cloud.occasions import Occasion
from postwarden.lab.cloud.routing import Answer
from postwarden.lab.https import Reply

_BLOCK = 1024 * 1024
_HTML = (("Content-Type", "text/html; charset=utf-8"),)

#: Makes an answer into what goes over the wire.
Encode = Callable[[Answer], Reply]


def _whole(occasion: Occasion, encode: Encode) -> tuple[Reply, bytes]:
    reply = encode(occasion.genuine())
    assert isinstance(reply.body, bytes)
    return reply, reply.body


def _json(occasion: Occasion) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", occasion.dialect.content_type),)


def _cut(occasion: Occasion, encode: Encode) -> Reply:
    """The connection ends after the status and before any of the answer."""
    reply, body = _whole(occasion, encode)
    return Reply(reply.status, reply.headers, b"", length=len(body) or 2, drop=True)


def _cut_off(occasion: Occasion, encode: Encode) -> Reply:
    """The connection ends in the middle of the answer."""
    reply, body = _whole(occasion, encode)
    return Reply(reply.status, reply.headers, body[: len(body) // 2], length=len(body) or 2, drop=True)


def _wrong_length(occasion: Occasion, encode: Encode) -> Reply:
    """Content-Length says less than is sent."""
    reply, body = _whole(occasion, encode)
    return Reply(reply.status, reply.headers, body, length=len(body) // 2, drop=True)


def _drip(occasion: Occasion, encode: Encode) -> Reply:
    """The answer comes byte by byte."""
    reply, body = _whole(occasion, encode)

    def pieces() -> Iterator[bytes]:
        for position in range(len(body)):
            if occasion.stopping.wait(occasion.fault.pace(0.05)):
                return
            yield body[position : position + 1]

    return Reply(reply.status, reply.headers, pieces(), length=len(body), drop=True)


def _stall(occasion: Occasion, encode: Encode) -> Reply:
    """Half of the answer comes, and then nothing more."""
    reply, body = _whole(occasion, encode)

    def pieces() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        occasion.stopping.wait(occasion.fault.pace(600))

    return Reply(reply.status, reply.headers, pieces(), length=len(body) or 2, drop=True)


def _silence(occasion: Occasion, _: Encode) -> Reply:
    """Nothing comes at all, not even a status."""
    occasion.stopping.wait(occasion.fault.pace(600))
    return Reply(503, drop=True)


def _not_json(occasion: Occasion, _: Encode) -> Reply:
    """Bytes that are no JSON, called JSON."""
    return Reply(200, _json(occasion), random.Random(20260101).randbytes(4096))  # noqa: S311 (not for secrets)


def _wrong_type(occasion: Occasion, encode: Encode) -> Reply:
    """The answer, called a picture."""
    reply, body = _whole(occasion, encode)
    return Reply(reply.status, (("Content-Type", "image/png"),), body)


def _page(_: Occasion, __: Encode) -> Reply:
    """A web page to log on, with status 200."""
    return Reply(
        200, _HTML, b"<!DOCTYPE html><html><title>Sign in</title><form action='/login'></form></html>"
    )


def _empty(occasion: Occasion, _: Encode) -> Reply:
    """Status 200 and no body."""
    return Reply(200, _json(occasion))


def _redirect(occasion: Occasion, _: Encode) -> Reply:
    """HTTP 302 to a server elsewhere."""
    return Reply(302, (("Location", f"{occasion.elsewhere}{occasion.path}"),))


def _deep(occasion: Occasion, _: Encode) -> Reply:
    """Lists within lists, a hundred thousand levels."""
    levels = occasion.fault.size or 100_000
    return Reply(200, _json(occasion), b'{"value":' + b"[" * levels + b"]" * levels + b"}")


def _large(occasion: Occasion, _: Encode) -> Reply:
    """100 MiB that look like an answer, made while they are sent."""

    def pieces() -> Iterator[bytes]:
        yield b'{"value":['
        block = b'{"id":"' + b"x" * (_BLOCK - 10) + b'"},'
        for _ in range(0, occasion.fault.size or 100 * _BLOCK, len(block)):
            if occasion.stopping.is_set():
                return
            yield block
        yield b"{}]}"

    return Reply(200, _json(occasion), pieces())


def _gzip_bomb(occasion: Occasion, _: Encode) -> Reply:
    """A small compressed answer that becomes 100 MiB."""
    body = gzip.compress(b'{"value":[' + b" " * (occasion.fault.size or 100 * _BLOCK) + b"]}", 9)
    return Reply(200, (*_json(occasion), ("Content-Encoding", "gzip")), body)


#: Every fault of a connection by its name.
REPLIES: Mapping[str, Callable[[Occasion, Encode], Reply]] = {
    "cut": _cut,
    "cut_off": _cut_off,
    "wrong_length": _wrong_length,
    "drip": _drip,
    "stall": _stall,
    "silence": _silence,
    "not_json": _not_json,
    "wrong_type": _wrong_type,
    "page": _page,
    "empty": _empty,
    "redirect": _redirect,
    "deep": _deep,
    "large": _large,
    "gzip_bomb": _gzip_bomb,
}
