"""Findings on access windows, as the detector of them makes them."""

from typing import Any

from postwarden.findings.windows import ACCESS_WINDOW, WINDOW
from postwarden.model.finding import Fact, Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.scope import Scope

RULE = "0f3f5a3e-6c0f-4f0e-9d7e-2f9a3c1b7d55"


def window(
    scope: Scope,
    *,
    subject: str = "imap-log/intruder1",
    first: str = "2026-10-03T03:00:01.000000Z",
    sessions: int = 2,
    addresses: tuple[str, ...] = ("203.0.113.7",),
    **fields: Any,
) -> Finding:
    """A finding on a window of this account."""
    words = (WINDOW, subject)
    return Finding(
        id=finding_id(RULE, scope, words), rule=RULE, scope=scope, subject=words, checks=(),
        **{
            "facts": (
                Fact(name="first access", values=(first,)),
                Fact(name="sessions", values=(str(sessions),)),
                Fact(name="addresses", values=addresses),
            ),
            "name": ACCESS_WINDOW, "title": "Somebody else may have been in", "level": "high", "evidence": ("a" * 64,),
            **fields,
        },
    )  # fmt: skip
