"""The lab's Exchange when it is busy, broken or hostile: what a client gets to see."""

import base64
import gzip
import ssl
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPSConnection, IncompleteRead
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree
from requests_ntlm import HttpNtlmAuth

from postwarden.errors import ConnectorError, LabError
from postwarden.formats.ews_xml.answer import Refusal, operation, refusal
from postwarden.formats.ews_xml.tree import EwsXmlError
from postwarden.lab import exchange
from postwarden.lab.exchange import FAULTS, ExchangeLab, soap
from tests.ews_schema import validate_answer

TOM = "tom.becker@kitano-marine.example"
KATRIN = "katrin.vogel@kitano-marine.example"
#: Faults that end in time by themselves, with the pace that they get here.
PACED = {"drip": 0.0001, "stall": 0.2, "silence": 0.2}
SMALL = {"large": 3_000_000, "gzip_bomb": 3_000_000, "deep": 10_000}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeLab]:
    with exchange.start(tmp_path_factory.mktemp("exchange")) as lab:
        yield lab


@pytest.fixture
def lab(running: ExchangeLab) -> Iterator[ExchangeLab]:
    """The server without faults and memories of other tests."""
    running.forget()
    yield running
    running.faults.clear()


def request(address: str, name: str = "GetInboxRules") -> bytes:
    inner = f"<m:MailboxSmtpAddress>{address}</m:MailboxSmtpAddress>" if name == "GetInboxRules" else ""
    return (
        f'<s:Envelope xmlns:s="{soap.SOAP}" xmlns:t="{soap.TYPES}" xmlns:m="{soap.MESSAGES}"><s:Header>'
        '<t:RequestServerVersion Version="Exchange2016"/><t:ExchangeImpersonation><t:ConnectingSID>'
        f"<t:PrimarySmtpAddress>{address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        f"</s:Header><s:Body><m:{name}>{inner}</m:{name}></s:Body></s:Envelope>"
    ).encode()


class Client:
    """One connection, without a library that would try again."""

    def __init__(self, lab: ExchangeLab) -> None:
        context = ssl.create_default_context(cafile=str(lab.ca_file))
        self.connection = HTTPSConnection(lab.host, lab.port, context=context, timeout=20)
        text = f"{lab.service.login}:{lab.service.password}".encode()
        self.headers = {"Authorization": f"Basic {base64.b64encode(text).decode()}"}

    def ask(self, body: bytes) -> tuple[int, Any, bytes]:
        self.connection.request("POST", "/EWS/Exchange.asmx", body, self.headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture
def client(lab: ExchangeLab) -> Iterator[Client]:
    made = Client(lab)
    yield made
    made.connection.close()


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_shows_and_passes(lab: ExchangeLab, name: str) -> None:
    """A fault that waits for one request changes what that one gets, is in the journal, and then is over."""
    sane = Client(lab)
    expected = sane.ask(request(TOM))
    assert expected[0] == 200
    seen: list[bytes] = []
    lab.observers.append(lambda _, answer: seen.append(answer))
    lab.faults.add(name, seconds=PACED.get(name), size=SMALL.get(name))
    hurt = Client(lab)
    begin = time.monotonic()
    try:
        got = hurt.ask(request(TOM))
    except (HTTPException, ConnectionError):
        got = (0, {}, b"")
    hurt.connection.close()
    if name == "drip":
        assert got[2] == expected[2]
        assert time.monotonic() - begin >= PACED["drip"] * len(got[2])
    else:
        assert got != expected
        assert got[2] != expected[2]
    assert seen == []
    assert [one.fault for one in lab.requests] == [None, name]
    assert lab.faults.waiting == ()
    assert sane.ask(request(TOM))[2] == expected[2]
    sane.connection.close()
    lab.observers.clear()


def test_a_fault_waits_for_its_operation_and_mailbox(lab: ExchangeLab, client: Client) -> None:
    """Other requests pass by it; it is named by any name of the mailbox, and met as often as asked."""
    lab.faults.add("denied", operation="GetInboxRules", mailbox="katrin.vogel", times=2)
    assert refused(client.ask(request(TOM))) is None
    assert refused(client.ask(request(KATRIN, "GetAppManifests"))) != "ErrorAccessDenied"
    assert [refused(client.ask(request(KATRIN))) for _ in range(3)] == [
        "ErrorAccessDenied",
        "ErrorAccessDenied",
        None,
    ]


def test_a_fault_can_be_without_end(lab: ExchangeLab, client: Client) -> None:
    """A fault without a number is met by every request until it is taken back."""
    lab.faults.add("denied_fault", times=None)
    assert [refused(client.ask(request(TOM))) for _ in range(3)] == ["ErrorAccessDenied"] * 3
    lab.faults.clear()
    assert refused(client.ask(request(TOM))) is None


def test_an_unknown_fault_is_an_error(lab: ExchangeLab) -> None:
    """A name that no fault has is refused with those that there are."""
    with pytest.raises(LabError) as caught:
        lab.faults.add("brocken")
    assert "busy_policy_first" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "back_off", "first"),
    [
        ("busy", 1500, "BackOffMilliseconds"),
        ("busy_policy_first", 1500, "Policy"),
        ("busy_without_back_off", None, None),
    ],
)
def test_a_busy_server_says_how_long(
    lab: ExchangeLab, client: Client, name: str, back_off: int | None, first: str | None
) -> None:
    """The three forms of busy are read back with their time to wait, in the order that Exchange has them."""
    lab.faults.add(name, seconds=1.5)
    status, _, body = client.ask(request(TOM))
    found = refusal(body)
    assert found is not None
    assert (status, found.code, found.back_off) == (500, "ErrorServerBusy", back_off)
    value = etree.fromstring(body).find(".//{*}Value")
    assert (None if value is None else value.get("Name")) == first
    assert lab.requests[-1].busy


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("denied", "ErrorAccessDenied"),
        ("denied_fault", "ErrorAccessDenied"),
        ("impersonation_denied", "ErrorImpersonateUserDenied"),
        ("no_mailbox", "ErrorNonExistentMailbox"),
        ("internal_error", "ErrorInternalServerError"),
    ],
)
def test_refusals_have_exchanges_codes(lab: ExchangeLab, client: Client, name: str, code: str) -> None:
    """Each refusal is a valid answer, and read back with its code."""
    lab.faults.add(name)
    _, _, body = client.ask(request(TOM))
    assert refused((0, {}, body)) == code
    assert validate_answer(body) == []


