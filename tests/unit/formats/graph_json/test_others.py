"""People, applications, grants, audits and settings of Graph."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.formats.asked import Asked
from postwarden.formats.graph_json import answer, applications, audits, grants
from postwarden.formats.graph_json.mailbox_settings import decode_mailbox_settings
from postwarden.formats.graph_json.people import read_person
from postwarden.formats.json_text import JsonError
from postwarden.model.application import Owner
from postwarden.model.evidence import Setting
from postwarden.model.reading import Gap, Observed
from postwarden.model.scope import account_scope

ASKED = Asked(
    scope=account_scope("login:a"), source="m365", check="x", observed=datetime(2026, 11, 23, tzinfo=UTC)
)


def raw(**told: Any) -> bytes:
    return json.dumps(told).encode()


def test_a_person_has_all_names() -> None:
    """The address in capitals is the primary one; other kinds of address are none of mail."""
    found = read_person(
        raw(
            id="1", userPrincipalName="A@X.example", mail="a@x.example", displayName="A", accountEnabled=True,
            userType="Guest", proxyAddresses=["smtp:c@x.example", "SIP:s@x.example", "SMTP:a@x.example", "x500:/o=x"],
        )
    )  # fmt: skip
    assert found.addresses == ("a@x.example", "c@x.example")
    assert (found.account.key, found.account.login, found.guest) == ("graph:1", "A@X.example", True)
    assert read_person(raw(id="1")).login == "1"
    with pytest.raises(JsonError):
        read_person(raw(userPrincipalName="x"))


def principal(**told: Any) -> applications.ServicePrincipal:
    return applications.read_service_principal(raw(id="o", appId="a", **told))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, (False, "", None, None)),
        ({"verifiedPublisher": None}, (False, "", None, None)),
        ({"verifiedPublisher": {"displayName": "P", "verifiedPublisherId": "1"}}, (True, "P", None, None)),
        ({"verifiedPublisher": {"displayName": "P", "verifiedPublisherId": None}}, (False, "P", None, None)),
        ({"appOwnerOrganizationId": "T"}, (False, "", "T", True)),
        ({"appOwnerOrganizationId": "u"}, (False, "", "u", False)),
    ],
)
def test_an_application_says_who_publishes_it(told: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Verified only with an id; its home is the organisation's own or not, or not told."""
    found = applications.application(principal(**told), None, (), tenant="t", created=None)
    assert (found.publisher_verified, found.publisher, found.home_tenant, found.own) == expected


def test_keys_are_told_once_and_never_their_value() -> None:
    """Keys of the application here and of its registration, with their ends; those that only sign are others."""
    here = principal(
        passwordCredentials=[
            {"keyId": "1", "displayName": "x", "endDateTime": "2027-01-01T00:00:00Z", "secretText": None}
        ],
        keyCredentials=[
            {"keyId": "2", "usage": "Verify", "startDateTime": "nonsense"},
            {"keyId": "3", "usage": "Sign", "customKeyIdentifier": "T"},
        ],
    )
    own = applications.read_registration(
        raw(id="r", appId="a", createdDateTime="2020-01-01T00:00:00Z",
            passwordCredentials=[{"keyId": "1"}, {"keyId": "4", "customKeyIdentifier": None}])
    )  # fmt: skip
    found = applications.application(here, own, (Owner(name="b"), Owner(name="a")), tenant=None, created=None)
    assert [(one.type, one.id) for one in found.credentials] == [
        ("certificate", "2"), ("other", "3"), ("secret", "1"), ("secret", "4"),
    ]  # fmt: skip
    assert [one.name for one in found.owners] == ["a", "b"]
    assert found.created is not None
    assert (found.created.origin, found.created.time.year) == ("api", 2020)
    saml = principal(
        passwordCredentials=[{"keyId": "5", "customKeyIdentifier": "T"}],
        keyCredentials=[{"keyId": "3", "usage": "Sign", "customKeyIdentifier": "T"}],
    )
    assert {one.type for one in applications.credentials(saml)} == {"other"}


