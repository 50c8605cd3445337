"""The folder that the generator leaves is one that a sysadmin would find."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.errors import LabError
from postwarden.lab.logs import LOGS, Log, Written
from tests.unit.lab.logs.made import AUTUMN, SMALL, Make, content, lines


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_equal_plans_make_equal_files(make: Make, tmp_path: Path) -> None:
    """The same plan gives the same bytes in another process with other hashes, and another seed gives others."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom postwarden.lab.logs import write\nfrom tests.unit.lab.logs.made import SMALL\n"
        "write(SMALL, Path(sys.argv[1]))"
    )
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            cwd=Path(__file__).parents[4],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2") == bytes_of(make(SMALL).networks.parent)
    assert bytes_of(make(replace(SMALL, seed=4)).networks.parent) != bytes_of(tmp_path / "1")


def test_rotated_files_have_the_names_and_times_that_logrotate_leaves(autumn: Written) -> None:
    """The newest file has the plain name, older ones count up and are compressed, and each is as old as its last
    line.
    """
    files = autumn.of("dovecot")
    assert [file.path.name for file in files] == [
        *(f"dovecot.log.{age}.gz" for age in range(17, 0, -1)),
        "dovecot.log",
    ]
    for file in files:
        last = content(file.path).splitlines()[-1].partition(" ")[0]
        assert int(file.path.stat().st_mtime) == int(
            datetime.strptime(last, "%Y-%m-%dT%H:%M:%S%z").timestamp()
        )


@pytest.mark.parametrize("log", ["dovecot", "dovecot_syslog", "roundcube", "postfix"])
def test_rotation_only_cuts(log: Log, autumn: Written, make: Make) -> None:
    """Weekly files, plain files and one single file have the same lines in the same order as daily compressed ones."""
    daily = list(lines(autumn, log))
    weekly = make(replace(AUTUMN, rotation="weekly", compress=False, logs=(log,)))
    single = make(replace(AUTUMN, rotation="none", logs=(log,)))
    assert len(weekly.of(log)) == 3
    assert len(single.of(log)) == 1
    assert daily == list(lines(weekly, log)) == list(lines(single, log))


def test_exchange_begins_a_file_a_day_with_its_headers(autumn: Written) -> None:
    """Each file of Exchange is named by its day, begins with the `#` lines, and ends its lines as Windows does."""
    files = autumn.of("exchange_imap4")
    assert [file.path.name for file in files][:2] == ["IMAP420251020-1.LOG", "IMAP420251021-1.LOG"]
    for file in files:
        text = file.path.read_bytes().decode()
        day = f"{file.path.name[5:9]}-{file.path.name[9:11]}-{file.path.name[11:13]}"
        assert text.startswith("#Software: Microsoft Exchange Server\r\n")
        assert text.count("\n") == text.count("\r\n") == file.lines + 5
        assert all(line.startswith(day) for line in text.splitlines()[5:])


def test_sign_ins_are_objects_a_line_or_one_array(make: Make) -> None:
    """Both forms of the export have the same objects, a file a month, and the array is JSON as a whole."""
    arrays = make(replace(AUTUMN, sign_ins="array", logs=("entra",)))
    assert [file.path.name for file in arrays.of("entra")] == ["signins-2025-10.json", "signins-2025-11.json"]
    found = [one for file in arrays.of("entra") for one in json.loads(file.path.read_text(encoding="utf-8"))]
    alone = make(replace(AUTUMN, logs=("entra",)))
    assert found == [json.loads(line) for line in lines(alone, "entra")]


def test_only_the_logs_that_were_asked_for_are_made(make: Make) -> None:
    """A plan for one log leaves one folder, the tables of networks, and no truth unless asked."""
    written = make(replace(SMALL, logs=("roundcube",)))
    assert sorted(path.name for path in written.networks.parent.iterdir()) == [
        "asn.csv",
        "country.csv",
        "roundcube",
    ]
    assert written.truth is None


def test_every_log_begins_and_ends_with_the_plan(autumn: Written) -> None:
    """No line is from before the first day or from behind the last, and every day has some."""
    first, last = (
        datetime(2025, 10, 20, tzinfo=UTC).timestamp(),
        datetime(2025, 11, 7, tzinfo=UTC).timestamp(),
    )
    for log in LOGS:
        # Nobody may have used the webmail on a Sunday.
        written = [file for file in autumn.of(log) if file.lines or log != "roundcube"]
        assert written
        for file in written:
            assert file.lines
            assert first * 1000 <= file.first <= file.last < last * 1000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"people": ("a", "b"), "shared": ("a",)}, "twice"),
        ({"people": ()}, "a person"),
        ({"days": 0}, "a day"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"logs": ("sendmail",)}, "no log 'sendmail'"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_says_why(wrong: dict[str, object], words: str) -> None:
    """A wrong plan is refused when it is made."""
    with pytest.raises(LabError, match=words):
        replace(SMALL, **wrong)  # type: ignore[arg-type]
