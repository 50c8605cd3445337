"""What `check-config` prints."""

import argparse

import pytest

from postwarden.cli.check_config import _show
from postwarden.model.account import Account
from postwarden.model.reading import Coverage, Gap
from postwarden.model.scope import account_scope
from postwarden.pipeline.collect import Reading

SCOPE = account_scope("login:alice")


class Named:
    name = "sieve"


def test_no_server_writes_lines_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """A line end in a server's answer or in a script's name does not make a line that looks like ours."""
    gap = Gap(
        scope=SCOPE, source="sieve", check="sieve_scripts", reason="forbidden", part="script a\n  sieve folders: can be read",
        message="the server refused: no\nall is well\x1b[2J", hint="mend it\nor not",
    )  # fmt: skip
    row = Coverage(scope=SCOPE, source="sieve", check="sieve_scripts", status="gap", gaps=(gap,))
    reading = Reading(scope=SCOPE, evidence=(), coverage=(row,), gaps=(gap,))
    _show(argparse.Namespace(json=False), Named(), Account(key="login:alice", login="alice"), reading)  # type: ignore[arg-type]  # only the name is used
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert not any("\x1b" in line for line in lines)
