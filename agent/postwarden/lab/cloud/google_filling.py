"""Fills the lab's Google domain from the organisation."""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postwarden.lab.cloud.google_state import (
    ACTIVITY_DAYS,
    Activity,
    AppPassword,
    Client,
    Gmail,
    GoogleState,
    Token,
    User,
    sign_in_of,
    token_parameters,
)
from postwarden.lab.cloud.moments import ago
from postwarden.lab.cloud.organisation import Application, CloudOrganisation, GmailSettings, Grant, number
from postwarden.lab.cloud.usual_sign_ins import usual_sign_ins

#: Days between two uses of an application that are in the reports.
_USES = (0, 7, 21)


def filled(whole: CloudOrganisation, start: datetime) -> GoogleState:
    """The domain as the organisation states it, at the lab's start."""
    state = GoogleState(whole.customer_id, whole.domains["google"])
    for person in whole.of("google"):
        user = User(
            number(21, "user", person.login),
            person.login,
            person.name,
            person.addresses,
            suspended=not person.enabled,
            admin=person.login == "admin",
        )
        state.users.fill(user)
        state.activities += [
            sign_in_of(user, one.time, one.address, let_in=one.let_in)
            for one in usual_sign_ins(person, start)
        ]
    people = {user.login: user for user in state.users}
    applications = {one.key: one for one in whole.applications if one.provider == "google"}
    state.clients = {one.id: Client(one.id, one.name, one.native) for one in applications.values()}
    for grant in whole.grants:
        if grant.provider == "google":
            _fill_grant(state, grant, applications[grant.application], people, start)
    for place, password in enumerate(whole.app_passwords):
        state.app_passwords.append(
            AppPassword(
                place + 1,
                people[password.person].id,
                password.name,
                ago(start, password.made, password.key),
                None if password.used is None else ago(start, password.used, password.key, "used"),
            )
        )
    for settings in whole.gmail:
        state.settings[people[settings.person].id] = _settings(settings, state.domain)
    state.activities.sort(key=lambda one: one.time, reverse=True)
    return state


def _fill_grant(
    state: GoogleState, grant: Grant, application: Application, people: Mapping[str, User], start: datetime
) -> None:
    scopes = tuple(grant.scopes.split())
    made = ago(start, grant.made, application.key, grant.person or "")
    if grant.type == "domain_wide":
        state.delegations[application.id] = frozenset(scopes)
        if grant.made <= ACTIVITY_DAYS:
            delegated = state.delegation_parameters(application.id, frozenset(scopes))
            by = people[grant.by or "admin"]
            state.activities.append(Activity(made, "admin", by, "AUTHORIZE_API_CLIENT_ACCESS", delegated))
        return
    assert grant.person is not None
    user, client = people[grant.person], state.clients[application.id]
    state.tokens.fill(Token(user.id, client, scopes))
    if grant.made <= ACTIVITY_DAYS:
        parameters = token_parameters(client, scopes)
        state.activities.append(Activity(made, "token", user, "authorize", parameters))
    if grant.used is None:
        return
    for days in _USES:
        time = ago(start, grant.used + days, application.key, grant.person, "used")
        if time > made and grant.used + days <= ACTIVITY_DAYS:
            state.activities.append(Activity(time, "token", user, "activity", _use_parameters(client)))


def _use_parameters(client: Client) -> Mapping[str, str]:
    return {
        "client_id": client.id,
        "app_name": client.name,
        "client_type": "NATIVE_APPLICATION" if client.native else "WEB",
        "api_name": "gmail",
        "method_name": "gmail.users.messages.list",
        "num_response_bytes": str(200 + zlib.crc32(client.id.encode()) % 5000),
        "product_bucket": "GMAIL",
    }


def _settings(settings: GmailSettings, domain: str) -> Gmail:
    forwarding = settings.auto_forwarding
    return Gmail(
        list(settings.forwarding_addresses),
        forwarding.get("to", ""),
        forwarding.get("disposition", "leaveInInbox"),
        [_filter(settings.person, place, one) for place, one in enumerate(settings.filters)],
        [f"{login}@{domain}" for login in settings.delegates],
        list(settings.send_as),
        settings.imap,
        settings.pop,
    )


def _filter(person: str, place: int, written: Mapping[str, Any]) -> dict[str, Any]:
    criteria = {word: written[word] for word in ("from", "to", "subject", "query") if word in written}
    action: dict[str, Any] = {}
    if "add" in written:
        action["addLabelIds"] = list(written["add"])
    if "remove" in written:
        action["removeLabelIds"] = list(written["remove"])
    if "forward" in written:
        action["forward"] = written["forward"]
    return {"id": f"ANe1Bmj{number(24, person, str(place))}", "criteria": criteria, "action": action}
