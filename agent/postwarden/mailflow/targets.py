"""Whom an effect reaches: addresses read out of what a mail flow names as target."""

from urllib.parse import parse_qsl, unquote

from postwarden.model.mailflow import Effect

#: Effects whose target is a mail address.
_TO_ADDRESS = frozenset({"redirect", "forward", "forward_as_attachment"})
#: Header fields of a `mailto:` URI that are recipients (RFC 6068 section 2).
_RECIPIENT_FIELDS = frozenset({"to", "cc", "bcc"})


def addresses(effect: Effect) -> tuple[str, ...]:
    """The addresses that mail, or a notice about it, goes to by this effect; none where it stays here.

    A notification's URI that holds no address (`tel:`, `https:`) is returned as it is: it is somebody, and
    cannot be read as an address.
    """
    if effect.target is None:
        return ()
    if effect.what in _TO_ADDRESS:
        return (_bare(effect.target),)
    if effect.what != "notify":
        return ()
    scheme, colon, rest = effect.target.partition(":")
    if colon and scheme.lower() == "mailto":
        return _mailto(rest) or (effect.target,)
    if colon and scheme.lower() == "xmpp":  # RFC 5122: xmpp:[//authority/]user@domain[/resource][?query]
        account = rest.split("?")[0].removeprefix("//").split("/")
        named = [part for part in account if "@" in part]
        return (unquote(named[-1]),) if named else (effect.target,)
    return (effect.target,)


def _mailto(rest: str) -> tuple[str, ...]:
    path, _, query = rest.partition("?")
    # A plus is a plus in this scheme, and no space.
    fields = parse_qsl(query.replace("+", "%2B"), max_num_fields=100) if query.count("&") < 100 else []
    groups = [unquote(part) for part in path.split(",")]
    groups += [
        part for name, value in fields if name.lower() in _RECIPIENT_FIELDS for part in value.split(",")
    ]
    return tuple(dict.fromkeys(_bare(group) for group in groups if group.strip()))


def _bare(text: str) -> str:
    """The address in `Name <address>`, or the text itself."""
    text = text.strip()
    before, bracket, rest = text.rpartition("<")
    return rest[:-1].strip() if bracket and before.strip() and rest.endswith(">") else text
