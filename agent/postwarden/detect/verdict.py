"""Rules over rows: matching rows of one rule and subject become one finding."""

from collections.abc import Iterable, Iterator, Sequence

from postwarden.detect.rows import Row
from postwarden.detect.sigma import Rule
from postwarden.model.finding import CheckRef, Fact, Finding
from postwarden.model.finding_id import finding_id

#: Sentences and facts beyond this say nothing new, and a record has a size.
MAX_SENTENCES = 24
MAX_VALUES = 50
MAX_TEXT = 600

_ADVICE = {
    "mail_flow": (
        "preserve first: the script as it was read is kept in the ledger's blobs; export the server's logs too",
        "then contain: switch the script off, change the password, end all sessions, look at the other findings",
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
    for rule in rules:
        subjects: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            if row.category == rule.category and rule.matches(row.values):
                subjects.setdefault((row.scope.kind, row.scope.key, *row.subject), []).append(row)
        for matched in subjects.values():
            yield _finding(rule, matched)


def _finding(rule: Rule, matched: Sequence[Row]) -> Finding:
    first = matched[0]
    sentences = list(dict.fromkeys(text for row in matched for text in row.sentences))
    more = len(sentences) - MAX_SENTENCES
    if more > 0:
        sentences[MAX_SENTENCES:] = [f"and {more} more sentences of this kind"]
    return Finding(
        id=finding_id(rule.id, first.scope, first.subject),
        rule=rule.id,
        name=rule.name,
        title=rule.title,
        level=rule.level,
        scope=first.scope,
        subject=tuple(_short(word) for word in first.subject),
        checks=_checks(matched),
        facts=_facts(matched),
        why=tuple(_short(text) for text in sentences),
        evidence=tuple(sorted({row.blob for row in matched if row.blob})),
        attack=rule.attack,
        advice=rule.advice or _ADVICE.get(rule.category, ()),
    )


def _checks(matched: Sequence[Row]) -> tuple[CheckRef, ...]:
    return tuple(sorted({check for row in matched for check in row.checks}))


def _facts(matched: Sequence[Row]) -> tuple[Fact, ...]:
    values: dict[str, dict[str, None]] = {}
    for row in matched:
        for fact in row.facts:
            values.setdefault(fact.name, {}).update(dict.fromkeys(_short(value) for value in fact.values))
    return tuple(
        Fact(name=_short(name), values=tuple(found)[:MAX_VALUES])
        for name, found in list(values.items())[:MAX_VALUES]
    )


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
