"""What an audit knows of grants from before, and what it says of names that people have."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from postwarden.config.settings import Config
from postwarden.model.account import Account
from postwarden.model.application import Application
from postwarden.model.evidence import Grant
from postwarden.model.reading import Gap, Item, Observed
from postwarden.pipeline.audit import Audited, audit
from postwarden.pipeline.judge import RuleBook
from postwarden.pipeline.record import Recorder
from tests.unit.pipeline.conftest import ALICE, BOB, NOW, SCOPE, Record, Told, done, gap
from tests.unit.pipeline.test_record import kinds, records

CHECKS = ("grants",)
WHOLE = done("grants", "sieve")


def grant(number: int, name: str = "Planner") -> Observed:
    given = Grant(
        scope=SCOPE, source="sieve", check="grants", observed=NOW, provider="graph", grant_type="delegated",
        application=Application(id=f"app-{number}", name=name, publisher_verified=False),
        resource="Microsoft Graph", scopes=("Mail.Read",),
    )  # fmt: skip
    return Observed(evidence=given, raw=f"{number}".encode())


def audited(
    recorder: Recorder, book: RuleBook, config: Config, *items: Item, others: Sequence[Account] = ()
) -> Audited:
    """What one audit of one account gives, whose source says these items."""
    source = Told(items, checks=CHECKS)
    results = audit([ALICE], [ALICE, *others], [source], book, config, recorder, lambda: NOW)
    return next(one for one in results if one.account is not None)


def test_what_is_new_is_recorded_and_told_once(recorder: Record, book: RuleBook, config: Config) -> None:
    """The first look tells nothing and is recorded; what comes after it is told in words, and only once."""
    books = recorder()
    assert audited(books, book, config, grant(1), WHOLE).changes == ()
    assert kinds(books).count("grants_changed") == 1
    told = audited(books, book, config, grant(1), grant(2), WHOLE)
    assert told.changes == ("new: Planner (delegated) in Microsoft Graph: Mail.Read",)
    assert [one.initial for one in told.first_seen.values()] == [True, False]
    assert audited(books, book, config, grant(1), grant(2), WHOLE).changes == ()
    assert kinds(books).count("grants_changed") == 2


def test_half_a_reading_takes_nothing_away(recorder: Record, book: RuleBook, config: Config) -> None:
    """A grant that is missing beside a gap is not gone; with a whole reading it is."""
    books = recorder()
    audited(books, book, config, grant(1), grant(2), WHOLE)
    half: Gap = gap("grants", "sieve")
    assert audited(books, book, config, grant(1), half).changes == ()
    assert audited(books, book, config, grant(1), WHOLE).changes == (
        "gone: Planner (delegated) in Microsoft Graph: Mail.Read",
    )
    assert [one["complete"] for one in records(books) if one["kind"] == "grants_changed"] == [True, True]


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ([gap("grants", "sieve", reason="unsupported", part="older grants")], True),
        ([gap("grants", "sieve", reason="unsupported")], False),
        ([gap("grants", "sieve", reason="unreachable", part="older grants")], False),
        ([gap("grants", "sieve", reason="unsupported", part="older"), gap("grants", "sieve")], False),
        ([gap("grants", "sieve", reason="unsupported", part=str(part)) for part in range(11)], False),
    ],
)
def test_what_the_provider_never_shows_hides_no_news(
    gaps: list[Gap], recorder: Record, book: RuleBook, config: Config, *, told: bool
) -> None:
    """Beside a limit that is always there a new grant is told; beside a failure it may have been there, and is not."""
    books = recorder()
    audited(books, book, config, grant(1), *gaps, WHOLE)
    found = audited(books, book, config, grant(2), *gaps, WHOLE)
    news = ("new: Planner (delegated) in Microsoft Graph: Mail.Read",)
    assert found.changes == (news if told else ())


def test_what_we_saw_come_is_young(recorder: Record, book: RuleBook, config: Config) -> None:
    """The same application is no new one where it was there at the first look, and is where it came after it."""
    books = recorder()
    first = audited(books, book, config, grant(1), WHOLE)
    second = audited(books, book, config, grant(1), grant(2), WHOLE)
    ages = {
        one.subject[-1]: [sentence for sentence in one.why if "days" in sentence] for one in second.findings
    }
    assert "when we first looked" in " ".join(ages["app-1"])
    assert "days only (we saw it first)" in " ".join(ages["app-2"])
    assert {one.subject[-1] for one in first.findings} == {"app-1"}


def test_an_application_that_is_called_like_somebody(
    recorder: Record, book: RuleBook, config: Config
) -> None:
    """The names of all accounts are compared with, not only that of the one that is audited."""
    bob = replace(BOB, display_name="Robert Tables")
    found = audited(recorder(), book, config, grant(1, "Robert Tables"), WHOLE, others=[bob])
    assert "it is called like somebody's account here" in " ".join(
        sentence for one in found.findings for sentence in one.why
    )
