"""What may leave: a method, a path and query options that are listed, and nothing else."""

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from postwarden.connectors.google import requests as google
from postwarden.connectors.graph import requests as graph
from postwarden.connectors.keycloak import requests as keycloak
from postwarden.connectors.rest.allowed import Allowed, Row, plain, url
from postwarden.errors import ConnectorError

ORIGIN = "https://api.example"
LIST = Allowed(
    ORIGIN,
    (
        Row(path="/v1/things", query=frozenset({"$top", "$skiptoken"})),
        Row(path="/v1/things/{id}/parts"),
        Row(method="POST", path="/v1/ask", body=lambda _: None),
    ),
)
#: Every list that a connector has.
LISTS = {
    "graph": graph.allowed(ORIGIN, "v1.0"),
    "graph_beta": graph.allowed(ORIGIN, "beta"),
    "google_admin": google.admin_list(ORIGIN),
    "gmail": google.gmail_list(ORIGIN),
    "keycloak": keycloak.allowed(ORIGIN, "/auth", "kitano"),
}


def prepared(
    method: str, address: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> requests.PreparedRequest:
    return requests.Request(method, address, data=body, headers=headers).prepare()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/things",
        "/v1/things?$top=5",
        "/v1/things?$top=5&$skiptoken=abc%2Fdef",
        "/v1/things/abc/parts",
        "/v1/things/a%20b@example.org/parts",
        "/v1/things/.hidden/parts",
        "/v1/things/.../parts",
        "/v1/Things('abc')/parts",
    ],
)
def test_what_is_listed_may_leave(path: str) -> None:
    """Listed paths leave with listed options, keys written in either way of OData."""
    LIST.permit(prepared("GET", ORIGIN + path))


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("DELETE", ORIGIN + "/v1/things"),
        ("PATCH", ORIGIN + "/v1/things"),
        ("POST", ORIGIN + "/v1/things"),
        ("HEAD", ORIGIN + "/v1/things"),
        ("GET", ORIGIN + "/v1/ask"),
        ("GET", ORIGIN + "/v1/other"),
        ("GET", ORIGIN + "/v1/things/"),
        ("GET", ORIGIN + "/v1/things/abc"),
        ("GET", ORIGIN + "/v1/things/a%2Fb/parts"),
        ("GET", ORIGIN + "/v1/things/a%5Cb/parts"),
        ("GET", ORIGIN + "/v1/things//parts"),
        ("GET", ORIGIN + "/v2/things"),
        ("GET", ORIGIN + "/v1/things?$expand=secrets"),
        ("GET", ORIGIN + "/v1/things?$top=1&$top=2"),
        ("GET", "http://api.example/v1/things"),
        ("GET", "https://api.example.evil.example/v1/things"),
        ("GET", "https://api.example:8443/v1/things"),
        ("GET", "https://other.example/v1/things"),
    ],
)
def test_what_is_not_listed_is_held_back(method: str, address: str) -> None:
    """Another method, path, option, scheme, host or port does not leave."""
    with pytest.raises(ConnectorError, match="held back") as caught:
        LIST.permit(prepared(method, address))
    assert caught.value.reason == "forbidden"


def test_a_path_that_climbs_is_held_back() -> None:
    """Dots that lead elsewhere do not leave, however they are written."""
    for path in (
        "/v1/things/../secrets",
        "/v1/things/../parts",
        "/v1/things/./parts",
        "/v1/things/%2E%2e/parts",
        "/v1/things/.%2e/parts",
        "/v1/Things('..')/parts",
        "/v1/things/%2e%2e/parts/x",
        "/v1/things/x/parts/../../other",
    ):
        request = prepared("GET", ORIGIN + "/v1/things")
        request.url = ORIGIN + path
        with pytest.raises(ConnectorError, match="held back"):
            LIST.permit(request)


def test_a_get_has_no_body_and_no_header_that_makes_it_something_else() -> None:
    """A body, or a header that overrides the method, is held back."""
    with pytest.raises(ConnectorError, match="with a body"):
        LIST.permit(prepared("GET", ORIGIN + "/v1/things", body=b"{}"))
    with pytest.raises(ConnectorError, match="X-HTTP-Method-Override"):
        LIST.permit(prepared("GET", ORIGIN + "/v1/things", headers={"X-HTTP-Method-Override": "DELETE"}))


@pytest.mark.parametrize("name", LISTS)
def test_every_list_reads_only(name: str) -> None:
    """No list has a method but GET, except for several GETs in one; and none has a path of mail itself."""
    found = LISTS[name]
    for row in found.rows:
        assert row.method == "GET" or (row.path.endswith("/$batch") and row.body is not None)
        assert {"messages", "sendMail", "attachments", "me", "threads"}.isdisjoint(row.path.split("/"))


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "MERGE"])
def test_no_listed_path_takes_another_method(name: str, method: str) -> None:
    """What may be read may not be written, path by path."""
    for row in LISTS[name].rows:
        if row.method != method:
            address = ORIGIN + row.path.replace("{id}", "x").replace("{user}", "x")
            with pytest.raises(ConnectorError, match="held back"):
                LISTS[name].permit(prepared(method, address))


@given(st.text(max_size=60))
def test_whatever_stands_for_an_id_stays_in_its_segment(text: str) -> None:
    """No id that a server gives can lead to another path: it is held back, or stays below what is listed."""
    address = ORIGIN + "/v1/things/" + text + "/parts"
    try:
        row = LIST.row("GET", address)
    except ConnectorError:
        return
    assert row.path == "/v1/things/{id}/parts"
    assert "/" not in plain(text).strip("/")


@pytest.mark.parametrize(
    ("link", "same"),
    [
        ("https://api.example/v1/things?$skiptoken=x", True),
        ("https://api.example/v1/Things?$skiptoken=x", True),
        ("https://api.example/v1/things", True),
        ("https://api.example/v1/things()?$skiptoken=x", True),
        ("https://api.example/v1/others?$skiptoken=x", False),
        ("https://api.example/v1/things/delta?x", False),
        ("http://api.example/v1/things?$skiptoken=x", False),
        ("https://api.example@evil.example/v1/things", False),
        ("https://api.example.evil.example/v1/things", False),
        ("https://evil.example/v1/things", False),
        ("//api.example/v1/things", False),
        ("/v1/things", False),
        ("", False),
    ],
)
def test_links_are_followed_to_the_same_place_only(link: str, same: bool) -> None:
    """A link that a server gave is of the family of what was asked, at the same origin."""
    assert LIST.same_family(link, "/v1/things") is same


def test_queries_are_written_as_odata_wants_them() -> None:
    """Dollar signs and commas stand as they are, spaces are %20, and what could end the query is escaped."""
    assert url(ORIGIN, "/v1/things", {"$top": "5", "$filter": "a eq 'b&c'"}) == (
        ORIGIN + "/v1/things?$top=5&$filter=a%20eq%20%27b%26c%27"
    )
