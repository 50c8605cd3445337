"""Requests and answers of the lab's cloud against schemas, with nothing additional allowed.

Microsoft Graph and Google go by what their makers publish, which is data from outside; the rest by schemas of our own
in `schemas/`, written from documentation and graded so. A lab with an observer of this kind has every exchange checked,
so that client and lab cannot agree on something that the provider would not.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from jsonschema import Draft202012Validator

from postwarden.lab.cloud.surroundings import Seen

_SHARED = Path(os.environ.get("POSTWARDEN_SHARED") or Path(__file__).parents[2] / "shared")
GRAPH_FILE = _SHARED / "schemas" / "graph" / "graph-v1.0-trimmed.oas.json"
GOOGLE_FILES = tuple(
    _SHARED / "schemas" / "google" / f"{name}.json"
    for name in ("admin.directory_v1", "admin.reports_v1", "gmail.v1")
)
OWN_FOLDER = Path(__file__).with_name("schemas")

_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
_REMOVED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "@removed"],
    "properties": {
        "id": {"type": "string"},
        "@removed": {
            "type": "object",
            "additionalProperties": False,
            "required": ["reason"],
            "properties": {"reason": {"enum": ["changed", "deleted"]}},
        },
    },
}
#: Graph's collections by the operation's kind: the type of their items.
_GRAPH_LISTS = {
    "users": "user",
    "users_delta": "user",
    "service_principals": "servicePrincipal",
    "service_principals_delta": "servicePrincipal",
    "grants": "oAuth2PermissionGrant",
    "grants_delta": "oAuth2PermissionGrant",
    "user_grants": "oAuth2PermissionGrant",
    "app_role_assigned_to": "appRoleAssignment",
    "app_role_assignments": "appRoleAssignment",
    "rules": "messageRule",
    "directory_audits": "directoryAudit",
    "sign_ins": "signIn",
}
_GRAPH_SINGLES = {
    "user": "user",
    "service_principal": "servicePrincipal",
    "mailbox_settings": "mailboxSettings",
}
#: Operations whose path is not in the published excerpt, although their type is.
_GRAPH_PATHS_OF_OUR_OWN = {
    "user", "service_principal", "user_grants", "users_delta", "applications", "service_principal_owners",
    "application_owners", "organization", "batch",
}  # fmt: skip
#: Answers that a schema of our own describes, by host and kind.
_OWN = {
    "login.discovery": "entra_discovery",
    "login.keys": "entra_keys",
    "login.token": "entra_token",
    "graph.applications": "graph_applications",
    "graph.service_principal_owners": "graph_owners",
    "graph.application_owners": "graph_owners",
    "graph.organization": "graph_organization",
    "graph.batch": "graph_batch",
    "google_token.token": "google_token",
    "keycloak.discovery": "keycloak_discovery",
    "keycloak.token": "keycloak_token",
    "keycloak.users": "keycloak_users",
    "keycloak.users_count": "keycloak_users_count",
    "keycloak.consents": "keycloak_consents",
    "keycloak.user_offline_sessions": "keycloak_sessions",
    "keycloak.client_offline_sessions": "keycloak_sessions",
    "keycloak.client_offline_session_count": "keycloak_session_count",
    "keycloak.clients": "keycloak_clients",
    "keycloak.default_client_scopes": "keycloak_client_scopes",
    "keycloak.optional_client_scopes": "keycloak_client_scopes",
}
_ERRORS = {
    "login": "entra_error",
    "graph": "graph_error",
    "exchange": "exchange_error",
    "google_token": "google_token_error",
    "google_admin": "google_error",
    "gmail": "google_error",
    "keycloak": "keycloak_error",
}
_BODIES = {
    "login.token": "entra_token_request",
    "graph.batch": "graph_batch_request",
    "exchange.invoke_command": "exchange_invoke_command_request",
    "google_token.token": "google_token_request",
    "keycloak.token": "keycloak_token_request",
}


@dataclass
class SchemaObserver:
    """Collects what is wrong with the exchanges that it sees; give `observe` to the lab's observers.

    `seen` counts them by host and kind.
    """

    violations: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def observe(self, seen: Seen) -> None:
        found = violations(seen)
        with self._lock:
            self.seen[f"{seen.host}.{seen.kind}"] += 1
            self.violations += found


def published() -> bool:
    """Whether the published schemas are there."""
    return all(file.is_file() for file in (GRAPH_FILE, *GOOGLE_FILES))


def violations(seen: Seen) -> list[str]:
    """What is wrong with a request that was answered, or with its answer; nothing where the schemas allow both."""
    name = f"{seen.host}.{seen.kind}"
    found = []
    if seen.status < 400:
        found += [f"{name}: request: {why}" for why in _of_request(seen, name)]
    found += [f"{name}: answer {seen.status}: {why}" for why in _of_answer(seen, name)]
    return found


def _of_request(seen: Seen, name: str) -> Iterator[str]:
    if name in _BODIES:
        yield from _wrong(own(_BODIES[name]), seen.request)
    if seen.host == "graph":
        yield from _of_graph_request(seen)
    elif seen.host in {"google_admin", "gmail"}:
        yield from _of_google_request(seen)


def _of_answer(seen: Seen, name: str) -> Iterator[str]:
    if seen.status >= 400:
        yield from _wrong(own(_ERRORS[seen.host]), seen.answer)
    elif name in _OWN:
        yield from _wrong(own(_OWN[name]), seen.answer)
        yield from _not_selected(seen)
    elif seen.host == "exchange":
        yield from _wrong(
            own("exchange_invoke_command", seen.request["CmdletInput"]["CmdletName"]), seen.answer
        )
    elif seen.host == "graph":
        beta = seen.path.startswith("/beta/") and "grants" in seen.kind
        yield from _wrong(own("graph_beta_grants") if beta else graph(seen.kind), seen.answer)
        yield from _not_selected(seen)
    else:
        yield from _wrong(google(seen.method, seen.path), seen.answer)


def _wrong(validator: Draft202012Validator, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        yield f"{error.json_path}: {error.message[:300]}"


def _not_selected(seen: Seen) -> Iterator[str]:
    """Where $select is given, each item has these properties and no others."""
    if "$select" not in seen.query or not isinstance(seen.answer, dict):
        return
    asked = {name.strip() for name in seen.query["$select"].split(",")}
    items = seen.answer.get("value", [seen.answer])
    for item in items:
        has = {name for name in item if not name.startswith("@odata.")}
        if "@removed" not in item and has != asked:
            yield f"$select={seen.query['$select']} gives {', '.join(sorted(has ^ asked))} otherwise"


def _of_graph_request(seen: Seen) -> Iterator[str]:
    if seen.kind in _GRAPH_PATHS_OF_OUR_OWN:
        return
    path = seen.path.removeprefix("/v1.0").removeprefix("/beta")
    path = re.sub(r"/delta$", "/delta()", path)
    for template, operations in _graph_file()["paths"].items():
        if not re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            continue
        known = {one["name"] for one in operations[seen.method.lower()]["parameters"]} | {"$deltatoken"}
        if not seen.query.keys() <= known:
            yield f"options that are not published: {', '.join(sorted(seen.query.keys() - known))}"
        return
    yield f"{path} is not a published path"


def _of_google_request(seen: Seen) -> Iterator[str]:
    method = _google_method(seen.method, seen.path)
    if method is None:
        yield f"{seen.method} {seen.path} is not published"
        return
    known = {name for name, one in method["parameters"].items() if one["location"] == "query"}
    if not seen.query.keys() <= known:
        yield f"options that are not published: {', '.join(sorted(seen.query.keys() - known))}"


@cache
def own(name: str, part: str = "") -> Draft202012Validator:
    """A schema of our own, or one definition of it."""
    schema = json.loads((OWN_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if part:
        schema = {"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"}
    return _validator(schema)


@cache
def graph(kind: str) -> Draft202012Validator:
    """The published schema of a Graph answer by the operation's kind."""
    definitions = {
        name: _from_openapi(schema) for name, schema in _graph_file()["components"]["schemas"].items()
    }
    if kind in _GRAPH_SINGLES:
        root = dict(definitions[f"microsoft.graph.{_GRAPH_SINGLES[kind]}"])
        root["properties"] = {**root["properties"], "@odata.context": {"type": "string"}}
    else:
        item: dict[str, Any] = {"$ref": f"#/$defs/microsoft.graph.{_GRAPH_LISTS[kind]}"}
        if kind.endswith("_delta"):
            item = {"anyOf": [item, _REMOVED]}
        links = ("@odata.nextLink", "@odata.deltaLink") if kind.endswith("_delta") else ("@odata.nextLink",)
        root = {
            "type": "object",
            "additionalProperties": False,
            "required": ["@odata.context", "value"],
            "properties": {
                "@odata.context": {"type": "string"},
                "value": {"type": "array", "items": item},
                **{link: {"type": "string", "pattern": "^https://"} for link in links},
            },
        }
    return _validator({"$defs": definitions, **root})


