"""The organisation of the lab: what `organisation.toml` must always hold."""

import pytest

from postwarden import lab
from postwarden.lab.organisation import AclEntry, Organisation

#: Rule files that an expectation may name.
RULES = {
    "acl_anyone",
    "acl_full_rights",
    "cleartext_source",
    "discard_everything",
    "discard_keyword",
    "external_redirect",
    "external_redirect_everything",
    "external_redirect_keyword",
    "external_redirect_no_copy",
    "external_redirect_silent",
    "hide_keyword",
    "hide_seen",
    "inactive_external_redirect",
}


@pytest.fixture
def people() -> Organisation:
    return lab.organisation()


def test_it_has_enough_of_every_kind(people: Organisation) -> None:
    """Of at least 25 accounts exactly three are compromised, and at least eight look so and are innocent."""
    roles = [account.role for account in people.accounts]
    assert len(roles) >= 25
    assert roles.count("compromised") == 3
    assert roles.count("innocent") >= 8
    assert set(roles) == {"compromised", "innocent", "ordinary"}


def test_nothing_is_used_twice(people: Organisation) -> None:
    """Logins, passwords and addresses are each one account's own, and a folder or script name occurs once in it."""
    for values in (
        [account.login for account in people.accounts] + [people.master.login],
        [account.password for account in people.accounts] + [people.master.password],
        [address for account in people.accounts for address in account.addresses],
        *([folder.name for folder in account.folders] for account in people.accounts),
        *([script.name for script in account.scripts] for account in people.accounts),
    ):
        assert len(values) == len(set(values))


def test_addresses_are_internal_and_reserved(people: Organisation) -> None:
    """Primary addresses are in an internal domain, and every name is one that nobody can own."""
    for account in people.accounts:
        assert account.addresses[0].partition("@")[2] in people.internal_domains
        for address in account.addresses:
            assert address.endswith((".example", ".test"))
    assert len(people.internal_domains) == 2
    assert len(people.partners) == 1


def test_at_most_one_script_is_active(people: Organisation) -> None:
    """No account has two active scripts."""
    for account in people.accounts:
        active = [script for script in account.scripts if script.active]
        assert len(active) <= 1
        assert account.active_script() == (active[0] if active else None)


def test_rights_are_given_to_somebody(people: Organisation) -> None:
    """Rights are on folders that exist, and for anyone or an account."""
    logins = {account.login for account in people.accounts}
    for account in people.accounts:
        for entry in account.acl:
            assert entry.folder in {"INBOX"} | {folder.name for folder in account.folders}
            assert entry.identifier in logins | {"anyone"}


def test_a_folder_name_means_one_special_use(people: Organisation) -> None:
    """Since Dovecot knows special uses by name, a name has the same one, or none, in every account."""
    uses: dict[str, str | None] = {}
    for account in people.accounts:
        for folder in account.folders:
            assert uses.setdefault(folder.name, folder.special_use) == folder.special_use


def test_findings_are_expected_of_the_compromised(people: Organisation) -> None:
    """What must be found is in all three compromised accounts and no other, by rules that exist."""
    compromised = {account.login for account in people.accounts if account.role == "compromised"}
    for server in ("dovecot", "pymap"):
        assert {row.account for row in people.findings[server]} == compromised
        assert {row.rule for row in people.findings[server]} <= RULES
        assert all(row.subject for row in people.findings[server])
    found = {(row.account, row.rule) for row in people.findings["dovecot"]}
    without_rights = {(account, rule) for account, rule in found if not rule.startswith("acl_")}
    assert {(row.account, row.rule) for row in people.findings["pymap"]} == without_rights


def test_the_subject_names_what_was_planted(people: Organisation) -> None:
    """An expected finding's subject is a script, or a folder and who has rights to it, of that account."""
    for row in people.findings["dovecot"]:
        account = people.account(row.account)
        if row.rule.startswith("acl_"):
            assert row.subject in {(entry.folder, entry.identifier) for entry in account.acl}
        else:
            assert row.subject[0] in {script.name for script in account.scripts}


def test_rights_of_the_intruders(people: Organisation) -> None:
    """Two of the three compromised accounts have rights that open the INBOX to others."""
    opened = {account.login: account.acl for account in people.accounts if account.role == "compromised"}
    assert opened == {
        "naomi.sato": (AclEntry("INBOX", "anyone", "lr"),),
        "lars.eriksen": (AclEntry("INBOX", "scanner", "lrwstipekxa"),),
        "priya.raman": (),
    }


def test_nobody_has_this_login(people: Organisation) -> None:
    """Asking for an account that is not there is a KeyError with its login."""
    with pytest.raises(KeyError, match="nobody"):
        people.account("nobody")


def test_passwords_are_not_shown(people: Organisation) -> None:
    """Accounts and the master can be printed without their passwords."""
    account = people.accounts[0]
    assert account.password not in repr(account)
    assert people.master.password not in repr(people)
