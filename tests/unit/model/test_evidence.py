"""Evidence: what its types refuse."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from postwarden.model import evidence
from postwarden.model.encoding import encode
from postwarden.model.evidence import Base, Change, Evidence, MailFlow, Setting
from postwarden.model.reading import OwnSession
from postwarden.model.scope import account_scope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAIVE = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - what is refused here
CEST = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=2)))
COMMON: dict[str, Any] = {
    "scope": account_scope("login:alice"), "source": "imap", "check": "c", "observed": NOW,
}  # fmt: skip

#: A kind of evidence, its own fields, and those that are times.
TIMED: list[tuple[type[Base], dict[str, Any], str]] = [
    (MailFlow, {"origin": "sieve_script", "key": "k", "name": "n", "enabled": True}, "observed"),
    (MailFlow, {"origin": "sieve_script", "key": "k", "name": "n", "enabled": True}, "created"),
    (MailFlow, {"origin": "sieve_script", "key": "k", "name": "n", "enabled": True}, "modified"),
    (Setting, {"name": "n", "value": "v"}, "observed"),
    (Change, {"happened": NOW, "operation": "o"}, "happened"),
]


@pytest.mark.parametrize(("kind", "own", "field"), TIMED, ids=lambda one: getattr(one, "__name__", None))
@pytest.mark.parametrize("time", [NAIVE, CEST], ids=["naive", "other zone"])
def test_evidence_cannot_be_made_with_a_time_that_is_not_utc(
    kind: type[Base], own: dict[str, Any], field: str, time: datetime
) -> None:
    """Neither a naive time nor one of another zone gets into evidence."""
    kind(**COMMON | own | {field: NOW})
    with pytest.raises(ValueError, match="not a time in UTC"):
        kind(**COMMON | own | {field: time})


@pytest.mark.parametrize(("kind", "own", "field"), TIMED, ids=lambda one: getattr(one, "__name__", None))
@pytest.mark.parametrize("time", ["2026-11-23T12:00:00", "2026-11-23T12:00:00+02:00"])
def test_evidence_cannot_be_decoded_with_a_time_that_is_not_utc(
    kind: type[Base], own: dict[str, Any], field: str, time: str
) -> None:
    """What is read back from a record is held to the same."""
    tree = msgspec.json.decode(encode(kind(**COMMON | own | {field: NOW})))
    assert msgspec.convert(tree, Evidence) == kind(**COMMON | own | {field: NOW})
    with pytest.raises(msgspec.ValidationError, match=r"UTC|timezone"):
        msgspec.convert(tree | {field: time}, Evidence)


@pytest.mark.parametrize("time", [NAIVE, CEST], ids=["naive", "other zone"])
def test_a_session_of_our_own_is_recorded_in_utc(time: datetime) -> None:
    """The sessions that a record names are told apart from strangers' by their time, which must be UTC."""
    with pytest.raises(ValueError, match="UTC"):
        OwnSession(
            source="imap", protocol="imap", identity="auditor", account="login:alice", server="h:993",
            local_address="127.0.0.1", local_port=1, opened=time,
        )  # fmt: skip


def test_the_kind_tells_evidence_apart() -> None:
    """Every kind of evidence carries its own word in `kind`, and an unknown one is refused."""
    kinds = [
        one
        for one in vars(evidence).values()
        if isinstance(one, type) and issubclass(one, Base) and one is not Base
    ]
    tags = [one.__struct_config__.tag for one in kinds]
    assert sorted(map(str, tags)) == [
        "access", "change", "delegation", "folder", "grant", "mail_flow", "recipient", "setting",
    ]  # fmt: skip
    assert all(one.__struct_config__.tag_field == "kind" for one in kinds)
    tree = msgspec.json.decode(encode(Setting(**COMMON, name="n", value="v")))
    with pytest.raises(msgspec.ValidationError, match="Invalid value"):
        msgspec.convert(tree | {"kind": "forwarding"}, Evidence)


def test_an_unknown_field_is_refused() -> None:
    """A field that nobody knows makes evidence unreadable instead of being lost."""
    tree = msgspec.json.decode(encode(Setting(**COMMON, name="n", value="v")))
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert(tree | {"colour": "red"}, Evidence)