@cache
def google(method: str, path: str) -> Draft202012Validator:
    """The published schema of a Google answer."""
    for document in _google_files():
        found = _google_method(method, path, document)
        if found is not None:
            definitions = {name: _from_discovery(one) for name, one in document["schemas"].items()}
            return _validator({"$defs": definitions, "$ref": f"#/$defs/{found['response']['$ref']}"})
    raise KeyError(path)


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def _graph_file() -> Any:
    return json.loads(GRAPH_FILE.read_text(encoding="utf-8"))


@cache
def _google_files() -> tuple[Any, ...]:
    return tuple(json.loads(file.read_text(encoding="utf-8")) for file in GOOGLE_FILES)


def _google_method(method: str, path: str, document: Any = None) -> Any:
    for one in (document,) if document is not None else _google_files():
        for found in _methods(one):
            template = found.get("flatPath") or found["path"]
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if found["httpMethod"] == method and re.fullmatch(pattern, path.lstrip("/")):
                return found
    return None


def _methods(resource: Any) -> Iterator[Any]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _from_openapi(schema: Any) -> dict[str, Any]:
    """OpenAPI 3.0's dialect as JSON Schema; objects have the properties that are named, and no others."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace("#/components/schemas/", "#/$defs/")}
    made: dict[str, Any] = {}
    if "allOf" in schema:
        made = {"allOf": [_from_openapi(one) for one in schema["allOf"]]}
    if "type" in schema:
        made["type"] = schema["type"]
    if "enum" in schema:
        made["enum"] = schema["enum"]
    if schema.get("format") == "uuid":
        made["format"] = "uuid"
    if schema.get("format") == "date-time":
        made["pattern"] = _TIME
    if "items" in schema:
        made["items"] = _from_openapi(schema["items"])
    if "properties" in schema:
        made["properties"] = {name: _from_openapi(one) for name, one in schema["properties"].items()}
        made["additionalProperties"] = False
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


def _from_discovery(schema: Any) -> dict[str, Any]:
    """Google's dialect as JSON Schema; objects have the properties that are named, and no others."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    made: dict[str, Any] = {}
    if schema.get("type", "any") != "any":
        made["type"] = schema["type"]
    if "enum" in schema:
        made["enum"] = schema["enum"]
    if schema.get("format") in {"int64", "uint64"}:
        made["pattern"] = r"^-?\d+$"
    if schema.get("format") == "date-time":
        made["pattern"] = _TIME
    if "items" in schema:
        made["items"] = _from_discovery(schema["items"])
    if "properties" in schema:
        made["properties"] = {name: _from_discovery(one) for name, one in schema["properties"].items()}
        made["additionalProperties"] = False
    elif "additionalProperties" in schema:
        made["additionalProperties"] = _from_discovery(schema["additionalProperties"])
    return made
