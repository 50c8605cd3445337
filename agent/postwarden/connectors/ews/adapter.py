"""What may leave towards Exchange, and what a status without an answer of EWS means."""

from collections.abc import Mapping
from typing import Any

import requests

from postwarden.connectors import https
from postwarden.connectors.ews.operations import permitted
from postwarden.connectors.https import held_back, place
from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.tree import MAX_BYTES


class Adapter(https.Adapter):
    """Sends to one endpoint only: listed operations to the server, or a form to a token endpoint."""

    def __init__(self, *, endpoint: str, is_soap: bool, **options: Any) -> None:
        self._endpoint, self._is_soap = endpoint, is_soap
        super().__init__(permit=self._allow, max_bytes=MAX_BYTES, **options)

    def _allow(self, request: requests.PreparedRequest) -> None:
        if request.url != self._endpoint or request.method != "POST":
            raise held_back(
                f"it goes to {place(request.url)}, and only a POST to {self._endpoint} is configured"
            )
        if self._is_soap:
            permitted(_bytes(request.body), request.headers)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        response = super().send(request, *arguments, **options)
        if self._is_soap and response.status_code not in {200, 401, 500}:
            raise _status(self._endpoint, response)
        return response


class Busy(ConnectorError):
    """The server asks us to come back later; `wait` is in seconds, where it says so."""

    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(
            message, "lower connections, or raise the server's throttling budget", reason="unreachable"
        )
        self.wait = wait


def _status(endpoint: str, response: requests.Response) -> ConnectorError:
    """What a status without an answer of EWS means."""
    status, where = response.status_code, place(endpoint)
    response.close()
    if status == 403:
        # Exchange Online answers so since October 2026, and servers of one's own by access policy.
        return ConnectorError(
            f"EWS is blocked here: {where} answered 403",
            "Exchange Online: use Graph, or list this application in EwsAllowedAppIDs until April 2027; "
            "a server of your own: look at EwsEnabled and EwsApplicationAccessPolicy",
            reason="forbidden",
        )
    if status in {429, 503}:
        return Busy(f"{where} is busy (status {status})", _seconds(response.headers))
    if 300 <= status < 400:
        other = place(response.headers.get("Location", ""))
        return ConnectorError(
            f"{where} sends us on to {other or 'another place'}, which is not followed",
            "set url to the server that answers EWS itself",
            reason="malformed",
        )
    return ConnectorError(
        f"{where} answered with status {status}",
        "check the url: it usually ends in /EWS/Exchange.asmx",
        reason="unreachable" if status >= 500 else "malformed",
    )


def _seconds(headers: Mapping[str, str]) -> float | None:
    wait = headers.get("Retry-After", "")
    return float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 6 else None


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""
