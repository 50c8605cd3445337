"""`postwarden witness` refuses what makes no sense before it listens."""

from pathlib import Path

import pytest

from postwarden.cli import run
from tests.unit.witness.conftest import Log


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--listen", "8446"], "is not HOST:PORT"),
        (["--listen", "127.0.0.1:+1"], "is not HOST:PORT"),
        (["--listen", "127.0.0.1:65536"], "is not HOST:PORT"),
        (["--log", "a+b"], "three parts"),
        (["--name", "two words"], "white space"),
        (["--tls-key", "key.pem"], "belong together"),
        (["--tls-key", "no.pem", "--tls-certificate", "no.pem"], "cannot be used"),
        (["--log", Log(seed=2).key.text], "two keys of one origin"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the reason on stderr, and no key on stdout."""
    plain = [
        "--listen",
        "127.0.0.1:0",
        "--state",
        str(tmp_path / "w"),
        "--name",
        "w",
        "--log",
        Log().key.text,
    ]
    assert run(["witness", *plain, *options]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""