def test_microsofts_word_for_a_switched_off_application_is_kept() -> None:
    """What Microsoft did to it is told in its own word, and nothing where it did nothing."""
    off = applications.application(
        principal(accountEnabled=False, disabledByMicrosoftStatus="DisabledDueToViolationOfServicesAgreement"),
        None, (), tenant=None, created=None,
    )  # fmt: skip
    assert (off.enabled, off.disabled_by_provider) == (False, "DisabledDueToViolationOfServicesAgreement")
    on = applications.application(
        principal(disabledByMicrosoftStatus="NotDisabled"), None, (), tenant=None, created=None
    )
    assert on.disabled_by_provider is None


def test_scopes_are_single_words() -> None:
    """Spaces at the ends and between, however many, are none; a scope that stands twice is one."""
    found = grants.read_delegated(raw(id="1", clientId="c", resourceId="r", scope="  a  b a\t c "))
    assert found.scopes == ("a", "b", "c")
    assert found.for_everybody
    mine = grants.read_delegated(
        raw(id="1", clientId="c", resourceId="r", principalId="p", consentType="Principal")
    )
    assert (mine.scopes, mine.for_everybody) == ((), False)
    assert grants.read_delegated(
        raw(id="1", clientId="c", resourceId="r", principalId="p", consentType="AllPrincipals")
    ).for_everybody


