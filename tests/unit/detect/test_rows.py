"""What rules see of evidence, and what findings will say about it."""

from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from postwarden.detect.fields import FIELDS, Field
from postwarden.detect.rows import Row, rows
from postwarden.model.evidence import Access, Change, Evidence, GrantType, Setting
from postwarden.model.mailflow import Effect, Path, Test
from postwarden.model.scope import source_scope
from postwarden.model.session import Session
from tests.unit.detect.conftest import FOLDERS, NOW, SCOPE, SCRIPTS, MakeFlow, context, delegation, folder
from tests.unit.grants.made import grant

OUT = Effect(what="redirect", target="eve@evil.example")
SESSION = Session(
    row=1,
    source="log",
    stage="begun",
    protocol="imap",
    name="alice",
    begun=0,
    ended=None,
    end="open",
    bytes_out=5,
)
INVOICES = Test(field="subject", operator="contains", values=("invoice",))


def test_every_row_has_all_fields_of_its_category_and_no_others(flow: MakeFlow) -> None:
    """A field that rules may name is in every row of the category, with a value of its type."""
    evidence: list[Evidence] = [
        flow(Path(effects=(OUT,)), Path(condition=INVOICES, effects=(Effect(what="move", target="Old"),))),
        delegation(),
        Setting(
            scope=source_scope("imap"), source="imap", check="transport", observed=NOW, name="n", value="v"
        ),
        Change(
            scope=source_scope("log"),
            source="log",
            check="log_files",
            observed=NOW,
            happened=NOW,
            operation="o",
        ),
        Access(scope=SCOPE, source="log", check="own_sessions", observed=NOW, session=SESSION),
        *(grant(grant_type=grant_type) for grant_type in get_args(GrantType)),
    ]
    found = list(rows(evidence, context(folder("Old", subscribed=False))))
    assert {row.category for row in found} == {name for name, fields in FIELDS.items() if fields}
    types: dict[str, tuple[type, ...]] = {
        "text": (str,),
        "texts": (tuple,),
        "number": (int,),
        "flag": (bool,),
    }
    for row in found:
        fields: dict[str, Field] = dict(FIELDS[row.category])
        assert set(row.values) == set(fields)
        for name, value in row.values.items():
            assert value is None or isinstance(value, types[fields[name].type]), (name, value)


def test_each_effect_and_target_is_a_row(flow: MakeFlow) -> None:
    """Two redirects of two paths are two rows of one subject, each with its own path's facts."""
    found = list(
        rows(
            [
                flow(
                    Path(effects=(OUT,), keeps_copy=True, line=1),
                    Path(condition=INVOICES, effects=(Effect(what="delete"),)),
                )
            ],
            context(),
        )
    )
    assert [(row.values["effect"], row.values["everything"], row.values["keeps_copy"]) for row in found] == [
        ("redirect", True, "yes"),
        ("delete", False, "depends"),
    ]
    assert {row.subject for row in found} == {("sieve_script", "main")}
    assert found[1].values["keyword_classes"] == ("finance",)


def test_a_finding_about_hiding_rests_on_the_folders_too(flow: MakeFlow) -> None:
    """Whether a message is hidden depends on the folders, so both checks must be complete before it is gone."""
    hidden = Path(effects=(Effect(what="move", target="Old"),))
    (row,) = rows([flow(hidden)], context(folder("Old", subscribed=False)))
    assert set(row.checks) == {SCRIPTS, FOLDERS}
    assert row.values["folder_unread"] is True
    (row,) = rows([flow(Path(effects=(OUT,)))], context(folder("Old")))
    assert row.checks == (SCRIPTS,)


def test_unread_folders_are_not_guessed(flow: MakeFlow) -> None:
    """Where the folders could not be read, nothing is said about who looks into them."""
    (row,) = rows([flow(Path(effects=(Effect(what="move", target="Old"),)))], context(unread=True))
    assert row.values["folder_unread"] is None
    assert row.values["moved_to"] == "Old"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (Path(effects=(OUT,), keeps_copy=True, line=3), ["line 3", "redirects to eve@evil.example", "every message", "neither a domain", "a copy stays"]),
        (Path(effects=(OUT,), keeps_copy=False), ["no copy stays"]),
        (Path(condition=INVOICES, effects=(OUT,)), ["messages where", "words about finance: invoice"]),
        (Path(effects=(Effect(what="delete"),), keeps_copy=False), ["deletes: every message", "deleted before anybody sees it"]),
        (
            Path(effects=(Effect(what="mark_read"), Effect(what="move", target="Old")), keeps_copy=True),
            ['marked read and moved to "Old"', "does not look into"],
        ),
    ],
    ids=["copy", "no copy", "words", "delete", "hide"],
)  # fmt: skip
def test_a_row_says_in_sentences_what_happens(path: Path, wanted: list[str], flow: MakeFlow) -> None:
    """What a finding tells people is one sentence a fact."""
    found = list(rows([flow(path)], context(folder("Old", subscribed=False))))
    text = "\n".join(sentence for row in found for sentence in row.sentences)
    assert [words for words in wanted if words not in text] == []


