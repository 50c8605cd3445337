"""Whom a name reaches."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from postwarden.mailflow.recipients import Reached, directory, reached
from postwarden.model.address import Domains
from postwarden.model.evidence import Recipient
from postwarden.model.scope import account_scope

DOMAINS = Domains(internal=("example.org",), partners=("partner.example",))
OWN = ("alice@example.org",)
NAME = "/o=Example/cn=Support"

Kind = Literal["mailbox", "contact", "group", "public_folder", "nobody", "ambiguous"]


def entry(kind: Kind, asked: str = NAME, **fields: Any) -> Recipient:
    return Recipient(
        scope=account_scope("login:alice"),
        source="exchange",
        check="recipients",
        observed=datetime(2026, 11, 23, tzinfo=UTC),
        asked=asked,
        mailbox_type=kind,
        **fields,
    )


def reach(target: str, *recipients: Recipient, resolved: bool = True) -> Reached:
    return reached(target, directory(DOMAINS, OWN, recipients), resolved=resolved)


@pytest.mark.parametrize(
    ("recipient", "wanted", "first"),
    [
        (entry("contact", addresses=("x@elsewhere.example",)), "external", "x@elsewhere.example"),
        (entry("contact", addresses=("support@example.org", "x@elsewhere.example")), "external", "x@elsewhere.example"),
        (entry("contact", addresses=("x@partner.example",)), "partner", "x@partner.example"),
        (entry("contact", addresses=("support@example.org",)), "unresolved", "support@example.org"),
        (entry("contact"), "unresolved", None),
        (entry("mailbox", addresses=("bob@example.org", "bob@elsewhere.example")), "internal", "bob@example.org"),
        (entry("mailbox", addresses=("guest@elsewhere.example",)), "external", "guest@elsewhere.example"),
        (entry("mailbox"), "unresolved", None),
        (entry("group", members=("bob@example.org", "x@elsewhere.example")), "external", "x@elsewhere.example"),
        (entry("group", members=("bob@example.org", "x@partner.example")), "partner", "x@partner.example"),
        (entry("group", members=("bob@example.org", "carol@example.org")), "internal", "bob@example.org"),
        (entry("group", members=("bob@example.org",), complete=False), "unresolved", "bob@example.org"),
        (entry("group", members=("x@elsewhere.example",), complete=False), "external", "x@elsewhere.example"),
        (entry("group"), "unresolved", None),
        (entry("public_folder"), "internal", None),
        (entry("nobody"), "unresolved", None),
        (entry("ambiguous"), "unresolved", None),
    ],
)  # fmt: skip
def test_what_stands_behind_a_name(recipient: Recipient, wanted: str, first: str | None) -> None:
    """A name is as far outside as the farthest address behind it, and never internal on a guess."""
    found = reach(NAME.upper(), recipient, resolved=False)
    assert (found.target_class, next(iter(found.addresses), None)) == (wanted, first)
    assert found.resolved is (wanted != "unresolved")
    assert found.recipient == recipient


@pytest.mark.parametrize(
    ("target", "resolved", "wanted"),
    [
        ("x@elsewhere.example", True, "external"),
        ("bob@example.org", True, "internal"),
        (NAME, False, "unresolved"),
        ("bob@example.org", False, "unresolved"),
    ],
)
def test_what_was_not_asked(target: str, *, resolved: bool, wanted: str) -> None:
    """Without the directory an address is its domain's, and a name is nobody's."""
    found = reach(target, resolved=resolved)
    assert (found.target_class, found.resolved, found.recipient) == (wanted, resolved, None)


def test_an_address_inside_that_is_a_contact() -> None:
    """An address of the organisation's own domain is outside where it is a contact's with an address outside."""
    contact = entry("contact", "support@example.org", addresses=("support@elsewhere.example",))
    assert reach("Support@Example.org", contact).target_class == "external"


def test_an_address_outside_that_nobody_has_inside() -> None:
    """A stranger's address stays external though the directory does not know it."""
    nobody = entry("nobody", "x@elsewhere.example")
    assert reach("x@elsewhere.example", nobody).target_class == "external"


def test_the_accounts_own_aliases() -> None:
    """The addresses of the account's own entry are its own, those of others are not."""
    own = entry("mailbox", "alice@example.org", addresses=("Alice@example.org", "Alice@Second.example"))
    bob = entry("mailbox", "bob@example.org", addresses=("bob@example.org", "bob@third.example"))
    assert reach("alice@second.example", own, bob).target_class == "own"
    assert reach("bob@third.example", own, bob).target_class == "external"
    contact = entry("contact", "alice@example.org", addresses=("alice@second.example",))
    assert reach("alice@second.example", contact).target_class == "external"
