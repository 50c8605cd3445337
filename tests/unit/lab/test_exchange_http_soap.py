"""How the lab's Exchange reads requests and writes answers."""

import pytest
from lxml import etree

from postwarden.formats.ews_xml.answer import Refusal, operation, refusal
from postwarden.lab.exchange import soap
from postwarden.lab.exchange.operations import SoapFault
from postwarden.lab.exchange.soap import Impersonated
from tests.ews_schema import validate_answer

HEAD = (
    f'<s:Envelope xmlns:s="{soap.SOAP}" xmlns:t="{soap.TYPES}" xmlns:m="{soap.MESSAGES}"><s:Header>'
    '<t:RequestServerVersion Version="Exchange2016"/>'
)
TAIL = "</s:Header><s:Body><m:GetInboxRules/></s:Body></s:Envelope>"


def request(header: str = "") -> bytes:
    return (HEAD + header + TAIL).encode()


@pytest.mark.parametrize("kind", ["PrimarySmtpAddress", "SID", "PrincipalName", "SmtpAddress"])
def test_a_request_names_whom_it_acts_for_in_four_ways(kind: str) -> None:
    """Each form of ConnectingSID is read with its value."""
    named = f"<t:ExchangeImpersonation><t:ConnectingSID><t:{kind}>x@y</t:{kind}></t:ConnectingSID>"
    found = soap.parse(request(named + "</t:ExchangeImpersonation>"))
    assert found.impersonated == Impersonated(kind, "x@y")  # type: ignore[arg-type]  # a parameter
    assert (found.name, found.version) == ("GetInboxRules", "Exchange2016")


def test_a_request_may_act_for_nobody_and_be_of_the_first_version() -> None:
    """Without the two headers a request is its sender's own, and of the oldest schema."""
    bare = f'<s:Envelope xmlns:s="{soap.SOAP}"><s:Body><GetDelegate xmlns="{soap.MESSAGES}"/></s:Body></s:Envelope>'
    found = soap.parse(bare.encode())
    assert (found.name, found.version, found.impersonated) == ("GetDelegate", "Exchange2007", None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "ErrorSchemaValidation"),
        (b"<a", "ErrorSchemaValidation"),
        (b"\xff\xfe\x00", "ErrorSchemaValidation"),
        (b"<a/>", "ErrorSchemaValidation"),
        (b"<!DOCTYPE s>" + request(), "ErrorSchemaValidation"),
        (request().replace(b"<m:GetInboxRules/>", b""), "ErrorSchemaValidation"),
        (request().replace(b"<m:GetInboxRules/>", b"<m:A/><m:B/>"), "ErrorSchemaValidation"),
        (request().replace(b"<m:GetInboxRules/>", b"<t:GetInboxRules/>"), "ErrorSchemaValidation"),
        (request().replace(b"<m:GetInboxRules/>", b"<m:a>" * 90 + b"</m:a>" * 90), "ErrorSchemaValidation"),
        (request("<t:ExchangeImpersonation/>"), "ErrorSchemaValidation"),
        (
            request(
                "<t:ExchangeImpersonation><t:ConnectingSID><t:SID/></t:ConnectingSID></t:ExchangeImpersonation>"
            ),
            "ErrorSchemaValidation",
        ),
        (request().replace(b"Exchange2016", b"Exchange2099"), "ErrorInvalidServerVersion"),
    ],
)
def test_what_is_no_request_is_refused(raw: bytes, code: str) -> None:
    """What Exchange would not read, the lab does not read either, and says so with Exchange's code."""
    with pytest.raises(SoapFault) as caught:
        soap.parse(raw)
    assert caught.value.code == code


def test_a_fault_says_how_long_to_wait() -> None:
    """A fault is read back as it was meant, with the time to wait wherever it stands among the values."""
    values = [("Policy", "EWSMaxConcurrency"), ("BackOffMilliseconds", "1500")]
    for order in (values, values[::-1]):
        raw = soap.fault("ErrorServerBusy", "Try again later.", order)
        assert refusal(raw) == Refusal(code="ErrorServerBusy", message="Try again later.", back_off=1500)
        named = [value.get("Name") for value in etree.fromstring(raw).iter(f"{{{soap.TYPES}}}Value")]
        assert named == [name for name, _ in order]
        assert validate_answer(raw) == []


@pytest.mark.parametrize(
    "name", ["GetInboxRules", "GetDelegate", "GetUserOofSettings", "GetFolder", "FindItem"]
)
def test_an_error_stands_where_the_operation_has_its_response_message(name: str) -> None:
    """The error of an operation is read back as a refusal of that operation."""
    raw = soap.envelope(soap.error_answer(name, "ErrorAccessDenied", "Access is denied."), soap.ON_PREMISES)
    found = operation(raw)
    assert not isinstance(found, Refusal)
    assert etree.QName(found).localname == f"{name}Response"
    assert refusal(raw) == Refusal(code="ErrorAccessDenied", message="Access is denied.")
