"""Where tokens are sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.grants.reply_urls import hosts_of, reply_flags
from tests.unit.grants.tables import WEIGHTS


def flags(*addresses: str, publisher: str = "") -> tuple[str, ...]:
    return reply_flags(addresses, publisher, WEIGHTS.hosts).flags


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("http://localhost:7823/access", ("access_path",)),
        ("HTTP://LOCALHOST:1/access/", ("access_path",)),
        ("http://app.vendor.example/cb", ("cleartext",)),
        ("http://198.51.100.7/cb", ("cleartext", "address")),
        ("https://[2001:db8::1]/cb", ("address",)),
        ("https://a1b2.ngrok-free.app/cb", ("tunnel",)),
        ("https://x.trycloudflare.com", ("tunnel",)),
        ("https://x.pages.dev/cb", ("free_host",)),
        ("https://*.vendor.example/cb", ("wildcard",)),
        ("*", ("wildcard",)),
        ("https:///cb", ("wildcard",)),
        ("https://[1/", ("unreadable",)),
    ],
)
def test_what_is_odd(address: str, wanted: tuple[str, ...]) -> None:
    """Each odd address is told by its kind, with a sentence that names it."""
    found = reply_flags((address,), "", WEIGHTS.hosts)
    assert found.flags == wanted
    assert len(found.sentences) == len(wanted)


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost",
        "http://localhost:8400/",
        "http://localhost:8400/accessed",
        "http://127.0.0.1:9000/cb",
        "http://[::1]/cb",
        "https://app.vendor.example/cb",
        "https://login.microsoftonline.com/common/oauth2/nativeclient",
        "https://notngrok.io.example/cb",
        "msal1234://auth",
        "urn:ietf:wg:oauth:2.0:oob",
        "",
    ],
)
def test_what_is_ordinary(address: str) -> None:
    """A program on the desk, a scheme of its own, and https to a vendor are ordinary."""
    assert flags(address) == ()


def test_the_publishers_domain_is_compared_where_it_tells_one() -> None:
    """A publisher that calls itself by a domain, and has no address there, is told."""
    assert flags("https://app.other.example/cb", publisher="vendor.example") == ("other_domain",)
    assert flags("https://app.vendor.example/cb", publisher="www.vendor.example") == ()
    assert flags("https://app.vendor.co.uk/cb", publisher="vendor.co.uk") == ()
    assert flags("https://other.co.uk/cb", publisher="mail.vendor.co.uk") == ("other_domain",)
    assert flags("https://app.other.example/cb", publisher="Vendor Ltd.") == ()
    assert flags("http://localhost:1", publisher="vendor.example") == ()


def test_each_reason_counts_once() -> None:
    """Ten addresses with the same oddity are one flag."""
    assert flags(*(f"http://h{number}.vendor.example/" for number in range(10))) == ("cleartext",)


@given(st.lists(st.text()), st.text())
def test_no_address_crashes(addresses: list[str], publisher: str) -> None:
    """Any text may stand for an address or a publisher."""
    assert set(flags(*addresses, publisher=publisher)) <= {
        "access_path", "cleartext", "address", "tunnel", "free_host", "wildcard", "other_domain", "unreadable",
    }  # fmt: skip
    assert isinstance(hosts_of(tuple(addresses)), tuple)


def test_many_and_long_addresses_are_bounded() -> None:
    """A flood of addresses costs little, and what is said about a long one stays short."""
    found = reply_flags(("http://x.example/" + "a" * 1_000_000,) * 100_000, "", WEIGHTS.hosts)
    assert found.flags == ("cleartext",)
    assert len(found.sentences[0]) < 3_000
