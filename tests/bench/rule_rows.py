"""Compiled rules over rows, against a predicate that somebody wrote by hand."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from postwarden import lab
from postwarden.config.settings import Config, Organisation
from postwarden.detect.rows import Row, Value
from postwarden.model.account import Account, login_key
from postwarden.pipeline.inspect import read_material
from postwarden.pipeline.judge import RuleBook, load_rules, rows_of
from tests.bench.measure import Ratio, compare

RUNS = 9
#: Rounds over the rows in one run.
ROUNDS = 300
RULE = "external_redirect_everything"

_OBSERVED = datetime(2026, 11, 23, 2, 36, tzinfo=UTC)


def ratios() -> Iterator[Ratio]:
    people = lab.organisation()
    organisation = Organisation(
        internal_domains=tuple(people.internal_domains), partners=tuple(people.partners)
    )
    config = Config(path=Path("agent.toml"), organisation=organisation)
    book = load_rules(config)
    rows = list(_rows(people, config, book))
    rule = next(rule for rule in book.rules if rule.name == RULE)
    assert [rule.matches(row.values) for row in rows] == [_by_hand(row.values) for row in rows]
    yield compare(
        f"one rule over {len(rows)} rows",
        lambda: [rule.matches(row.values) for _ in range(ROUNDS) for row in rows],
        "the same test written by hand",
        lambda: [_by_hand(row.values) for _ in range(ROUNDS) for row in rows],
        runs=RUNS,
        parts=(ROUNDS * len(rows), ROUNDS * len(rows)),
        per="row",
    )


def _rows(people: lab.Organisation, config: Config, book: RuleBook) -> Iterator[Row]:
    for person in people.accounts:
        account = Account(key=login_key(person.login), login=person.login, addresses=tuple(person.addresses))
        for script in person.scripts:
            material = read_material(
                script.text.encode(), name=script.name, kind="sieve", account=account, observed=_OBSERVED
            )
            yield from rows_of(material, account, config.domains, book)


def _by_hand(row: Mapping[str, Value]) -> bool:
    effect = row["effect"]
    return (
        isinstance(effect, str)
        and effect.casefold() in {"redirect", "forward", "forward_as_attachment"}
        and row["target_external"] is True
        and row["fires"] is True
        and row["everything"] is True
    )
