"""Whether records fit the JSON Schema that is in the wheel."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from postwarden.errors import LedgerError
from postwarden.ledger.record import record_form


@cache
def published() -> dict[str, Any]:
    """The schema as an installation has it."""
    text = (files("postwarden.model") / "record.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = published()
    return jsonschema.Draft202012Validator(
        {"$ref": schema["discriminator"]["mapping"][kind], "$defs": schema["$defs"]}
    )


def record_misfits(record: dict[str, Any]) -> list[str]:
    """What about a record does not fit the schema of its kind; empty where it fits."""
    kind = record["kind"]
    if kind not in published()["discriminator"]["mapping"]:
        return [f"{kind} is no kind"]
    return [f"{error.json_path}: {error.message}" for error in _validator(kind).iter_errors(record)]


def ledger_misfits(ledger: Path) -> Iterator[str]:
    """What about the records of a ledger does not fit; lines that a test spoilt are passed by."""
    for segment in sorted(ledger.glob("records/*.jsonl")):
        for number, line in enumerate(segment.read_bytes().split(b"\n")[:-1]):
            try:
                record_form(line)
            except LedgerError:
                continue
            yield from (f"{segment.name}, line {number}: {one}" for one in record_misfits(json.loads(line)))
