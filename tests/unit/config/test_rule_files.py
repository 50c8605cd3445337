"""Which rule files are read."""

from pathlib import Path

import pytest

from postwarden.config import rule_files
from postwarden.config.rule_files import MAX_BYTES, read_examples, read_rules, read_table, shipped_folder
from postwarden.errors import ConfigError, PostwardenError, RuleError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of rules that is ours alone."""
    made = tmp_path / "rules"
    (made / "sub").mkdir(parents=True)
    for name in ("b.yml", "a.yml", "a.examples.yml", "sub/c.yml", "notes.txt"):
        (made / name).write_text(name)
        (made / name).chmod(0o644)
    made.chmod(0o755)
    (made / "sub").chmod(0o755)
    return made


def test_rules_and_examples_are_told_apart_by_their_names(folder: Path) -> None:
    """Every `.yml` below a folder is a rule, but for those that hold examples, in a stable order."""
    assert [file.raw for file in read_rules((folder,))] == [b"a.yml", b"b.yml", b"sub/c.yml"]
    assert [file.raw for file in read_examples((folder,))] == [b"a.examples.yml"]
    assert read_rules((folder / "sub", folder))[0].path == str(folder / "sub" / "c.yml")


def test_a_rule_with_the_other_ending_is_not_skipped_in_silence(folder: Path) -> None:
    """A rule that somebody saved as `.yaml` is read, or refused by name."""
    (folder / "d.yaml").write_text("d")
    (folder / "d.yaml").chmod(0o644)
    try:
        found = [Path(file.path).name for file in read_rules((folder,))]
    except PostwardenError as exc:
        assert "d.yaml" in str(exc)  # noqa: PT017 - either outcome is good
    else:
        assert "d.yaml" in found


def test_an_empty_folder_has_no_rules(tmp_path: Path) -> None:
    """A folder without rules is no error."""
    assert read_rules((tmp_path,)) == ()


@pytest.mark.parametrize("name", ["gone", "rules/a.yml"])
def test_what_is_no_folder_is_refused(name: str, folder: Path) -> None:
    """A configured folder that is not there, or is a file, is named."""
    with pytest.raises(RuleError, match="is not a folder") as caught:
        read_rules((folder.parent / name,))
    assert str(folder.parent / name) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("place", ["a.yml", "sub"])
def test_rules_that_others_can_write_are_not_trusted(place: str, folder: Path) -> None:
    """Who can write a rule can switch it off, so its file and its folder must be ours alone."""
    (folder / place).chmod(0o777)
    with pytest.raises(ConfigError, match="others can write"):
        read_rules((folder,))


def test_a_rule_that_is_too_large_is_refused(folder: Path) -> None:
    """A rule is a page."""
    (folder / "a.yml").write_bytes(b"x" * MAX_BYTES)
    read_rules((folder,))
    (folder / "a.yml").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(RuleError, match=f"is larger than {MAX_BYTES} bytes") as caught:
        read_rules((folder,))
    assert caught.value.path == str(folder / "a.yml")


def test_too_many_rules_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with more files than anybody writes is a mistake."""
    monkeypatch.setattr(rule_files, "MAX_FILES", 2)
    with pytest.raises(RuleError, match="has more than 2 rule files"):
        read_rules((folder,))


def test_a_rule_that_cannot_be_read_is_named(folder: Path) -> None:
    """A folder that is called like a rule is an error of ours."""
    (folder / "z.yml").mkdir(mode=0o755)
    with pytest.raises(RuleError, match="cannot be read") as caught:
        read_rules((folder,))
    assert caught.value.path == str(folder / "z.yml")


def test_the_shipped_rules_are_there() -> None:
    """The program comes with its rules, their examples, and the table of keywords."""
    rules = {Path(file.path).name for file in read_rules((shipped_folder(),))}
    examples = {Path(file.path).name for file in read_examples((shipped_folder(),))}
    assert "external_redirect.yml" in rules
    assert {name.replace(".yml", ".examples.yml") for name in rules} == examples
    assert b"[finance]" in read_table("keywords.toml").raw
