"""The Exchange half of the lab's organisation: what `exchange_organisation.toml` must always hold."""

import pytest

from postwarden import lab
from postwarden.lab.exchange.mailbox import Mailbox
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import ExchangeOrganisation, load
from tests.unit.lab.exchange_requests import Asking, address, get_inbox_rules

#: Rules about what the intruders of this organisation left.
RULES = {
    "acl_anyone",
    "delegate_sees_private",
    "external_redirect_everything",
    "external_redirect_keyword",
    "hidden_rule",
}


@pytest.fixture
def people() -> ExchangeOrganisation:
    return load()


@pytest.fixture
def state(people: ExchangeOrganisation) -> State:
    return State.from_organisation(people)


def test_it_has_enough_of_every_kind(people: ExchangeOrganisation) -> None:
    """Of 25 accounts three are compromised, and six look so and are innocent."""
    roles = [account.role for account in people.accounts]
    assert len(roles) == 25
    assert (roles.count("compromised"), roles.count("innocent")) == (3, 6)


def test_names_belong_to_one(people: ExchangeOrganisation) -> None:
    """Logins, security ids, legacy DNs and addresses are each one account's or entry's own."""
    for values in (
        [entry.alias for entry in people.directory],
        [entry.legacy_dn for entry in people.directory],
        [one for entry in people.directory for one in entry.addresses],
        [account.sid for account in people.accounts] + [people.service.sid],
    ):
        assert len(values) == len(set(values))


def test_addresses_are_reserved_and_internal(people: ExchangeOrganisation) -> None:
    """Primary addresses of accounts are in an internal domain, and every name is one that nobody can own."""
    for account in people.accounts:
        assert account.addresses[0].partition("@")[2] in people.internal_domains
    for entry in people.directory:
        assert all(one.endswith((".example", ".local")) for one in entry.addresses)


def test_it_is_one_company_with_the_other_half(people: ExchangeOrganisation) -> None:
    """Name and partners are those of the organisation on Dovecot, and its domains are internal here too."""
    other = lab.organisation()
    assert (people.name, people.partners) == (other.name, other.partners)
    assert set(other.internal_domains) < set(people.internal_domains)


def test_members_and_targets_exist(people: ExchangeOrganisation) -> None:
    """Groups have members that the directory knows, and mail of contacts goes to an address of theirs."""
    known = {entry.alias for entry in people.directory}
    for entry in people.directory:
        assert set(entry.members) <= known
        assert (entry.kind == "group") == bool(entry.members)
        assert (entry.goes_to is not None) == (entry.kind in {"contact", "mail_user"})
        assert entry.goes_to is None or entry.goes_to in entry.addresses


def test_findings_are_expected_of_the_compromised(people: ExchangeOrganisation) -> None:
    """What an intruder left must be found in all three compromised accounts, and is expected in no other."""
    compromised = {account.login for account in people.accounts if account.role == "compromised"}
    left = [row for row in people.findings if row.rule in RULES]
    assert {row.account for row in left} == compromised
    assert {row.rule for row in left} == RULES
    assert {row.account for row in people.findings} <= {account.login for account in people.accounts}


def test_secrets_are_not_shown(people: ExchangeOrganisation) -> None:
    """The organisation can be printed without the password and secret of the identity that reads."""
    shown = repr(people)
    assert people.service.password not in shown
    assert people.service.client_secret not in shown


def test_nobody_has_this_login(people: ExchangeOrganisation) -> None:
    """Asking for an account or entry that is not there is a KeyError with its name."""
    for ask in (people.account, people.entry):
        with pytest.raises(KeyError, match="nobody"):
            ask("nobody")


def test_mailboxes_have_standard_folders_in_their_language(state: State) -> None:
    """Display names are the owner's, distinguished ids everybody's; feeds are known by their class alone."""
    inboxes = {state.mailbox(login).folder("inbox").name for login in state.mailboxes}
    assert {"Posteingang", "Boîte de réception", "受信トレイ", "Bandeja de entrada", "Inbox"} <= inboxes
    feeds = state.mailbox("yuki.mori").folder("rss")
    assert (feeds.distinguished, feeds.folder_class) == (None, "IPF.Note.OutlookHomepage")


def test_one_mailbox_has_sixty_folders(state: State) -> None:
    """The archive has sixty folders below the top."""
    archive = state.mailbox("astrid.berg")
    assert len(list(archive.children(archive.folder("msgfolderroot"), deep=True))) >= 59


def test_ids_are_distinct(state: State) -> None:
    """No id of a folder or item occurs twice on the server, and all look like Exchange's."""
    found = [identifier for mailbox in state.mailboxes.values() for identifier in all_ids(mailbox)]
    assert len(found) == len(set(found))
    assert all(one.startswith("AAMk") for one in found)


def all_ids(mailbox: Mailbox) -> list[str]:
    """The ids of folders and items."""
    items = [item.id for folder in mailbox.folders.values() for item in folder.items]
    return [*mailbox.folders, *items]


def test_every_folder_of_a_rule_exists(people: ExchangeOrganisation, state: State) -> None:
    """What rules file goes into folders of the same mailbox."""
    for account in people.accounts:
        told = Asking(state, address(account.login))(get_inbox_rules(account.addresses[0]))
        known = {folder.id.encode() for folder in state.mailbox(account.login).folders.values()}
        for part in told.split(b'FolderId Id="')[1:]:
            assert part.partition(b'"')[0] in known
