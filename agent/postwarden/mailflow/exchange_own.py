"""The hidden rules that Exchange and Outlook keep for themselves, known by provider, name *and* content.

Names and providers are in [MS-OXCSPAM] section 3.1.4.1 (junk mail), [MS-OXODLGT] (delegates) and
[MS-OXORULE] (automatic replies). Whoever forges one borrows the label; what the rule does gives it away.
"""

import re
from collections.abc import Callable, Collection

from postwarden.mailflow.catch_all import is_catch_all
from postwarden.mailflow.conditions import selecting_tests
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import All, AnyOf, Condition, Effect, Not, Test

#: Providers of rules that Exchange lists: Outlook's (some with a profile's id behind it), its own, and Outlook 97's.
_LISTED = ("ruleorganizer", "exchangemailboxrules14", "msft:tdx rules", "msft:mr")
#: What an administrator's cmdlet calls them; who made a rule it does not tell.
_JUNK_NAME = "junk e-mail rule"
_JUNK, _DELEGATES = "junkemailrule", "schedule+ ems interface"
#: Exchange gives it no name; Zarafa's descendants, Kopano and grommunio among them, do.
_DELEGATES_NAMES = frozenset({"", "delegate meetingrequest service"})
_AWAY, _OLD_AWAY = "microsoft exchange oof assistant", "msft:tdx oof rules"
_AWAY_NAME = "microsoft.exchange.oof."
#: A condition on the message class, as it is told; other comparisons than these let ordinary mail through.
_MEETINGS = re.compile(r"message class (?:is|contains|matches) ipm\.schedule\.meeting")
#: PidTagContentFilterSpamConfidenceLevel, as a condition on it is told.
_SCORE = "0x4076"
_CORRESPONDENTS = frozenset({"from", "sender", "to", "cc"})
_INSIDE: frozenset[str] = frozenset({"internal", "own", "partner"})


def is_known_provider(provider: str) -> bool:
    """Whether rules of this provider are to be expected in a mailbox."""
    return provider.casefold().startswith(_LISTED) or is_kept_back(provider)


def is_kept_back(provider: str) -> bool:
    """Whether rules of this provider are Exchange's own, which it never lists."""
    return provider.casefold().startswith((_JUNK, _DELEGATES, _AWAY, _OLD_AWAY))


def is_exchange_own(flow: MailFlow, classes: Collection[str]) -> bool | None:
    """Whether a stored rule is one of Exchange's own; `classes` are whose the targets are that it sends to.

    None: it has the label, and what would tell (its actions, or who gets the mail) could not be read.
    """
    judge = _judge_of(flow)
    if judge is None:
        return False
    return judge(flow, classes) if flow.paths else None


_Judge = Callable[[MailFlow, Collection[str]], bool | None]


def _judge_of(flow: MailFlow) -> _Judge | None:
    provider, name = (flow.provider or "").casefold(), flow.name.casefold()
    if flow.origin == "inbox_rule" and flow.hidden:
        if name == _JUNK_NAME:
            return _is_junk_as_told
        return _is_reply if name.startswith(_AWAY_NAME) else None
    if flow.origin != "rule_item":
        return None
    if provider == _JUNK and name == _JUNK_NAME:
        return _is_junk
    if (provider == _AWAY and name.startswith(_AWAY_NAME)) or provider.startswith(_OLD_AWAY):
        return _is_reply
    if provider == _DELEGATES and name in _DELEGATES_NAMES:
        return _is_delegates
    return None


def _does_only(flow: MailFlow, *kinds: str) -> bool:
    return all(effect.what in {*kinds, "stop"} for effect in _effects(flow))


def _effects(flow: MailFlow) -> list[Effect]:
    return [effect for path in flow.paths for effect in path.effects]


def _is_junk(flow: MailFlow, _classes: Collection[str]) -> bool:
    """It moves and stamps some mail, picked by senders, recipients and the filter's score: never by words."""
    return _does_only(flow, "move", "label") and all(_is_junk_choice(path.condition) for path in flow.paths)


def _is_junk_as_told(flow: MailFlow, _classes: Collection[str]) -> bool | None:
    """The same; None where the cmdlet tells no choice that would show, for it tells those on correspondents only."""
    fields = {test.field for path in flow.paths for test in selecting_tests(path.condition)}
    if not _does_only(flow, "move", "label") or not fields <= {*_CORRESPONDENTS, "other"}:
        return False
    if any(is_catch_all(path.condition) for path in flow.paths):
        return False
    return True if all(_is_junk_choice(path.condition) for path in flow.paths) else None


def _is_junk_choice(condition: Condition) -> bool:
    tests = list(selecting_tests(condition))
    fields = {test.field for test in tests}
    by_score = any(_SCORE in value for test in tests for value in test.values)
    picks = by_score or not fields.isdisjoint(_CORRESPONDENTS)
    return picks and fields <= {*_CORRESPONDENTS, "other"} and not is_catch_all(condition)


def _is_reply(flow: MailFlow, _classes: Collection[str]) -> bool:
    return _does_only(flow, "reply")


def _is_delegates(flow: MailFlow, classes: Collection[str]) -> bool | None:
    """It hands meeting messages, and nothing else, to somebody inside."""
    meetings = all(_is_about_meetings(path.condition) for path in flow.paths)
    if not meetings or not _does_only(flow, "redirect", "forward", "delete", "move"):
        return False
    if "external" in classes:
        return False
    return True if set(classes) <= _INSIDE else None


def _is_about_meetings(condition: Condition) -> bool:
    """Whether no other message meets the condition."""
    match condition:
        case Test(values=values):
            return bool(values) and all(_MEETINGS.match(value.casefold()) for value in values)
        case All(parts=parts):
            return any(map(_is_about_meetings, parts))
        case AnyOf(parts=parts):
            return bool(parts) and all(map(_is_about_meetings, parts))
        case Not():
            return False
