"""Asking again: after a throttle, a break or an ended token, and not for ever."""

import logging
import ssl
import threading
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from postwarden.connectors.https import Adapter, BrokeOff, Within
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.patience import FIRST_WAIT, MAX_TRIES, NotLetIn, Patience, Pause, retry_after
from postwarden.connectors.rest.session import MAX_ERROR, Answer, Bare, Session, Slots
from postwarden.connectors.rest.tokens import Token, Tokens
from postwarden.errors import ConnectorError
from postwarden.secrets import Secret
from tests.unit.connectors.rest.conftest import NOW, ORIGIN, Rig

MakeRig = Callable[..., Rig]
LIST = Allowed(ORIGIN, (Row(path="/things", query=frozenset({"page"})),))


def busy(wait: str | None = None, status: int = 429) -> tuple[int, bytes, dict[str, str]]:
    return status, b"", {"Retry-After": wait} if wait is not None else {}


def ask(rig: Rig) -> bytes:
    return rig.session.get("/things", patience=rig.patience)


def over_the_wire(monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> Session:
    """A session on the real one below it, whose adapter answers 302 with these headers once they can be sent."""

    def send(_: Adapter, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        for value in request.headers.values():
            # As the standard library writes them.
            str(value).encode("latin-1")
        answer = requests.Response()
        answer.status_code, answer._content, answer.raw = 302, b"", HTTPResponse()
        answer.request, answer.url = request, str(request.url)
        answer.headers.update(headers)
        return answer

    monkeypatch.setattr(Adapter, "send", send)
    bare = Bare(LIST, tls=ssl.create_default_context(), within=Within(), timeout=5)
    return Session(
        LIST,
        bare,
        Tokens(lambda: Token(Secret("token"), 300.0), lambda: 0.0),
        lambda *_: None,
        pause=Pause(),
        clock=lambda: NOW,
    )


def test_a_sound_answer_costs_one_request(rig: MakeRig) -> None:
    """Nothing is asked twice that was answered, and nothing is waited for."""
    made = rig(LIST, iter([b"{}"]))
    assert ask(made) == b"{}"
    assert len(made.service.asked) == 1
    assert made.time.slept == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", None),
        ("-5", None),
        ("Mon, 23 Nov 2026 12:00:09 GMT", 9.0),
        ("Mon, 23 Nov 2020 12:00:00 GMT", None),
    ],
)
def test_the_services_word_is_kept_to(header: str, seconds: float | None, rig: MakeRig) -> None:
    """A throttled request is sent again after the seconds, or at the date, that it names; never before now."""
    made = rig(LIST, iter([busy(header), b"{}"]))
    assert ask(made) == b"{}"
    assert made.time.slept == ([seconds] if seconds else [])


@pytest.mark.parametrize("header", [None, "", "soon", "1e3", "Mon, 99 Nov 2026", "\u0661"])
def test_without_a_word_the_waits_are_our_own_and_double(header: str | None, rig: MakeRig) -> None:
    """Where nothing, or nonsense, is said, each wait is at most twice the one before."""
    made = rig(LIST, iter([busy(header), busy(header, 503), busy(header), b"{}"]))
    assert ask(made) == b"{}"
    assert made.time.slept == [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4]


@pytest.mark.parametrize("header", ["3600", "99999999999999", "Mon, 23 Nov 2099 12:00:00 GMT"])
def test_a_service_that_asks_for_too_long_is_left_alone(header: str, rig: MakeRig) -> None:
    """One that wants an hour is not asked sooner: it is a gap, and nobody sleeps for it."""
    made = rig(LIST, iter([busy(header)]))
    with pytest.raises(ConnectorError) as caught:
        ask(made)
    assert caught.value.reason == "unreachable"
    assert made.time.slept == []


def test_a_service_that_is_always_busy_ends(rig: MakeRig) -> None:
    """So many tries, and then it is a gap."""
    made = rig(LIST, repeat(busy("1")))
    with pytest.raises(ConnectorError):
        ask(made)
    assert len(made.service.asked) == MAX_TRIES


def test_one_scope_waits_only_so_long_in_all(rig: MakeRig) -> None:
    """The waits of many requests add up: a scope that has waited enough waits no more."""
    made = rig(LIST, repeat(busy("100")))
    for _ in range(3):
        with pytest.raises(ConnectorError):
            ask(made)
    assert sum(made.time.slept) <= 300
    fresh = Patience(made.session.pause)
    with pytest.raises(ConnectorError):
        made.session.get("/things", patience=fresh)


def test_a_connection_that_breaks_is_tried_again(rig: MakeRig) -> None:
    """What only reads can be asked once more."""
    made = rig(LIST, iter([BrokeOff("broke off"), b"{}"]))
    assert ask(made) == b"{}"


@pytest.mark.parametrize("reason", ["unreachable", "malformed", "forbidden"])
def test_what_asking_again_does_not_mend_is_asked_once(reason: Any, rig: MakeRig) -> None:
    """A refusal, or a server that is not there, is not asked again."""
    made = rig(LIST, repeat(ConnectorError("no", "look", reason=reason)))
    with pytest.raises(ConnectorError):
        ask(made)
    assert len(made.service.asked) == 1


def test_a_token_that_ended_is_replaced_once(rig: MakeRig) -> None:
    """The request goes out again with a new token; a second refusal is one."""
    made = rig(LIST, iter([(401, b"", {}), b"{}"]))
    assert ask(made) == b"{}"
    assert made.used == ["token-1", "token-2"]
    never = rig(LIST, repeat((401, b"", {})))
    with pytest.raises(NotLetIn):
        ask(never)
    assert never.used == ["token-1", "token-2"]


