"""What a mail flow does, in sentences for people who have to decide about a finding."""

from collections.abc import Iterator

from postwarden.mailflow.facts import SENDING, PathFacts
from postwarden.mailflow.folders import ODD_USES
from postwarden.model.evidence import MailFlow, Recipient

#: Words and addresses that one sentence names.
_WORDS, _ADDRESSES = 8, 5


def state(flow: MailFlow, *, hidden: bool) -> str:
    """Whether the flow runs, and whether its owner sees it."""
    return ("hidden " if hidden else "") + ("active" if flow.enabled else "inactive")


def flaw_sentences(flow: MailFlow) -> Iterator[str]:
    """What is odd about the flow as it is stored."""
    for flaw in flow.flaws:
        yield f"as it is stored, something is odd: {flaw}"


def subject_words(flow: MailFlow, *, hidden: bool) -> str:
    """What the flow is called where a sentence begins with it."""
    shown = state(flow, hidden=hidden)
    match flow.origin:
        case "sieve_script":
            return f'the {shown} script "{flow.name}"'
        case "forward_file":
            return f'the {shown} file "{flow.name}"'
        case "gmail_filter":
            return f'the {shown} Gmail filter "{flow.name}"'
        case "gmail_forwarding":
            return f"the {shown} automatic forwarding of Gmail"
        case "mailbox_forwarding":
            return f"the {shown} forwarding set on the mailbox itself ({flow.name})"
        case "inbox_rule" | "rule_item":
            return f'the {shown} rule "{flow.name}"'


def flow_sentences(flow: MailFlow, path: PathFacts, *, hidden: bool, own: bool | None) -> Iterator[str]:
    """One sentence for each fact; nothing is said to happen that a switched-off flow would do."""
    when = (
        "every message" if path.everything and not path.by_trick else f"messages where {path.condition_text}"
    )
    line = f" (line {path.line})" if path.line is not None else ""
    yield f"{subject_words(flow, hidden=hidden)}{line} {_effect_words(path)}: {when}"
    if flow.origin == "mailbox_forwarding":
        yield "no rule shows it: it is set under Forwarding in Outlook on the web, or by an administrator"
    yield from flaw_sentences(flow)
    if hidden and flow.provider and own is False:
        yield f"it says that {flow.provider} made it, and is none of the hidden rules that belong to Exchange"
    if path.by_trick:
        yield "what it looks for is in every message, so that it only seems to choose"
    for trick in path.tricks:
        yield f"its name, or what it looks for, has {trick}"
    yield from _about_target(path)
    if path.keywords:
        words = ", ".join(path.keywords[:_WORDS])
        yield f"it selects by words about {' and '.join(path.keyword_classes)}: {words}"
    if len(path.signs) > 1:
        yield "weak signs, which count only together: " + "; ".join(path.signs)
    if path.blocked_by is not None:
        yield f'the rule "{path.blocked_by}" before it takes every message and ends the processing: it never runs'
    if flow.enabled and path.blocked_by is None:
        yield from _about_owner(path)


def _about_target(path: PathFacts) -> Iterator[str]:
    if path.recipient is not None:
        yield _behind(path, path.recipient)
    elif path.effect in SENDING and not path.resolved:
        yield f"whose mailbox {path.target} is could not be found out"
    if path.target_class == "external":
        yield f"{path.target_domain} is neither a domain of the organisation nor an allowed partner"
    if path.target_provider == "freemail":
        yield f"anybody gets a free mailbox at {path.target_domain}"
    if path.target_provider == "throwaway":
        yield f"addresses at {path.target_domain} are to be thrown away: whose they are, nobody knows"


def _behind(path: PathFacts, recipient: Recipient) -> str:
    called = f' "{recipient.name}"' if recipient.name else ""
    shown = ", ".join(path.addresses[:_ADDRESSES]) or "no address that is told"
    if len(path.addresses) > _ADDRESSES:
        shown += f" and {len(path.addresses) - _ADDRESSES} others"
    match recipient.mailbox_type:
        case "contact":
            return f"{path.target} is the contact{called}, whose mail goes to {shown}"
        case "mailbox":
            return f"{path.target} is the mailbox{called} of {shown}"
        case "group":
            rest = "" if recipient.complete else "; the directory does not tell all of its members"
            return f"{path.target} is the group{called}, whose mail goes to {shown}{rest}"
        case "public_folder":
            return f"{path.target} is the public folder{called}"
        case "nobody":
            return f"the directory has nobody called {path.target}"
        case "ambiguous":
            return f"the directory has several called {path.target}"


def _about_owner(path: PathFacts) -> Iterator[str]:
    if path.effect in SENDING and path.keeps_copy == "yes":
        yield "a copy stays in the mailbox, so that its owner misses nothing"
    elif path.effect in SENDING and path.keeps_copy == "no":
        yield "no copy stays in the mailbox: its owner never sees these messages"
    if path.permanent:
        yield "the message is deleted for good, and is not in the trash either"
    elif path.deletes:
        yield "the message is deleted before anybody sees it"
    if path.moved_to is not None and path.folder_use == "all":
        read = " and marked read" if path.marks_read else ""
        yield f"the message is archived{read}: it never shows in the inbox, and only All Mail has it"
    elif path.effect == "move" and not path.resolved:
        yield f'what the folder "{path.moved_to}" is called, or is for, the source does not tell'
    if path.folder_unread:
        read = "marked read and " if path.marks_read else ""
        use = path.folder_use.replace("_", " ") if path.folder_use in ODD_USES and path.folder_use else None
        which = (
            f"a folder for {use}, which nobody reads for mail"
            if use
            else "a folder that its owner does not look into"
        )
        yield f'the message is {read}moved to "{path.moved_to}", {which}'


def _effect_words(path: PathFacts) -> str:
    if path.effect == "move" and path.folder_use == "all":
        return "takes out of the inbox, into All Mail only"
    target = f" {path.target}" if path.target is not None else ""
    words = {
        "redirect": "redirects to",
        "forward": "forwards to",
        "forward_as_attachment": "forwards as an attachment to",
        "copy_to_folder": "copies to the folder",
        "move": "moves to the folder",
        "delete": "deletes",
        "mark_read": "marks as read",
        "reject": "rejects",
        "reply": "answers",
        "notify": "sends a notice to",
        "execute": "runs",
        "keep": "keeps",
        "stop": "stops at",
        "label": "sets",
        "defer": "leaves the rest to the owner's mail program",
    }
    return words[path.effect] + target
