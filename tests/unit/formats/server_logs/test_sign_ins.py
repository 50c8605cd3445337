"""Exported sign-ins of Entra ID and Google Workspace."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, open_log
from postwarden.formats.server_logs.entra_sign_ins import decode_sign_in
from postwarden.model.event import Access
from tests.log_samples import accesses, decode, sample


def test_a_page_of_graph_is_read() -> None:
    """Each sign-in of an answer that was saved is an event, placed where it begins."""
    content = sample("entra/graph_page.log")
    decoded = decode("entra_sign_ins", content)
    starts = [index for index in range(len(content)) if content.startswith(b'    {\n      "id"', index)]
    assert accesses(decoded) == [
        Access(
            at=starts[0] + 4,
            time=1795391998123,
            stage="whole",
            protocol="sign_in",
            name="alice@example.org",
            address="203.0.113.7",
            client="Browser",
            application="de8bc8b5-d9f9-48b1-a8ad-b748da725064",
            session="d79f5bee-5860-4832-928f-3133e22ae912",
        ),
        Access(
            at=starts[1] + 4,
            time=1795391880000,
            stage="refused",
            protocol="sign_in",
            name="bob@example.org",
            address="2001:db8:1::5",
            client="BAV2ROPC (IMAP4)",
            application="00000002-0000-0ff1-ce00-000000000000",
            session="d79f5bee-5860-4832-928f-3133e22ae913",
            reason="50126 Error validating credentials due to invalid username or password.",
        ),
    ]
    assert (decoded.lines, decoded.passed, decoded.unread) == (2, 0, [])


@pytest.mark.parametrize("layout", ["lines", "list", "compact list", "page in one line"])
def test_the_layout_of_an_export_does_not_matter(layout: str) -> None:
    """The same sign-ins come out of lines, a list, and a page, whole or in portions."""
    items = json.loads(sample("entra/graph_page.log"))["value"]
    text = {
        "lines": "\n".join(map(json.dumps, items)) + "\n",
        "list": json.dumps(items, indent=1),
        "compact list": json.dumps(items),
        "page in one line": json.dumps({"@odata.context": "x", "value": items, "more": 1}) + "\n",
    }[layout]
    found = accesses(decode("entra_sign_ins", text.encode()))
    assert [(one.name, one.stage) for one in found] == [
        ("alice@example.org", "whole"),
        ("bob@example.org", "refused"),
    ]
    assert [text[one.at] for one in found] == ["{", "{"]


def test_records_of_diagnostic_settings_are_read() -> None:
    """Users' sign-ins have the outcome of the record where they have none; those of applications are passed over."""
    decoded = decode("entra_sign_ins", sample("entra/diagnostic.log"))
    assert [(one.name, one.stage, one.session, one.method, one.reason) for one in accesses(decoded)] == [
        ("alice@example.org", "whole", "s-1", None, None),
        ("bob@example.org", "refused", "c-2", "deviceCode", "50173 The provided grant has expired."),
        ("carol@example.org", "whole", None, None, None),
    ]
    assert (decoded.passed, len(decoded.unread)) == (2, 1)


def test_the_sample_is_a_published_sign_in(shared: Callable[[str], Path]) -> None:
    """What the reader is tried against has the published type and nothing more."""
    published = json.loads(shared("schemas/graph/graph-v1.0-trimmed.oas.json").read_text())
    schema = _closed({"$ref": "#/components/schemas/microsoft.graph.signIn", **published})
    for item in json.loads(sample("entra/graph_page.log"))["value"]:
        assert [error.message for error in Draft202012Validator(schema).iter_errors(item)] == []
        assert not Draft202012Validator(schema).is_valid(item | {"invented": 1})


