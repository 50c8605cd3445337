"""What judging has learnt is kept beside the history, and may be lost: it is made anew."""

import sqlite3
from pathlib import Path

import pytest

from postwarden.errors import HistoryError
from postwarden.history.kept import FILE, VERSION, open_kept


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Values of all and of each account, in the order of their names, for the next process."""
    with open_kept(tmp_path) as kept:
        assert kept.meta() == {}
        kept.save({"common": b"c"}, {"bob": b"b", "alice": b"a\x00"}, anew=False)
    with open_kept(tmp_path) as kept:
        assert kept.meta() == {"common": b"c"}
        assert list(kept.accounts()) == [("alice", b"a\x00"), ("bob", b"b")]
        assert (kept.account("bob"), kept.account("carol")) == (b"b", None)
        assert kept.size() == (2, 3)


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """Other accounts stay as they were."""
    with open_kept(tmp_path) as kept:
        kept.save({"common": b"1"}, {"alice": b"1", "bob": b"1"}, anew=False)
        kept.save({"progress": b"2"}, {"bob": b"2"}, anew=False)
        assert kept.meta() == {"common": b"1", "progress": b"2"}
        assert dict(kept.accounts()) == {"alice": b"1", "bob": b"2"}


def test_a_new_beginning_forgets_the_old_one(tmp_path: Path) -> None:
    """After a replay nothing of before is left."""
    with open_kept(tmp_path) as kept:
        kept.save({"common": b"1"}, {"alice": b"1"}, anew=False)
        kept.save({"progress": b"2"}, {"bob": b"2"}, anew=True)
        assert kept.meta() == {"progress": b"2"}
        assert dict(kept.accounts()) == {"bob": b"2"}


def test_all_is_kept_or_nothing(tmp_path: Path) -> None:
    """Where writing fails halfway, what was there before is still there."""
    with open_kept(tmp_path) as kept:
        kept.save({"common": b"1"}, {"alice": b"1"}, anew=False)
        with sqlite3.connect(tmp_path / FILE) as other:
            other.execute(
                "CREATE TRIGGER no BEFORE INSERT ON account WHEN new.name = 'carol' BEGIN SELECT raise(ABORT, 'full'); END"
            )
        other.close()
        with pytest.raises(HistoryError, match="full"):
            kept.save({"common": b"2"}, {"alice": b"2", "carol": b"2"}, anew=True)
        assert kept.meta() == {"common": b"1"}
        assert dict(kept.accounts()) == {"alice": b"1"}


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 2000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    """All of it is in the history."""
    (tmp_path / FILE).write_bytes(damage)
    with open_kept(tmp_path) as kept:
        assert kept.meta() == {}
        kept.save({"common": b"1"}, {}, anew=False)
        assert kept.meta() == {"common": b"1"}


def test_a_file_of_another_version_is_made_anew(tmp_path: Path) -> None:
    """What another postwarden learnt means something else."""
    with open_kept(tmp_path) as kept:
        kept.save({"common": b"1"}, {"alice": b"1"}, anew=False)
    other = sqlite3.connect(tmp_path / FILE)
    other.execute(f"PRAGMA user_version = {VERSION + 1}")
    other.close()
    with open_kept(tmp_path) as kept:
        assert kept.meta() == {}
        assert kept.size() == (0, 0)


def test_it_is_for_its_owner_only(tmp_path: Path) -> None:
    """Habits are about people."""
    with open_kept(tmp_path):
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """With the file's name and what to do."""
    with pytest.raises(HistoryError) as caught, open_kept(tmp_path / "none"):
        pass
    assert str(tmp_path) in str(caught.value)
    assert caught.value.hint
