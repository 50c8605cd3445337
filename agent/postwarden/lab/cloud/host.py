"""One server of the lab's cloud: it routes, knows the bearer, limits, injects faults and keeps the journal.

What an operation answers is its handler's business. A batch's parts take the same way as requests of their own.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from threading import Event, Lock
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from postwarden.lab.cloud.answer_faults import ANSWERS
from postwarden.lab.cloud.bearers import Bearer, Clock
from postwarden.lab.cloud.faults import Faults
from postwarden.lab.cloud.journal import KEPT_HEADERS, Journal, RequestRecord
from postwarden.lab.cloud.occasions import Dialect, Fault, Occasion
from postwarden.lab.cloud.reply_faults import REPLIES
from postwarden.lab.cloud.routing import Answer, Call, Operation, Refused, Router, options_of
from postwarden.lab.https import Connection, HttpRequest, Reply


@dataclass(frozen=True)
class Seen:
    """One request, or part of a batch, with its answer, as observers see it; answers that a fault made are left out.

    `request` is the body's JSON value, a form's fields, or None; `answer` is the answer's value.
    """

    host: str
    kind: str
    method: str
    path: str
    query: Mapping[str, str]
    request: Any
    status: int
    answer: Any
    part: bool = False


Observer = Callable[[Seen], None]


@dataclass
class Surroundings:
    """What all servers of one lab share; `elsewhere` is the origin of a server that no client has any business with."""

    clock: Clock
    latency: float
    journal: Journal
    faults: Faults
    stopping: Event
    elsewhere: str = ""
    observers: list[Observer] = field(default_factory=list)


class Slots:
    """A service that serves a few requests of an application at a time, and refuses those beyond."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()
        self._taken = 0
        self.peak = 0

    @contextmanager
    def taken(self, wanted: int) -> Iterator[int]:
        """Take up to `wanted` places; yields how many there were."""
        with self._lock:
            got = max(0, min(wanted, self.most - self._taken))
            self._taken += got
            self.peak = max(self.peak, self._taken)
        try:
            yield got
        finally:
            with self._lock:
                self._taken -= got


