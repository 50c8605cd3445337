"""Four hundred days of logs of the lab's organisation, for the demo: written to the day before today, as each server would."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from postwarden.lab.logs import Family, Intrusion, Log, Plan, Tally, Written, draw_intrusions, write
from postwarden.lab.logs.places import sites
from postwarden.lab.organisation import load

#: What the demo's organisation keeps.
DAYS = 400
#: The day behind the last one of the logs: always the same, so that what is to be found in them is the same, too.
ENDS = date(2026, 11, 23)
#: A machine in the lab's organisation.
DEVICES = ("scanner",)
#: Seeds of the mail server's, the Exchange's and the cloud's logs. They were chosen: in most others one of so few people does
#: something within four hundred days that is taken for an intruder's. How often, docs/quality_access.md says.
MAIL_SEED, EXCHANGE_SEED, CLOUD_SEED = 14, 10, 10
#: Accounts of each server that logs are made for: enough for every kind of line.
MOST = 6

#: The intruders in the mail server's logs and in the cloud's, and how many days ago they entered at most. Nobody is
#: in the Exchange's.
MAIL_INTRUDERS: tuple[tuple[Family, int], ...] = (
    ("foreign_hosting", 60),
    ("residential_inside", 120),
    ("spray_then_quiet", 190),
)
CLOUD_INTRUDERS: tuple[tuple[Family, int], ...] = (("foreign_hosting", 90),)
#: In the cloud's organisation all who sign in have a part in something; it tells that an intruder was in this account.
CLOUD_VICTIMS = ("sara.lindqvist",)

#: What Dovecot's log-in lines have in these logs.
ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k "
    "session=<%{session}>"
)


@dataclass(frozen=True)
class Archive:
    """The logs of one server: what a source has to be told of them, and what is in them.

    `offices` are the lines of the organisation's offices. `intrusions` are those that the log tells of: one by the
    webmail is in the webmail's log and, as sessions of the webmail's, in the mail server's.
    """

    name: str
    format: str
    files: str
    format_options: dict[str, Any]
    log: Log
    written: Written
    offices: tuple[str, ...]
    intrusions: tuple[Intrusion, ...]

    @property
    def tally(self) -> Tally:
        """What must be found in them."""
        return self.written.total(self.log)


def write_archives(
    folder: Path, *, mail: tuple[str, ...], exchange: tuple[str, ...], cloud: tuple[str, ...]
) -> tuple[Archive, ...]:
    """Dovecot and a webmail for the log-ins in `mail`, Exchange's IMAP4 for `exchange`, Entra's sign-ins for `cloud`.

    Intruders are in accounts of people to whom nothing else is planted. LabError where `mail` or `cloud` lack those.
    """
    begin = ENDS - timedelta(days=DAYS)
    ordinary = {one.login for one in load().accounts if one.role == "ordinary"}
    people = tuple(name for name in mail if name in ordinary and name not in DEVICES)[:MOST]
    plans: tuple[tuple[tuple[Log, ...], Plan], ...] = (
        (("dovecot", "roundcube"), _entered(Plan(
            seed=MAIL_SEED, people=people, devices=DEVICES, begin=begin, days=DAYS, rotation="weekly",
            logs=("dovecot", "roundcube"), ordinary="lively",
        ), MAIL_INTRUDERS, people)),
        (("exchange_imap4",), Plan(
            seed=EXCHANGE_SEED, people=exchange[:MOST // 2], begin=begin, days=DAYS, logs=("exchange_imap4",),
            domain="kitano-marine.example", ordinary="lively",
        )),
        (("entra",), _entered(Plan(
            seed=CLOUD_SEED, people=cloud[:MOST], begin=begin, days=DAYS, logs=("entra",), domain="kitano-trading.example",
            ordinary="lively",
        ), CLOUD_INTRUDERS, CLOUD_VICTIMS)),
    )  # fmt: skip
    found: list[Archive] = []
    for logs, plan in plans:
        home = folder / "-".join(logs)
        home.mkdir(parents=True)
        written = write(plan, home)
        found += [_archive(log, home, written, plan) for log in logs]
    return tuple(found)


def _entered(plan: Plan, wanted: tuple[tuple[Family, int], ...], victims: tuple[str, ...]) -> Plan:
    """The same plan with intruders. What they leave behind is in no log, and the organisation's mailboxes have none."""
    days = [(family, plan.begin + timedelta(days=plan.days - ago)) for family, ago in wanted]
    drawn = draw_intrusions(plan, "intruders", days, victims)
    return replace(plan, intrusions=tuple(replace(one, leaves="nothing", left_at=None) for one in drawn))


def _archive(log: Log, home: Path, written: Written, plan: Plan) -> Archive:
    form, options = _FORMATS[log]
    return Archive(
        name=_NAMES[log],
        format=form,
        files=str(home / log / "*"),
        format_options=options,
        log=log,
        written=written,
        offices=tuple(one.network.v4 for one in sites(plan.seed)),
        intrusions=tuple(one for one in plan.intrusions if one.webmail or log != "roundcube"),
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
