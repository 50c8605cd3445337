"""Whose an address is."""

import pytest

from postwarden.model.address import AddressClass, Domains, classify, domain_of, in_domains

DOMAINS = Domains(internal=("example.org", "xn--bcher-kva.example"), partners=("partner.example",))
OWN = ("alice@example.org", "alice@freemail.example")


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("bob@example.org", "internal"),
        ("bob@EXAMPLE.ORG", "internal"),
        ("bob@example.org.", "internal"),
        ("bob@mail.example.org", "internal"),
        ("bob@a.b.example.org", "internal"),
        ("bob@evil-example.org", "external"),
        ("bob@notexample.org", "external"),
        ("bob@example.org.evil.example", "external"),
        ("bob@org", "external"),
        ("bob@example.or", "external"),
        ("bob@partner.example", "partner"),
        ("bob@sub.partner.example", "partner"),
        ("bob@apartner.example", "external"),
        ("bob@b\u00fccher.example", "internal"),
        ("bob@B\u00dcCHER.example", "internal"),
        ("bob@mail.xn--bcher-kva.example", "internal"),
        ("bob@\u0435xample.org", "external"),  # a Cyrillic letter
        ("alice@freemail.example", "own"),
        ("Alice@Freemail.Example", "own"),
        ("<alice@freemail.example>", "own"),
        (" alice@example.org ", "own"),
        ("malice@freemail.example", "external"),
        ('"alice@example.org"@evil.example', "external"),
        ('"a b"@example.org', "internal"),
        ('"@"@evil.example', "external"),
        ("alice@example.org@evil.example", "external"),
        ("eve@[192.0.2.1]", "external"),
        ("alice", "unresolved"),
        ("", "unresolved"),
        ("@", "unresolved"),
        ("alice@", "unresolved"),
        ("@example.org", "unresolved"),
        ("alice@.", "unresolved"),
        ("alice@example.org (home)", "unresolved"),
        ("alice@example.org>,<eve@evil.example, x", "unresolved"),
        ("alice@exam ple.org", "unresolved"),
        ("alice@" + "\u00e9" * 64 + ".example", "unresolved"),
        ("${1}@", "unresolved"),
    ],
)
def test_an_address_is_classified_per_label(address: str, wanted: AddressClass) -> None:
    """Sub-domains belong to their domain, look-alikes do not, and what is no address is unresolved."""
    assert classify(address, DOMAINS, OWN) == wanted


@pytest.mark.parametrize("address", ["bob@example.org", "eve@evil.example"])
def test_without_internal_domains_no_target_is_external(address: str) -> None:
    """Where nobody said which domains are ours, nothing is called external or internal."""
    assert classify(address, Domains(partners=("evil.example",)), OWN) == "unresolved"


def test_own_addresses_are_known_without_internal_domains() -> None:
    """An account's own address is its own, whatever is configured."""
    assert classify("alice@freemail.example", Domains(), OWN) == "own"


def test_a_domain_is_in_ascii_and_lower_case() -> None:
    """International domains are compared in the form that mail servers use."""
    assert domain_of("x@B\u00dcCHER.Example.") == "xn--bcher-kva.example"
    assert in_domains("xn--bcher-kva.example", DOMAINS.internal)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x@fa\u00df.example", "x@fass.example"),
        ("x@\u03b2\u03cc\u03bb\u03bf\u03c2.example", "x@\u03b2\u03cc\u03bb\u03bf\u03c3.example"),
    ],
)
def test_domains_that_are_registered_apart_are_kept_apart(one: str, other: str) -> None:
    """Names that IDNA 2008 tells apart (RFC 5894 section 7.2) are not taken for the same organisation."""
    assert domain_of(one) != domain_of(other)


@pytest.mark.parametrize("address", ["x@.example.org", "x@..example.org", "x@evil\uff20a.example.org"])
def test_a_domain_that_cannot_be_is_unresolved(address: str) -> None:
    """A domain with an empty label, or one that only looks like part of ours, is not called internal."""
    assert classify(address, DOMAINS, OWN) == "unresolved"