class Host:
    """Takes each request to its reply."""

    def __init__(
        self,
        name: str,
        operations: Sequence[Operation],
        *,
        dialect: Dialect,
        surroundings: Surroundings,
        identify: Callable[[Message], Bearer] | None = None,
        slots: Slots | None = None,
    ) -> None:
        """`identify` knows the bearer of an operation that asks for permissions; Refused where there is none."""
        self.name = name
        #: How its URLs begin, once its server listens.
        self.origin = ""
        self.dialect = dialect
        self.slots = slots or Slots(1_000_000)
        self._router = Router(operations)
        self._surroundings = surroundings
        self._identify = identify

    def reply(self, request: HttpRequest, _: Connection, /) -> Reply:
        with self._surroundings.journal.serving(self.name):
            return self._reply(request)

    def part(self, outer: Call, identity: str, method: str, url: str, *, refused: bool) -> Answer:
        """The answer to one part of a batch; with `refused`, the service behind it has no place left."""
        path, _, query = url.partition("?")
        asked = _Asked(method, path, query, outer.headers, b"", identity)
        taken = self._surroundings.faults.take(self.name, self._kind(method, path), part=True)
        return self._answer(asked, taken, bearer=outer.bearer, crowded=refused)

    def throttled(self, method: str, url: str) -> bool:
        """Whether the service behind this request serves a few at a time."""
        operation = self._operation(method, url.partition("?")[0])
        return operation is not None and bool(operation.throttled)

    @contextmanager
    def crowd(self, parts: int) -> Iterator[bool]:
        """For as long as so many slow parts of a batch are served; yields whether there was a place for them.

        The service behind them works on as many at a time as there are places.
        """
        with self.slots.taken(min(parts, self.slots.most)) as got:
            rounds = -(-parts // self.slots.most) if got else 1
            self._wait(max(1, rounds))
            yield bool(got) or not parts

    def _wait(self, times: int = 1) -> None:
        if self._surroundings.latency:
            self._surroundings.stopping.wait(self._surroundings.latency * times)

    def _reply(self, request: HttpRequest) -> Reply:
        path, _, query = request.path.partition("?")
        asked = _Asked(request.method, path, query, request.headers, request.body, None)
        kind = self._kind(request.method, path)
        fault = self._surroundings.faults.take(self.name, kind, part=False)
        if fault is not None and fault.name in REPLIES:
            # The genuine answer is made even where little of it arrives: what it changes, it changes.
            reply = REPLIES[fault.name](
                self._occasion(fault, lambda: self._genuine(asked, None, crowded=False), asked),
                self._encoded,
            )
            self._record(asked, kind, reply.status, fault=fault.name)
            return reply
        return self._encoded(self._answer(asked, fault))

    def _answer(
        self, asked: "_Asked", fault: Fault | None, *, bearer: Bearer | None = None, crowded: bool = False
    ) -> Answer:
        problem, who = "", ""
        try:
            if fault is not None:
                made = ANSWERS[fault.name](
                    self._occasion(fault, lambda: self._genuine(asked, bearer, crowded=crowded), asked)
                )
            else:
                made = self._genuine(asked, bearer, crowded=crowded)
            answer, who = made, asked.who
        except Refused as refused:
            answer, problem, who = self._rendered(refused), refused.problem, asked.who
        kind = self._kind(asked.method, asked.path)
        self._record(
            asked, kind, answer.status, fault=fault.name if fault else None, problem=problem, who=who
        )
        if fault is None:
            self._observed(asked, kind, answer)
        return answer

    def _genuine(
        self,
        asked: "_Asked",
        bearer: Bearer | None,
        *,
        crowded: bool,
        params: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """What the state answers; Refused where it does not."""
        operation, found = self._router.find(asked.method, asked.path)
        if operation.permissions:
            if bearer is None:
                assert self._identify is not None
                bearer = self._identify(asked.headers)
            asked.who, asked.bearer = bearer.who, True
            if not operation.permissions & bearer.permissions:
                raise self.dialect.forbidden(operation)
        meant = self._surroundings.faults.meant(asked.query)
        query = options_of(meant, operation)
        call = Call(
            operation,
            {**found, **params},
            query,
            asked.path,
            asked.headers,
            asked.body,
            self._surroundings.clock(),
            bearer,
            asked.part,
        )
        if asked.part is not None:
            if crowded:
                raise self.dialect.crowded()
            return operation.handler(call)
        with self.slots.taken(1 if operation.throttled else 0) as got:
            if operation.throttled and not got:
                raise self.dialect.crowded()
            if operation.kind != "batch":
                self._wait()
            return operation.handler(call)

    def _occasion(self, fault: Fault, genuine: Callable[[], Answer], asked: "_Asked") -> Occasion:
        def rendered() -> Answer:
            try:
                return genuine()
            except Refused as refused:
                return self._rendered(refused)

        def about_another(params: Mapping[str, str]) -> Answer:
            return self._genuine(asked, None, crowded=False, params=params)

        def again(word: str) -> str:
            return self._surroundings.faults.alias(self._surroundings.faults.meant(asked.query), word)

        return Occasion(
            fault,
            self.dialect,
            self._operation(asked.method, asked.path),
            asked.path,
            asked.query,
            again=again,
            genuine=rendered,
            about_another=about_another,
            origin=self.origin,
            elsewhere=self._surroundings.elsewhere,
            now=self._surroundings.clock(),
            stopping=self._surroundings.stopping,
        )

    def _rendered(self, refused: Refused) -> Answer:
        answer = self.dialect.rendered(refused, self._surroundings.clock())
        return Answer(answer.status, answer.value, (*answer.headers, *refused.headers))

    def _encoded(self, answer: Answer) -> Reply:
        if answer.value is None:
            return Reply(answer.status, answer.headers)
        headers = (("Content-Type", self.dialect.content_type), *answer.headers)
        return Reply(answer.status, headers, msgspec.json.encode(answer.value))

    def _operation(self, method: str, path: str) -> Operation | None:
        try:
            return self._router.find(method, path)[0]
        except Refused:
            return None

    def _kind(self, method: str, path: str) -> str:
        operation = self._operation(method, path)
        return operation.kind if operation else ""

    def _record(
        self,
        asked: "_Asked",
        kind: str,
        status: int,
        *,
        fault: str | None = None,
        problem: str = "",
        who: str = "",
    ) -> None:
        journal = self._surroundings.journal
        headers = {name: asked.headers[name] for name in KEPT_HEADERS if name in asked.headers}
        journal.add(
            RequestRecord(
                journal.now(),
                self.name,
                kind,
                asked.method,
                asked.path,
                asked.query,
                status,
                who or asked.who,
                asked.headers.get("Authorization", "").startswith("Bearer "),
                headers if asked.part is None else {},
                asked.part,
                fault,
                problem,
            )
        )

    def _observed(self, asked: "_Asked", kind: str, answer: Answer) -> None:
        for observer in self._surroundings.observers:
            observer(
                Seen(
                    self.name,
                    kind,
                    asked.method,
                    asked.path,
                    _pairs(asked.query),
                    _body(asked.headers, asked.body),
                    answer.status,
                    # As it goes over the wire, for instance with times as text.
                    json.loads(msgspec.json.encode(answer.value)) if answer.value is not None else None,
                    asked.part is not None,
                )
            )


@dataclass
class _Asked:
    """A request while it is on its way; `who` is known once its bearer is."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    part: str | None
    who: str = ""
    bearer: bool = False


def _pairs(query: str) -> Mapping[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _body(headers: Message, body: bytes) -> Any:
    """The body's value: of a form its fields, else JSON; None where it is neither."""
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True))
    try:
        return json.loads(body)
    except ValueError:
        return None
