"""Faults of what is said: refusals, links that lead astray, lists that never end, values that nobody knows."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from postwarden.lab.cloud.occasions import Occasion
from postwarden.lab.cloud.routing import Answer, Refused

#: A value that no enumeration has, and a member that no object has.
UNKNOWN_VALUE = "somethingNewOf2027"
NEW_MEMBER = "memberNewIn2027"


def _throttled(occasion: Occasion) -> Answer:
    """Too many requests: 429, with Retry-After as it is set, or without."""
    return _after(occasion, occasion.dialect.throttled())


def _rate_limited(occasion: Occasion) -> Answer:
    """Google's way to throttle: 403 with a reason."""
    return _after(occasion, Refused(403, occasion.fault.reason, "Quota exceeded for this request."))


def _unavailable(occasion: Occasion) -> Answer:
    """503, with Retry-After as it is set, or without."""
    return _after(occasion, occasion.dialect.unavailable())


def _after(occasion: Occasion, refused: Refused) -> Answer:
    answer = occasion.refused(refused)
    if occasion.fault.retry_after is None:
        return answer
    return replace(answer, headers=(*answer.headers, ("Retry-After", occasion.fault.retry_after)))


def _server_error(occasion: Occasion) -> Answer:
    """500 with the provider's error."""
    return occasion.refused(occasion.dialect.broken())


def _forbidden(occasion: Occasion) -> Answer:
    """403: the right for this one is missing, whatever the token says."""
    return occasion.refused(occasion.dialect.forbidden(occasion.operation))


def _unauthorized(occasion: Occasion) -> Answer:
    """401: the token has ended."""
    return occasion.refused(occasion.dialect.expired())


def _not_found(occasion: Occasion) -> Answer:
    """404: there is no such thing, although a list named it."""
    return occasion.refused(Refused(404, "notFound", "The requested resource does not exist."))


def _gone(occasion: Occasion) -> Answer:
    """410: the cursor is too old, start again."""
    return occasion.refused(occasion.dialect.gone())


def _link_elsewhere(occasion: Occasion) -> Answer:
    """The link to the next page leads to another origin."""
    return _linked(occasion, lambda link: occasion.elsewhere + _target(link))


def _link_unencrypted(occasion: Occasion) -> Answer:
    """The link to the next page is http."""
    return _linked(occasion, lambda link: "http" + link.removeprefix("https"))


def _link_other_path(occasion: Occasion) -> Answer:
    """The link to the next page leads to another operation of the same host."""
    return _linked(occasion, lambda link: f"{occasion.origin}/v1.0/me/messages?{urlsplit(link).query}")


def _link_with_user(occasion: Occasion) -> Answer:
    """The link to the next page has the right host's name before an @, and another host after it."""
    other = urlsplit(occasion.elsewhere).netloc
    return _linked(occasion, lambda link: f"https://{urlsplit(link).netloc}@{other}{_target(link)}")


