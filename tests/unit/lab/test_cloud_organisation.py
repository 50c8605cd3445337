"""The organisation at the cloud providers: its totals, its twelve bad and its forty odd ones."""

import re
from collections import Counter

from postwarden.lab.cloud.ordinary import load
from postwarden.lab.cloud.organisation import Application, AppPassword, CloudOrganisation

RESERVED = re.compile(r"[./](example|invalid|test)(/|:|$)")


def marked(whole: CloudOrganisation, key: str) -> Application | AppPassword:
    passwords = {one.key for one in whole.app_passwords}
    return whole.app_password(key) if key in passwords else whole.application(key)


def things(whole: CloudOrganisation) -> tuple[Application | AppPassword, ...]:
    return (*whole.applications, *whole.app_passwords)


def test_there_are_400_applications_and_2000_grants() -> None:
    """The totals are exact, and an app password counts as a grant."""
    whole = load()
    assert len(whole.applications) == 400
    assert len(whole.grants) + len(whole.app_passwords) == 2000


def test_people_are_spread_over_three_providers() -> None:
    """The tenant has 120 people, the domain 40, and the realm those of the mail server."""
    assert Counter(person.provider for person in load().people) == {
        "microsoft": 120,
        "google": 40,
        "keycloak": 28,
    }


def test_each_bad_one_cites_its_publication() -> None:
    """Twelve are bad, each after a published case, and no other application or app password has a case."""
    whole = load()
    cited = [one for one in things(whole) if one.case is not None]
    assert len(whole.expected.bad) == 12
    assert {one.key for one in cited} == set(whole.expected.bad)
    assert all(one.case.title and one.case.publisher and one.case.year >= 2017 for one in cited if one.case)
    assert {marked(whole, key).provider for key in whole.expected.bad} == {"microsoft", "google", "keycloak"}


def test_each_harmless_one_says_why() -> None:
    """Forty look odd and are harmless, and each says why."""
    whole = load()
    odd = {one.key for one in things(whole) if one.harmless}
    assert len(whole.expected.harmless) == 40
    assert odd == set(whole.expected.harmless)
    assert odd.isdisjoint(whole.expected.bad)


def test_ids_and_names_are_unique() -> None:
    """No two applications of a provider share an id, no two people a login, and no grant is there twice."""
    whole = load()
    assert len({(one.provider, one.id) for one in whole.applications}) == 400
    assert len({one.key for one in whole.applications}) == 400
    assert len({(one.provider, one.login) for one in whole.people}) == len(whole.people)
    assert max(Counter(whole.grants).values()) == 1


def test_grants_name_people_and_applications_that_exist() -> None:
    """Every grant, app password, owner and rule is of somebody and something known."""
    whole = load()
    people = {(person.provider, person.login) for person in whole.people}
    keys = {(one.provider, one.key) for one in whole.applications}
    for grant in whole.grants:
        assert (grant.provider, grant.application) in keys
        assert grant.person is None or (grant.provider, grant.person) in people
    for password in whole.app_passwords:
        assert (password.provider, password.person) in people
    for application in whole.applications:
        for owner in application.owners:
            assert {(application.provider, owner.login), (application.provider, owner.by)} <= people
    assert all(("microsoft", rule.person) in people for rule in whole.mail_rules)
    assert all(("microsoft", settings.person) in people for settings in whole.exchange)
    assert all(("google", settings.person) in people for settings in whole.gmail)


def test_no_grant_is_older_than_its_application() -> None:
    """Nobody grants anything to an application that is not made yet."""
    whole = load()
    created = {one.key: one.created for one in whole.applications}
    assert [one for one in whole.grants if one.made > created[one.application]] == []


def test_ordinary_applications_with_mail_scopes_are_verified_old_and_common() -> None:
    """What nobody wrote into the file is dull: only applications that many have for long can read mail."""
    whole = load()
    special = {*whole.expected.bad, *whole.expected.harmless, "postwarden", "postwarden-google"}
    holders = Counter(one.application for one in whole.grants)
    mail = {one.application for one in whole.grants if "mail" in one.scopes.lower().replace("email", "")}
    for key in mail - special:
        application = whole.application(key)
        assert application.verified
        assert application.created > 365
        assert holders[key] >= 10


def test_mail_rules_and_settings_of_an_intruder_are_marked() -> None:
    """Two Graph rules, a hidden one, a mailbox's forwarding and two people's Gmail settings cite a case."""
    whole = load()
    assert sum(one.case is not None for one in whole.mail_rules) == 2
    assert {one.person for one in whole.exchange if one.case} == {"noriko.abe", "victor.santos"}
    assert {one.person for one in whole.gmail if one.case} == {"lena.fischer", "takumi.ono"}


def test_invented_hosts_are_of_reserved_domains() -> None:
    """Every web address is of a domain that nobody can have, loopback, or a public fact of Microsoft's."""
    public = ("https://login.microsoftonline.com/", "https://vscode.dev/")
    for application in load().applications:
        for url in application.reply_urls:
            host = re.match(r"https?://([^/:]+)", url)
            if host is None or host[1] == "localhost" or url.startswith(public):
                continue
            assert RESERVED.search(f"/{host[1]}/"), url


def test_it_is_the_same_each_time() -> None:
    """Nothing of it is left to chance."""
    first = load()
    load.cache_clear()
    assert load() == first
