"""Listings in pages, and several requests in one."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from postwarden.connectors.graph.listing import items, read_page
from postwarden.connectors.graph.requests import allowed
from postwarden.connectors.rest import batch
from postwarden.connectors.rest.batch import Question
from postwarden.connectors.rest.pages import pages
from postwarden.connectors.rest.patience import NotLetIn
from postwarden.errors import ConnectorError
from tests.unit.connectors.rest.conftest import ORIGIN, Rig

MakeRig = Callable[..., Rig]
LIST = allowed(ORIGIN, "v1.0")
USERS = f"{ORIGIN}/v1.0/users"


def page(*names: str, on: str | None = None) -> bytes:
    links = {"@odata.nextLink": on} if on else {}
    return json.dumps({"value": [{"id": name} for name in names], **links}).encode()


def graph(rig: MakeRig, *answers: Any) -> Rig:
    return rig(LIST, iter(answers), "/v1.0")


def ids(made: Rig) -> list[str]:
    return [
        json.loads(one)["id"] for one in items(made.session, "/users", {"$top": "2"}, patience=made.patience)
    ]


def test_a_listing_is_read_to_its_end(rig: MakeRig) -> None:
    """Every page is followed, also through empty ones, with the token on each request."""
    made = graph(
        rig,
        page("a", "b", on=f"{USERS}?$skiptoken=1"),
        page(on=f"{USERS}?$skiptoken=2"),
        page("c"),
    )
    assert ids(made) == ["a", "b", "c"]
    assert len(made.used) == 3


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users?$skiptoken=1",
        "http://api.example/v1.0/users?$skiptoken=1",
        "https://api.example/v1.0/servicePrincipals?$skiptoken=1",
        "https://api.example:444/v1.0/users?$skiptoken=1",
        "https://api.example@evil.example/v1.0/users",
        "/v1.0/users?$skiptoken=1",
    ],
)
def test_a_link_that_leads_elsewhere_ends_the_listing(link: str, rig: MakeRig) -> None:
    """The token goes to no other origin and no other listing, and what came so far is not taken for all."""
    made = graph(rig, page("a", on=link), page("b"))
    with pytest.raises(ConnectorError, match="goes on elsewhere"):
        ids(made)
    assert len(made.service.asked) == 1


def test_a_link_with_an_option_that_is_not_listed_is_held_back(rig: MakeRig) -> None:
    """A server cannot make us ask for more than the list has."""
    made = graph(rig, page("a", on=f"{USERS}?$expand=manager"), page("b"))
    with pytest.raises(ConnectorError, match="held back"):
        ids(made)
    assert len(made.service.asked) == 1


def test_a_listing_in_a_circle_ends(rig: MakeRig) -> None:
    """A page that leads to one that was there is an error, not a loop."""
    made = graph(
        rig,
        page("a", on=f"{USERS}?$skiptoken=1"),
        page("b", on=f"{USERS}?$skiptoken=1"),
        page("c", on=f"{USERS}?$skiptoken=1"),
    )
    with pytest.raises(ConnectorError, match="in a circle"):
        ids(made)


def test_a_listing_without_end_ends(rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many pages, and it is taken for a server's mistake."""
    monkeypatch.setattr("postwarden.connectors.rest.pages.MAX_PAGES", 10)
    made = rig(LIST, (page("a", on=f"{USERS}?$skiptoken={number}") for number in count()), "/v1.0")
    with pytest.raises(ConnectorError, match="has no end"):
        ids(made)
    assert len(made.service.asked) == 10


