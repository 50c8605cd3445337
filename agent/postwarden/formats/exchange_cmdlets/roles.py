"""Roles that Exchange itself gives to applications (Get-ManagementRoleAssignment)."""

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.model.encoding import encodable

_APPLICATIONS = "serviceprincipal"


class Assignment(Struct, frozen=True, kw_only=True):
    """A role that an application has in Exchange; `within` is what it is limited to, empty for all mailboxes."""

    role: str
    assignee: str
    within: str
    raw: bytes


class _Assignment(Struct, frozen=True, kw_only=True, rename="pascal"):
    role: str | None = None
    role_assignee: str | None = None
    role_assignee_name: str | None = None
    role_assignee_type: str | None = None
    custom_resource_scope: str | None = None
    enabled: bool | None = None


def read_assignment(raw: bytes) -> Assignment | None:
    """None for one that is said to be of people or groups, or switched off; raises JsonError."""
    told = json_text.item(raw, _Assignment)
    if (told.role_assignee_type or _APPLICATIONS).casefold() != _APPLICATIONS or told.enabled is False:
        return None
    return Assignment(
        role=encodable(told.role or ""),
        assignee=encodable(told.role_assignee or told.role_assignee_name or ""),
        within=encodable(told.custom_resource_scope or ""),
        raw=raw,
    )
