"""Keys and owners that were added lately."""

import pytest

from postwarden.grants.credentials import keys
from postwarden.model.application import Credential, Owner
from tests.unit.grants.made import NOW, ago, application, dated, key
from tests.unit.grants.tables import WEIGHTS


def added(*credentials: Credential) -> list[str]:
    found = keys(application(credentials=credentials), NOW, WEIGHTS.limits)
    return [one.id for one in found.added]


@pytest.mark.parametrize(
    ("credentials", "wanted"),
    [
        ((key(3, 700),), ["k3"]),
        ((key(30, None),), ["k30"]),
        ((key(40, 700),), []),
        ((key(3, -1),), []),
        ((key(3, 700), key(100, 600)), ["k3"]),
        ((key(3, 700), key(400, 40)), []),
        ((key(3, 700), key(400, -50)), []),
        ((key(3, 700), key(400, 40, type="certificate")), ["k3"]),
        ((key(3, 700), key(5, 10)), ["k3", "k5"]),
        ((key(-2, 700),), ["k-2"]),
        ((Credential(type="secret", id="x"),), []),
        ((key(500, 700, added=dated(3)),), ["k500"]),
    ],
)
def test_a_key_is_added_where_it_replaces_none(
    credentials: tuple[Credential, ...], wanted: list[str]
) -> None:
    """Young and still good counts, unless an older key of the same type ends about then; the audit log's date first."""
    assert added(*credentials) == wanted


def test_a_key_that_has_ended_is_not_living() -> None:
    """What can no longer be used is no way in; what has no end, and what will be good later, is."""
    found = keys(
        application(credentials=(key(800, -20), key(800, 20), key(5), key(-9, 99))), NOW, WEIGHTS.limits
    )
    assert [one.id for one in found.living] == ["k800", "k5", "k-9"]
    assert found.living[0].ends == ago(-20)


def test_owners_count_from_when_they_became_so() -> None:
    """An owner since three days is new, one since a year or of unknown date is not."""
    owners = (
        Owner(name="eve", added=dated(3)),
        Owner(name="ann", added=dated(400)),
        Owner(name="bob"),
    )
    found = keys(application(owners=owners), NOW, WEIGHTS.limits)
    assert [owner.name for owner in found.owners_added] == ["eve"]
