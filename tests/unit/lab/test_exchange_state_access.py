"""Who may ask the lab's Exchange for what, and what it does with requests that no audit sends."""

import pytest
from lxml import etree

from postwarden.lab.exchange.mailbox import Mailbox
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.operations import Caller, SoapFault, answer, is_mutating
from postwarden.lab.exchange.organisation import Permission, load
from tests.unit.formats.conftest import _shared
from tests.unit.lab.exchange_requests import (
    SERVICE,
    Asking,
    address,
    codes,
    distinguished,
    find_item,
    get_delegate,
    get_folder,
    get_inbox_rules,
    get_item,
    get_oof,
    ids,
    request,
)

JONAS, NOOR = address("jonas.weber"), address("noor.haddad")
NAME = ("folder:DisplayName",)
READ = {
    *(
        "ExpandDL",
        "FindFolder",
        "FindItem",
        "GetAppManifests",
        "GetDelegate",
        "GetFolder",
        "GetInboxRules",
        "GetItem",
    ),
    *("GetServerTimeZones", "GetUserOofSettingsRequest", "ResolveNames"),
}


@pytest.fixture
def state() -> State:
    return State.from_organisation(load())


def fault(ask: Asking, asked: str) -> str:
    """The code of the fault that a request meets."""
    with pytest.raises(SoapFault) as met:
        ask(asked)
    return met.value.code


@pytest.mark.parametrize(
    "name", [JONAS, JONAS.upper(), "jonas.weber", r"KITANO\jonas.weber", load().account("jonas.weber").sid]
)
def test_impersonation_names_an_account_in_several_ways(state: State, name: str) -> None:
    """An address in any case, a login and a security id mean the same mailbox."""
    assert codes(Asking(state, name)(get_inbox_rules())) == ["NoError"]


def test_impersonation_needs_its_role(state: State) -> None:
    """Without the role for a mailbox the request is refused as a whole; the role may be for one mailbox only."""
    state.deny_impersonation(SERVICE)
    assert fault(Asking(state, JONAS), get_inbox_rules()) == "ErrorImpersonateUserDenied"
    state.allow_impersonation(SERVICE, "jonas.weber")
    assert codes(Asking(state, JONAS)(get_inbox_rules())) == ["NoError"]
    assert fault(Asking(state, NOOR), get_inbox_rules()) == "ErrorImpersonateUserDenied"


def test_nobody_can_be_impersonated_who_is_not_there(state: State) -> None:
    """An address without a mailbox is refused as a whole, contacts too."""
    for name in ("nobody@kitano-marine.example", "support.desk@kitano-marine.example"):
        assert fault(Asking(state, name), get_inbox_rules()) == "ErrorNonExistentMailbox"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (get_inbox_rules(NOOR), "ErrorAccessDenied"),
        (get_delegate(NOOR), "ErrorAccessDenied"),
        (get_oof(NOOR), "ErrorAccessDenied"),
        (get_folder(distinguished("inbox", NOOR), fields=NAME), "ErrorFolderNotFound"),
        (find_item(distinguished("inbox", NOOR)), "ErrorFolderNotFound"),
        (get_inbox_rules("nobody@kitano-marine.example"), "ErrorNonExistentMailbox"),
    ],
)
def test_an_impersonated_owner_opens_no_other_mailbox(state: State, asked: str, code: str) -> None:
    """Who acts for one account does not get at another's mailbox by naming it."""
    assert codes(Asking(state, JONAS)(asked)) == [code]


@pytest.mark.parametrize(
    ("asked", "denied"),
    [
        (get_inbox_rules(NOOR), "ErrorAccessDenied"),
        (get_delegate(NOOR), "ErrorAccessDenied"),
        (get_oof(NOOR), "ErrorAccessDenied"),
        (get_folder(distinguished("inbox", NOOR), fields=NAME), "ErrorFolderNotFound"),
        (find_item(distinguished("inbox", NOOR)), "ErrorFolderNotFound"),
    ],
)
def test_full_access_opens_the_mailbox_that_is_named(state: State, asked: str, denied: str) -> None:
    """Without impersonation the identity reads what it has Full Access to, and nothing else."""
    ask = Asking(state)
    assert set(codes(ask(asked))) == {"NoError"}
    state.deny_full_access(SERVICE)
    assert codes(ask(asked)) == [denied]
    state.allow_full_access(SERVICE, "noor.haddad")
    assert set(codes(ask(asked))) == {"NoError"}


def test_an_identity_without_a_mailbox_must_name_one(state: State) -> None:
    """Where no mailbox is named, the caller's own is meant; who has none is told so."""
    assert codes(Asking(state)(get_folder(distinguished("inbox"), fields=NAME))) == [
        "ErrorMissingEmailAddress"
    ]
    assert codes(Asking(state)(get_inbox_rules())) == ["ErrorMissingEmailAddress"]