def test_redirects_are_not_followed(rig: MakeRig) -> None:
    """Wherever it leads, the token does not go there."""
    made = rig(LIST, iter([(302, b"", {"Location": "https://evil.example/x"})]))
    with pytest.raises(ConnectorError, match=r"sends us on to evil\.example"):
        ask(made)
    assert len(made.service.asked) == 1


@pytest.mark.parametrize(
    ("location", "told"),
    [("https://[", "another place"), ("/\xff", "another place"), ("https://evil.example/", "evil.example")],
)
def test_no_redirect_is_even_resolved(location: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever an answer sends us, in whatever form, it is an answer that is told as one."""
    made = over_the_wire(monkeypatch, {"Location": location})
    with pytest.raises(ConnectorError, match="sends us on to") as caught:
        made.get("/things", patience=Patience(Pause()))
    assert told in caught.value.message


def test_a_login_that_no_header_can_carry_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header beyond Latin-1, or with a line break, is not sent; what it says is in no error."""
    made = over_the_wire(monkeypatch, {})
    for value in ("UPN:swordfish\u65e5@x.example", "UPN:swordfish\r\nX: y"):
        with pytest.raises(ConnectorError, match="cannot be written") as caught:
            made.get("/things", patience=Patience(Pause()), headers={"X-AnchorMailbox": value})
        assert "swordfish" not in f"{caught.value} {caught.value.__cause__}"
        assert caught.value.__suppress_context__


@pytest.mark.parametrize("text", ["", " a", "a\nb", "a\u20ac", "a b", "a\x7f"])
def test_a_token_that_no_header_can_carry_is_none(text: str) -> None:
    """What an endpoint gives is printable ASCII, or it is not used, and not shown."""
    with pytest.raises(ConnectorError, match="is none"):
        Token(Secret(text), 300.0)


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    """One fetch serves until a minute before; a very short one is used all the same."""
    now = [0.0]
    given: list[float] = []

    def fetch(life: float) -> Callable[[], Token]:
        def once() -> Token:
            given.append(life)
            return Token(Secret(f"t{len(given)}"), life)

        return once

    tokens = Tokens(fetch(600.0), lambda: now[0])
    assert tokens.current().reveal() == tokens.current().reveal() == "t1"
    now[0] = 539.0
    assert tokens.current().reveal() == "t1"
    now[0] = 541.0
    assert tokens.current().reveal() == "t2"
    short = Tokens(fetch(2.0), lambda: now[0])
    assert short.current().reveal() == short.current().reveal()


def test_who_is_refused_a_token_does_not_knock_again() -> None:
    """A wrong secret is tried once, however many accounts there are."""
    tried: list[int] = []

    def fetch() -> Token:
        tried.append(1)
        raise NotLetIn("no", "check the secret")

    tokens = Tokens(fetch, lambda: 0.0)
    for _ in range(3):
        with pytest.raises(NotLetIn):
            tokens.current()
    assert len(tried) == 1


def test_the_librarys_chatter_is_withheld(caplog: pytest.LogCaptureFixture) -> None:
    """Paths with people's names, which the library below tells, are in no log, whichever connector asks."""
    chatter = logging.getLogger("urllib3.connectionpool")
    for known in list(chatter.filters):
        chatter.removeFilter(known)
    Bare(LIST, tls=ssl.create_default_context(), within=Within(), timeout=5)
    with caplog.at_level(logging.DEBUG):
        chatter.debug("GET /users/alice")
        chatter.warning("the pool is full")
    assert [record.getMessage() for record in caplog.records] == ["the pool is full"]


def test_an_error_that_is_too_long_is_told_by_its_status(rig: MakeRig) -> None:
    """Of a refusal of more than 64 KiB nothing is taken apart."""
    made = rig(LIST, iter([]))
    seen: list[bytes] = []
    made.session._judge = lambda answer, _: seen.append(answer.body)
    row = LIST.row("GET", f"{ORIGIN}/things")
    for size in (MAX_ERROR, MAX_ERROR + 1):
        made.session.error(Answer(403, {}, b" " * size), row)
    assert [len(body) for body in seen] == [MAX_ERROR, 0]


def test_a_token_shows_itself_nowhere(rig: MakeRig) -> None:
    """Neither the session nor its parts have a token in their words."""
    made = rig(LIST, iter([b"{}"]))
    ask(made)
    token = made.session._tokens
    assert "token-1" not in f"{made.session!r} {vars(made.session)} {token!r} {vars(token)}"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), (" 5 ", 5.0), ("5.5", 5.5), (None, None), ("x" * 100, None), ("-1", 0.0), ("1.2.3", None)],
)
def test_a_retry_after_is_seconds_a_date_or_nothing(value: str | None, seconds: float | None) -> None:
    """Whatever stands there is understood, or is as if it were not there."""
    assert retry_after(value, NOW) == seconds


def test_who_wants_more_slots_than_there_are_gets_all_of_them() -> None:
    """With one connection a request of two parts goes out all the same, and another one can follow it."""
    slots, done = Slots(1), threading.Event()

    def twice() -> None:
        for _ in range(2):
            with slots.taken(2):
                pass
        done.set()

    threading.Thread(target=twice, daemon=True).start()
    assert done.wait(10)
