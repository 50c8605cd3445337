"""What a domain says once for all its people: users, and the logs of tokens and of administrators."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from postwarden.connectors.google import requests
from postwarden.connectors.google.consents import Consent, Consents, by_person, domain_wide, last_uses
from postwarden.connectors.google.listing import items
from postwarden.connectors.google.people import People, people
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.activities import (
    ACTIVITY,
    AUTHORIZE,
    DOMAIN_AUTHORIZE,
    DOMAIN_REMOVE,
    REVOKE,
    Event,
    read_events,
    unread_events,
    unread_gap,
)
from postwarden.model.application import Dated
from postwarden.model.reading import Item

#: How far back Google's logs go; uses are asked for of a few days only, since every call is one.
LOGGED, USED = timedelta(days=180), timedelta(days=3)


class Log(Struct, frozen=True, kw_only=True):
    """What is let in by whom, when it was last put out, and what happened in order."""

    consents: Consents
    revoked: Mapping[tuple[str, str], datetime]
    events: tuple[tuple[Event, bytes], ...]


class Domain:
    """One reading of a domain. Every part is read once, when it is first asked for; see the tenant of `graph`."""

    def __init__(
        self, users: Session, reports: Session, *, customer: str, clock: Callable[[], datetime]
    ) -> None:
        self._users, self._reports, self._customer, self._clock = users, reports, customer, clock
        self._patience = Patience(reports.pause)
        self._unread: Counter[str] = Counter()
        self.people = Once(self._people)
        self.log = Once(self._log)
        self.uses = Once(self._uses)
        self.holders = Once(self._holders)
        self.domain_wide = Once(self._domain_wide)

    def _people(self) -> People:
        return people(self._items(self._users, *requests.users(self._customer)))

    def _log(self) -> Log:
        events = [*self._of_people(AUTHORIZE, LOGGED), *self._of_people(REVOKE, LOGGED)]
        consents = by_person(events)
        ordered = sorted(events, key=lambda one: (one[0].happened, one[0].name))
        revoked = {
            (event.person, event.client): event.happened for event, _ in ordered if event.name == REVOKE
        }
        return Log(consents=consents, revoked=revoked, events=tuple(ordered))

    def _uses(self) -> dict[tuple[str, str], tuple[datetime, str]]:
        return last_uses(event for event, _ in self._of_people(ACTIVITY, USED))

    def _holders(self) -> Mapping[str, int]:
        """How many people have each client, at least: who let it in within the log, and for whom it was at work lately."""
        log = self.log.get()
        having = {(who, client) for who, mine in log.consents.items() for client in mine}
        having |= {
            (who, client)
            for (who, client), (when, _) in self.uses.get_or({}).items()
            if not _is_over(log, who, client, when)
        }
        return Counter(client for _, client in having)

    def _domain_wide(self) -> dict[str, Consent]:
        return domain_wide([*self._events(DOMAIN_AUTHORIZE, LOGGED), *self._events(DOMAIN_REMOVE, LOGGED)])

    def unread(self, asked: Asked, *names: str) -> Iterator[Item]:
        """A gap for each of these kinds of events of which some could not be read, once they were asked for."""
        for name in names:
            if self._unread[name]:
                yield unread_gap(name, self._unread[name], asked)

    def _of_people(self, name: str, back: timedelta) -> Iterator[tuple[Event, bytes]]:
        """The events with the id of the person whose they are: the log has now the id, now one of the addresses."""
        known = self.people.get_or(People(by_id={}, by_address={})).by_address
        for event, raw in self._events(name, back):
            who = event.person or event.author
            yield replace(event, person=known[who].id if who in known else who), raw

    def _events(self, name: str, back: timedelta) -> Iterator[tuple[Event, bytes]]:
        for raw in self._items(self._reports, *requests.activities(name, self._clock() - back)):
            self._unread[name] += unread_events(raw).count(name)
            for event in read_events(raw):
                if event.name == name:
                    yield event, raw

    def _items(self, session: Session, path: str, query: Mapping[str, str]) -> Iterator[bytes]:
        return items(session, path, query, patience=self._patience)

    def of_person(self, identifier: str, address: str) -> list[Consent]:
        """What a person let in, with when it was last at work; raises ConnectorError.

        One without `granted` was let in before the log begins: it is at work, and its scopes are not known.
        """
        log, uses = self.log.get(), self.uses.get_or({})
        mine = {**log.consents.get(address, {}), **log.consents.get(identifier, {})}
        for (who, client), (when, name) in uses.items():
            if who in {identifier, address} and (client in mine or not _is_over(log, who, client, when)):
                before = mine.get(client) or Consent(
                    client=client,
                    name=name,
                    scopes=(),
                    granted=None,
                    granted_by="",
                    raw=b"",
                )
                mine[client] = replace(before, used=Dated(time=when, origin="audit_log"))
        return [mine[client] for client in sorted(mine)]


def _is_over(log: Log, who: str, client: str, used: datetime) -> bool:
    """Whether it was last at work before it was put out."""
    out = log.revoked.get((who, client))
    return out is not None and used <= out
