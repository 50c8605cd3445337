"""What the history says about a log."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.config.settings import decode
from postwarden.connectors.log_files.source import OWN_SESSIONS, LogFiles, Options
from postwarden.model.reading import CheckDone, Gap
from postwarden.pipeline.recall import HistoryRecall

CONFIG = b"""
[[source]]
name = "imap"
kind = "imap"
host = "mail.example.org"
login = { user = "{login}*auditor", secret = "env:SECRET" }
"""
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ELEMENTS = "user=<%u> auth_user=<%{auth_user}> method=%m rip=%r rport=%b lip=%l session=<%{session}>"


@pytest.mark.parametrize(("days", "told"), [(9, False), (10, True)])
def test_a_log_that_comes_later_than_sessions_are_compared_is_a_gap(
    tmp_path: Path, days: int, told: bool
) -> None:
    """Nobody takes the silence about such a log for an answer."""
    options = Options(
        files=("*.log",),
        format="dovecot",
        servers=("imap",),
        lateness=days * 86_400,
        format_options={"login_elements": ELEMENTS},
    )
    source = LogFiles("log", options, folder=tmp_path, clock=lambda: NOW, memory={})
    recall = HistoryRecall(tmp_path, decode(CONFIG, tmp_path / "agent.toml"), lambda: NOW, lambda: 0.0)
    items = [one for one in recall.of_source(source) if getattr(one, "check", None) == OWN_SESSIONS]
    assert [type(one) for one in items] == [Gap if told else CheckDone]