def test_an_inactive_script_is_told_as_such(flow: MakeFlow) -> None:
    """Nothing is said to happen that a switched-off script would do."""
    (row,) = rows([flow(Path(effects=(OUT,), keeps_copy=False), enabled=False)], context())
    assert row.values["fires"] is False
    assert row.sentences[0].startswith("the inactive script")
    assert not any("copy stays" in sentence for sentence in row.sentences)
    assert ("state", ("inactive",)) in [(fact.name, fact.values) for fact in row.facts]


def of(found: list[Row], name: str) -> list[object]:
    return [row.values[name] for row in found]


def test_each_right_is_a_row() -> None:
    """A delegation gives a row for each right, all of one subject across folders."""
    found = list(
        rows(
            [delegation(), delegation(folder="Old", rights=("read",))],
            context(folder("Old", uses=("archive",))),
        )
    )
    assert of(found, "right") == ["lookup", "read", "read"]
    assert of(found, "folder_use") == ["inbox", "inbox", "archive"]
    assert {row.subject for row in found} == {("imap_acl", "bob")}
    assert [fact.name for fact in found[2].facts] == ["rights in Old"]


@pytest.mark.parametrize(
    ("rights", "full"),
    [
        (("read", "write", "insert", "delete_message", "administer"), True),
        (("read", "write", "insert", "delete_message"), False),
        (("administer",), False),
    ],
)
def test_a_second_owner_has_all_that_an_owner_has(rights: tuple[str, ...], full: bool) -> None:
    """Reading, writing, inserting, deleting and handing on together make a second owner."""
    assert set(of(list(rows([delegation(rights=rights)], context())), "full")) == {full}


def test_rights_taken_away_are_another_subject() -> None:
    """`-bob` is told apart from `bob`, in the subject and in words."""
    found = list(rows([delegation(negative=True)], context()))
    assert found[0].subject == ("imap_acl", "-bob")
    assert "is denied rights" in found[0].sentences[0]


def test_the_setting_of_a_source_is_a_row_of_the_sources_scope() -> None:
    """What a source says of itself is judged in its own scope."""
    setting = Setting(
        scope=source_scope("imap"),
        source="imap",
        check="transport",
        observed=NOW,
        name="transport_encryption",
        value="cleartext",
    )
    (row,) = rows([setting], context())
    assert (row.scope, row.subject) == (source_scope("imap"), ("setting", "transport_encryption"))
    assert row.sentences == ("the setting transport encryption is cleartext",)


def test_folders_are_context() -> None:
    """What has no category gives no row, and no error."""
    assert list(rows([folder("Old")], context())) == []


def test_an_event_rests_on_no_check() -> None:
    """A change happened: no read could show that it did not, and each is a subject by itself."""
    change = Change(scope=SCOPE, source="x", check="y", observed=NOW, happened=NOW, operation="o", about="a")
    (row,) = rows([change], context())
    assert (row.category, row.checks, row.values["operation"]) == ("change", (), "o")
    (later,) = rows([replace(change, happened=NOW + timedelta(1))], context())
    assert later.subject != row.subject


def test_every_effect_has_words(flow: MakeFlow) -> None:
    """There is no effect that a finding could not tell."""
    kinds = (
        "redirect", "forward", "forward_as_attachment", "copy_to_folder", "move", "delete", "mark_read", "reject", "reply", "notify",
        "execute", "keep", "stop", "label", "defer",
    )  # fmt: skip
    for kind in kinds:
        for row in rows([flow(Path(effects=(Effect(what=kind, target="t@example.org"),)))], context()):  # type: ignore[arg-type]  # each is one
            assert row.sentences
            assert "None" not in " ".join(row.sentences)
