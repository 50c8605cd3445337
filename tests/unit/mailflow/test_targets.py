"""Addresses that effects reach."""

import pytest

from postwarden.mailflow.targets import addresses
from postwarden.model.mailflow import Effect, EffectKind


@pytest.mark.parametrize(
    ("what", "target", "expected"),
    [
        ("redirect", "a@b.example", ("a@b.example",)),
        ("redirect", ' "A, B" <a@b.example> ', ("a@b.example",)),
        ("forward", "<a@b.example>", ("<a@b.example>",)),
        ("redirect", "sales", ("sales",)),
        ("notify", "mailto:a@b.example", ("a@b.example",)),
        ("notify", "MAILTO:a%2Bx@b.example,c@d.example?subject=x", ("a+x@b.example", "c@d.example")),
        (
            "notify",
            "mailto:?to=a+x@b.example&BCC=c@d.example&body=e@f.example",
            ("a+x@b.example", "c@d.example"),
        ),
        ("notify", "mailto:a@b.example?cc=a@b.example", ("a@b.example",)),
        ("notify", "mailto:", ("mailto:",)),
        ("notify", "xmpp:a@b.example/home?message;body=x", ("a@b.example",)),
        ("notify", "xmpp://guest@c.example/a@b.example", ("a@b.example",)),
        ("notify", "tel:+15550100", ("tel:+15550100",)),
        ("move", "a@b.example", ()),
        ("execute", "leak.sh", ()),
        ("delete", None, ()),
    ],
)
def test_addresses(what: EffectKind, target: str | None, expected: tuple[str, ...]) -> None:
    """Each effect names the addresses that it reaches, out of names, URIs and their recipient fields."""
    assert addresses(Effect(what=what, target=target)) == expected


def test_a_flood_of_fields_is_no_error() -> None:
    """A URI with more fields than anybody writes still gives the addresses before them."""
    target = "mailto:a@b.example?" + "&".join(["cc=c@d.example"] * 5000)
    assert addresses(Effect(what="notify", target=target)) == ("a@b.example",)
