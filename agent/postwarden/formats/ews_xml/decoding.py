"""Any saved answer, by what it answers."""

from collections.abc import Callable, Iterator
from datetime import datetime

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.add_ins import decode_add_ins
from postwarden.formats.ews_xml.answer import Asked, Refusal, operation
from postwarden.formats.ews_xml.automatic_replies import decode_automatic_replies
from postwarden.formats.ews_xml.delegates import decode_delegates
from postwarden.formats.ews_xml.permissions import decode_permissions
from postwarden.formats.ews_xml.rule_items import decode_rule_items
from postwarden.formats.ews_xml.rules import decode_inbox_rules
from postwarden.formats.ews_xml.tree import name
from postwarden.model.account import Account
from postwarden.model.reading import Item
from postwarden.model.scope import Scope

#: What an answer of each operation tells, and who reads it.
_ABOUT_ACCOUNT: dict[str, tuple[str, Callable[..., Iterator[Item]]]] = {
    "GetInboxRulesResponse": ("inbox_rules", decode_inbox_rules),
    "FindItemResponse": ("rule_items", decode_rule_items),
    "GetItemResponse": ("rule_items", decode_rule_items),
    "GetUserOofSettingsResponse": ("automatic_replies", decode_automatic_replies),
    "GetAppManifestsResponse": ("add_ins", decode_add_ins),
}
_ABOUT_OTHERS: dict[str, tuple[str, Callable[..., Iterator[Item]]]] = {
    "GetDelegateResponse": ("delegates", decode_delegates),
    "GetFolderResponse": ("folder_permissions", decode_permissions),
    "FindFolderResponse": ("folder_permissions", decode_permissions),
}
_CHECK = "ews_answer"


def check_of(raw: bytes) -> str | None:
    """The check that a saved answer is about, or None where it is no answer that is judged."""
    try:
        answer = operation(raw)
    except ConnectorError:
        return None
    if isinstance(answer, Refusal):
        return None
    known = {**_ABOUT_ACCOUNT, **_ABOUT_OTHERS}.get(name(answer))
    return known[0] if known else None


def decode(raw: bytes, account: Account, *, scope: Scope, source: str, observed: datetime) -> Iterator[Item]:
    """What a saved answer says, whichever of those that an audit reads it is; the check follows from it.

    `observed` is in UTC. No bytes raise: what is no answer, or one to something else, is a gap.
    """
    asked = Asked(scope=scope, source=source, check=_CHECK, observed=observed)
    try:
        answer = operation(raw)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)
        return
    if isinstance(answer, Refusal):
        yield asked.refused(answer)
        return
    word = name(answer)
    if word in _ABOUT_ACCOUNT:
        check, read = _ABOUT_ACCOUNT[word]
        yield from read(raw, scope=scope, source=source, check=check, observed=observed)
    elif word in _ABOUT_OTHERS:
        check, read = _ABOUT_OTHERS[word]
        yield from read(raw, account, scope=scope, source=source, check=check, observed=observed)
    else:
        known = ", ".join(sorted(one.removesuffix("Response") for one in (*_ABOUT_ACCOUNT, *_ABOUT_OTHERS)))
        yield asked.gap(
            "unsupported",
            f"an answer to {word.removesuffix('Response')} is not judged",
            hint=f"judged: {known}",
        )
