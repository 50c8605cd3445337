"""The published schema of the ledger's records: as the types are now, and as strict as they are."""

from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from docs.generate import RECORD_SCHEMA
from docs.generate.record_schema import record_schema
from postwarden.model.record import AnyRecord
from tests.record_schema import published, record_misfits

ENVELOPE: dict[str, Any] = {
    "v": 1,
    "time": "2026-11-22T09:30:00.000000Z",
    "run": "r",
    "actor": "a",
    "agent": "postwarden/0",
}
RESOLVED: dict[str, Any] = {**ENVELOPE, "kind": "finding_resolved", "id": "A", "reason": "gone"}


def test_the_schema_is_up_to_date() -> None:
    """The file in the package is what `make docs` writes now."""
    assert RECORD_SCHEMA.read_text(encoding="utf-8") == record_schema(), "run make docs"


def test_every_kind_has_its_schema() -> None:
    """Each kind of record is in the schema under its tag, and no other is."""
    kinds = {str(kind.__struct_config__.tag) for kind in get_args(AnyRecord)}
    assert set(published()["discriminator"]["mapping"]) == kinds


def test_it_is_a_schema_to_others() -> None:
    """Another implementation takes the schema, and judges a record as we do."""
    validator = jsonschema.Draft202012Validator(published())
    validator.check_schema(published())
    assert validator.is_valid(RESOLVED)
    assert record_misfits(RESOLVED) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {**RESOLVED, "kind": "unheard_of"},
        {**RESOLVED, "more": 1},
        {**RESOLVED, "reason": None},
        {name: value for name, value in RESOLVED.items() if name != "id"},
    ],
)
def test_what_no_reader_knows_does_not_fit(spoilt: dict[str, Any]) -> None:
    """An unknown kind, a field too many, one of another type and one that lacks: none fits, and none decodes."""
    assert record_misfits(spoilt)
    assert not jsonschema.Draft202012Validator(published()).is_valid(spoilt)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(spoilt, AnyRecord)
