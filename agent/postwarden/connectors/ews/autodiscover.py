"""Looking up where a mailbox' EWS is, over https only ([MS-OXWSADISC]; no unencrypted probe, no DNS records)."""

from collections.abc import Callable
from urllib.parse import urlsplit

from exchangelib.services import GetUserSettings

from postwarden.connectors.ews.mailbox import Connections
from postwarden.connectors.ews.patience import NotLetIn, Patience
from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml import read_discovered
from postwarden.formats.ews_xml.tree import Element

#: Places that are asked before giving up: a redirect is a place too.
MAX_PLACES = 6

_PATH = "/autodiscover/autodiscover.svc"


class _Lookup(GetUserSettings):  # type: ignore[misc]  # the library has no types
    def request(self, address: str) -> Element:
        return self.get_payload(users=[address], settings=["external_ews_url", "internal_ews_url"])

    def send(self, request: Element) -> bytes:
        raw: bytes = self._get_response(payload=request, api_version="Exchange2013_SP1").content
        return raw


def places(address: str) -> list[str]:
    """Where a mailbox' domain may have autodiscover."""
    domain = address.rpartition("@")[2]
    return [f"https://autodiscover.{domain}{_PATH}", f"https://{domain}{_PATH}"]


def endpoint(address: str, connect: Callable[[str], Connections], patience: Patience) -> str:
    """The https URL of EWS for a mailbox; raises ConnectorError where nobody knows it.

    `connect` opens connections to a place.
    """
    waiting = places(address)
    asked: list[str] = []
    failures: list[str] = []
    while waiting and len(asked) < MAX_PLACES:
        place = waiting.pop(0)
        if place in asked:
            continue
        asked.append(place)
        connections = connect(place)
        try:
            lookup = _Lookup(protocol=connections.protocol)
            request = lookup.request(address)
            found = read_discovered(patience.ask(lookup.send, request))
        except NotLetIn:
            raise
        except ConnectorError as error:
            failures.append(error.message)
            continue
        finally:
            connections.close()
        if found.url is not None:
            return _https(found.url)
        if found.ask_for is not None and found.ask_for.count("@") == 1:
            address = found.ask_for
            waiting = [*places(address), *waiting]
            asked.clear()
            failures.append(f"{urlsplit(place).hostname} sends us on to {address}")
            if len(failures) > MAX_PLACES:
                break
        elif found.ask_at is not None:
            waiting.insert(0, _https(found.ask_at))
        else:
            failures.append(f"{urlsplit(place).hostname} answered {found.error}")
    raise ConnectorError(
        f"autodiscover found no EWS for {address}: {'; '.join(failures) or 'it leads in a circle'}",
        "set url instead of autodiscover",
        reason="unreachable",
    )


def _https(url: str) -> str:
    """The URL, where it is one that a log-in may be sent to."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise ConnectorError(
            f"autodiscover leads to {url[:200]}, which is not https",
            "set url instead of autodiscover",
            reason="malformed",
        )
    return url
