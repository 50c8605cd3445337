"""Domains that pass for one of the organisation's own."""

import pytest

from postwarden.detect.lookalikes import own_domain_like
from postwarden.model.address import Domains, domain_of

DOMAINS = Domains(
    internal=("kitano-works.example", "acme.example", "it.example"), partners=("kitano.example",)
)


@pytest.mark.parametrize(
    "domain",
    [
        "kitano-works.com",
        "kitanoworks.example",
        "kitano-work.example",
        "kitano-vvorks.example",
        "kitan0-works.example",
        "kitnao-works.example",
        "kitano-works-billing.example",
        "mail.kitano-works.example.net",
        "k\u0456tano-works.example",
        "k\u00eftano-works.example",
        "acme.net",
    ],
)
def test_it_passes_for_one_of_ours(domain: str) -> None:
    """Another ending, a letter more, less, changed or swapped, likenesses, and ours within a longer name."""
    written = domain_of(f"a@{domain}")
    assert written is not None
    assert own_domain_like(written, DOMAINS) in {"kitano-works.example", "acme.example"}


@pytest.mark.parametrize(
    "domain",
    [
        "kitano-works.example",
        "mail.kitano-works.example",
        "kitano.example",
        "freemail.example",
        "acne.example",
        "acme-tools.example",
        "it.net",
        "works.example",
        "example",
        "[192.0.2.1]",
        "xn--99999999999.example",
    ],
)
def test_it_passes_for_none_of_ours(domain: str) -> None:
    """Our own, partners, strangers, and short names that many have."""
    assert own_domain_like(domain, DOMAINS) is None


@pytest.mark.parametrize(
    "domain", ["mail.yahoo.example", "mail.ru.example", "lists.debian.example", "news.bbc.example"]
)
@pytest.mark.parametrize(
    "internal",
    [
        ("kitano-works.example", "mail.kitano-works.example", "lists.kitano-works.example"),
        ("news.acme.example",),
    ],
)
def test_what_hosts_are_called_everywhere_is_no_name(domain: str, internal: tuple[str, ...]) -> None:
    """A domain of ours below another, or one that begins with a host's name, makes no stranger's host look like ours."""
    assert own_domain_like(domain, Domains(internal=internal, partners=())) is None


@pytest.mark.parametrize(
    ("own", "found"), [("harbor.example", None), ("harbours.example", "harbours.example")]
)
def test_a_short_name_within_a_longer_one_is_chance(own: str, found: str | None) -> None:
    """A name of a few letters stands in many others; one of eight does not."""
    longer = own.replace(".", "freight.")
    assert own_domain_like(longer, Domains(internal=(own,), partners=())) == found


def test_below_a_hosts_name_ours_is_still_known() -> None:
    """Where only a host's domain is listed, the name behind it counts."""
    domains = Domains(internal=("mail.kitano-works.example",), partners=())
    assert own_domain_like("kitano-works.com", domains) == "mail.kitano-works.example"
