"""The catalogue of known applications."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docs.generate import applications
from postwarden.config.rule_files import shipped_folder
from postwarden.errors import ConfigError
from postwarden.grants.catalogue import EMPTY, HEADER, age_days, age_sentence, catalogue_from
from tests.unit.formats.conftest import shared
from tests.unit.grants.tables import CATALOGUE, WEIGHTS

__all__ = ["shared"]

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = ",".join(HEADER) + "\n"
LINE = "a-1,Name,malicious,high,list,2026-08-22\n"


@pytest.mark.parametrize("name", [applications.TABLE, applications.NOTICE])
def test_what_ships_is_what_the_lists_give(shared: Callable[[str], Path], name: str) -> None:
    """Made again from the lists, table and notice are the same, byte for byte."""
    make = {applications.TABLE: applications.table, applications.NOTICE: applications.notice}[name]
    assert (shipped_folder() / name).read_bytes() == make(shared("data/oauth")).encode()


def test_the_table_is_of_facts_alone() -> None:
    """Every line has an id, a class, a list and its date; a name is short, and no comment of a list is in it."""
    counted: dict[str, int] = {}
    for entry in CATALOGUE.entries.values():
        counted[entry.class_name] = counted.get(entry.class_name, 0) + 1
        assert len(entry.name) < 200
        assert (entry.severity == "") is (entry.class_name == "first_party")
    assert counted["malicious"] == 60
    assert counted["dual_use"] == 12
    assert counted["first_party"] > 4_400


def test_what_is_microsofts_own_stays_so_whoever_calls_it_risky() -> None:
    """Half of a list of risky applications are the provider's own: those are first party, the others dual use."""
    for own in ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "27922004-5251-4030-b22d-91ecd9a37ea4",
                "e9c51622-460d-4d3d-952d-966a5b1da34c"):  # fmt: skip
        found = CATALOGUE.get(own)
        assert found is not None
        assert found.class_name == "first_party"
    client = CATALOGUE.get("E9A7FEA1-1CC0-4CD9-A31B-9137CA5DEEDD")
    assert client is not None
    assert (client.class_name, client.severity, client.source) == ("dual_use", "critical", "rogueapps")
    assert CATALOGUE.get("nobody") is None


def test_the_notice_names_every_list_and_its_licence() -> None:
    """Whoever gets the table gets the notices that its lists' licences ask for."""
    text = (shipped_folder() / applications.NOTICE).read_text(encoding="utf-8")
    for source in CATALOGUE.dates():
        assert source in text
    for words in ("Merill Fernando", "OAuthSentry contributors", "@mthcht", "Mozilla Public License, v. 2.0"):
        assert words in text
    assert text.count("Permission is hereby granted") == 2


def test_the_age_of_each_list_is_told() -> None:
    """In days, and those that are too old by name."""
    assert age_days(CATALOGUE, NOW) == {"microsoft-info": 95, "oauthsentry": 93, "rogueapps": 777}
    assert age_sentence(CATALOGUE, NOW, WEIGHTS.limits.catalogue_days) == (
        "lists of known applications: microsoft-info 95 days, oauthsentry 93 days, rogueapps 777 days old; what was "
        "found out since is missing: rogueapps"
    )
    assert age_sentence(EMPTY, NOW, 180) == "no list of known applications"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 0),
        ("id,name\n", 1),
        (HEAD + "a-1,Name\n", 2),
        (HEAD + LINE + LINE, 3),
        (HEAD + LINE.replace("a-1", "A-1"), 2),
        (HEAD + LINE.replace("malicious", "odd"), 2),
        (HEAD + LINE.replace("high", "grave"), 2),
        (HEAD + LINE.replace("2026-08-22", "soon"), 2),
        (HEAD + LINE.replace("a-1", ""), 2),
        (HEAD + '"a-1"x' + LINE, 2),
    ],
)
def test_a_table_of_another_form_is_refused(text: str, line: int) -> None:
    """With the line that is wrong."""
    with pytest.raises(ConfigError) as caught:
        catalogue_from(text)
    assert caught.value.line in {line, None}


def test_lists_of_another_form_are_refused(shared: Callable[[str], Path], tmp_path: Path) -> None:
    """An id that is none stops the making, rather than being left out."""
    source = shared("data/oauth")
    for name in ("microsoft-info", "oauthsentry", "rogueapps"):
        (tmp_path / name).mkdir()
        for file in (source / name).iterdir():
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "microsoft-info" / "MicrosoftApps.csv"
    path.write_text(path.read_text(encoding="utf-8") + '"not-an-id","Name","","Graph"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="not-an-id"):
        applications.table(tmp_path)
