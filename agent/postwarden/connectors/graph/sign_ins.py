"""Sign-ins of a tenant's people, as Graph lists them: the interactive ones, for tenants with Entra ID P1 or P2.

In v1.0, Graph lists interactive and federated sign-ins alone (Microsoft's page "List signIns"); those that programs
make with tokens need `signInEventTypes`, which only beta has, or an export by diagnostic settings. It keeps 30 days.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postwarden.connectors.graph import requests
from postwarden.connectors.graph.listing import items
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.connectors.rest.sign_ins import Told, told
from postwarden.formats.asked import Asked
from postwarden.formats.graph_json.answer import removed_id
from postwarden.formats.server_logs.entra_sign_ins import decode_sign_in

#: How late a sign-in may come, or change: nearly all within five minutes ("Azure Active Directory reporting
#: latencies"), those with several factors up to two hours ("Microsoft Entra monitoring and health FAQ").
LATENESS = timedelta(hours=2)

#: How long Graph lists a sign-in, where the tenant has Entra ID P1 or P2.
KEPT = timedelta(days=30)

#: Asked for at a time, so that no listing gets too long.
_SPAN = timedelta(days=1)


def read_sign_ins(session: Session, asked: Asked, since: datetime, until: datetime) -> Iterator[Told]:
    """The sign-ins of the time from `since` to `until`; see `rest.sign_ins.told`. Raises ConnectorError.

    What Graph does not list is a gap, at each reading.
    """
    yield asked.gap(
        "unsupported",
        "Graph lists interactive sign-ins only: a program that goes on with a token, a stolen one too, is not seen",
        part="sign-ins that are not interactive",
        hint="export NonInteractiveUserSignInLogs by diagnostic settings and read them as a log, or accept this gap",
    )
    patience = Patience(session.pause)

    def records(begin: datetime, end: datetime) -> Iterator[tuple[str, bytes]]:
        for raw in items(session, *requests.sign_ins(begin, end), patience=patience):
            yield removed_id(raw)[0], raw

    yield from told(asked, since, until, span=_SPAN, records=records, decode=decode_sign_in)
