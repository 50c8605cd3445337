"""Microsoft Graph's $batch: up to twenty requests in one, each with an answer of its own ("Combine requests")."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from postwarden.lab.cloud.routing import Answer, Call, Refused, bad

_MOST = 20
_MEMBERS = {"id", "method", "url", "headers", "body", "dependsOn"}


class Parts(Protocol):
    """Answers parts of batches as requests of their own; a Host."""

    def part(self, outer: Call, identity: str, method: str, url: str, *, refused: bool) -> Answer: ...

    def throttled(self, method: str, url: str) -> bool: ...

    def crowd(self, parts: int) -> AbstractContextManager[bool]: ...


class Batches:
    """Takes a batch apart; `parts` is the host that answers them, known once it is made."""

    def __init__(self) -> None:
        self.parts: Parts

    def answered(self, call: Call) -> Answer:
        asked = _requests(call.body)
        version = call.path.split("/")[1]
        urls = [f"/{version}{one['url']}" for one in asked]
        slow = [place for place, one in enumerate(asked) if self.parts.throttled(one["method"], urls[place])]
        responses = []
        with self.parts.crowd(len(slow)) as room:
            for place, one in enumerate(asked):
                refused = place in slow and not room
                answer = self.parts.part(call, one["id"], one["method"], urls[place], refused=refused)
                responses.append(_response(one["id"], answer))
        # In any order, as Graph has it: whoever reads them goes by their ids.
        return Answer(200, {"responses": responses[::-1]})


def _requests(body: bytes) -> list[Mapping[str, Any]]:
    """The parts of a batch; Refused where it is not made as Graph's page says."""
    try:
        whole = json.loads(body)
    except ValueError as exc:
        raise bad("the batch is no JSON") from exc
    asked = whole.get("requests") if isinstance(whole, dict) else None
    if not isinstance(asked, list) or set(whole) != {"requests"} or not asked:
        raise bad("a batch has requests and nothing else")
    if len(asked) > _MOST:
        raise Refused(
            400,
            "BadRequest",
            f"Number of batch request steps exceeds the maximum value of {_MOST}.",
            problem=f"{len(asked)} parts",
        )
    for one in asked:
        if (
            not isinstance(one, dict)
            or not set(one) <= _MEMBERS
            or not all(isinstance(one.get(name), str) and one[name] for name in ("id", "method", "url"))
        ):
            raise bad("a part of a batch has an id, a method and a URL")
        if not one["url"].startswith("/") or one["url"].startswith("//"):
            raise bad(f"the URL {one['url']!r} of a part is not relative")
        if "body" in one:
            raise bad("a part that reads has no body")
    if len({one["id"] for one in asked}) < len(asked):
        raise bad("two parts of a batch have the same id")
    return asked


def _response(identity: str, answer: Answer) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **dict(answer.headers)}
    return {"id": identity, "status": answer.status, "headers": headers, "body": answer.value}
