"""The associated items that Exchange and Outlook make in an inbox by themselves."""

import uuid
from collections.abc import Iterator, Sequence

from postwarden.lab.exchange import rule_blob as blob
from postwarden.lab.exchange.organisation import AutomaticReply, DirectoryEntry
from postwarden.lab.exchange.rule_blob import Compared, Content, Restriction, Tagged
from postwarden.lab.exchange.rule_items import (
    ENABLED,
    EXIT_LEVEL,
    EXTENDED_RULE_CLASS,
    KEEP_OOF_HISTORY,
    ONLY_WHEN_OOF,
    SKIP_IF_SAFE,
    RuleItem,
)

#: Classes and subjects of items that hold settings.
SETTINGS = (
    ("IPM.Configuration.MRM", ""),
    ("IPM.Configuration.CleanFinder", ""),
    ("IPM.Microsoft.FolderDesign.NamedView", "Compact"),
)
#: Where Outlook keeps the whole of its rules; its being there is OutlookRuleBlobExists.
OUTLOOK_RULES = ("IPM.RuleOrganizer", "Outlook Rules Organizer")

_MOVE_STAMP = blob.Named(
    0x837E,
    uuid.UUID("00020329-0000-0000-c000-000000000046"),
    "http://schemas.microsoft.com/exchange/junkemailmovestamp",
)
_SENDER_TYPE = 0x0C1E
_SENDER_SMTP = 0x0C1F
_SPAM_CONFIDENCE = 0x4076
_MEETING = "IPM.Schedule.Meeting"


def junk_rule(store: bytes, junk_folder: bytes) -> RuleItem:
    """The junk rule of [MS-OXCSPAM] section 3.1.4.1: moves what is likely spam, and stamps it."""
    blocked = Content(Tagged(_SENDER_SMTP, blob.UNICODE, "offers@spam-sender.example"), "whole")
    likely = Compared(3, Tagged(_SPAM_CONFIDENCE, blob.LONG, 6))
    return RuleItem(
        name="Junk E-mail Rule",
        provider="JunkEmailRule",
        state=ENABLED | EXIT_LEVEL | SKIP_IF_SAFE,
        sequence=0,
        actions=blob.encode_actions(
            (blob.ToFolder(store, junk_folder), blob.Tag(Tagged(_MOVE_STAMP.id, blob.LONG, 930_864_138))),
            "extended",
            (_MOVE_STAMP,),
        ),
        condition=blob.encode_condition(blob.Some((blocked, likely)), "extended"),
        item_class=EXTENDED_RULE_CLASS,
    )


def automatic_reply_rules(reply: AutomaticReply, store: bytes) -> Iterator[RuleItem]:
    """One rule for each group of senders that the automatic reply has a text for, as long as it is not disabled.

    The rule for known senders is an extended one, since it lists the owner's contacts.
    """
    if reply.state == "Disabled":
        return
    inside: Restriction = Compared(4, Tagged(_SENDER_TYPE, blob.UNICODE, "EX"))
    outside = blob.Negation(inside)
    known = blob.Every(
        (outside, Content(Tagged(_SENDER_SMTP, blob.UNICODE, "office@nordhavn-yards.example"), "whole"))
    )
    groups: tuple[tuple[str, str, str, Restriction, bool], ...] = (
        ("InternalSenders", reply.internal, "internal", inside, True),
        ("KnownExternalSenders", reply.external, "external", known, reply.audience == "Known"),
        ("AllExternalSenders", reply.external, "external", outside, reply.audience == "All"),
    )
    for number, (senders, text, template, condition, wanted) in enumerate(groups):
        if wanted and text:
            message = blob.Reply(
                store + template.encode(), uuid.uuid5(uuid.NAMESPACE_URL, template), oof=True
            )
            yield RuleItem(
                name=f"Microsoft.Exchange.OOF.{senders}.Global",
                provider="Microsoft Exchange OOF Assistant",
                state=ONLY_WHEN_OOF | KEEP_OOF_HISTORY,
                sequence=8 + number,
                actions=blob.encode_actions((message,), "extended"),
                condition=blob.encode_condition(condition, "extended"),
                item_class=EXTENDED_RULE_CLASS if senders == "KnownExternalSenders" else RuleItem.item_class,
            )


def delegate_rule(delegates: Sequence[DirectoryEntry], *, owner_wants_copy: bool) -> RuleItem:
    """The delegate rule of [MS-OXODLGT] section 2.2.3: meeting messages that are not private go to the delegates.

    Exchange gives it no name.
    """
    conditions = (
        Content(Tagged(0x001A, blob.UNICODE, _MEETING), "beginning"),
        blob.Negation(blob.Present(0x3FE3, blob.BOOLEAN)),
        blob.Some(
            (blob.Negation(blob.Present(0x0036, blob.LONG)), Compared(5, Tagged(0x0036, blob.LONG, 2)))
        ),
    )
    sent = blob.Send(tuple(blob.recipient(one.name, one.legacy_dn, "EX") for one in delegates), delegate=True)
    actions = (sent,) if owner_wants_copy else (sent, blob.Delete())
    return RuleItem(
        name="",
        provider="Schedule+ EMS Interface",
        state=ENABLED,
        sequence=0,
        actions=blob.encode_actions(actions, "extended"),
        condition=blob.encode_condition(blob.Every(conditions), "extended"),
    )
