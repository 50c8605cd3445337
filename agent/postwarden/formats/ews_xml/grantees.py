"""Whom Exchange names in a permission or as a delegate (UserIdType)."""

from collections.abc import Collection

from postwarden.formats.ews_xml.tree import TYPES, Element, text
from postwarden.model.evidence import GranteeKind

#: How Exchange shows a security id whose account is gone.
_GONE = "NT USER:"


def grantee(user: Element | None, own: Collection[str]) -> tuple[str, GranteeKind]:
    """The grantee's address, or the best other name, and what it is; `own` are the owner's addresses.

    Default stands for everybody with an account, Anonymous for strangers too. A bare security id is an
    orphan: the directory does not know whose it is.
    """
    everybody = text(user, TYPES + "DistinguishedUser")
    if everybody == "Default":
        return everybody, "authenticated"
    if everybody == "Anonymous":
        return everybody, "anyone"
    address = text(user, TYPES + "PrimarySmtpAddress") or text(user, TYPES + "ExternalUserIdentity")
    if address:
        return address, "owner" if address.lower() in own else "user"
    shown = text(user, TYPES + "DisplayName")
    if shown and not shown.upper().startswith(_GONE):
        return shown, "user"
    return shown or text(user, TYPES + "SID") or "somebody without a name", "orphan"
