"""What check-config says about logs before anything is kept."""

from datetime import UTC, datetime
from pathlib import Path

from postwarden.connectors.log_files.source import LogFiles, Options
from postwarden.pipeline.collect import Reading, collect_source
from postwarden.pipeline.try_logs import TriedLogs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LINE = (
    "2026-11-22T23:58:12+0000 imap-login: Info: Login: user=<alice>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, mpid=1, "
    "TLS, session=<AP37P+Zg9Op/AAAB>\n"
)


def tried(folder: Path, form: str = "dovecot") -> Reading:
    clock = lambda: NOW  # noqa: E731 - a clock that stands
    source = LogFiles(
        "log",
        Options(files=("*.log",), format=form),
        folder=folder,
        clock=clock,
        memory={"recall": TriedLogs(clock)},
    )
    return collect_source(source, lambda _source, _check: None, None)


def messages(reading: Reading) -> dict[str, str]:
    return {gap.check: gap.message for gap in reading.gaps}


def test_a_log_that_is_understood_has_no_gap(tmp_path: Path) -> None:
    """The newest lines are read, and nothing is written anywhere."""
    (tmp_path / "a.log").write_text(LINE * 3)
    assert messages(tried(tmp_path)) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_a_wrong_format_is_told_with_a_line(tmp_path: Path) -> None:
    """Whoever names the wrong format sees it before the first audit."""
    (tmp_path / "a.log").write_text(LINE * 3)
    assert "3 of 3 lines were not understood" in messages(tried(tmp_path, "exchange_protocol"))["log_lines"]


def test_a_missing_log_is_told(tmp_path: Path) -> None:
    """A pattern without a file is no clean log."""
    assert "no line was found in *.log" in messages(tried(tmp_path))["log_files"]
