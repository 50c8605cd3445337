"""Sign-ins of a domain's people, from the log-in activities of Google's Reports; it keeps 180 days."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postwarden.connectors.google import requests
from postwarden.connectors.google.listing import items
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.connectors.rest.sign_ins import Told, told
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.activities import activity_id
from postwarden.formats.json_text import JsonError
from postwarden.formats.server_logs.google_sign_ins import decode_sign_in

#: How late an activity may come. Google's page "Data retention and lag times" gave one to two days for log-ins, and
#: gives less in newer editions, always with a small chance of more.
LATENESS = timedelta(days=2)

#: How long Google keeps an activity.
KEPT = timedelta(days=180)

#: Asked for at a time, so that no listing gets too long.
_SPAN = timedelta(days=7)


def read_sign_ins(session: Session, asked: Asked, since: datetime, until: datetime) -> Iterator[Told]:
    """The sign-ins of the time from `since` to `until`; see `rest.sign_ins.told`. Raises ConnectorError.

    The log has neither user agents nor ids of sessions.
    """
    patience = Patience(session.pause)

    def records(begin: datetime, end: datetime) -> Iterator[tuple[str | JsonError, bytes]]:
        for raw in items(session, *requests.sign_ins(begin, end), patience=patience):
            try:
                yield activity_id(raw), raw
            except JsonError as exc:
                yield exc, raw

    yield from told(asked, since, until, span=_SPAN, records=records, decode=decode_sign_in)
