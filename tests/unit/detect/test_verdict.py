"""Matching rows become findings."""

from collections.abc import Iterable, Sequence

import msgspec

from postwarden.detect.fields import FIELDS
from postwarden.detect.rows import Row, rows
from postwarden.detect.sigma import Rule, compile_rule
from postwarden.detect.verdict import MAX_BYTES, verdicts
from postwarden.findings.life import differences
from postwarden.model.encoding import encode
from postwarden.model.evidence import Evidence
from postwarden.model.finding import Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.mailflow import Effect, Path, Test
from postwarden.model.scope import account_scope
from tests.unit.detect.conftest import FOLDERS, SCRIPTS, MakeFlow, context, delegation, folder

TYPES = {
    category: {name: field.type for name, field in fields.items()} for category, fields in FIELDS.items()
}


def made(
    detection: str, *, name: str = "rule", category: str = "mail_flow", number: int = 0, more: str = ""
) -> Rule:
    text = (
        f"title: T {name}\nid: 00000000-0000-4000-8000-{number:012}\ndescription: d\nlevel: high\n"
        f"logsource: {{product: postwarden, category: {category}}}\n{more}"
        f"detection:\n  a: {{{detection}}}\n  condition: a\n"
    )
    return compile_rule(text.encode(), path=f"{name}.yml", fields=TYPES, placeholders={})


OUTWARD = made("target_external: true", more="tags: [attack.t1114.003]\n")
HIDDEN = made("folder_unread: true", name="hidden", number=1)
SHARED = made("grantee_kind: user", name="shared", category="delegation", number=2)


def judged(evidence: Sequence[Evidence], *rules: Rule) -> tuple[Finding, ...]:
    return verdicts(tuple(rows(evidence, context(folder("Old", subscribed=False)))), rules)


def redirects(*targets: str) -> list[Path]:
    return [
        Path(effects=(Effect(what="redirect", target=target),), line=line)
        for line, target in enumerate(targets, 1)
    ]


def test_matching_rows_of_one_flow_are_one_finding(flow: MakeFlow) -> None:
    """Two strangers in one script are one finding with both targets, and the internal one is left out."""
    (finding,) = judged([flow(*redirects("a@evil.example", "b@evil.example", "c@example.org"))], OUTWARD)
    assert finding.id == finding_id(OUTWARD.id, finding.scope, ("sieve_script", "main"))
    assert (finding.rule, finding.name, finding.title, finding.level) == (
        OUTWARD.id,
        "rule",
        "T rule",
        "high",
    )
    facts = {fact.name: fact.values for fact in finding.facts}
    assert facts["target"] == ("a@evil.example", "b@evil.example")
    assert facts["state"] == ("active",)
    assert finding.attack == ("T1114.003",)
    assert finding.evidence == ("b1",)
    assert len(finding.why) == len(set(finding.why)) >= 3


def test_two_scripts_are_two_findings_and_rules_keep_their_order(flow: MakeFlow) -> None:
    """Each rule judges each subject for itself."""
    hide = Path(effects=(Effect(what="move", target="Old"),))
    found = judged(
        [flow(*redirects("a@evil.example"), hide), flow(*redirects("b@evil.example"), name="two")],
        HIDDEN,
        OUTWARD,
    )
    assert [(one.name, one.subject[1]) for one in found] == [
        ("hidden", "main"),
        ("rule", "main"),
        ("rule", "two"),
    ]


def test_a_rule_sees_only_its_category(flow: MakeFlow) -> None:
    """Rows of another category do not match, whatever is in them."""
    assert judged([delegation()], OUTWARD) == ()
    assert [one.name for one in judged([delegation(), flow(*redirects("a@evil.example"))], SHARED)] == [
        "shared"
    ]


def test_a_finding_rests_on_all_checks_of_its_rows(flow: MakeFlow) -> None:
    """A finding about hiding is gone only when the scripts and the folders were read."""
    (finding,) = judged([flow(Path(effects=(Effect(what="move", target="Old"),)))], HIDDEN)
    assert set(finding.checks) == {FOLDERS, SCRIPTS}


def test_the_id_does_not_depend_on_effect_or_target(flow: MakeFlow) -> None:
    """A changed target is a change of the finding, and not another one."""
    (one,) = judged([flow(*redirects("a@evil.example"))], OUTWARD)
    (other,) = judged([flow(*redirects("b@evil.example"))], OUTWARD)
    assert one.id == other.id
    assert list(differences(one, other)) == ["target was a@evil.example, is b@evil.example"]


def test_advice_preserves_first(flow: MakeFlow) -> None:
    """Without advice of its own, a rule's findings say what to keep before what to stop."""
    (finding,) = judged([flow(*redirects("a@evil.example"))], OUTWARD)
    assert finding.advice[0].startswith("preserve first")
    assert finding.advice[1].startswith("then contain")
    own = made("target_external: true", more="postwarden: {advice: [ask her]}\n")
    assert judged([flow(*redirects("a@evil.example"))], own)[0].advice == ("ask her",)


def encoded(finding: Finding) -> int:
    return len(encode(finding))


def hostile(flow: MakeFlow) -> Iterable[tuple[Finding, ...]]:
    """Findings about what an intruder or a server made as long as it goes."""
    wide = "\U0001f600" * 700
    conditions = [
        Path(
            condition=Test(field="subject", operator="contains", values=(f"invoice {number} {wide}",)),
            effects=(Effect(what="redirect", target=f"{wide}{number}@evil.example"),),
        )
        for number in range(80)
    ]
    yield judged([flow(*conditions, name=wide)], OUTWARD)
    folders = [delegation(folder=f"{number} {wide}", grantee=wide, rights=("read",)) for number in range(80)]
    yield judged(folders, SHARED)


def test_a_finding_has_a_bounded_size(flow: MakeFlow) -> None:
    """Whatever names and numbers an intruder chooses, a finding fits into a record."""
    for (finding,) in hostile(flow):
        assert encoded(finding) <= MAX_BYTES
        assert finding.why
        assert len(finding.id) == 26


def test_what_was_left_out_is_counted(flow: MakeFlow) -> None:
    """A reader sees that there is more than what is told."""
    (finding,) = judged([flow(*redirects(*(f"a{n}@evil.example" for n in range(60))))], OUTWARD)
    assert any("more sentences" in sentence for sentence in finding.why)


def test_a_change_beyond_what_is_told_shows_by_its_evidence(flow: MakeFlow) -> None:
    """With facts left out, another blob of evidence is a change."""
    targets = [f"a{n}@evil.example" for n in range(60)]
    (one,) = judged([flow(*redirects(*targets))], OUTWARD)
    (other,) = judged([flow(*redirects(*targets[:-1], "new@evil.example"), blob="b9")], OUTWARD)
    assert list(differences(one, other))
    (same,) = judged([flow(*redirects(*targets))], OUTWARD)
    assert not list(differences(one, same))


def test_a_rule_that_matches_nothing_says_nothing(flow: MakeFlow) -> None:
    """No row, no finding."""
    assert judged([flow(*redirects("c@example.org"))], OUTWARD) == ()
    assert verdicts((), [OUTWARD]) == ()


def test_a_row_of_another_scope_is_another_finding(flow: MakeFlow) -> None:
    """The same script in two accounts is two findings."""
    (row, *_), = [tuple(rows([flow(*redirects("a@evil.example"))], context()))]  # fmt: skip
    other: Row = msgspec.structs.replace(row, scope=account_scope("login:bob"))
    assert len({one.id for one in verdicts([row, other], [OUTWARD])}) == 2
