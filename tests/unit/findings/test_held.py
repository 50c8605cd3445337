"""What a scope held when it was last read, since when, and what changed."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from postwarden.findings.held import MAX_BYTES, changes, held, key_of
from postwarden.ledger.record import MAX_LINE
from postwarden.model.application import Application, Credential, FirstSeen, Owner
from postwarden.model.encoding import encode
from postwarden.model.evidence import Grant
from postwarden.model.finding import CheckRef
from postwarden.model.record import GrantsChanged
from tests.unit.findings.conftest import ALICE, NOW, Ledgerlike, envelope, later

CHECK = CheckRef(source="m365", check="grants")


def grant(
    number: int = 1, *, scopes: Sequence[str] = ("Mail.Read",), name: str = "Mailer", **fields: Any
) -> Grant:
    given: dict[str, Any] = {
        "application": Application(id=f"app-{number}", name=name, **fields),
        "scope": ALICE, "source": "m365", "check": "grants", "observed": NOW, "provider": "graph",
        "grant_type": "delegated", "resource": "Microsoft Graph", "scopes": tuple(scopes),
    }  # fmt: skip
    return Grant(**given)


class Account:
    """One account that is read again and again."""

    def __init__(self, ledger: Ledgerlike) -> None:
        self.ledger = ledger
        self.store = ledger.store()
        self.days = 0

    def read(self, *grants: Grant, complete: bool = True, whole: bool | None = None) -> list[GrantsChanged]:
        """What a reading of these grants records; a day passes before each."""
        self.days += 1
        records = list(
            changes(
                {key_of(one): held(one) for one in grants},
                self.store.held.at(ALICE, CHECK),
                scope=ALICE,
                check=CHECK,
                complete=complete,
                whole=complete if whole is None else whole,
                first=not self.store.held.was_whole(ALICE, CHECK),
                envelope=envelope(later(self.days)),
            )
        )
        self.ledger.add(*records).catch_up(self.store)
        return records

    def seen(self, *grants: Grant) -> list[FirstSeen]:
        found = self.store.held.first_seen(ALICE, grants, later(99))
        return [found[one.key] for one in grants]


@pytest.fixture
def account(ledger: Ledgerlike) -> Account:
    return Account(ledger)


def test_what_is_there_at_the_first_look_may_be_old(account: Account) -> None:
    """The first complete read tells no news, and its grants are not young; what comes later is."""
    (record,) = account.read(grant(1))
    assert (record.words, record.complete) == ((), True)
    (record,) = account.read(grant(1), grant(2, name="Other"))
    assert record.words == ("new: Other (delegated) in Microsoft Graph: Mail.Read",)
    assert account.seen(grant(1), grant(2)) == [
        FirstSeen(time=later(1), initial=True),
        FirstSeen(time=later(2), initial=False),
    ]


def test_an_empty_first_look_counts(account: Account) -> None:
    """Where nothing was there at first, the first grant after it is new."""
    assert len(account.read()) == 1
    account.read(grant())
    assert account.seen(grant()) == [FirstSeen(time=later(2), initial=False)]


def test_a_grant_that_is_read_just_now(account: Account) -> None:
    """Before it is recorded, a new grant is first seen now; at the first look it may be old all the same."""
    assert account.seen(grant()) == [FirstSeen(time=later(99), initial=True)]
    account.read()
    assert account.seen(grant()) == [FirstSeen(time=later(99), initial=False)]


def test_nothing_changed_is_no_record(account: Account) -> None:
    """The same grants again leave nothing in the ledger."""
    account.read(grant(1), grant(2))
    assert account.read(grant(2), grant(1)) == []


def test_changes_are_told_in_words(account: Account) -> None:
    """Scopes, credentials and owners that changed are named; with more scopes the grant is as new as they are, else as old as it was."""
    account.read(grant())
    assert account.seen(grant(scopes=("Mail.Send",))) == [FirstSeen(time=later(99), initial=False)]
    (record,) = account.read(
        grant(
            scopes=("Mail.Read", "Mail.Send"),
            credentials=(Credential(type="secret", id="k1"),),
            owners=(Owner(name="bob"),),
        )
    )
    assert set(record.words) == {
        "Mailer: scopes was Mail.Read, is Mail.Read, Mail.Send",
        "Mailer: credentials was nothing, is secret k1",
        "Mailer: owners was nothing, is bob",
    }
    assert account.seen(grant()) == [FirstSeen(time=later(2), initial=False)]
    account.read(grant(owners=(Owner(name="eve"),)))
    assert account.seen(grant()) == [FirstSeen(time=later(2), initial=False)]


def test_only_a_complete_read_takes_away(account: Account) -> None:
    """A grant that an incomplete read does not show stays; a complete one says that it is gone."""
    account.read(grant(1), grant(2))
    assert account.read(grant(1), complete=False) == []
    (record,) = account.read(grant(1))
    assert record.words == ("gone: Mailer (delegated) in Microsoft Graph: Mail.Read",)
    account.read(grant(1), grant(2))
    assert account.seen(grant(2)) == [FirstSeen(time=later(4), initial=False)]


def test_what_no_provider_shows_hides_no_news(account: Account) -> None:
    """Beside a standing limit what comes is new and what a grant gains is told; what is missing may still be there."""

    def read(*grants: Grant) -> list[str]:
        return [text for one in account.read(*grants, complete=False, whole=True) for text in one.words]

    assert read(grant(1, scopes=("Mail.Read", "Mail.Send"))) == []
    assert read(grant(1, scopes=("Mail.Send", "Mail.Send"))) == []
    assert read(grant(1, scopes=("Mail.Send",)), grant(2, name="Other")) == [
        "new: Other (delegated) in Microsoft Graph: Mail.Read"
    ]
    assert read() == []
    assert read(grant(1, scopes=("EWS", "Mail.Send"))) == [
        "Mailer: scopes was Mail.Read, Mail.Send, is EWS, Mail.Read, Mail.Send"
    ]
    assert account.seen(grant(2)) == [FirstSeen(time=later(3), initial=False)]


def test_an_incomplete_first_look_is_none(account: Account) -> None:
    """Until a read was whole once, whatever turns up may be old."""
    account.read(grant(1), complete=False)
    account.read(grant(1), grant(2))
    assert [one.initial for one in account.seen(grant(1), grant(2))] == [True, True]


def test_many_grants_fit_into_lines(account: Account) -> None:
    """A thousand grants with long names in another script go into several records, none beyond a line, none lost."""
    many = [grant(number, name="邮" * 300, scopes=["件" * 300] * 3) for number in range(300)]
    records = account.read(*many)
    assert len(records) > 1
    assert max(len(encode(record)) for record in records) < MAX_BYTES + 20_000
    assert len(account.store.held.at(ALICE, CHECK)) == 300
    assert {one.initial for one in account.seen(*many)} == {True}
    assert account.read(*many) == []


@pytest.mark.parametrize("letter", ["邮", "😀", "\x7f", '"'])
def test_one_hostile_application_fits_into_a_line(letter: str, account: Account) -> None:
    """However much somebody writes into an application, a record of it fits into a line of the ledger, and is one."""
    text = letter * 300

    def hostile(number: int, **fields: Any) -> Grant:
        many = [f"{other}{text}" for other in range(40)]
        given: dict[str, Any] = {
            "name": text, "publisher": text, "reply_urls": tuple(many),
            "credentials": tuple(Credential(type="secret", id=one) for one in many),
            "owners": tuple(Owner(name=one) for one in many), **fields,
        }  # fmt: skip
        long = replace(grant(number, scopes=many, **given), resource=text)
        return replace(long, application=replace(long.application, id=f"{text}{number}"))

    account.read()
    records = account.read(*map(hostile, range(8)))
    records += account.read(*(hostile(number, name=text + "x") for number in range(8)))
    records += account.read()
    assert max(len(encode(record)) for record in records) < MAX_LINE - 2_000
    assert sum(len(one.added) for one in records) == sum(len(one.changed) for one in records) == 8
    assert sum(len(one.removed) for one in records) == 8


def test_a_change_beyond_what_is_kept_is_told(account: Account) -> None:
    """A scope after the fortieth, and the end of a long address, change a grant as any other."""
    many = [f"scope-{number:03}" for number in range(60)]
    account.read(grant(scopes=many, reply_urls=("x" * 300 + "a",)))
    assert account.read(grant(scopes=many, reply_urls=("x" * 300 + "a",))) == []
    for other in (
        grant(scopes=[*many[:-1], "scope-999"], reply_urls=("x" * 300 + "a",)),
        grant(scopes=many, reply_urls=("x" * 300 + "b",)),
    ):
        (record,) = account.read(other)
        assert "all of it was sha256" in " ".join(record.words)


def test_who_consented_is_not_changed_by_a_log_that_forgets(account: Account) -> None:
    """Neither that it is no longer told who consented nor that it now is is told as a change; another consent is."""

    def by(consent: Any) -> list[str]:
        return [words for one in account.read(replace(grant(), consent=consent)) for words in one.words]

    assert (by(None), by("administrator"), by(None), by("administrator")) == ([], [], [], [])
    assert by(None) == []
    assert by("user") == ["Mailer: consent was administrator, is user"]


def test_it_is_derived_from_the_ledger(account: Account) -> None:
    """A state store that is made anew knows the same grants since the same days."""
    account.read(grant(1))
    account.read(grant(1), grant(2))
    before = account.seen(grant(1), grant(2))
    account.store.close()
    account.ledger.path.unlink()
    account.store = account.ledger.store()
    assert account.seen(grant(1), grant(2)) == before
