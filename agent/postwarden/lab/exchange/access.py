"""Who asks, for whom, and what Exchange refuses.

A request fails as a whole (`SoapFault`), or one of the things asked for does (`Refused`, which becomes a response
message). Codes and texts are those of Microsoft's documentation of ResponseCode.
"""

from dataclasses import dataclass

from postwarden.lab.exchange.levels import FULL, Rights, rights_of
from postwarden.lab.exchange.mailbox import Folder, Mailbox
from postwarden.lab.exchange.model import State

#: What a permission's access to items is worth, so that the best of several can be taken.
_READS = ("None", "TimeOnly", "TimeAndSubjectAndLocation", "FullDetails")


class SoapFault(Exception):
    """The request is refused as a whole; `back_off` in milliseconds, `status` is HTTP's."""

    def __init__(self, code: str, message: str, back_off: int | None = None, status: int = 500) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.back_off = back_off
        self.status = status


class Refused(Exception):
    """One of the things asked for is refused, with Exchange's code and text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = _TEXTS[code]


_TEXTS = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorMissingEmailAddress": "When making a request as an account that does not have a mailbox, you must specify "
    "the mailbox primary SMTP address for any distinguished folder Ids.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidPropertyRequest": "Property is not valid for this object type.",
    "ErrorInvalidPagingMaxRows": "Paging max rows is invalid.",
    "ErrorInvalidIndexedPagingParameters": "The specified view parameters are invalid.",
    "ErrorInvalidRequest": "The request is invalid.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNameResolutionMultipleResults": "Multiple results were found.",
    "ErrorDelegateNoUser": "The delegate does not map to a user in the Active Directory.",
    "ErrorNotDelegate": "The user is not a delegate for the mailbox.",
    "ErrorUnsupportedMapiPropertyType": "The property type is not supported.",
}


@dataclass(frozen=True)
class Caller:
    """Who asks: `user` logged in, and acts for `mailbox`, by impersonation or as the owner; None where it has none."""

    user: str
    mailbox: str | None
    impersonating: bool


@dataclass(frozen=True)
class Actor:
    """In whose name the state is read: a login, and the mailbox that is meant where a request names none."""

    login: str
    mailbox: Mailbox | None


def actor(state: State, caller: Caller) -> Actor:
    """Raises SoapFault where the caller may not impersonate, or nobody has that mailbox."""
    if not caller.impersonating:
        login = state.user(caller.user)
        own = caller.mailbox or login
        try:
            return Actor(login, state.mailbox(own))
        except KeyError:
            return Actor(login, None)
    if caller.mailbox is None:
        raise SoapFault("ErrorInvalidRequest", "Impersonation without an account to act for.")
    try:
        mailbox = state.mailbox(caller.mailbox)
    except KeyError:
        code = "ErrorNonExistentMailbox"
        raise SoapFault(code, _TEXTS[code]) from None
    if not state.may_impersonate(caller.user, mailbox):
        raise SoapFault(
            "ErrorImpersonateUserDenied",
            "The account does not have permission to impersonate the requested user.",
        )
    return Actor(mailbox.login, mailbox)


def target(state: State, who: Actor, address: str) -> Mailbox:
    """The mailbox that a request is about, named or not; raises Refused where there is none."""
    if not address:
        if who.mailbox is None:
            raise Refused("ErrorMissingEmailAddress")
        return who.mailbox
    try:
        return state.mailbox(address)
    except KeyError:
        raise Refused("ErrorNonExistentMailbox") from None


def require_full_access(state: State, who: Actor, mailbox: Mailbox) -> None:
    """Raises Refused unless the actor owns the mailbox or may open all of it."""
    if not state.has_full_access(who.login, mailbox):
        raise Refused("ErrorAccessDenied")


def rights_in(state: State, who: Actor, mailbox: Mailbox, folder: Folder) -> Rights:
    """What the actor may do in a folder: everything with access to the mailbox, else what its entry says.

    An account without an entry of its own has what Default has.
    """
    if state.has_full_access(who.login, mailbox):
        return FULL
    known = state.mailboxes.get(who.login)
    for entry in folder.permissions:
        if known is not None and entry.grantee.sid == known.sid:
            return rights_of(entry.level, visible=entry.visible)
    for entry in folder.permissions:
        if entry.grantee.distinguished == "Default":
            return rights_of(entry.level, visible=entry.visible)
    return Rights()


def may_read_items(rights: Rights) -> bool:
    """Whether items can be opened; free and busy times are no items."""
    return _READS.index(rights.read) == len(_READS) - 1
