"""Descriptions of the samples in `samples/logs/generic`, as they would stand in agent.toml."""

from typing import Any

WEBMAIL: dict[str, Any] = {
    "kind": "lines",
    "event": "access",
    "pattern": r'^(?P<time>\S+) login (?P<result>\S+) user=(?P<name>\S+) ip=(?P<address>\S+) agent="(?P<client>[^"]*)"$',
    "ignore": "worker|logout",
    "protocol": "webmail",
    "stage": {"field": "result", "values": {"ok": "whole", "failed": "refused"}},
}
GATEWAY: dict[str, Any] = {
    "kind": "csv",
    "event": "access",
    "delimiter": ";",
    "columns": {
        "time": "When",
        "name": "User",
        "address": "From",
        "client": "Client",
        "bytes_in": "In",
        "bytes_out": "Out",
    },
    "time_format": "%d.%m.%Y %H:%M:%S",
    "protocol": "imap",
    "stage": {"field": "Result", "values": {"ok": "whole", "denied": "refused"}},
}
RELAY: dict[str, Any] = {
    "kind": "json",
    "event": "transfer",
    "fields": {
        "time": "ts",
        "sender": "mail.from",
        "recipients": "mail.to",
        "message_id": "mail.id",
        "size": "mail.bytes",
        "address": "hosts.0.ip",
    },
    "time_format": "unix",
    "direction": "out",
    "outcome": {
        "field": "state",
        "values": {"sent": "delivered", "bounced": "failed", "noop": "pass"},
    },
}
