"""One bounded question over HTTP to a witness or a time stamping authority; every failure is a NotifyError."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError

from postwarden.errors import NotifyError

#: Seconds for a connection and for its next bytes, and for the whole.
PATIENCE, LIFETIME = 10.0, 30.0
#: Bytes that an answer may have: a checkpoint with many signatures, or a token with its certificates.
MAX_ANSWER = 512 * 1024
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `content_type` is without its parameters, in lower case."""

    status: int
    content_type: str
    body: bytes


def ask(
    url: str,
    body: bytes | None = None,
    *,
    content_type: str = "text/plain; charset=utf-8",
    ca: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Reply:
    """GET, or POST where there is a `body`; certificates are verified, redirections are not followed."""
    end = clock() + LIFETIME
    headers = {"User-Agent": "postwarden", "Accept-Encoding": "identity"}
    if body is not None:
        headers["Content-Type"] = content_type
    pool = urllib3.PoolManager(
        num_pools=1,
        retries=False,
        timeout=urllib3.Timeout(connect=PATIENCE, read=PATIENCE),
        ssl_context=_trust(ca),
    )
    try:
        with pool.request(
            "GET" if body is None else "POST",
            url,
            body=body,
            headers=headers,
            redirect=False,
            preload_content=False,
            decode_content=False,
        ) as answer:
            content = b""
            while chunk := answer.read1(_CHUNK):
                content += chunk
                if len(content) > MAX_ANSWER:
                    raise NotifyError(f"{url} sent more than {MAX_ANSWER} bytes")
                if clock() > end:
                    raise NotifyError(f"{url} took longer than {LIFETIME:g} s to answer")
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Reply(answer.status, kind, content)
    except (HTTPError, OSError) as exc:
        raise NotifyError(
            f"{url} cannot be asked: {_reason(exc)}", "check the url, and that it runs"
        ) from exc
    finally:
        pool.clear()


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as exc:
        raise NotifyError(f"the certificates in {ca} cannot be used: {exc}", "it is a PEM file") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _reason(exc: BaseException) -> str:
    """The innermost reason, on one line: libraries wrap it several times."""
    while inner := exc.__cause__ or exc.__context__:
        exc = inner
    return " ".join(str(exc).split())[:300] or type(exc).__name__
