"""Who stands behind a name: answers to ResolveNames and ExpandDL."""

from msgspec import Struct

from postwarden.formats.ews_xml.answer import Refusal, messages, operation
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, child, children, text, written

_NOBODY = frozenset({"ErrorNameResolutionNoResults", "ErrorNameResolutionNoMailbox"})
_AMBIGUOUS = "ErrorNameResolutionMultipleResults"


class Mailbox(Struct, frozen=True, kw_only=True):
    """Somebody in the directory; `routing` is SMTP or EX, `kind` Exchange's word (Mailbox, Contact, PublicDL).

    `proxies` are the SMTP addresses that the directory has beside it, `raw` is what it said.
    """

    name: str
    address: str
    routing: str
    kind: str
    proxies: tuple[str, ...] = ()
    raw: bytes = b""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All SMTP addresses, the primary one first."""
        own = (self.address,) if self.routing == "SMTP" and self.address else ()
        return tuple(dict.fromkeys((*own, *self.proxies)))


class Names(Struct, frozen=True, kw_only=True):
    """Whom an answer names; `complete` is False where the server holds back more."""

    mailboxes: tuple[Mailbox, ...]
    complete: bool


def read_names(raw: bytes) -> Names:
    """The people in an answer to ResolveNames, or the members in one to ExpandDL.

    A name that nobody has is a complete answer without anybody. Raises ConnectorError for faults and errors,
    and for what is no such answer.
    """
    answer = operation(raw, "ResolveNames", "ExpandDL")
    if isinstance(answer, Refusal):
        raise answer.error()
    found: list[Mailbox] = []
    complete = True
    for message in messages(answer):
        code = message.refusal.code if message.refusal else None
        if code in _NOBODY:
            continue
        if message.refusal is not None and code != _AMBIGUOUS:
            raise message.refusal.error()
        lists = [
            *children(message.element, MESSAGES + "ResolutionSet"),
            *children(message.element, MESSAGES + "DLExpansion"),
        ]
        complete = complete and all(one.get("IncludesLastItemInRange") not in {"false", "0"} for one in lists)
        for listed in lists:
            found += map(_resolution, children(listed, TYPES + "Resolution"))
            found += (_mailbox(one, (), one) for one in children(listed, TYPES + "Mailbox"))
    return Names(mailboxes=tuple(found), complete=complete)


def _resolution(element: Element) -> Mailbox:
    entries = children(element, TYPES + "Contact", TYPES + "EmailAddresses", TYPES + "Entry")
    # As the directory keeps them, the primary one in capitals: SMTP:a@b, smtp:c@b, X500:/o=…
    told = [(one.text or "").strip().partition(":") for one in entries]
    proxies = tuple(
        rest if colon else kind for kind, colon, rest in told if not colon or kind.upper() == "SMTP"
    )
    return _mailbox(child(element, TYPES + "Mailbox"), proxies, element)


def _mailbox(element: Element | None, proxies: tuple[str, ...], raw: Element) -> Mailbox:
    return Mailbox(
        name=text(element, TYPES + "Name"),
        address=text(element, TYPES + "EmailAddress"),
        routing=text(element, TYPES + "RoutingType").upper() or "SMTP",
        kind=text(element, TYPES + "MailboxType"),
        proxies=tuple(one for one in proxies if "@" in one),
        raw=written(raw),
    )