def test_an_owner_reads_his_own_mailbox(state: State) -> None:
    """An account that logs in by itself needs no right to its own mailbox, and has none to others."""
    ask = Asking(state, user=r"KITANO\jonas.weber")
    assert codes(ask(get_inbox_rules())) == ["NoError"]
    assert codes(ask(get_inbox_rules(NOOR))) == ["ErrorAccessDenied"]


def test_ids_open_no_closed_mailbox(state: State) -> None:
    """Ids that were learnt with access are worth nothing without it."""
    folder = ids(Asking(state, NOOR)(get_folder(distinguished("inbox"), fields=NAME)), "FolderId")[0]
    item = ids(Asking(state, NOOR)(find_item(distinguished("inbox"))), "ItemId")[0]
    ask = Asking(state, JONAS)
    assert codes(ask(get_folder(f'<t:FolderId Id="{folder}"/>', fields=NAME))) == ["ErrorFolderNotFound"]
    assert codes(ask(get_item(item))) == ["ErrorItemNotFound"]


def test_a_folder_that_is_shared_is_open(state: State) -> None:
    """Permission in a folder opens that folder's items, and tells not who else has one."""
    state.set_permission("noor.haddad", Permission("inbox", "jonas.weber", "Reviewer"))
    ask = Asking(state, JONAS)
    raw = ask(
        get_folder(distinguished("inbox", NOOR), fields=("folder:PermissionSet", "folder:EffectiveRights"))
    )
    assert codes(raw) == ["NoError"]
    assert b"PermissionLevel" not in raw
    assert codes(ask(find_item(distinguished("inbox", NOOR)))) == ["NoError"]
    assert codes(ask(get_inbox_rules(NOOR))) == ["ErrorAccessDenied"]


def test_seeing_a_folder_is_not_reading_it(state: State) -> None:
    """A folder that is only visible shows itself, and no item."""
    state.set_permission("noor.haddad", Permission("inbox", "Default", "Custom", visible=True))
    ask = Asking(state, JONAS)
    assert codes(ask(get_folder(distinguished("inbox", NOOR), fields=NAME))) == ["NoError"]
    assert codes(ask(find_item(distinguished("inbox", NOOR)))) == ["ErrorAccessDenied"]


@pytest.mark.parametrize(
    "operation",
    ["CreateItem", "DeleteItem", "UpdateInboxRules", "AddDelegate", "SetUserOofSettingsRequest", "SendItem"],
)
def test_what_would_change_something_is_refused_and_remembered(state: State, operation: str) -> None:
    """No operation that changes a mailbox is obeyed, and each is recorded with who sent it, role or not."""
    state.deny_impersonation(SERVICE)
    assert fault(Asking(state, JONAS, schema=False), request(operation)) == "ErrorAccessDenied"
    (found,) = state.mutations
    assert (found.operation, found.user, found.mailbox) == (operation, SERVICE, JONAS)


def test_every_operation_of_the_schema_is_served_or_refused(state: State) -> None:
    """Of all requests that the schema knows, those that are served change nothing, and no other is answered."""
    root = etree.parse(str(_shared("schemas/ews/messages.xsd"))).getroot()
    words = {str(element.get("name")) for element in root.iterchildren("{*}element")}
    asked = {word for word in words if not word.endswith(("Response", "ResponseMessage"))}
    assert asked > READ
    assert not any(map(is_mutating, READ))
    for word in sorted(asked - READ):
        found = fault(Asking(state, JONAS, schema=False), request(word))
        assert found in {"ErrorAccessDenied", "ErrorInvalidRequest"}


def test_what_is_no_operation_is_an_invalid_request(state: State) -> None:
    """An element of another namespace is refused as a whole."""
    caller = Caller(SERVICE, JONAS, impersonating=True)
    with pytest.raises(SoapFault, match="ErrorInvalidRequest"):
        answer(state, caller, etree.fromstring("<GetFolder/>"), "Exchange2013")


@pytest.mark.parametrize(
    ("version", "asked"),
    [("Exchange2007_SP1", get_inbox_rules()), ("Exchange2010_SP2", request("GetAppManifests"))],
)
def test_old_versions_lack_operations(state: State, version: str, asked: str) -> None:
    """A request that names a version from before the operation is refused."""
    assert fault(Asking(state, JONAS, version=version), asked) == "ErrorInvalidServerVersion"


def test_lookups_know_whose_a_name_is(state: State) -> None:
    """A mailbox is found by each of its addresses and its legacy DN; a name that nobody has is a KeyError."""
    katrin = load().account("katrin.vogel")
    found: set[str] = {state.mailbox(name).login for name in (*katrin.addresses, katrin.legacy_dn)}
    assert found == {"katrin.vogel"}
    with pytest.raises(KeyError):
        state.mailbox("nobody")
    assert isinstance(state.mailbox("katrin.vogel"), Mailbox)
