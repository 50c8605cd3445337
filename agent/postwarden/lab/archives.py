"""Four hundred days of logs of the lab's organisation, for the demo: written to the day before today, as each server would."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from postwarden.lab.logs import NETWORKS, Log, Plan, Tally, Written, write

#: What the demo's organisation keeps.
DAYS = 400
#: Mailboxes that several open, and a machine, in the lab's organisation.
SHARED, DEVICES = ("reception", "dispatch"), ("scanner",)
#: Accounts of the Exchange and the cloud that logs are made for: enough for every kind of line.
MOST = 6

#: What Dovecot's log-in lines have in these logs.
ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k "
    "session=<%{session}>"
)


@dataclass(frozen=True)
class Archive:
    """The logs of one server: what a source has to be told of them, and what is in them."""

    name: str
    format: str
    files: str
    format_options: dict[str, Any]
    log: Log
    written: Written

    @property
    def tally(self) -> Tally:
        """What must be found in them."""
        return self.written.total(self.log)

    @property
    def offices(self) -> tuple[str, ...]:
        """The lines of the organisation's offices."""
        return tuple(one.v4 for one in NETWORKS if one.kind == "office")


def write_archives(
    folder: Path, *, mail: tuple[str, ...], exchange: tuple[str, ...], cloud: tuple[str, ...], today: date
) -> tuple[Archive, ...]:
    """Dovecot and a webmail for the log-ins in `mail`, Exchange's IMAP4 for `exchange`, Entra's sign-ins for `cloud`."""
    begin = today - timedelta(days=DAYS)
    people = tuple(name for name in mail if name not in SHARED + DEVICES)
    plans: tuple[tuple[tuple[Log, ...], Plan], ...] = (
        (("dovecot", "roundcube"), Plan(
            seed=1, people=people, shared=SHARED, devices=DEVICES, begin=begin, days=DAYS, rotation="weekly",
            logs=("dovecot", "roundcube"),
        )),
        (("exchange_imap4",), Plan(
            seed=2, people=exchange[:MOST // 2], begin=begin, days=DAYS, logs=("exchange_imap4",),
            domain="kitano-marine.example",
        )),
        (("entra",), Plan(
            seed=3, people=cloud[:MOST], begin=begin, days=DAYS, logs=("entra",), domain="kitano-trading.example"
        )),
    )  # fmt: skip
    found: list[Archive] = []
    for logs, plan in plans:
        home = folder / "-".join(logs)
        home.mkdir(parents=True)
        written = write(plan, home)
        found += [_archive(log, home, written) for log in logs]
    return tuple(found)


def _archive(log: Log, home: Path, written: Written) -> Archive:
    form, options = _FORMATS[log]
    return Archive(
        name=_NAMES[log],
        format=form,
        files=str(home / log / "*"),
        format_options=options,
        log=log,
        written=written,
    )


_NAMES: dict[Log, str] = {
    "dovecot": "imap-archive",
    "roundcube": "webmail",
    "exchange_imap4": "exchange-log",
    "entra": "sign-ins",
}
_FORMATS: dict[Log, tuple[str, dict[str, Any]]] = {
    "dovecot": ("dovecot", {"login_elements": ELEMENTS}),
    "roundcube": ("roundcube", {}),
    "exchange_imap4": ("exchange_protocol", {}),
    "entra": ("entra_sign_ins", {}),
}
