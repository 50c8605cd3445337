"""Names of applications that mislead."""
# ruff: noqa: RUF001 - letters that look alike are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.grants import names
from postwarden.grants.names import name_flags, people, skeleton
from postwarden.model.account import Account
from tests.unit.grants.tables import CATALOGUE, WEIGHTS

PEOPLE = people(
    [
        Account(
            key="login:a", login="alice@corp.example", addresses=("alice@example.org",), display_name="Alice Ärmel"
        ),
        Account(key="login:b", login="backup", addresses=("backup@example.org",), display_name="Backup"),
    ]
)  # fmt: skip


def flags(name: str) -> tuple[str, ...]:
    return name_flags(name, WEIGHTS, CATALOGUE, PEOPLE).flags


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("OneDгive for Business", {"letters", "brand_disguised"}),
        ("Sharеpoiпt Cloud", {"letters", "brand_disguised"}),
        ("ТЕАМЅ", {"brand_disguised"}),
        ("Micr0soft Update", {"brand_disguised"}),
        ("Rnicrosoft Update", {"brand_disguised"}),
        ("VVebex", {"brand_disguised"}),
        ("Мicгoѕоft. Сloud App Ѕесuгity", {"letters", "brand_disguised"}),
        ("Ад0be", {"letters"}),
        ("0365 Mail", set()),
        ("DocuSign-2026", {"brand"}),
        ("Microsoft Something Else", {"brand"}),
        ("Ｏｕｔｌｏｏｋ", {"brand"}),
        ("Veeam Backup", {"brand"}),
        ("rep\u202eort", {"letters"}),
        ("...", {"no_letters"}),
        ("\u200b", {"no_letters"}),
        ("Alice Ärmel", {"user_name"}),
        ("ALICE@example.org", {"user_name"}),
        ("alice@corp.example", {"user_name"}),
        ("Test", {"test"}),
        ("test app", {"test"}),
    ],
)
def test_names_that_mislead(name: str, wanted: set[str]) -> None:
    """Homoglyphs, borrowed brands, people's names, names without letters, and tests are told, each with a sentence."""
    found = name_flags(name, WEIGHTS, CATALOGUE, PEOPLE)
    assert set(found.flags) == wanted
    assert len(found.sentences) == len(found.flags)
    assert all(found.sentences)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Planner for teams of five",
        "経費精算 for Outlook",
        "経費精算",
        "Zoom for Outlook",
        "Счета и документы",
        "µTorrent",
        "Müller & Söhne Postarchiv",
        "קליטת דואר",
        "Backup",
        "Sway",
        "Print",
        "Testament Manager",
        "한글 Mail",
    ],
)
def test_names_that_do_not(name: str) -> None:
    """One script, Japanese beside Latin, a brand that something is for, and a mailbox called like a thing are ordinary."""
    assert flags(name) == ()


def test_none_of_the_providers_own_names_has_odd_letters() -> None:
    """The test for letters has no false alarm among thousands of honest names."""
    names = [one.name for one in CATALOGUE.entries.values() if one.class_name == "first_party"]
    assert len(names) > 4000
    assert [name for name in names if "letters" in flags(name)] == []


def test_a_name_of_the_providers_own_is_told_where_it_is_borrowed() -> None:
    """Who is called like an application of the provider's own, or reads so, is told."""
    assert flags("Office 365 Exchange Online") == ("brand",)
    assert flags("Customer Experience Platform PROD") == flags("Customer Experience Platform PROD ")
    own = next(
        one.name
        for one in CATALOGUE.entries.values()
        if one.class_name == "first_party"
        and one.name.count(" ") == 2
        and not flags(one.name)[0].startswith("brand")
    )
    assert flags(own) == ("first_party",)
    assert "first_party_disguised" in flags(own.replace("o", "о", 1).replace("e", "е", 1))


@given(st.text())
def test_no_name_crashes(name: str) -> None:
    """Any text may stand for a name, and reading it twice gives the same."""
    found = name_flags(name, WEIGHTS, CATALOGUE, PEOPLE)
    assert len(found.flags) == len(found.sentences)
    assert skeleton(skeleton(name)) == skeleton(skeleton(skeleton(name)))


def test_a_long_name_is_bounded() -> None:
    """Of a name of a million characters only the beginning is looked at, and sentences stay short."""
    found = name_flags("ОneDrive" + "x" * 1_000_000, WEIGHTS, CATALOGUE, PEOPLE)
    assert found.flags == ("letters",)
    assert all(len(sentence) < 300 for sentence in found.sentences)


def test_names_are_not_remembered_with_the_people() -> None:
    """What is odd about a name as such is kept once, however often the directory changes."""
    before = names._by_itself.cache_info().currsize
    for number in range(50):
        here = frozenset({f"somebody {number}"})
        found = name_flags("Somebody 7", WEIGHTS, CATALOGUE, here)
        assert ("user_name" in found.flags) is (number == 7)
    assert names._by_itself.cache_info().currsize <= before + 1
