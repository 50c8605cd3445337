"""The JSON Schema of a ledger's record, of every kind: it is in the wheel, for whoever reads a ledger or an export."""

import json

from docs.generate.json_page import schema
from postwarden.model.record import AnyRecord

_TITLE = "A record of a postwarden ledger"


def record_schema() -> str:
    """The text of agent/postwarden/model/record.schema.json."""
    return json.dumps(schema(_TITLE, AnyRecord), indent=2, ensure_ascii=False) + "\n"
