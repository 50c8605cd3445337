"""Events into rows: accesses that something makes worth judging, and changes. No check could show that they are gone."""

from collections.abc import Iterator
from datetime import UTC, datetime

from postwarden.detect.row import Row
from postwarden.model import moment
from postwarden.model.evidence import Access, Change
from postwarden.model.finding import Fact
from postwarden.model.session import Session

_ADVICE = (
    "preserve first: keep the server's logs of these days, and export what the history has (postwarden history export)",
    "then look at what else that address did here: postwarden hunt --ip, with the address",
    "then contain: end the sessions, change the secret or password that was used, and look at the account's other findings",
)


def access_row(access: Access) -> Row:
    """One session; what is looked for is one subject for the account, an unexplained session is one by itself."""
    session = access.session
    subject = (
        ("indicator", access.indicator)
        if access.indicator is not None
        else ("session", session.source, _identity(session))
    )
    return Row(
        category="access",
        scope=access.scope,
        subject=subject,
        values={
            "own": access.own,
            "indicator": access.indicator,
            "protocol": session.protocol,
            "refused": session.stage == "refused",
            "name": session.name,
            "identity": session.identity,
            "address": session.address,
            "client": session.client,
            "application": session.application,
            "bytes_out": session.bytes_out,
            "bodies": session.bodies,
        },
        sentences=tuple(_sentences(access)),
        facts=tuple(_facts(access)),
        checks=(),
        blob=access.blob,
        advice=_ADVICE,
    )


def change_row(change: Change) -> Row:
    """One change, as its source tells it."""
    when = moment.text(change.happened)
    return Row(
        category="change",
        scope=change.scope,
        subject=("change", change.source, change.operation, change.about, when),
        values={
            "operation": change.operation,
            "about": change.about,
            "author": change.author,
            "detail": change.detail,
        },
        sentences=(f"{when}: {change.about or change.operation}: {change.detail}",),
        facts=(Fact(name=change.operation, values=(when,)),),
        checks=(),
        blob=change.blob,
    )


def _identity(session: Session) -> str:
    """What tells a session from others of its source, whatever history it is read from."""
    return session.session or f"{session.time} {session.address} {session.port}"


def _sentences(access: Access) -> Iterator[str]:
    session = access.session
    where = session.address or "an address that the log does not tell"
    what = "was refused" if session.stage == "refused" else "logged in"
    who = f"{session.identity} as {session.name}" if session.identity else session.name
    yield f"{_time(session.time)}: {who} {what} over {session.protocol} from {where}"
    if access.own == "unexplained":
        yield "that is the identity that postwarden logs in with, and no record of ours explains this session"
    if session.ended is not None and session.stage != "refused":
        yield f"the session ended {_time(session.ended)}"
    if session.bytes_out is not None:
        yield f"the server sent {session.bytes_out} bytes in it"


def _facts(access: Access) -> Iterator[Fact]:
    session = access.session
    if access.indicator is not None:
        yield Fact(name="indicator", values=(access.indicator,))
    yield Fact(name="first access", values=(_time(session.time),))
    yield Fact(name="address", values=(session.address or "not told",))
    if session.identity is not None:
        yield Fact(name="identity", values=(session.identity,))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
