"""Evidence into rows: what rules see, with the sentences and facts that a finding will carry."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from postwarden.mailflow.facts import PathFacts, Surroundings, facts
from postwarden.mailflow.keywords import Keywords
from postwarden.model.address import Domains
from postwarden.model.evidence import Delegation, Evidence, Folder, MailFlow, Right, Setting
from postwarden.model.finding import CheckRef, Fact
from postwarden.model.scope import Scope

Value = str | int | bool | None | tuple[str, ...]

#: Together these make somebody the folder's second owner.
_FULL = frozenset({"read", "write", "insert", "delete_message", "administer"})


class Row(Struct, frozen=True, kw_only=True):
    """One row for the rules of `category`.

    `subject` identifies what is judged; `facts` are what a finding remembers, so that a change shows;
    `checks` are what must be read completely before the row's absence means anything.
    """

    category: str
    scope: Scope
    subject: tuple[str, ...]
    values: Mapping[str, Value]
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    checks: tuple[CheckRef, ...]
    blob: str | None


class Context(Struct, frozen=True, kw_only=True):
    """What judging one scope needs beside its evidence.

    `folders` are the account's folders, or None where they could not be read; `folder_checks` the checks
    that list them, as far as any source of the account has one.
    """

    domains: Domains
    own: tuple[str, ...]
    folders: tuple[Folder, ...] | None
    folder_checks: tuple[CheckRef, ...]
    keywords: Keywords


def rows(evidence: Sequence[Evidence], context: Context) -> Iterator[Row]:
    """The rows of all evidence of one scope, in its order."""
    for item in evidence:
        match item:
            case MailFlow():
                yield from _mail_flow(item, context)
            case Delegation():
                yield from _delegation(item, context)
            case Setting():
                yield _setting(item)
            case _:
                # Folders and recipients are context; the other kinds get their rows with the sources that give them.
                continue


def _mail_flow(flow: MailFlow, context: Context) -> Iterator[Row]:
    around = Surroundings(
        domains=context.domains, own=context.own, folders=context.folders, keywords=context.keywords
    )
    told = tuple(facts(flow, around))
    if not told and flow.flaws:
        yield _flawed(flow)
    for path in told:
        external = path.target_class == "external"
        values: dict[str, Value] = {
            "origin": flow.origin,
            "name": flow.name,
            "enabled": flow.enabled,
            "hidden": flow.hidden,
            "fires": path.fires,
            "effect": path.effect,
            "target": path.target,
            "target_class": path.target_class,
            "target_external": external,
            "target_domain": path.target_domain,
            "target_resolved": path.resolved,
            "everything": path.everything,
            "condition": path.condition_text,
            "keywords": path.keywords,
            "keyword_classes": path.keyword_classes,
            "keeps_copy": path.keeps_copy,
            "deletes": path.deletes,
            "marks_read": path.marks_read,
            "moved_to": path.moved_to,
            "folder_unread": path.folder_unread,
            "provider": flow.provider,
            "flaws": flow.flaws,
        }
        moves = path.moved_to is not None
        yield Row(
            category="mail_flow",
            scope=flow.scope,
            subject=(flow.origin, flow.key),
            values=values,
            sentences=tuple(_flow_sentences(flow, path)),
            facts=tuple(_flow_facts(flow, path)),
            checks=(_check(flow), *(context.folder_checks if moves else ())),
            blob=flow.blob,
        )


def _flawed(flow: MailFlow) -> Row:
    """A flow of which no effect could be read, and that is odd: all that is known is what is odd."""
    thing = f'the {_state(flow)} rule "{flow.name}" does something that could not be read'
    values: dict[str, Value] = {
        "origin": flow.origin,
        "name": flow.name,
        "enabled": flow.enabled,
        "hidden": flow.hidden,
        "provider": flow.provider,
        "flaws": flow.flaws,
    }
    return Row(
        category="mail_flow",
        scope=flow.scope,
        subject=(flow.origin, flow.key),
        values=values,
        sentences=(thing, *_flaw_sentences(flow)),
        facts=(Fact(name="state", values=(_state(flow),)), Fact(name="flaws", values=flow.flaws)),
        checks=(_check(flow),),
        blob=flow.blob,
    )


def _state(flow: MailFlow) -> str:
    return ("hidden " if flow.hidden else "") + ("active" if flow.enabled else "inactive")


def _flaw_sentences(flow: MailFlow) -> Iterator[str]:
    for flaw in flow.flaws:
        yield f"as it is stored, something is odd: {flaw}"


def _flow_sentences(flow: MailFlow, path: PathFacts) -> Iterator[str]:
    when = "every message" if path.everything else f"messages where {path.condition_text}"
    line = f" (line {path.line})" if path.line is not None else ""
    thing = "script" if flow.origin == "sieve_script" else "rule"
    yield f'the {_state(flow)} {thing} "{flow.name}"{line} {_effect_words(path)}: {when}'
    yield from _flaw_sentences(flow)
    if path.target_class == "external":
        yield f"{path.target_domain} is neither a domain of the organisation nor an allowed partner"
    if path.keywords:
        words = ", ".join(path.keywords[:8])
        yield f"it selects by words about {' and '.join(path.keyword_classes)}: {words}"
    if not flow.enabled:
        return
    if path.effect in {"redirect", "forward", "forward_as_attachment"} and path.keeps_copy == "yes":
        yield "a copy stays in the mailbox, so that its owner misses nothing"
    elif path.effect in {"redirect", "forward", "forward_as_attachment"} and path.keeps_copy == "no":
        yield "no copy stays in the mailbox: its owner never sees these messages"
    if path.deletes:
        yield "the message is deleted before anybody sees it"
    if path.folder_unread:
        read = "marked read and " if path.marks_read else ""
        yield f'the message is {read}moved to "{path.moved_to}", a folder that its owner does not look into'


def _effect_words(path: PathFacts) -> str:
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


def _flow_facts(flow: MailFlow, path: PathFacts) -> Iterator[Fact]:
    yield Fact(name="state", values=("active" if flow.enabled else "inactive",))
    yield Fact(name="effect", values=(path.effect,))
    if path.target is not None:
        yield Fact(name="target", values=(path.target,))
    yield Fact(name="condition", values=("every message" if path.everything else path.condition_text,))
    yield Fact(name="copy kept", values=(path.keeps_copy,))


def _delegation(entry: Delegation, context: Context) -> Iterator[Row]:
    uses = entry.use or _folder_uses(entry.folder, context.folders)
    where = f'the folder "{entry.folder}"' if entry.folder else "the mailbox as a whole"
    who = {
        "anyone": "everybody",
        "authenticated": "everybody with an account",
        "owner": "the owner",
        "group": f"the group {entry.grantee}",
        "user": f"the user {entry.grantee}",
        "orphan": f"{entry.grantee}, whom the directory does not know,",
    }[entry.grantee_kind]
    rights = ", ".join(right.replace("_", " ") for right in entry.rights) or "which ones is not told"
    verb = "is denied" if entry.negative else "has"
    # Of an orphan the server tells only that it is there.
    unknown: tuple[Right | None, ...] = (None,) if entry.grantee_kind == "orphan" else ()
    for right in entry.rights or unknown:
        yield Row(
            category="delegation",
            scope=entry.scope,
            subject=(entry.via, ("-" if entry.negative else "") + entry.grantee),
            values={
                "via": entry.via,
                "folder": entry.folder,
                "folder_use": uses,
                "grantee": entry.grantee,
                "grantee_kind": entry.grantee_kind,
                "right": right,
                "rights": entry.rights,
                "full": set(entry.rights) >= _FULL,
                "negative": entry.negative,
                "level": entry.level,
            },
            sentences=(f"{who} {verb} rights in {where}: {rights}",),
            facts=(Fact(name=f"rights in {entry.folder or 'the mailbox'}", values=entry.rights),),
            checks=(_check(entry),),
            blob=entry.blob,
        )


def _folder_uses(name: str, folders: tuple[Folder, ...] | None) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    for folder in folders or ():
        if folder.name == name and folder.uses:
            return folder.uses[0]
    return "none"


def _setting(setting: Setting) -> Row:
    return Row(
        category="setting",
        scope=setting.scope,
        subject=("setting", setting.name),
        values={"name": setting.name, "value": setting.value},
        sentences=(f"the setting {setting.name.replace('_', ' ')} is {setting.value}",),
        facts=(Fact(name=setting.name, values=(setting.value,)),),
        checks=(_check(setting),),
        blob=setting.blob,
    )


def _check(evidence: MailFlow | Delegation | Setting) -> CheckRef:
    return CheckRef(source=evidence.source, check=evidence.check)