def target(
    kind: str, identifier: str, properties: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    modified = [
        {"displayName": name, "oldValue": None, "newValue": json.dumps(value)}
        for name, value in (properties or {}).items()
    ]
    return {"id": identifier, "type": kind, "displayName": identifier, "modifiedProperties": modified, **more}


def audit(activity: str, *targets: dict[str, Any], **more: Any) -> audits.Audit:
    told = {
        "id": "1",
        "activityDateTime": "2026-11-20T10:00:00Z",
        "activityDisplayName": activity,
        "initiatedBy": {"user": {"id": "u", "userPrincipalName": "u@x.example"}},
        "result": "success",
        "targetResources": targets,
        **more,
    }
    return audits.read_audit(raw(**told))


def permissions(kind: str, person: str) -> dict[str, str]:
    inner = f"[Id: g, ClientId: app, PrincipalId: {person}, ResourceId: r, ConsentType: {kind}, Scope: Mail.Read, x ]"
    return {"ConsentAction.Permissions": f"[] => [{inner}]; "}


@pytest.mark.parametrize(
    ("found", "subject", "person", "everybody"),
    [
        (audit(audits.CONSENT, target("ServicePrincipal", "app", permissions("Principal", "p"))), "app", "p", False),
        (audit(audits.CONSENT, target("ServicePrincipal", "app", permissions("AllPrincipals", ""))), "app", None, True),
        (audit(audits.CONSENT, target("ServicePrincipal", "app")), "app", "u", False),
        (
            audit(
                audits.GRANT,
                target(
                    "ServicePrincipal", "graph",
                    {"DelegatedPermissionGrant.ConsentType": "AllPrincipals", "ServicePrincipal.ObjectID": "app"},
                ),
                target("ServicePrincipal", "app"),
            ),
            "app", None, True,
        ),
        (
            audit(
                audits.GRANT,
                target("ServicePrincipal", "graph", {"DelegatedPermissionGrant.ConsentType": "Principal"}),
                target("ServicePrincipal", "app"),
            ),
            "app", None, False,
        ),
        (
            audit(audits.ROLE, target("ServicePrincipal", "graph", {"ServicePrincipal.ObjectID": "app"})),
            "app", None, False,
        ),
        (audit(audits.PRINCIPAL, target("ServicePrincipal", "app")), "app", None, False),
        (
            audit(
                audits.PRINCIPAL_OWNER, target("User", "p", {"ServicePrincipal.ObjectID": "app"}),
                target("ServicePrincipal", "app"),
            ),
            "app", "p", False,
        ),
        (
            audit(audits.REGISTRATION_OWNER, target("User", "p", {"Application.ObjectID": "reg"})),
            "reg", "p", False,
        ),
    ],
)  # fmt: skip
def test_an_audit_says_what_was_done_to_which_application(
    found: audits.Audit, subject: str, person: str | None, everybody: bool
) -> None:
    """The application is the subject, never the resource that it was let at; the consent is one person's or all's."""
    assert (found.subject, found.person, found.for_everybody) == (subject, person, everybody)
    assert found.author == "u@x.example"


def test_new_keys_are_those_that_were_not_there() -> None:
    """Of the keys that an update lists, only those that it added."""
    properties = {
        "displayName": "KeyDescription",
        "oldValue": '["[KeyIdentifier=old,KeyType=Password,KeyUsage=Verify,DisplayName=]"]',
        "newValue": '["[KeyIdentifier=old,KeyType=Password,KeyUsage=Verify]","[KeyIdentifier=new,KeyType=Password]"]',
    }
    one = target("Application", "reg")
    one["modifiedProperties"] = [properties]
    found = audit(f"{audits.REGISTRATION_CREDENTIALS} ", one)
    assert (found.keys, found.subject) == (("new",), "reg")
    assert found.activity == audits.REGISTRATION_CREDENTIALS


def test_an_audit_without_a_time_is_none() -> None:
    """What has no date cannot be told."""
    with pytest.raises(JsonError):
        audit(audits.CONSENT, activityDateTime="soon")


@pytest.mark.parametrize("result", ["success", "timeout", "unknownFutureValue", "newWord", "", None])
def test_only_what_failed_is_left_out(result: str | None) -> None:
    """Whatever a log calls the end of a change, it may have happened, unless it is said to have failed."""
    assert audit(audits.CONSENT, result=result).succeeded
    assert not audit(audits.CONSENT, result="failure").succeeded


def test_roles_have_names_where_the_resource_says_so() -> None:
    """A role has its name, or none, and then it is known by its id; an answer with a key twice is none."""
    named, nameless = {"id": "1", "value": "Mail.Read"}, {"id": "2", "value": None}
    assert applications.read_roles(raw(appRoles=[named, nameless])) == {"1": "Mail.Read"}
    assert applications.read_roles(raw()) == applications.read_roles(raw(appRoles=None)) == {}
    with pytest.raises(JsonError, match="key twice"):
        applications.read_roles(b'{"appRoles":[{"id":"1","value":"Mail.Read"}],"appRoles":[]}')


def settings(**told: Any) -> dict[str, str]:
    return {
        item.evidence.name: item.evidence.value
        for item in decode_mailbox_settings(raw(**told), ASKED)
        if isinstance(item, Observed) and isinstance(item.evidence, Setting)
    }


def test_automatic_replies_are_told_as_exchange_tells_them() -> None:
    """State and audience, in the words that the other interface of Exchange has; new words stand as they are."""
    replies = {"status": "alwaysEnabled", "externalAudience": "contactsOnly", "externalReplyMessage": "x"}
    assert settings(automaticRepliesSetting=replies, userPurpose="shared") == {
        "automatic_reply": "enabled", "automatic_reply_audience": "known", "mailbox_purpose": "shared",
    }  # fmt: skip
    assert settings(automaticRepliesSetting={"status": "newWord"}) == {"automatic_reply": "newWord"}


@pytest.mark.parametrize(
    "body", [raw(), raw(automaticRepliesSetting=None), raw(automaticRepliesSetting=5), b"x"]
)
def test_settings_that_do_not_say_are_a_gap(body: bytes) -> None:
    """A mailbox is not without automatic replies because nothing was said."""
    assert [type(item) for item in decode_mailbox_settings(body, ASKED)] == [Gap]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (raw(error={"code": "TooManyRequests"}), "TooManyRequests"),
        (raw(error={"code": "Bad<script>"}), ""),
        (raw(error={}), ""),
        (raw(error="x"), ""),
        (b"<html>", ""),
    ],
)
def test_an_error_has_a_code_or_none(body: bytes, code: str) -> None:
    """Graph's word is taken where it is one."""
    assert answer.error_code(body) == code


@pytest.mark.parametrize(
    ("context", "sound"),
    [
        ("https://graph.example/v1.0/$metadata#users('me')/mailboxSettings", True),
        ("https://graph.example/v1.0/$metadata#users('ME')/mailboxSettings", True),
        ("https://graph.example/v1.0/$metadata#users(%27you%27)/mailboxSettings", False),
        ("https://graph.example/v1.0/$metadata#users('you')/mailboxSettings", False),
        ("", True),
    ],
)
def test_an_answer_about_somebody_else_is_none(context: str, sound: bool) -> None:
    """Whose answer it is is believed, where it is told, only if it is theirs."""
    body = raw(**{"@odata.context": context})
    if sound:
        answer.ensure_about(body, "me")
    else:
        with pytest.raises(JsonError):
            answer.ensure_about(body, "me")
