"""Every operation that the lab's Exchange knows: the request's element in, the answer's element out.

Answers are made from the state alone. Operations that would change something are refused and recorded, since an
audit never sends any; what the schema has beside those is an invalid request here.
"""

from collections.abc import Callable

from postwarden.lab.exchange.access import Actor, Caller, SoapFault, actor
from postwarden.lab.exchange.account_answers import get_app_manifests, get_delegate, get_user_oof_settings
from postwarden.lab.exchange.elements import NAMESPACES, Element, name, new
from postwarden.lab.exchange.folder_answers import find_folder, get_folder
from postwarden.lab.exchange.item_answers import find_item, get_item
from postwarden.lab.exchange.messages import response, success
from postwarden.lab.exchange.model import Mutation, State
from postwarden.lab.exchange.name_answers import expand_dl, resolve_names
from postwarden.lab.exchange.rule_answers import get_inbox_rules

__all__ = ["Caller", "SoapFault", "answer", "is_mutating"]

_CHANGING = (
    *(
        "Add",
        "Apply",
        "Archive",
        "Copy",
        "Create",
        "Delete",
        "Disable",
        "Disconnect",
        "Empty",
        "Export",
        "Import",
    ),
    *(
        "Install",
        "Mark",
        "Move",
        "Perform",
        "Play",
        "Refresh",
        "Remove",
        "Send",
        "Set",
        "Subscribe",
        "Uninstall",
    ),
    *("Unsubscribe", "Unpin", "Update", "Upload"),
)
_VERSIONS = ("Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2")


def answer(state: State, caller: Caller, operation: Element, version: str) -> Element:
    """The answer to one request; `version` is its RequestServerVersion.

    Raises SoapFault for what is refused as a whole.
    """
    word = name(operation)
    if not operation.tag.startswith(f"{{{NAMESPACES['m']}}}"):
        raise SoapFault("ErrorInvalidRequest", "The request is invalid.")
    with state.lock:
        if is_mutating(word):
            state.mutations.append(Mutation(word, caller.user, caller.mailbox))
            raise SoapFault("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        found = _OPERATIONS.get(word)
        if found is None:
            raise SoapFault("ErrorInvalidRequest", "The request is invalid.")
        make, since = found
        who = actor(state, caller)
        if version in _VERSIONS and (
            since not in _VERSIONS or _VERSIONS.index(version) < _VERSIONS.index(since)
        ):
            message = "The specified server version is invalid for this operation."
            raise SoapFault("ErrorInvalidServerVersion", message)
        return make(state, who, operation)


def is_mutating(operation: str) -> bool:
    """Whether an operation of this name changes something on a server, or takes something off it."""
    return operation.startswith(_CHANGING)


def _server_time_zones(_state: State, _who: Actor, _operation: Element) -> Element:
    """Coordinated universal time, which is all that anybody here needs."""
    period = "trule:Microsoft/Registry/UTC-Standard"
    zone = new(
        "t:TimeZoneDefinition",
        new("t:Periods", new("t:Period", Bias="PT0S", Name="Standard", Id=period)),
        new(
            "t:TransitionsGroups",
            new("t:TransitionsGroup", new("t:Transition", new("t:To", period, Kind="Period")), Id="0"),
        ),
        new("t:Transitions", new("t:Transition", new("t:To", "0", Kind="Group"))),
        Id="UTC",
        Name="(UTC) Coordinated Universal Time",
    )
    message = success("m:GetServerTimeZonesResponseMessage", new("m:TimeZoneDefinitions", zone))
    return response("GetServerTimeZones", [message])


#: What is served, and since which version of the interface.
_OPERATIONS: dict[str, tuple[Callable[[State, Actor, Element], Element], str]] = {
    "ExpandDL": (expand_dl, "Exchange2007"),
    "FindFolder": (find_folder, "Exchange2007"),
    "FindItem": (find_item, "Exchange2007"),
    "GetAppManifests": (get_app_manifests, "Exchange2013"),
    "GetDelegate": (get_delegate, "Exchange2007_SP1"),
    "GetFolder": (get_folder, "Exchange2007"),
    "GetInboxRules": (get_inbox_rules, "Exchange2010_SP1"),
    "GetItem": (get_item, "Exchange2007"),
    "GetServerTimeZones": (_server_time_zones, "Exchange2010"),
    "GetUserOofSettingsRequest": (get_user_oof_settings, "Exchange2007"),
    "ResolveNames": (resolve_names, "Exchange2007"),
}
