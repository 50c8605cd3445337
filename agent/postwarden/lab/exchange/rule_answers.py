"""GetInboxRules ([MS-OXWSRULES]): the listed rules in the schema's words and order."""

from collections.abc import Mapping

from postwarden.lab.exchange.access import Actor, require_full_access, target
from postwarden.lab.exchange.elements import Element, new, text
from postwarden.lab.exchange.mailbox import Folder, ListedRule, Mailbox
from postwarden.lab.exchange.messages import attempt, success
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import RuleRecipient, RuleValue

_TAG = "m:GetInboxRulesResponse"

#: The order of RulePredicatesType.
PREDICATES = (
    "Categories",
    "ContainsBodyStrings",
    "ContainsHeaderStrings",
    "ContainsRecipientStrings",
    "ContainsSenderStrings",
    "ContainsSubjectOrBodyStrings",
    "ContainsSubjectStrings",
    "FlaggedForAction",
    "FromAddresses",
    "FromConnectedAccounts",
    "HasAttachments",
    "Importance",
    "IsApprovalRequest",
    "IsAutomaticForward",
    "IsAutomaticReply",
    "IsEncrypted",
    "IsMeetingRequest",
    "IsMeetingResponse",
    "IsNDR",
    "IsPermissionControlled",
    "IsReadReceipt",
    "IsSigned",
    "IsVoicemail",
    "ItemClasses",
    "MessageClassifications",
    "NotSentToMe",
    "SentCcMe",
    "SentOnlyToMe",
    "SentToAddresses",
    "SentToMe",
    "SentToOrCcMe",
    "Sensitivity",
    "WithinDateRange",
    "WithinSizeRange",
)
#: The order of RuleActionsType; what Outlook does itself is none of them.
ACTIONS = (
    "AssignCategories",
    "CopyToFolder",
    "Delete",
    "ForwardAsAttachmentToRecipients",
    "ForwardToRecipients",
    "MarkImportance",
    "MarkAsRead",
    "MoveToFolder",
    "PermanentDelete",
    "RedirectToRecipients",
    "SendSMSAlertToRecipients",
    "ServerReplyWithMessage",
    "StopProcessingRules",
)
_FOLDERS = frozenset({"CopyToFolder", "MoveToFolder"})
#: The order of the bounds of a range.
_BOUNDS = ("StartDateTime", "EndDateTime", "MinimumSize", "MaximumSize")


def get_inbox_rules(state: State, who: Actor, operation: Element) -> Element:
    """The rules of one mailbox; none is an empty list."""

    def make() -> Element:
        mailbox = target(state, who, text(operation, "m:MailboxSmtpAddress"))
        require_full_access(state, who, mailbox)
        rules = [_rule(listed, place, mailbox) for place, listed in enumerate(mailbox.rules, 1)]
        return success(
            _TAG,
            new("m:OutlookRuleBlobExists", mailbox.outlook_rules),
            new("m:InboxRules", *rules),
        )

    return attempt(_TAG, make)


def _rule(listed: ListedRule, priority: int, mailbox: Mailbox) -> Element:
    rule = listed.rule
    return new(
        "t:Rule",
        new("t:RuleId", listed.id),
        new("t:DisplayName", rule.name),
        new("t:Priority", priority),
        new("t:IsEnabled", rule.enabled),
        new("t:IsNotSupported", True) if rule.not_supported else None,
        new("t:IsInError", True) if rule.in_error else None,
        _part("t:Conditions", PREDICATES, rule.when, mailbox),
        _part("t:Exceptions", PREDICATES, rule.unless, mailbox),
        _part("t:Actions", ACTIONS, rule.then, mailbox),
    )


def _part(
    tag: str, order: tuple[str, ...], words: Mapping[str, RuleValue], mailbox: Mailbox
) -> Element | None:
    told = [_word(word, words[word], mailbox) for word in order if word in words]
    return new(tag, *told) if told else None


def _word(word: str, value: RuleValue, mailbox: Mailbox) -> Element:
    tag = f"t:{word}"
    match value:
        case tuple():
            return new(tag, *(_one(one) for one in value))
        case Mapping():
            return new(tag, *(new(f"t:{bound}", value[bound]) for bound in _BOUNDS if bound in value))
        case str() if word in _FOLDERS:
            folder = _folder(mailbox, value)
            return new(tag, folder)
        case str() if word == "ServerReplyWithMessage":
            return new(tag, Id=value)
        case _:
            return new(tag, value)


def _folder(mailbox: Mailbox, name: str) -> Element:
    """By its id, as Exchange does, whatever the client wrote."""
    try:
        folder: Folder = mailbox.folder(name)
    except KeyError:
        # A rule outlives its folder; it then has the id of nothing.
        return new("t:FolderId", Id=name)
    return new("t:FolderId", Id=folder.id, ChangeKey=folder.change_key)


def _one(value: str | RuleRecipient) -> Element:
    if isinstance(value, str):
        return new("t:String", value)
    return new(
        "t:Address",
        new("t:Name", value.name),
        new("t:EmailAddress", value.address),
        new("t:RoutingType", value.routing),
    )
