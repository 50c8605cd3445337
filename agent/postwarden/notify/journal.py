"""One entry of the journal for each notice. Where there is no journal, the same fields go to the log on stderr."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from postwarden import logs
from postwarden.config.settings import Section
from postwarden.errors import NotifyError
from postwarden.logs import journald
from postwarden.logs.escaping import clean
from postwarden.model.finding import Level
from postwarden.notify.notice import Change, Notice

#: MESSAGE_ID of each change, for good; docs/alarms.md has them too.
MESSAGE_IDS: Mapping[Change, str] = {
    "opened": "5d0c9f8a8f1c4d5fb0c0f3f7b6f3a101",
    "changed": "8b9a1a4f6f5e4b6c9a2d54c8d1c5e202",
    "resolved": "c2f1d6e37a884e0d8f3b7a10e4d96303",
    "acknowledged": "e41b7d52c0964f7ea6d58c2f9b03a404",
    "reopened": "1f6e83ba94d74c21b3c79d40a5e2f505",
}
#: Priority of syslog by level, for a finding that stands open.
PRIORITIES: Mapping[Level, int] = {"critical": 2, "high": 3, "medium": 4, "low": 5, "informational": 6}
#: Of one that does not any more.
QUIET = 5


class Options(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`socket` is where journald listens."""

    socket: Annotated[str, Meta(min_length=1)] = journald.SOCKET


class JournalNotifier:
    """One entry for each notice."""

    def __init__(self, options: Options) -> None:
        self._path = options.socket

    def send(self, notice: Notice) -> None:
        fields = entry(notice)
        try:
            journald.send(fields, self._path)
        except (FileNotFoundError, ConnectionRefusedError):
            given = {key.lower(): value for key, value in fields.items()}
            logs.get("alarm").warning(given.pop("message"), **given)
        except OSError as exc:
            raise NotifyError(
                f"the journal at {self._path} did not take an entry: {exc.strerror or exc}"
            ) from exc


def entry(notice: Notice) -> dict[str, str]:
    """The fields of a notice, as docs/alarms.md describes them."""
    finding = notice.finding
    stands = notice.change in {"opened", "changed", "reopened"}
    fields = {
        "MESSAGE": notice.line,
        "MESSAGE_ID": MESSAGE_IDS[notice.change],
        "PRIORITY": str(PRIORITIES[finding.level] if stands else QUIET),
        "SYSLOG_IDENTIFIER": "postwarden",
        "POSTWARDEN_CHANGE": notice.change,
        "POSTWARDEN_FINDING": finding.id,
        "POSTWARDEN_RULE": finding.name,
        "POSTWARDEN_LEVEL": finding.level,
        "POSTWARDEN_ACCOUNT": notice.account,
        "POSTWARDEN_KEY": notice.key,
        "POSTWARDEN_LEDGER": notice.ledger,
        "POSTWARDEN_RECORD": str(notice.record),
        "POSTWARDEN_ACTOR": notice.actor,
    }
    told = {name: clean(value) for name, value in fields.items()}
    if finding.why:
        told["POSTWARDEN_WHY"] = "\n".join(clean(sentence) for sentence in finding.why)
    if notice.checkpoint:
        told["POSTWARDEN_CHECKPOINT"] = notice.checkpoint
    return told
