"""What an audit says about what was not read."""

from postwarden.cli.show_coverage import CoverageShown
from postwarden.model.reading import Coverage, Gap, Grade
from postwarden.model.scope import account_scope
from postwarden.pipeline.collect import Reading


def reading(login: str, message: str, *, accepted: str | None = None, grade: Grade | None = None) -> Reading:
    scope = account_scope(login)
    gap = Gap(
        scope=scope,
        source="m365",
        check="hidden_rules",
        reason="unsupported",
        message=message,
        hint="read exports",
    )
    rows = (
        Coverage(
            scope=scope, source="m365", check="hidden_rules", status="gap", gaps=(gap,), accepted=accepted
        ),
        Coverage(scope=scope, source="m365", check="grants", status="read", grade=grade),
    )
    return Reading(scope=scope, evidence=(), coverage=rows, gaps=(gap,))


def test_the_same_gap_is_told_once() -> None:
    """Five accounts with one gap are one line that names three of them; another gap is another line."""
    shown = CoverageShown()
    for number in range(5):
        shown.add(f"a{number}", reading(f"a{number}", "Graph does not show it"))
    shown.add("b", reading("b", "something else"))
    text = "\n".join(shown.lines())
    assert "gap: a0, a1, a2 and 2 more, m365 hidden_rules: Graph does not show it" in text
    assert "gap: b, m365 hidden_rules: something else" in text
    assert text.count("next: read exports") == 2
    assert "hidden_rules        NOT READ 6" in text


def test_an_accepted_gap_says_why() -> None:
    """The administrator's reason stands where the next step would."""
    shown = CoverageShown()
    shown.add("a", reading("a", "no", accepted="known (until 2027-01-01)"))
    text = "\n".join(shown.lines())
    assert "accepted: known (until 2027-01-01)" in text
    assert "next:" not in text


def test_grades_are_told_apart() -> None:
    """One grade for a source is said for the source; of two, each names its checks."""
    shown = CoverageShown()
    shown.add("a", reading("a", "no", grade="checked against the published schema"))
    assert "  m365         checked against the published schema" in list(shown.lines())
    shown.add("b", reading("b", "no", grade="from documentation only"))
    assert "  m365         from documentation only: grants" in list(shown.lines())