def _target(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def _linked(occasion: Occasion, change: Callable[[str], str]) -> Answer:
    """The answer with its link changed, to the next page or to the next changes; a last page gets one."""
    answer = occasion.genuine()
    if answer.status != 200 or not occasion.dialect.links:
        return answer
    names = [name for name in (occasion.dialect.next, "@odata.deltaLink") if name in answer.value]
    if not names:
        return _leading(occasion, answer, change(_again(occasion)))
    return replace(answer, value={**answer.value, names[0]: change(answer.value[names[0]])})


def _again(occasion: Occasion, word: str = "") -> str:
    """What leads to this very request, as the provider writes it."""
    name = occasion.again(word)
    return f"{occasion.origin}{occasion.path}?$skiptoken={name}" if occasion.dialect.links else name


def _leading(occasion: Occasion, answer: Answer, lead: str) -> Answer:
    """The answer, as a page that leads on."""
    value = {name: part for name, part in answer.value.items() if name != "@odata.deltaLink"}
    return replace(answer, value={**value, occasion.dialect.next: lead})


def _loop(occasion: Occasion) -> Answer:
    """Each page says that the next one is this one."""
    answer = occasion.genuine()
    if answer.status != 200 or not occasion.dialect.next:
        return answer
    return _leading(occasion, answer, _again(occasion, "and-again"))


def _endless(occasion: Occasion) -> Answer:
    """A list that goes on for ever: whatever is asked, there is more."""
    answer = occasion.genuine()
    if answer.status != 200:
        return answer
    if occasion.dialect.next:
        return _leading(occasion, answer, _again(occasion))
    items = answer.value or occasion.fault.memory.get("items", [])
    occasion.fault.memory["items"] = items
    return replace(answer, value=items)


def _duplicates(occasion: Occasion) -> Answer:
    """Each page has the items of the page before again; one that is alone has its own twice."""

    def doubled(items: list[Any]) -> list[Any]:
        before = occasion.fault.memory.get("items") or items
        occasion.fault.memory["items"] = items
        return [*before, *items]

    return _items_changed(occasion.genuine(), doubled)


def _empty_page(occasion: Occasion) -> Answer:
    """A page without items that leads on to what should have been here."""
    answer = occasion.genuine()
    if answer.status != 200 or not occasion.dialect.next:
        return answer
    return _leading(occasion, _items_changed(answer, lambda _: []), _again(occasion))


def _new_members(occasion: Occasion) -> Answer:
    """Every object of the answer has a member more than its schema."""
    answer = occasion.genuine()
    return replace(answer, value=_grown(answer.value)) if answer.status == 200 else answer


def _unknown_values(occasion: Occasion) -> Answer:
    """Every word of an enumeration in the answer is one that no schema has."""
    answer = occasion.genuine()
    return replace(answer, value=_estranged(answer.value)) if answer.status == 200 else answer


def _other_account(occasion: Occasion) -> Answer:
    """A sound answer about somebody else."""
    return occasion.about_another(occasion.fault.shown or {})


def _items_changed(answer: Answer, change: Callable[[list[Any]], list[Any]]) -> Answer:
    if answer.status != 200:
        return answer
    if isinstance(answer.value, list):
        return replace(answer, value=change(answer.value))
    value = {name: change(part) if isinstance(part, list) else part for name, part in answer.value.items()}
    return replace(answer, value=value)


def _grown(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{name: _grown(part) for name, part in value.items()}, NEW_MEMBER: {"since": 2027}}
    if isinstance(value, list):
        return [_grown(part) for part in value]
    return value


#: Members that hold a word of an enumeration, in any of the providers' answers.
ENUMERATIONS = frozenset(
    {
        "consentType", "signInAudience", "servicePrincipalType", "principalType", "userType", "importance", "status",
        "externalAudience", "userPurpose", "result", "disposition", "verificationStatus", "accessWindow", "expungeBehavior",
        "protocol", "clientAuthenticatorType", "type", "markImportance", "sensitivity",
    }
)  # fmt: skip


def _estranged(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: UNKNOWN_VALUE if name in ENUMERATIONS and isinstance(part, str) else _estranged(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_estranged(part) for part in value]
    return value


#: Every fault of what is said by its name.
ANSWERS: Mapping[str, Callable[[Occasion], Answer]] = {
    "throttled": _throttled,
    "rate_limited": _rate_limited,
    "unavailable": _unavailable,
    "server_error": _server_error,
    "forbidden": _forbidden,
    "unauthorized": _unauthorized,
    "not_found": _not_found,
    "gone": _gone,
    "link_elsewhere": _link_elsewhere,
    "link_unencrypted": _link_unencrypted,
    "link_other_path": _link_other_path,
    "link_with_user": _link_with_user,
    "loop": _loop,
    "endless": _endless,
    "duplicates": _duplicates,
    "empty_page": _empty_page,
    "new_members": _new_members,
    "unknown_values": _unknown_values,
    "other_account": _other_account,
}
