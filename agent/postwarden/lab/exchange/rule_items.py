"""Inbox rules as an Exchange stores them: the bytes behind the words of RulePredicatesType and RuleActionsType.

Which property a predicate asks for is what [MS-OXORULE] and Outlook's rules show; it is enough for the lab, where
the same rule has to be recognised listed and stored.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from postwarden.lab.exchange import rule_blob as blob
from postwarden.lab.exchange.organisation import Rule, RuleRecipient, RuleValue
from postwarden.lab.exchange.rule_blob import Compared, Content, Restriction, Tagged

ENABLED, ERROR, ONLY_WHEN_OOF, KEEP_OOF_HISTORY, EXIT_LEVEL, SKIP_IF_SAFE = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

#: Properties of a rule's item, [MS-OXORULE] section 2.2.4.1.
STATE, USER_FLAGS, PROVIDER, NAME, LEVEL, SEQUENCE = 0x65E9, 0x65EA, 0x65EB, 0x65EC, 0x65ED, 0x65F3
ACTIONS, CONDITION = 0x65EF, 0x65F0
EXTENDED_ACTIONS, EXTENDED_CONDITION = 0x0E99, 0x0E9A

RULE_CLASS = "IPM.Rule.Version2.Message"
EXTENDED_RULE_CLASS = "IPM.ExtendedRule.Message"

#: What every delivered message has; Outlook asks for it in a rule without conditions.
EVERY_MESSAGE = blob.Present(0x001A, blob.UNICODE)

_KEYWORDS = blob.Named(0x8001, uuid.UUID("00020329-0000-0000-c000-000000000046"), "Keywords")
_MARK = blob.Named(0x8002, uuid.UUID("00020329-0000-0000-c000-000000000046"), "x-postwarden-lab-predicate")
_NAMES = (_KEYWORDS, _MARK)
_MESSAGE_CLASS, _SUBJECT, _BODY, _HEADERS = 0x001A, 0x0037, 0x1000, 0x007D
_SENDER_KEY, _RECIPIENT_KEY = 0x0C1D, 0x300B
_TEXTS: dict[str, tuple[int, ...]] = {
    "ContainsBodyStrings": (_BODY,),
    "ContainsHeaderStrings": (_HEADERS,),
    "ContainsSubjectOrBodyStrings": (_SUBJECT, _BODY),
    "ContainsSubjectStrings": (_SUBJECT,),
}
_CLASSES = {
    "IsApprovalRequest": "IPM.Note.Microsoft.Approval.Request",
    "IsAutomaticReply": "IPM.Note.Rules.OofTemplate.Microsoft",
    "IsEncrypted": "IPM.Note.SMIME",
    "IsMeetingRequest": "IPM.Schedule.Meeting.Request",
    "IsMeetingResponse": "IPM.Schedule.Meeting.Resp",
    "IsNDR": "REPORT.IPM.Note.NDR",
    "IsPermissionControlled": "IPM.Note.rpmsg",
    "IsReadReceipt": "REPORT.IPM.Note.IPNRN",
    "IsSigned": "IPM.Note.SMIME.MultipartSigned",
    "IsVoicemail": "IPM.Note.Microsoft.Voicemail",
}
_FLAGS = {"IsAutomaticForward": 0x0005, "SentToMe": 0x0057, "SentCcMe": 0x0058, "SentToOrCcMe": 0x0059}
_NUMBERS = {
    "Importance": (0x0017, ("Low", "Normal", "High")),
    "Sensitivity": (0x0036, ("Normal", "Personal", "Private", "Confidential")),
}
_HAS_ATTACHMENT = 0x10
_KILOBYTE = 1024
_FILETIME_EPOCH = 11_644_473_600

#: A folder's entry id, by distinguished id or name.
FolderEntry = Callable[[str], bytes]


@dataclass(frozen=True)
class RuleItem:
    """An associated item that is a rule; `actions` and `condition` are its bytes in `form`, None where it has none."""

    name: str
    provider: str
    state: int
    sequence: int
    actions: bytes | None
    condition: bytes | None
    item_class: str = RULE_CLASS
    form: blob.Form = "extended"

    def properties(self) -> dict[int, int | str | bytes]:
        """Its properties by tag."""
        values: dict[int, int | str | bytes] = {
            STATE: self.state,
            USER_FLAGS: 0,
            PROVIDER: self.provider,
            NAME: self.name,
            LEVEL: 0,
            SEQUENCE: self.sequence,
        }
        extended = self.form == "extended"
        if self.actions is not None:
            values[EXTENDED_ACTIONS if extended else ACTIONS] = self.actions
        if self.condition is not None:
            values[EXTENDED_CONDITION if extended else CONDITION] = self.condition
        return values


def stored(rule: Rule, sequence: int, store: bytes, folder: FolderEntry) -> RuleItem:
    """The item of a rule; KeyError for a folder that is not there, ValueError for a word that is not known."""
    state = ENABLED if rule.enabled else 0
    state |= ERROR if rule.in_error else 0
    state |= EXIT_LEVEL if rule.then.get("StopProcessingRules") is True else 0
    restriction = _condition(rule.when, rule.unless)
    return RuleItem(
        name=rule.name,
        provider=rule.provider,
        state=state,
        sequence=sequence,
        actions=blob.encode_actions(tuple(_actions(rule.then, store, folder)), rule.form, _NAMES),
        condition=blob.encode_condition(restriction, rule.form, _NAMES),
        form=rule.form,
    )


def _condition(when: Mapping[str, RuleValue], unless: Mapping[str, RuleValue]) -> Restriction:
    parts = [predicate(word, value) for word, value in when.items() if value is not False]
    refused = [predicate(word, value) for word, value in unless.items() if value is not False]
    if refused:
        parts.append(blob.Negation(_any(refused)))
    return _all(parts) if parts else EVERY_MESSAGE


def predicate(word: str, value: RuleValue) -> Restriction:
    """One condition as a restriction; ValueError for a word that RulePredicatesType does not have."""
    if word in _TEXTS:
        return _any(
            [Content(Tagged(tag, blob.UNICODE, text)) for text in _strings(value) for tag in _TEXTS[word]]
        )
    if word in _CLASSES:
        return Content(Tagged(_MESSAGE_CLASS, blob.UNICODE, _CLASSES[word]), "beginning")
    if word in _FLAGS:
        return Compared(4, Tagged(_FLAGS[word], blob.BOOLEAN, True))
    if word in _NUMBERS:
        tag, words = _NUMBERS[word]
        return Compared(4, Tagged(tag, blob.LONG, words.index(str(value))))
    match word:
        case "ContainsSenderStrings":
            return _any(
                [Content(Tagged(_SENDER_KEY, blob.BINARY, text.upper().encode())) for text in _strings(value)]
            )
        case "ContainsRecipientStrings":
            keys = [
                Content(Tagged(_RECIPIENT_KEY, blob.BINARY, text.upper().encode()))
                for text in _strings(value)
            ]
            return blob.OfRecipients(_any(list(keys)))
        case "FromAddresses":
            return _any([_key(_SENDER_KEY, one) for one in recipients(value)])
        case "SentToAddresses":
            return blob.OfRecipients(_any([_key(_RECIPIENT_KEY, one) for one in recipients(value)]))
        case "HasAttachments":
            return blob.Bits(0x0E07, _HAS_ATTACHMENT)
        case "ItemClasses":
            return _any(
                [Content(Tagged(_MESSAGE_CLASS, blob.UNICODE, text), "whole") for text in _strings(value)]
            )
        case "NotSentToMe":
            return blob.Negation(predicate("SentToMe", True))
        case "SentOnlyToMe":
            others = Content(Tagged(0x0E04, blob.UNICODE, ";"))
            return blob.Every((predicate("SentToMe", True), blob.Negation(others)))
        case "WithinSizeRange":
            return _range(0x0E08, blob.LONG, value, ("MinimumSize", "MaximumSize"), _kilobytes)
        case "WithinDateRange":
            return _range(0x0E06, blob.TIME, value, ("StartDateTime", "EndDateTime"), _filetime)
        case "Categories":
            return _any(
                [Content(Tagged(_KEYWORDS.id, blob.UNICODES, text), "whole") for text in _strings(value)]
            )
        case "FlaggedForAction":
            return Content(Tagged(_MARK.id, blob.UNICODE, f"{word}: {value}"), "whole")
        case "FromConnectedAccounts" | "MessageClassifications":
            texts = [f"{word}: {text}" for text in _strings(value)]
            return _any([Content(Tagged(_MARK.id, blob.UNICODE, text), "whole") for text in texts])
        case _:
            raise ValueError(f"{word} is no condition of an inbox rule")


def _actions(then: Mapping[str, RuleValue], store: bytes, folder: FolderEntry) -> Iterator[blob.Action]:
    for word, value in then.items():
        match word, value:
            case _, False:
                continue
            case "StopProcessingRules", _:
                # It is a bit of the rule's state; a rule that does nothing else tags.
                if len(then) == 1:
                    yield blob.Tag(Tagged(0x0017, blob.LONG, 1))
            case "AssignCategories", _:
                yield blob.Tag(Tagged(_KEYWORDS.id, blob.UNICODES, _strings(value)))
            case "MarkImportance", str():
                yield blob.Tag(Tagged(0x0017, blob.LONG, _NUMBERS["Importance"][1].index(value)))
            case (("MoveToFolder" | "CopyToFolder"), str()):
                yield blob.ToFolder(store, folder(value), copy=word == "CopyToFolder")
            case "Delete", _:
                # Outlook's "delete" moves.
                yield blob.ToFolder(store, folder("deleteditems"))
            case "PermanentDelete", _:
                yield blob.Delete()
            case "MarkAsRead", _:
                yield blob.MarkRead()
            case "Deferred", _:
                yield blob.Deferred(b"\1\0\0\0a rule of the client")
            case "ServerReplyWithMessage", str():
                yield blob.Reply(store + value.encode(), uuid.uuid5(uuid.NAMESPACE_URL, value))
            case _ if word in _SENDING:
                yield blob.Send(
                    tuple(blob.recipient(one.name, one.address, one.routing) for one in recipients(value)),
                    flavor=_SENDING[word],
                )
            case _:
                raise ValueError(f"{word} is no action of an inbox rule")


_SENDING = {
    "ForwardToRecipients": 0,
    "ForwardAsAttachmentToRecipients": blob.AS_ATTACHMENT,
    "RedirectToRecipients": blob.PRESERVE_SENDER | blob.UNCHANGED,
    "SendSMSAlertToRecipients": blob.TEXT_MESSAGE,
}


def recipients(value: RuleValue) -> tuple[RuleRecipient, ...]:
    """A value that is recipients; ValueError for another."""
    if isinstance(value, tuple):
        found = tuple(one for one in value if isinstance(one, RuleRecipient))
        if len(found) == len(value):
            return found
    raise ValueError(f"{value!r} are no recipients")


def _strings(value: RuleValue) -> tuple[str, ...]:
    if isinstance(value, tuple):
        found = tuple(one for one in value if isinstance(one, str))
        if len(found) == len(value):
            return found
    raise ValueError(f"{value!r} are no strings")


def _key(tag: int, one: RuleRecipient) -> Restriction:
    return Compared(4, Tagged(tag, blob.BINARY, blob.search_key(one.address, one.routing)))


def _range(
    tag: int, kind: int, value: RuleValue, words: tuple[str, str], number: Callable[[str | int], int]
) -> Restriction:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no range")
    parts = [
        Compared(relation, Tagged(tag, kind, number(value[word])))
        for relation, word in zip((3, 1), words, strict=True)
        if word in value
    ]
    return _all(list(parts)) if parts else EVERY_MESSAGE


def _kilobytes(bound: str | int) -> int:
    return int(bound) * _KILOBYTE


def _filetime(moment: str | int) -> int:
    """Steps of 100 nanoseconds since 1601."""
    seconds = int(datetime.fromisoformat(str(moment)).timestamp())
    return (seconds + _FILETIME_EPOCH) * 10_000_000


def _any(parts: list[Restriction]) -> Restriction:
    return parts[0] if len(parts) == 1 else blob.Some(tuple(parts))


def _all(parts: list[Restriction]) -> Restriction:
    return parts[0] if len(parts) == 1 else blob.Every(tuple(parts))