@pytest.mark.parametrize(
    ("name", "status", "header"),
    [
        ("unavailable", 503, ("Retry-After", "7")),
        ("unauthorized", 401, ("Content-Length", "0")),
        ("forbidden", 403, ("Content-Length", "0")),
        ("server_error", 500, ("Content-Type", "text/html; charset=utf-8")),
        ("redirect", 302, ("Location", "https://elsewhere.invalid/EWS/Exchange.asmx")),
        ("html", 200, ("Content-Type", "text/html; charset=utf-8")),
        ("empty", 200, ("Content-Length", "0")),
    ],
)
def test_statuses_without_soap(
    lab: ExchangeLab, client: Client, name: str, status: int, header: tuple[str, str]
) -> None:
    """What stands before Exchange answers in HTTP only."""
    lab.faults.add(name, seconds=7)
    got, headers, _ = client.ask(request(TOM))
    assert (got, headers[header[0]]) == (status, header[1])


def test_a_connection_that_was_let_in_is_refused(lab: ExchangeLab) -> None:
    """A 401 in the middle takes the connection's log-on with it, and a client that proves itself again is let in."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(lab.ca_file)
        session.auth = HttpNtlmAuth(lab.service.login, lab.service.password)
        assert session.post(lab.url, data=request(TOM)).status_code == 200
        lab.faults.add("unauthorized")
        assert session.post(lab.url, data=request(TOM)).status_code == 200
        assert [one.status for one in lab.requests] == [200, 401, 200]
        assert [one.scheme for one in lab.logons] == ["ntlm", "ntlm"]
        lab.faults.add("unauthorized")
        without_proof = [session.post(lab.url, data=request(TOM), auth=unproven) for _ in range(2)]
        assert [one.status_code for one in without_proof] == [401, 401]


def unproven(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sends a request as it is, on whatever connection is open."""
    return prepared


@pytest.mark.parametrize("name", ["document_type", "deep", "garbage", "html", "empty", "large", "gzip_bomb"])
def test_hostile_answers_are_read_by_no_reader(lab: ExchangeLab, client: Client, name: str) -> None:
    """Our own reader takes none of them for an answer."""
    lab.faults.add(name)
    status, headers, body = client.ask(request(TOM))
    assert status == 200
    if headers["Content-Encoding"] == "gzip":
        assert len(body) < 1_000_000
        body = gzip.decompress(body)
    if name in {"large", "gzip_bomb"}:
        assert 104_000_000 < len(body) < 107_000_000
    with pytest.raises(EwsXmlError):
        operation(body)


def test_an_answer_is_cut_off(lab: ExchangeLab, client: Client) -> None:
    """The length is right, and half of it comes."""
    whole = client.ask(request(TOM))[2]
    lab.faults.add("cut_off")
    with pytest.raises(IncompleteRead) as caught:
        client.ask(request(TOM))
    assert len(caught.value.partial) + (caught.value.expected or 0) == len(whole)
    assert whole.startswith(caught.value.partial)


def test_a_wrong_length_hides_the_rest(lab: ExchangeLab, client: Client) -> None:
    """A client that believes the length has half an answer, which is no XML."""
    lab.faults.add("wrong_length")
    _, _, body = client.ask(request(TOM))
    with pytest.raises(EwsXmlError):
        operation(body)


def test_a_sound_answer_to_another_question(lab: ExchangeLab, client: Client) -> None:
    """Another mailbox's answer is that mailbox's own, and another operation's is valid: only the asker can tell."""
    lab.faults.add("other_mailbox", shown=KATRIN)
    shown = client.ask(request(TOM))[2]
    assert shown == client.ask(request(KATRIN))[2]
    lab.faults.add("wrong_operation")
    answer = client.ask(request(TOM))[2]
    assert validate_answer(answer) == []
    found = operation(answer)
    assert not isinstance(found, Refusal)
    assert etree.QName(found).localname == "UnsubscribeResponse"


@pytest.mark.parametrize("name", ["stall", "silence", "drip", "large"])
def test_it_stops_while_an_answer_hangs(tmp_path: Path, name: str) -> None:
    """A client that still waits for a slow answer does not keep the server from stopping."""
    before = set(threading.enumerate())
    with exchange.start(tmp_path) as slow:
        slow.faults.add(name)
        client = Client(slow)
        client.connection.request("POST", "/EWS/Exchange.asmx", request(TOM), client.headers)
        end = time.monotonic() + 10
        while slow.faults.waiting and time.monotonic() < end:
            time.sleep(0.01)
        slow.stop()
        # It waits a second for each, and then goes on without.
        assert not set(threading.enumerate()) - before
        client.connection.close()


def refused(answer: tuple[int, Any, bytes]) -> str | None:
    """The code of the refusal in an answer; None where it is an answer."""
    try:
        found = refusal(answer[2])
    except ConnectorError as exc:
        return exc.message
    return found.code if found else None