def _closed(schema: Any) -> Any:
    """The schema where nothing additional is allowed and `nullable` is understood."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if key != "nullable"}
    if "properties" in closed and closed.get("type") == "object":
        closed["additionalProperties"] = False
    return {"anyOf": [closed, {"type": "null"}]} if schema.get("nullable") is True else closed


def test_published_examples_of_sign_ins_are_read(shared: Callable[[str], Path]) -> None:
    """The examples of Panther's rules for Azure are sign-ins of the named users, or of applications."""
    lines = shared("data/panther/tests.share.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    records = [one for one in events if str(one.get("category", "")).endswith("SignInLogs")]
    told = [decode_sign_in(one, 0) for one in records]
    found = [one for one in told if isinstance(one, Access)]
    assert [one for one in told if isinstance(one, str)] == []
    assert {one.name for one in found} >= {"aragorn@lotr.com", "boromir@lotr.com", "sam@lotr.com"}
    assert {one.stage for one in found} == {"whole", "refused"}
    assert told.count(None) == sum(one["category"] == "ServicePrincipalSignInLogs" for one in records)


def test_other_records_of_azure_are_no_sign_ins(shared: Callable[[str], Path]) -> None:
    """Audit records that were saved beside sign-ins make no events."""
    decoded = decode("entra_sign_ins", (shared("data/otrf") / "AADAuditEvents.json").read_bytes())
    assert decoded.events == []
    assert decoded.lines == len(decoded.unread) == 4


def test_activities_of_google_are_read() -> None:
    """A log-in, a refused one; a log-out has no session to end."""
    decoded = decode("google_sign_ins", sample("google/activities.log"))
    assert [
        (one.name, one.stage, one.address, one.method, one.reason, one.time) for one in accesses(decoded)
    ] == [
        ("alice@example.org", "whole", "203.0.113.7", "google_password", None, 1795391998123),
        (
            "bob@example.org",
            "refused",
            "2001:db8:1::5",
            "exchange",
            "login_failure_invalid_password",
            1795391880000,
        ),
    ]
    assert (decoded.passed, decoded.unread) == (1, [])


def test_the_sample_is_a_published_activity(shared: Callable[[str], Path]) -> None:
    """What the reader is tried against has the published type and nothing more."""
    published = json.loads(shared("schemas/google/admin.reports_v1.json").read_text())["schemas"]
    text = json.dumps(published).replace('"$ref": "', '"$ref": "#/$defs/')
    schema = _closed({"$ref": "#/$defs/Activity", "$defs": json.loads(text)})
    for item in json.loads(sample("google/activities.log"))["items"]:
        assert [error.message for error in Draft202012Validator(schema).iter_errors(item)] == []
        assert not Draft202012Validator(schema).is_valid(item | {"invented": 1})


def test_published_examples_of_activities_without_a_time_are_unread(shared: Callable[[str], Path]) -> None:
    """Panther's examples of Google's log-ins are shortened beyond use, and none of them is taken for an access."""
    lines = shared("data/panther/tests.share.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    logins = [
        one
        for one in events
        if isinstance(one.get("id"), dict) and one["id"].get("applicationName") == "login"
    ]
    decoded = decode("google_sign_ins", "\n".join(map(json.dumps, logins)).encode())
    assert (decoded.events, len(decoded.unread)) == ([], len(logins))


def test_a_broken_object_does_not_hide_the_next() -> None:
    """A string without an end and an object without bounds are unread, and what follows is read."""
    good = json.dumps(json.loads(sample("entra/graph_page.log"))["value"][1]).encode() + b"\n"
    long = good[:-2] + b', "more": "' + b"x" * 300_000 + b'"}\n'
    decoded = decode("entra_sign_ins", b'{"id": "broken\n' + good + long + good + b"what is this\n" + good)
    assert [one.name for one in accesses(decoded)] == ["bob@example.org"] * 3
    assert [raw[:7] for _, raw in decoded.unread] == [b'{"id": ', good[:7], b"what is"]


def test_text_behind_a_page_is_unread() -> None:
    """A page's own values are of no interest, and what follows the page is something else."""
    content = b'{"a": 1, "value": [\n], "next": "x"}\nwhat is this\n'
    decoded = decode("entra_sign_ins", content)
    assert [raw for _, raw in decoded.unread] == [b"what is this"]


@pytest.mark.parametrize(("length", "found"), [(10, 2), (5000, 0)])
def test_a_pages_head_is_short(length: int, found: int) -> None:
    """Before its list a page has an address or two: looking for one in a long text would cost its square."""
    items = json.loads(sample("entra/graph_page.log"))["value"]
    page = json.dumps({"@odata.context": "x" * length, "value": items[:2]}).encode() + b"\n"
    decoded = open_log("entra_sign_ins", About()).decode(page, 0)
    assert len(decoded.events) == found
    assert bool(decoded.unread) is not bool(found)


def test_sign_ins_of_applications_are_nobodys() -> None:
    """Graph's sign-ins of service principals are passed over, and one of nobody at all is unread."""
    application = {
        "createdDateTime": "2026-11-22T23:59:58Z",
        "servicePrincipalId": "sp",
        "status": {"errorCode": 0},
    }
    assert decode_sign_in(application, 0) is None
    assert isinstance(decode_sign_in({"createdDateTime": "2026-11-22T23:59:58Z"}, 0), str)


def test_a_record_may_say_success_in_words() -> None:
    """Some collectors write the outcome as a word."""
    record = {
        "category": "SignInLogs",
        "time": "2026-11-22T23:59:58Z",
        "properties": {"userPrincipalName": "a@example.org"},
    }
    told = [decode_sign_in(record | {"resultType": word}, 0) for word in ("Success", "Failure")]
    assert [one.stage for one in told if isinstance(one, Access)] == ["whole", "refused"]


def test_the_decisive_event_of_an_activity_counts() -> None:
    """A log-in that failed first and then succeeded was let in; other applications' activities are passed over."""
    content = sample("google/activities.log")
    activity = json.loads(content)["items"][1]
    activity["events"] += [{"name": "login_success", "parameters": []}]
    other = activity | {"id": activity["id"] | {"applicationName": "drive"}}
    decoded = decode("google_sign_ins", f"{json.dumps(activity)}\n{json.dumps(other)}\n".encode())
    assert [one.stage for one in accesses(decoded)] == ["whole"]
    assert decoded.passed == 1


@pytest.mark.parametrize("format_name", ["entra_sign_ins", "google_sign_ins"])
def test_options_are_refused(format_name: str) -> None:
    """The formats of sign-ins have no options."""
    with pytest.raises(ConfigError, match="unknown field"):
        open_log(format_name, About(options={"x": 1}))
