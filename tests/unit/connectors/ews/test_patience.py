"""How often a busy server is asked, and that a password is tried once."""

import itertools

import pytest
from exchangelib.errors import ErrorAccessDenied, UnauthorizedError
from lxml import etree

from postwarden.connectors.ews.adapter import Busy
from postwarden.connectors.ews.patience import MAX_TRIES, MAX_WAIT, Patience, Pause, Send
from postwarden.errors import ConnectorError

REQUEST = etree.Element("request")
DONE = b"<done/>"


def busy(wait: int | None, *, policy_first: bool = False, code: str = "ErrorServerBusy") -> bytes:
    back_off = f'<t:Value Name="BackOffMilliseconds">{wait}</t:Value>' if wait is not None else ""
    policy = '<t:Value Name="Policy">MaxConcurrency</t:Value>'
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        "<faultcode>a:ErrorServerBusy</faultcode><faultstring>busy</faultstring><detail>"
        '<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">'
        f"{code}</e:ResponseCode>"
        '<t:MessageXml xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
        f"{policy + back_off if policy_first else back_off + policy}</t:MessageXml>"
        "</detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


class Time:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pause(self) -> Pause:
        return Pause(lambda: self.now, self.sleep)


def answers(*said: object) -> tuple[Send, list[object]]:
    """Sends that answer in turn; an exception is raised."""
    left = iter(said)
    sent: list[object] = []

    def send(request: object) -> bytes:
        sent.append(request)
        one = next(left)
        if isinstance(one, BaseException):
            raise one
        assert isinstance(one, bytes)
        return one

    return send, sent


@pytest.mark.parametrize("policy_first", [False, True])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(policy_first: bool) -> None:
    """The time that the server names is kept, wherever among its values it stands."""
    time = Time()
    send, sent = answers(busy(7_500, policy_first=policy_first), DONE)
    assert Patience("svc", time.pause(), None).ask(send, REQUEST) == DONE
    assert len(sent) == 2
    assert 7.5 <= sum(time.slept) <= 8.5


def test_without_a_time_each_wait_is_twice_as_long() -> None:
    """A server that is busy and names no time is asked after 2, 4, 8 and 16 seconds, and then no more."""
    time = Time()
    send, sent = answers(*itertools.repeat(busy(None), 9))
    with pytest.raises(Busy):
        Patience("svc", time.pause(), None).ask(send, REQUEST)
    assert len(sent) == MAX_TRIES
    assert [int(one) for one in time.slept] == pytest.approx([2, 4, 8, 16], abs=1)


def test_one_mailbox_waits_no_longer_than_its_bound() -> None:
    """A server that asks for an hour gets no hour: the mailbox is a gap."""
    time = Time()
    send, sent = answers(*itertools.repeat(busy(3_600_000), 3))
    with pytest.raises(Busy) as caught:
        Patience("svc", time.pause(), None).ask(send, REQUEST)
    assert (len(sent), time.slept, caught.value.reason) == (1, [], "unreachable")
    assert MAX_WAIT < 3_600


def test_all_that_ask_the_server_wait_for_it() -> None:
    """What one mailbox was told holds for the next one too."""
    time = Time()
    pause = time.pause()
    refused, _ = answers(*itertools.repeat(busy(50_000), 5))
    with pytest.raises(Busy):
        Patience("svc", pause, None).ask(refused, REQUEST)
    waited = sum(time.slept)
    send, _ = answers(DONE)
    Patience("svc", pause, None).ask(send, REQUEST)
    assert waited >= 100
    assert sum(time.slept) == waited, "the last refusal was beyond the bound and asked nobody to wait"
    pause.extend(5)
    Patience("svc", pause, None).ask(answers(DONE)[0], REQUEST)
    assert 5 <= sum(time.slept) - waited <= 6


@pytest.mark.parametrize("code", ["ErrorTooManyObjectsOpened", "ErrorInternalServerTransientError"])
def test_other_words_for_busy_count_too(code: str) -> None:
    """Errors that pass by themselves are waited for."""
    time = Time()
    send, sent = answers(busy(1_000, code=code), DONE)
    assert Patience("svc", time.pause(), None).ask(send, REQUEST) == DONE
    assert len(sent) == 2


def test_an_answer_that_only_speaks_of_being_busy_is_an_answer() -> None:
    """A rule named ErrorServerBusy does not make the server wait."""
    time = Time()
    raw = (
        b'<m:GetInboxRulesResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
        b'ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Name>ErrorServerBusy</m:Name>'
        b"</m:GetInboxRulesResponse>"
    )
    send, sent = answers(raw)
    assert Patience("svc", time.pause(), None).ask(send, REQUEST) == raw
    assert (len(sent), time.slept) == (1, [])


def test_a_password_is_tried_once() -> None:
    """After a refusal nothing is sent again: directories lock accounts."""
    time = Time()
    send, sent = answers(UnauthorizedError("no"), DONE)
    with pytest.raises(ConnectorError, match="refused svc") as caught:
        Patience("svc", time.pause(), None).ask(send, REQUEST)
    assert (len(sent), caught.value.reason) == (1, "refused")


def test_a_token_is_dropped_and_fetched_once_more() -> None:
    """A token may have been taken back; a second refusal is one."""
    time = Time()
    forgotten: list[bool] = []
    send, sent = answers(UnauthorizedError("no"), DONE)
    patience = Patience("app", time.pause(), lambda: forgotten.append(True))
    assert patience.ask(send, REQUEST) == DONE
    send, sent = answers(UnauthorizedError("no"), UnauthorizedError("no"), DONE)
    with pytest.raises(ConnectorError):
        patience.ask(send, REQUEST)
    assert (len(sent), forgotten) == (2, [True, True])


@pytest.mark.parametrize(
    ("raised", "reason"),
    [(PermissionError("no challenge"), "refused"), (ErrorAccessDenied("x"), "malformed")],
)
def test_errors_of_libraries_become_ours(raised: Exception, reason: str) -> None:
    """A broken handshake is a refusal, and what exchangelib makes of an answer's frame is malformed."""
    send, _ = answers(raised)
    with pytest.raises(ConnectorError) as caught:
        Patience("svc", Time().pause(), None).ask(send, REQUEST)
    assert caught.value.reason == reason
