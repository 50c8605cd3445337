"""The whole organisation: what the file states, and ordinary people, applications and grants up to its totals.

The rest is made without chance, so that it is the same everywhere and always. It is dull on purpose: mail scopes only
for verified applications that are old and that many people use, unverified ones for signing in only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from postwarden.lab.cloud.organisation import (
    PROVIDERS,
    Application,
    CloudOrganisation,
    Grant,
    Person,
    Provider,
    client_id,
    number,
)
from postwarden.lab.cloud.organisation_file import stated, stated_grants

#: Given and family names with their form in an address.
_GIVEN = (
    ("Aiko", "aiko"), ("Bjørn", "bjorn"), ("Carmen", "carmen"), ("Dmytro", "dmytro"), ("Elif", "elif"),
    ("François", "francois"), ("Greta", "greta"), ("Hugo", "hugo"), ("Ines", "ines"), ("João", "joao"),
    ("Kaori", "kaori"), ("Luca", "luca"), ("Maja", "maja"), ("Niels", "niels"), ("Oksana", "oksana"),
    ("Pavel", "pavel"), ("Rosa", "rosa"), ("Søren", "soren"), ("Tiina", "tiina"), ("Umar", "umar"),
    ("Vera", "vera"), ("Wei", "wei"), ("Yara", "yara"),
)  # fmt: skip
_FAMILY = (
    ("Andersen", "andersen"), ("Bauer", "bauer"), ("Costa", "costa"), ("Dąbrowski", "dabrowski"), ("Evans", "evans"),
    ("Ferrari", "ferrari"), ("García", "garcia"), ("Hoffmann", "hoffmann"), ("Ito", "ito"), ("Jansen", "jansen"),
    ("Kimura", "kimura"), ("Laine", "laine"), ("Moretti", "moretti"), ("Nakamura", "nakamura"), ("Öztürk", "ozturk"),
    ("Pereira", "pereira"), ("Quist", "quist"), ("Rojas", "rojas"), ("Schäfer", "schafer"), ("Takahashi", "takahashi"),
    ("Ueda", "ueda"), ("Vasquez", "vasquez"), ("Watanabe", "watanabe"), ("Xu", "xu"), ("Yilmaz", "yilmaz"),
)  # fmt: skip
#: Microsoft's own applications, ids and names as its tenants show them (merill/microsoft-info, MIT).
_FIRST_PARTY = (
    ("00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory"),
    ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"),
    ("00000004-0000-0ff1-ce00-000000000000", "Skype for Business Online"),
    ("00000006-0000-0ff1-ce00-000000000000", "Microsoft Office 365 Portal"),
    ("0000000a-0000-0000-c000-000000000000", "Microsoft Intune"),
    ("2793995e-0a7d-40d7-bd35-6968ba142197", "My Apps"),
    ("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal"),
    ("2087bd82-7206-4c0a-b305-1321a39e5926", "Microsoft To-Do"),
    ("c9a559d2-7aab-4f13-a6ed-e7e9c52aec87", "Microsoft Forms"),
    ("7df0a125-d3be-4c96-aa54-591f83ff541c", "Microsoft Flow Service"),
    ("2634dd23-5e5a-431c-81ca-11710d9079f4", "Microsoft Stream Service"),
    ("9ea1ad79-fdb6-4f9a-8bc3-2b70f96e34c7", "Bing"),
    ("33be1cef-03fb-444b-8fd3-08ca1b4d803f", "OneDrive Web"),
)
_REALM_CLIENTS = (
    "account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console",
)  # fmt: skip
_WORDS = (
    "Alder", "Basalt", "Cedar", "Delta", "Ember", "Fjord", "Garnet", "Heron", "Indigo", "Juniper", "Kelp", "Larch",
    "Maple", "Nettle", "Onyx", "Poppy", "Quartz", "Rowan", "Sable", "Thistle", "Umber", "Violet", "Willow", "Yarrow",
)  # fmt: skip
_COMPANIES = ("Software GmbH", "Labs Ltd", "Systems AB", "Technologies Inc", "KK", "SAS", "Oy")


@dataclass(frozen=True)
class _Kind:
    """What one kind of product asks for; the commoner its `weight`, the more people have it."""

    name: str
    scopes: str
    weight: int
    verified: bool = True
    least_age: int = 60
    application: bool = False
    everybody: bool = False


_SIGN_IN = "openid profile email"
_GOOGLE = "https://www.googleapis.com/auth/"
_KINDS: Mapping[Provider, Sequence[_Kind]] = {
    "microsoft": (
        _Kind("Whiteboard", "openid profile User.Read", 4),
        _Kind("Learning", _SIGN_IN, 3, verified=False, least_age=2),
        _Kind("Travel", "User.Read Calendars.ReadWrite offline_access", 3),
        _Kind("Address Book", "User.Read Contacts.Read offline_access", 2),
        _Kind("Signatures", "openid profile email User.Read", 2, everybody=True),
        _Kind("Surveys", _SIGN_IN, 2, verified=False, least_age=20),
        _Kind("Diagrams", "User.Read Files.ReadWrite offline_access", 3),
        _Kind("Polls", "openid profile User.ReadBasic.All", 1),
        _Kind("Staff Directory", "User.Read.All Group.Read.All", 1, application=True, least_age=200),
        _Kind("Customer Records", "User.Read Mail.Read Contacts.ReadWrite offline_access", 9, least_age=500),
        _Kind("Time Sheets", "openid profile User.Read", 3),
        _Kind("Meeting Rooms", "User.Read Calendars.Read", 2),
    ),
    "google": (
        _Kind("Whiteboard", f"openid {_GOOGLE}userinfo.email {_GOOGLE}userinfo.profile", 4),
        _Kind("Scheduling", f"{_GOOGLE}calendar.readonly {_GOOGLE}userinfo.email", 3),
        _Kind("Diagrams", f"{_GOOGLE}drive.file {_GOOGLE}userinfo.email", 4),
        _Kind("Learning", f"openid {_GOOGLE}userinfo.profile", 2),
        _Kind("Type Library", f"openid {_GOOGLE}userinfo.email", 2),
        _Kind("Tasks", f"{_GOOGLE}tasks {_GOOGLE}userinfo.email", 2),
    ),
    "keycloak": (
        _Kind("wiki", "profile email", 3),
        _Kind("tickets", "profile email", 3),
        _Kind("chat", "profile email", 4),
        _Kind("inventory", "profile", 2),
    ),
}
#: A step through lists that have no common factor with it: it meets every place once, in no plain order.
_STRIDE = 37


@cache
def load() -> CloudOrganisation:
    """The whole organisation."""
    whole = stated()
    people = list(whole.people)
    applications = list(whole.applications)
    for provider in PROVIDERS:
        sizes = whole.sizes[provider]
        people += _people(provider, whole, sizes.get("people", 0))
    grants = list(_stated_grants(whole, people))
    for provider in PROVIDERS:
        here = [person for person in people if person.provider == provider and person.enabled]
        made, kinds = _applications(provider, whole)
        applications += made
        passwords = sum(one.provider == provider for one in whole.app_passwords)
        missing = whole.sizes[provider]["grants"] - passwords
        missing -= sum(grant.provider == provider for grant in grants)
        grants += _grants(made, kinds, here, missing)
    return replace(whole, people=tuple(people), applications=tuple(applications), grants=tuple(grants))


def _people(provider: Provider, whole: CloudOrganisation, wanted: int) -> Iterator[Person]:
    have = sum(person.provider == provider for person in whole.people)
    for place in range(wanted - have):
        given, family = _GIVEN[place % len(_GIVEN)], _FAMILY[place * 7 % len(_FAMILY)]
        login = f"{given[1]}.{family[1]}"
        yield Person(provider, login, f"{given[0]} {family[0]}", (f"{login}@{whole.domains[provider]}",))


def _stated_grants(whole: CloudOrganisation, people: Sequence[Person]) -> Iterator[Grant]:
    """One a person and application; application permissions one a permission, as Microsoft assigns them."""
    named = {person.login for person in whole.people if person.provider != "keycloak"}
    for key, row in stated_grants():
        application = whole.application(key)
        ordinary = [
            person.login
            for person in people
            if person.provider == application.provider and person.login not in named and person.enabled
        ]
        fields: dict[str, Any] = {"type": "delegated", **row}
        to = fields.pop("to", None)
        grant = Grant(provider=application.provider, application=key, **fields)
        if grant.type == "application":
            yield from (replace(grant, scopes=scope) for scope in grant.scopes.split())
        elif to is None:
            yield grant
        else:
            start = int(number(3, key)) % len(ordinary)
            taken = (ordinary[start:] + ordinary[:start])[:to] if isinstance(to, int) else to
            yield from (replace(grant, person=login) for login in taken)


def _applications(
    provider: Provider, whole: CloudOrganisation
) -> tuple[list[Application], list[_Kind | None]]:
    """Ordinary applications up to the total, each with its kind; Microsoft's and Keycloak's own have none."""
    known = [one for one in whole.applications if one.provider == provider]
    made: list[Application] = []
    kinds: list[_Kind | None] = []
    if provider == "microsoft":
        made += [
            Application(
                provider, f"microsoft-{place}", id_, name, 2500, publisher="Microsoft", home="microsoft"
            )
            for place, (id_, name) in enumerate(_FIRST_PARTY)
        ]
    if provider == "keycloak":
        made += [
            Application(
                provider, key, key, f"${{client_{key}}}", 2600, consent_required=False, scopes="profile email"
            )
            for key in _REALM_CLIENTS
        ]
    kinds += [None] * len(made)
    for place in range(whole.sizes[provider]["applications"] - len(known) - len(made)):
        kind = _KINDS[provider][place % len(_KINDS[provider])]
        made.append(_application(provider, place, kind))
        kinds.append(kind)
    return made, kinds


def _application(provider: Provider, place: int, kind: _Kind) -> Application:
    word = _WORDS[place // len(_KINDS[provider]) % len(_WORDS)]
    series = place // (len(_KINDS[provider]) * len(_WORDS))
    name = f"{word} {kind.name}" + (f" {series + 1}" if series else "")
    key = name.casefold().replace(" ", "-") + ("" if provider == "microsoft" else f"-{provider}")
    company = f"{word} {_COMPANIES[place % len(_COMPANIES)]}"
    site = f"{kind.name.casefold().replace(' ', '-')}.{word.casefold()}-apps.example"
    return Application(
        provider,
        key,
        client_id(provider, key),
        name if provider != "keycloak" else f"{word} {kind.name}".title(),
        created=kind.least_age + 30 + place * _STRIDE % 900,
        publisher=company if kind.verified and provider == "microsoft" else "",
        verified=kind.verified and provider == "microsoft",
        home="own" if provider == "keycloak" else word.casefold(),
        reply_urls=(f"https://{site}/oauth/callback",) if provider != "keycloak" else (f"https://{site}/*",),
        scopes=kind.scopes if provider == "keycloak" else "",
        optional_scopes="offline_access" if provider == "keycloak" else "",
    )


def _grants(
    applications: Sequence[Application],
    kinds: Sequence[_Kind | None],
    people: Sequence[Person],
    wanted: int,
) -> Iterator[Grant]:
    """So many grants: one a permission or for everybody where the kind is such, else to people by the kind's weight."""
    shared: list[tuple[Application, _Kind]] = []
    for application, kind in zip(applications, kinds, strict=True):
        if kind is None:
            continue
        made = max(kind.least_age, application.created - 20)
        if kind.application or kind.everybody:
            grant = Grant(
                application.provider, "delegated", application.key, kind.scopes, made, by="admin.sato"
            )
            rows = (
                [replace(grant, type="application", scopes=scope) for scope in kind.scopes.split()]
                if kind.application
                else [grant]
            )
            yield from rows
            wanted -= len(rows)
        else:
            shared.append((application, kind))
    holders = [0] * len(shared)
    turn = 0
    while wanted:
        place = turn * _STRIDE % len(shared)
        application, kind = shared[place]
        for _ in range(kind.weight if turn >= len(shared) else 1):
            if not wanted or holders[place] == len(people):
                break
            person = people[(place * 11 + holders[place] * _STRIDE) % len(people)]
            holders[place] += 1
            wanted -= 1
            age = max(kind.least_age, application.created - 10 - holders[place] * 5)
            yield Grant(
                application.provider,
                "delegated",
                application.key,
                kind.scopes,
                age,
                person=person.login,
                used=1 + (place + holders[place]) % 60,
            )
        turn += 1
