"""The journal gets one entry for each change, with fields that stay the same."""

import json
import uuid
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from postwarden import logs
from postwarden.errors import NotifyError
from postwarden.model.finding import LEVELS
from postwarden.notify.journal import MESSAGE_IDS, JournalNotifier, Options
from postwarden.notify.notice import Change
from tests.unit.notify.conftest import Journal, MakeNotice


def test_an_entry_has_its_fields(journal: Journal, notice: MakeNotice) -> None:
    """Finding, rule, level, account, change, priority and message are fields of their own."""
    JournalNotifier(Options(socket=str(journal.path))).send(notice())
    journal.close()
    assert journal.entries == [
        {
            "MESSAGE": "opened: high external_redirect in alice@example.org: mail leaves",
            "MESSAGE_ID": MESSAGE_IDS["opened"],
            "PRIORITY": "3",
            "SYSLOG_IDENTIFIER": "postwarden",
            "POSTWARDEN_CHANGE": "opened",
            "POSTWARDEN_FINDING": "QKZL2",
            "POSTWARDEN_RULE": "external_redirect",
            "POSTWARDEN_LEVEL": "high",
            "POSTWARDEN_ACCOUNT": "alice@example.org",
            "POSTWARDEN_KEY": "QKZL2-7",
            "POSTWARDEN_LEDGER": "postwarden/host",
            "POSTWARDEN_RECORD": "7",
            "POSTWARDEN_ACTOR": "uid 0 (root)",
            "POSTWARDEN_WHY": "it is so",
        }
    ]


def test_every_change_has_an_id_of_its_own() -> None:
    """Each change has a MESSAGE_ID that is 128 bits in hex, and stands in docs/alarms.md."""
    text = (Path(__file__).parents[3] / "docs" / "alarms.md").read_text(encoding="utf-8")
    assert set(MESSAGE_IDS) == set(get_args(Change))
    assert len(set(MESSAGE_IDS.values())) == len(MESSAGE_IDS)
    for change, identifier in MESSAGE_IDS.items():
        assert uuid.UUID(identifier).hex == identifier
        assert f"| `{change}` | `{identifier}` |" in text


def test_priorities_follow_the_level_while_it_stands(journal: Journal, notice: MakeNotice) -> None:
    """The worse the level, the lower the number; what is resolved or acknowledged is a notice only."""
    notifier = JournalNotifier(Options(socket=str(journal.path)))
    for level in LEVELS:
        notifier.send(notice(level=level))
    notifier.send(notice("resolved", "critical"))
    journal.close()
    assert [entry["PRIORITY"] for entry in journal.entries] == ["6", "5", "4", "3", "2", "5"]


def test_a_large_entry_goes_by_a_sealed_file(journal: Journal, notice: MakeNotice) -> None:
    """An entry that no datagram holds arrives whole, with several lines in one field."""
    why = tuple(f"{number} " + "é" * 2_000 for number in range(400))
    JournalNotifier(Options(socket=str(journal.path))).send(notice(why=why))
    journal.close()
    assert (journal.by_file, journal.entries[0]["POSTWARDEN_WHY"]) == (1, "\n".join(why))


def test_what_people_wrote_cannot_forge_a_field(journal: Journal, notice: MakeNotice) -> None:
    """A line feed or a control character in a name stays within its field, as an escape."""
    JournalNotifier(Options(socket=str(journal.path))).send(notice(why=("a\nPRIORITY=0\x1b[2J", "b\u202e")))
    journal.close()
    assert journal.entries[0]["POSTWARDEN_WHY"] == "a\\u{a}PRIORITY=0\\u{1b}[2J\nb\\u{202e}"
    assert journal.entries[0]["PRIORITY"] == "3"


def test_without_a_journal_it_goes_to_the_log(
    tmp_path: Path, notice: MakeNotice, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing listens, the same fields are one line of JSON on stderr."""
    logs.configure(json=True)
    JournalNotifier(Options(socket=str(tmp_path / "none"))).send(notice())
    told = json.loads(capsys.readouterr().err)
    assert (told["logger"], told["postwarden_finding"], told["postwarden_change"]) == (
        "alarm",
        "QKZL2",
        "opened",
    )


def test_a_journal_that_refuses_is_a_failure(tmp_path: Path, notice: MakeNotice) -> None:
    """Any other error of the socket is a NotifyError: it is tried again."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotifyError, match="did not take an entry"):
        JournalNotifier(Options(socket=str(tmp_path / "file" / "below"))).send(notice())


def test_an_alarm_carries_the_newest_checkpoint(journal: Journal, notice: MakeNotice) -> None:
    """The whole note stands in a field of its own."""
    note = "postwarden/host\n8\nAAAA\n\n— postwarden/host AAAA\n"
    told = structs.replace(notice(), checkpoint=note)
    JournalNotifier(Options(socket=str(journal.path))).send(told)
    journal.close()
    assert journal.entries[0]["POSTWARDEN_CHECKPOINT"] == note
