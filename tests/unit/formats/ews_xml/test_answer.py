"""What is an answer, what is a refusal, and what is neither."""

from collections.abc import Callable

import pytest

from postwarden.formats.ews_xml import EwsXmlError, Refusal, decode_inbox_rules, decode_permissions, refusal
from postwarden.formats.ews_xml.tree import MAX_BYTES, parse
from postwarden.model.evidence import MailFlow
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.conftest import ALICE, Told
from tests.unit.formats.ews_xml.samples import NAMESPACES, OK, failed, fault, single

Tell = Callable[..., Told]
BACK_OFF = '<t:Value Name="BackOffMilliseconds">1500</t:Value>'
POLICY = '<t:Value Name="Policy">MaxConcurrency</t:Value>'


@pytest.mark.parametrize("values", [BACK_OFF, BACK_OFF + POLICY, POLICY + BACK_OFF])
def test_a_busy_server_says_how_long(values: str) -> None:
    """The time to wait is found wherever it stands among the values of a fault."""
    found = refusal(fault("ErrorServerBusy", values))
    assert found == Refusal(code="ErrorServerBusy", message="Try again later.", back_off=1500)
    assert found.reason == "unreachable"


@pytest.mark.parametrize(
    "value", ["", POLICY, BACK_OFF.replace("1500", "soon"), BACK_OFF.replace("1500", "9" * 30)]
)
def test_a_busy_server_that_does_not_say(value: str) -> None:
    """Without a number that makes sense there is none."""
    found = refusal(fault("ErrorServerBusy", value))
    assert found is not None
    assert found.back_off is None


def test_the_time_to_wait_in_a_response_message() -> None:
    """A busy server may say so in a response message as well."""
    extra = f"<m:MessageXml>{POLICY}{BACK_OFF}</m:MessageXml>"
    found = refusal(failed("GetFolder", "ErrorServerBusy", extra=extra))
    assert found == Refusal(code="ErrorServerBusy", message="It says no.", back_off=1500)


def test_faults_without_exchange_s_own_detail(told: Tell) -> None:
    """A fault that names no Exchange error is told by its fault code, of either SOAP version."""
    raw = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client'
        b"</faultcode><faultstring>Not the owner.</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    (gap,) = told(decode_inbox_rules, raw).gaps
    assert (gap.reason, gap.message) == ("refused", "Exchange answered Client: Not the owner.")
    raw = (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender'
        b"</s:Value></s:Code><s:Reason><s:Text>No.</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
    )
    assert refusal(raw) == Refusal(code="s:Sender", message="No.")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ErrorServerBusy", "unreachable"),
        ("ErrorMailboxStoreUnavailable", "unreachable"),
        ("ErrorAccessDenied", "forbidden"),
        ("ErrorNonExistentMailbox", "refused"),
        ("ErrorItemCorrupt", "malformed"),
        ("ErrorInvalidOperation", "unsupported"),
        ("ErrorSomethingNew", "refused"),
    ],
)
def test_errors_are_gaps_with_their_reason(told: Tell, code: str, reason: str) -> None:
    """Each error is a gap whose reason says whether to wait, to ask for rights, or to look at the data."""
    (gap,) = told(decode_permissions, failed("GetFolder", code), ALICE).gaps
    assert gap.reason == reason
    assert code in gap.message


def test_a_warning_has_content_and_a_gap(told: Tell) -> None:
    """An answer with a warning is read, and the warning is a gap beside it."""
    raw = single(
        "GetInboxRules",
        f"<m:MessageText>Partly.</m:MessageText><m:ResponseCode>ErrorItemCorrupt</m:ResponseCode>"
        f"<m:InboxRules>{samples.rule()}</m:InboxRules>",
        attributes='ResponseClass="Warning"',
    )
    found = told(decode_inbox_rules, raw)
    assert len(found.of(MailFlow)) == 1
    assert [gap.reason for gap in found.gaps] == ["malformed"]
    assert refusal(raw) is None


def test_an_error_code_in_a_success_is_no_success(told: Tell) -> None:
    """A message that calls itself a success and carries an error is not believed."""
    raw = single("GetInboxRules", "<m:ResponseCode>ErrorAccessDenied</m:ResponseCode>")
    found = told(decode_inbox_rules, raw)
    assert (found.evidence, [gap.reason for gap in found.gaps]) == ([], ["forbidden"])


def test_namespaces_as_the_documentation_slips(told: Tell) -> None:
    """Namespaces written with https, as in parts of the documentation, mean the same."""
    raw = samples.EVERYTHING_RULE.replace(b'"http://schemas.', b'"https://schemas.')
    assert (
        told(decode_inbox_rules, raw).evidence == told(decode_inbox_rules, samples.EVERYTHING_RULE).evidence
    )


def test_a_body_without_its_envelope(told: Tell) -> None:
    """An answer saved without its SOAP envelope is read too, and one that a shell saved as UTF-16."""
    body = f'<m:GetInboxRulesResponse {NAMESPACES} ResponseClass="Success">{OK}<m:InboxRules>{samples.rule()}</m:InboxRules></m:GetInboxRulesResponse>'
    assert len(told(decode_inbox_rules, body.encode()).of(MailFlow)) == 1
    declared = '<?xml version="1.0" encoding="utf-8"?>' + body
    assert len(told(decode_inbox_rules, declared.encode("utf-16")).of(MailFlow)) == 1


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]>'
BOMB = ENTITY % "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not XML"),
        (b"GetInboxRules", "not XML"),
        (b"<m:a>", "not XML"),
        (b"<a>&b;</a>", "not XML"),
        (b"\xff\xfe\x00", "begins as UTF-16"),
        (b"<html><body>Sign in</body></html>", "<html> is no answer"),
        (b"<a>" * 150 + b"</a>" * 150, "nested deeper than 100 levels"),
        (b"<a>" * 5000 + b"</a>" * 5000, "not XML"),
        ((ENTITY % "" + "<a>&a;</a>").encode(), "has a document type"),
        ((BOMB + "<a>&i;</a>").encode(), "has a document type"),
        ((BOMB + '<a b="&i;"/>').encode(), "has a document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', "has a document type"),
        ((BOMB + "<a>&i;</a>").encode("utf-16"), "has a document type"),
        (b" " * (MAX_BYTES + 1), "larger than"),
        (b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>', "without a body"),
        (samples.enveloped(f"<m:GetInboxRules {NAMESPACES}/>"), "is a request, not an answer"),
        (samples.enveloped(f"<m:GetInboxRulesResponse {NAMESPACES}/>"), "has no response message"),
    ],
)
def test_what_is_no_answer(told: Tell, raw: bytes, message: str) -> None:
    """What is no XML, has a document type, is too large, too deep or another thing is one gap that says so."""
    found = told(decode_inbox_rules, raw)
    assert found.evidence == []
    (gap,) = found.gaps
    assert gap.reason == "malformed"
    assert message in gap.message


def test_a_declared_encoding_does_not_open_a_way_around() -> None:
    """Bytes are read as UTF-8 whatever they declare, so that a document type cannot hide in another encoding."""
    hidden = ('<?xml version="1.0" encoding="UTF-16LE"?>' + ENTITY % "" + "<a>&a;</a>").encode("utf-16-le")
    with pytest.raises(EwsXmlError):
        parse(hidden)
    with pytest.raises(EwsXmlError):
        parse(b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>')