def test_a_listing_of_too_many_ends(rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many items, and it is taken for a server's mistake."""
    monkeypatch.setattr("postwarden.connectors.rest.pages.MAX_ITEMS", 3)
    made = graph(rig, page("a", "b", on=f"{USERS}?$skiptoken=1"), page("c", "d"))
    with pytest.raises(ConnectorError, match="has no end"):
        ids(made)


def test_a_listing_of_too_many_bytes_ends(rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many bytes on all pages together, and it is taken for a server's mistake; the limit is told."""
    first, second = page("a", on=f"{USERS}?$skiptoken=1"), page("b" * 100)
    monkeypatch.setattr("postwarden.connectors.rest.pages.MAX_LISTING", len(first) + len(second))
    assert ids(graph(rig, first, second)) == ["a", "b" * 100]
    with pytest.raises(ConnectorError, match=f"more than {len(first) + len(second)} bytes"):
        ids(graph(rig, first, page("b" * 101)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"value":5}',
        b'{"value":[],"value":[]}',
        b"<html>",
        b'{"value":[{"id":"a","id":"b"}]}',
    ],
)
def test_what_is_no_page_is_none(raw: bytes, rig: MakeRig) -> None:
    """No answer but a page is taken for an empty listing."""
    made = graph(rig, raw)
    with pytest.raises(ConnectorError) as caught:
        list(pages(made.session, USERS, read_page, patience=made.patience))
    assert caught.value.reason == "malformed"


def inner(number: int, status: int = 200, body: Any = None, **headers: str) -> dict[str, Any]:
    return {"id": str(number), "status": status, "headers": headers, "body": {} if body is None else body}


def answered(*parts: dict[str, Any]) -> bytes:
    return json.dumps({"responses": parts}).encode()


RULES, SETTINGS = (
    Question("/users/u/mailFolders/inbox/messageRules", {}),
    Question("/users/u/mailboxSettings", {}),
)


def test_several_requests_are_one(rig: MakeRig) -> None:
    """Each question has its own answer, in the questions' order, whatever the order of the answers."""
    made = graph(rig, answered(inner(1, body={"b": 1}), inner(0, body={"a": 1})))
    found = batch.ask(made.session, [RULES, SETTINGS], patience=made.patience)
    assert found == [b'{"a": 1}', b'{"b": 1}']
    assert made.service.asked == [("POST", f"{ORIGIN}/v1.0/$batch")]


def test_a_throttle_inside_is_seen_and_waited_for_alone(rig: MakeRig) -> None:
    """The status of the whole hides it: the one that was throttled is asked again by itself, after its time."""
    made = graph(rig, answered(inner(0, 429, **{"Retry-After": "3"}), inner(1, body={"b": 1})), b'{"a": 1}')
    found = batch.ask(made.session, [RULES, SETTINGS], patience=made.patience)
    assert found == [b'{"a": 1}', b'{"b": 1}']
    assert made.time.slept == [3.0]
    assert made.service.asked[1] == ("GET", f"{ORIGIN}/v1.0{RULES.path}")


def test_a_refusal_inside_is_that_parts_alone(rig: MakeRig) -> None:
    """One that may not be read does not hide the other, and is not asked again."""
    made = graph(rig, answered(inner(0, 403), inner(1, body={"b": 1})))
    refused, found = batch.ask(made.session, [RULES, SETTINGS], patience=made.patience)
    assert isinstance(refused, ConnectorError)
    assert found == b'{"b": 1}'
    assert len(made.service.asked) == 1


def test_a_token_that_ends_inside_is_replaced(rig: MakeRig) -> None:
    """The part is asked again with a new token; where that is not taken either, it is told."""
    made = graph(rig, answered(inner(0, 401), inner(1)), (401, b"", {}), b'{"a": 1}')
    assert batch.ask(made.session, [RULES, SETTINGS], patience=made.patience)[0] == b'{"a": 1}'
    refused = graph(rig, answered(inner(0, 401), inner(1)), (401, b"", {}), (401, b"", {}))
    assert isinstance(batch.ask(refused.session, [RULES, SETTINGS], patience=refused.patience)[0], NotLetIn)


def test_more_than_twenty_are_several_batches(rig: MakeRig) -> None:
    """Twenty go at once, and all are answered."""
    made = graph(
        rig,
        answered(*(inner(number) for number in range(20))),
        answered(*(inner(number) for number in range(5))),
    )
    assert len(batch.ask(made.session, [SETTINGS] * 25, patience=made.patience)) == 25
    assert len(made.service.asked) == 2


@pytest.mark.parametrize(
    "raw",
    [
        answered(inner(0)),
        answered(inner(0), inner(1), inner(2)),
        answered(inner(0, body={"a": 1}), inner(1), inner(0)),
        answered(),
        b"{}",
    ],
)
def test_an_answer_for_each_or_none_at_all(raw: bytes, rig: MakeRig) -> None:
    """An answer that lacks a part, has one twice, or has one that nobody asked for, is not believed."""
    made = graph(rig, raw)
    with pytest.raises(ConnectorError) as caught:
        batch.ask(made.session, [RULES, SETTINGS], patience=made.patience)
    assert caught.value.reason == "malformed"


def body(*parts: dict[str, Any]) -> bytes:
    return json.dumps({"requests": parts}).encode()


PART = {"id": "0", "method": "GET", "url": "/users/u/mailboxSettings"}


@pytest.mark.parametrize(
    "raw",
    [
        body({**PART, "method": "DELETE"}),
        body({**PART, "method": "PATCH"}),
        body({**PART, "method": "POST"}),
        body({**PART, "url": "/users/u/messages"}),
        body({**PART, "url": "/users/u/sendMail"}),
        body({**PART, "url": "users/u/mailboxSettings"}),
        body({**PART, "url": "https://evil.example/v1.0/users"}),
        body({**PART, "url": "//evil.example/users"}),
        body({**PART, "url": "/$batch"}),
        body({**PART, "url": "/../beta/users"}),
        body({**PART, "url": "/users/../mailboxSettings"}),
        body({**PART, "url": "/users/./mailboxSettings"}),
        body({**PART, "url": "/users/%2E%2e/mailboxSettings"}),
        body({**PART, "url": "/users/.%2e/mailboxSettings"}),
        body({**PART, "headers": {"X-HTTP-Method-Override": "DELETE"}}),
        body({**PART, "body": {"automaticRepliesSetting": {}}}),
        body(PART, {**PART, "id": "1", "method": "DELETE"}),
        body(),
        body(*({**PART, "id": str(number)} for number in range(21))),
        b"",
        b"[]",
    ],
)
def test_no_part_of_a_batch_writes_or_leads_elsewhere(raw: bytes, rig: MakeRig) -> None:
    """Each part is on the list itself, and has neither body nor headers."""
    made = graph(rig, answered())
    with pytest.raises(ConnectorError, match="held back"):
        made.session.send("POST", f"{ORIGIN}/v1.0/$batch", patience=made.patience, body=raw)
    assert made.service.asked == []
