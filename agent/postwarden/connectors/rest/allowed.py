"""The list of what may be asked, as one table a connector; whatever is not on it is refused unsent."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from requests import PreparedRequest

from postwarden.connectors.https import held_back

#: Headers that a request may have; one that overrides its method is not among them.
HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "parameter-based-routing",
        "prefer",
        "user-agent",
        "x-anchormailbox",
        "x-ms-throttle-priority",
    }
)

#: A segment of a path as a name or an id is written: nothing that leads elsewhere once it is decoded, as dots alone do.
_SEGMENT = (
    r"(?!(?:\.|%2[eE]){1,2}(?:/|\Z))(?:[A-Za-z0-9._~!$&'*+,;=:@-]|%(?!2[fFeE]|5[cC]|00)[0-9A-Fa-f]{2})+"
)
_PLACE = re.compile(r"\{[a-z_]+\}")
#: OData writes a key either as a segment or in brackets, and a function with brackets or without.
_KEY = re.compile(r"\('([^'()/]*)'\)")


class Row(Struct, frozen=True, kw_only=True):
    """One kind of request: `path` with `{name}` for one segment, and the query options that it may have.

    `needs` names the right that it takes, for messages; `body` looks at what a POST sends and raises
    ConnectorError where that may not leave.
    """

    method: str = "GET"
    path: str
    query: frozenset[str] = frozenset()
    needs: str = ""
    body: Callable[[bytes], None] | None = None


class Allowed:
    """The rows of one connector, at one origin (`https://host[:port]`); `headers` may be sent beside the usual ones."""

    def __init__(self, origin: str, rows: tuple[Row, ...], *, headers: frozenset[str] = frozenset()) -> None:
        self.origin = origin.rstrip("/")
        self.rows = rows
        self._headers = HEADERS | headers

    def permit(self, request: PreparedRequest) -> None:
        """Raises ConnectorError, reason `forbidden`, unless the request as it would be sent is on the list."""
        row = self.row(request.method or "", request.url or "")
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        if not isinstance(body, bytes):
            raise held_back("its body is no bytes")
        if row.body is not None:
            row.body(body)
        elif body:
            raise held_back(f"a {row.method} with a body")
        odd = [name for name in request.headers if name.lower() not in self._headers]
        if odd:
            raise held_back(f"its header {odd[0]} is not on the list")

    def row(self, method: str, url: str) -> Row:
        """The row of the list that allows it; raises ConnectorError, reason `forbidden`."""
        if not url.startswith(self.origin + "/"):
            raise held_back(f"it goes elsewhere than {self.origin}")
        path, _, query = url.removeprefix(self.origin).partition("?")
        found = next((row for row in self.rows if row.method == method and fits(row.path, path)), None)
        if found is None:
            raise held_back(f"{method} {path[:200]} is not on the list of requests that only read")
        if "#" in url:
            raise held_back("its address has a fragment")
        names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
        odd = [name for name in names if name not in found.query]
        if odd or len(set(names)) != len(names):
            raise held_back(f"{path[:200]} has the query option {(odd or names)[0]!r}")
        return found

    def same_family(self, link: str, path: str) -> bool:
        """Whether a link that a server gave goes to this origin and to what was asked for at `path`."""
        if not link.startswith(self.origin + "/"):
            return False
        try:
            found = urlsplit(link)
        except ValueError:
            return False
        return plain(found.path).casefold() == plain(path).casefold()


def plain(path: str) -> str:
    """A path with its keys as segments: `users('x')/delta()` is `users/x/delta`."""
    return _KEY.sub(r"/\1", path).removesuffix("()")


def fits(pattern: str, path: str) -> bool:
    return _compiled(pattern).fullmatch(plain(path)) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    fixed = [re.escape(part) for part in _PLACE.split(pattern)]
    # Microsoft's links write segments in their own case.
    return re.compile(_SEGMENT.join(fixed), re.IGNORECASE)


def url(origin: str, path: str, query: Mapping[str, str] | None = None) -> str:
    """An address with its query as OData wants it: `$` and `,` as they stand, spaces as %20."""
    from urllib.parse import quote, urlencode

    if not query:
        return origin + path
    return f"{origin}{path}?{urlencode(query, quote_via=quote, safe='$,:/@')}"
