"""Rule actions ([MS-OXORULE] section 2.2.5) into effects."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from postwarden.formats.exchange_rule_blob.cursor import Cursor, Form, RuleBlobError
from postwarden.formats.exchange_rule_blob.properties import read_names, read_property, shown
from postwarden.formats.exchange_rule_blob.recipients import recipient_effects
from postwarden.model.mailflow import Effect, EffectKind

_PRESERVE_SENDER, _UNCHANGED, _AS_ATTACHMENT, _TEXT_MESSAGE = 1, 2, 4, 8
_BOUNCES = {0x0D: "too large", 0x1F: "the form does not match", 0x26: "permission denied"}
_VERSION = 1


class ActionsRead(Struct, frozen=True, kw_only=True):
    """What a rule does, in its order; `flaws` say in words what is odd about the bytes."""

    effects: tuple[Effect, ...]
    flaws: tuple[str, ...] = ()


def read_actions(raw: bytes, form: Form) -> ActionsRead:
    """The actions in PidTagExtendedRuleMessageActions (0x0E99, `extended`) or PR_RULE_MSG_ACTIONS (0x65EF).

    In the standard form the list may begin at once, or after the named properties and version of the
    extended form: what reads to its last byte is taken. Bytes after the end are a flaw, since clients ignore
    them. Raises RuleBlobError, with the offset, for whatever is no list of actions.
    """
    if form == "extended":
        return _with_header(raw, form)
    if raw[:2] == b"\0\0":
        return _with_header(raw, form)
    try:
        bare = _list(Cursor(raw, form), {})
    except RuleBlobError as error:
        try:
            return _with_header(raw, form)
        except RuleBlobError:
            raise error from None
    return bare


def _with_header(raw: bytes, form: Form) -> ActionsRead:
    cursor = Cursor(raw, form)
    names = read_names(cursor)
    begin = cursor.offset
    version = cursor.u32()
    if version != _VERSION:
        raise RuleBlobError(f"rule version {version} is not known", begin)
    return _list(cursor, names)


def _list(cursor: Cursor, names: Mapping[int, str]) -> ActionsRead:
    effects: list[Effect] = []
    flaws: list[str] = []
    begin = cursor.offset
    count = cursor.count()
    if count == 0:
        raise RuleBlobError("a rule without actions", begin)
    for number in range(count):
        length = cursor.u32() if cursor.form == "extended" else cursor.u16()
        block = cursor.part(length)
        effects += _action(block, names)
        if block.left:
            flaws.append(f"action {number + 1} has {block.left} bytes after its end")
    if cursor.left:
        flaws.append(f"{cursor.left} bytes after the last action")
    return ActionsRead(effects=tuple(effects), flaws=tuple(flaws))


def _action(block: Cursor, names: Mapping[int, str]) -> Iterator[Effect]:
    begin = block.offset
    kind = block.u8()
    flavor = block.u32()
    block.u32()  # flags, which clients keep for themselves
    match kind:
        case 1:
            yield _to_folder("move", block)
        case 2:
            yield _to_folder("copy_to_folder", block)
        case 3:
            yield _reply("reply", block)
        case 4:
            yield _reply("reply", block)
        case 5:
            # The owner's client does it, whatever it is: the data are its own.
            block.take(block.left)
            yield Effect(what="defer")
        case 6:
            code = block.u32()
            yield Effect(what="reject", target=_BOUNCES.get(code, f"code 0x{code:08x}"))
        case 7:
            yield from _recipients(_forward(flavor), block, names)
        case 8:
            yield from _recipients("redirect", block, names)
        case 9:
            tagged = read_property(block, names)
            name = tagged.name or f"0x{tagged.id:04x}"
            yield Effect(what="label", target=f"{name} = {shown(tagged.value)}")
        case 10:
            # Outlook's "delete" moves to Deleted Items; this one is its "permanently delete".
            yield Effect(what="delete", permanent=True)
        case 11:
            yield Effect(what="mark_read")
        case _:
            raise RuleBlobError(f"an action of type 0x{kind:02x} is not known", begin)


def _forward(flavor: int) -> EffectKind:
    """[MS-OXORULE] section 2.2.5.1.1: preserved senders and unchanged messages are what clients call redirect."""
    if flavor & _AS_ATTACHMENT:
        return "forward_as_attachment"
    if flavor & _TEXT_MESSAGE:
        return "notify"
    return "redirect" if flavor & (_PRESERVE_SENDER | _UNCHANGED) else "forward"


def _recipients(what: EffectKind, block: Cursor, names: Mapping[int, str]) -> Iterator[Effect]:
    for _ in range(block.count()):
        block.u8()  # reserved
        properties = [read_property(block, names) for _ in range(block.count())]
        yield from recipient_effects(what, properties)


def _to_folder(what: EffectKind, block: Cursor) -> Effect:
    """The target is the folder's entry id in hexadecimal: which folder that is, the rule does not say."""
    here = True if block.form == "extended" else block.u8() != 0
    store = block.take(block.count())
    folder = block.take(block.count())
    identifier = folder.hex() if here else f"{store.hex()}:{folder.hex()}"
    return Effect(what=what, target=identifier, resolved=False, folder_id=identifier)


def _reply(what: EffectKind, block: Cursor) -> Effect:
    """The target is the id of the template that is sent."""
    message = block.take(block.u32()) if block.form == "extended" else block.take(16)
    template = block.take(16)
    return Effect(what=what, target=f"template {message.hex()}:{template.hex()}")
