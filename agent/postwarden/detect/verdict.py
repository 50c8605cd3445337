"""Rules over rows: matching rows of one rule and subject become one finding."""

from collections.abc import Iterable, Iterator, Sequence

from postwarden.detect.rows import Row
from postwarden.detect.sigma import Rule
from postwarden.model.encoding import encode
from postwarden.model.finding import Fact, Finding
from postwarden.model.finding_id import finding_id

#: Sentences, facts, values of a fact, and characters of each that a finding carries: the first that fits.
_LIMITS = ((24, 50, 50, 600), (12, 20, 20, 300), (6, 10, 10, 150), (3, 5, 5, 80))
#: Bytes of an encoded finding: a record about it has to fit into a ledger's line.
MAX_BYTES = 24_000

_ADVICE = {
    "mail_flow": (
        "preserve first: the rule as it was read is kept in the ledger's blobs; export the server's logs too",
        "then contain: switch the rule off, change the password, end all sessions, look at the other findings",
    ),
    "delegation": (
        "preserve first: the access list as it was read is kept in the ledger's blobs; export the server's logs too",
        "then contain: take the rights away, and ask the owner and the holder what they were for",
    ),
    "setting": ("change the setting, or accept it knowingly with an acknowledgement",),
}


def verdicts(rows: Sequence[Row], rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """One finding for each rule and subject that some row matches, in the order of rules."""
    return tuple(_verdicts(rows, rules))


def _verdicts(rows: Sequence[Row], rules: Iterable[Rule]) -> Iterator[Finding]:
    for rule in rules if rows else ():
        subjects: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            if row.category == rule.category and rule.matches(row.values):
                subjects.setdefault((row.scope.kind, row.scope.key, *row.subject), []).append(row)
        for matched in subjects.values():
            yield _finding(rule, matched)


def _finding(rule: Rule, matched: Sequence[Row]) -> Finding:
    for limits in _LIMITS:
        finding = _limited(rule, matched, *limits)
        if len(encode(finding)) <= MAX_BYTES:
            break
    return finding


def _limited(
    rule: Rule, matched: Sequence[Row], sentences: int, facts: int, values: int, characters: int
) -> Finding:
    def short(text: str) -> str:
        return text if len(text) <= characters else text[:characters] + "…"

    first = matched[0]
    why = list(dict.fromkeys(text for row in matched for text in row.sentences))
    if len(why) > sentences:
        why[sentences:] = [f"and {len(why) - sentences} more sentences of this kind"]
    gathered: dict[str, dict[str, None]] = {}
    for fact in (fact for row in matched for fact in row.facts):
        gathered.setdefault(fact.name, {}).update(dict.fromkeys(fact.values))
    evidence = tuple(sorted({row.blob for row in matched if row.blob}))[:facts]
    told = [
        Fact(name=short(name), values=tuple(short(value) for value in list(found)[:values]))
        for name, found in list(gathered.items())[:facts]
    ]
    if [(fact.name, fact.values) for fact in told] != [
        (name, tuple(all_)) for name, all_ in gathered.items()
    ]:
        # What is left out must not change unnoticed: then any change of the evidence counts.
        told.append(Fact(name="more, in evidence", values=evidence))
    return Finding(
        id=finding_id(rule.id, first.scope, first.subject),
        rule=rule.id,
        name=rule.name,
        title=rule.title,
        level=rule.level,
        scope=first.scope,
        subject=tuple(short(word) for word in first.subject),
        checks=tuple(sorted({check for row in matched for check in row.checks})),
        facts=tuple(told),
        why=tuple(short(text) for text in why),
        evidence=evidence,
        attack=rule.attack,
        advice=rule.advice or first.advice or _ADVICE.get(rule.category, ()),
    )
