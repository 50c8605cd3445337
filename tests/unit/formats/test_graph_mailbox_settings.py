"""What Graph's mailbox settings are kept as."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.formats.asked import Asked
from postwarden.formats.graph_json.mailbox_settings import decode_mailbox_settings
from postwarden.model.reading import Observed
from postwarden.model.scope import account_scope


def raw(status: str, hour: int) -> set[bytes]:
    """What is kept of the answer at that hour."""
    at: dict[str, Any] = {"dateTime": f"2026-11-23T{hour:02}:00:00.0000000", "timeZone": "UTC"}
    replies = {
        "status": status,
        "externalAudience": "none",
        "scheduledStartDateTime": at,
        "internalReplyMessage": "x",
    }
    asked = Asked(
        scope=account_scope("graph:u1"), source="m365", check="mailbox_settings", observed=datetime(2026, 11, 23, tzinfo=UTC)
    )  # fmt: skip
    answer = json.dumps({"automaticRepliesSetting": replies}).encode()
    return {one.raw for one in decode_mailbox_settings(answer, asked) if isinstance(one, Observed)}


@pytest.mark.parametrize(
    ("status", "same"), [("disabled", True), ("alwaysEnabled", True), ("scheduled", False)]
)
def test_times_of_a_schedule_that_is_off_are_not_kept(status: str, *, same: bool) -> None:
    """Such times move by themselves, and an unchanged mailbox must not look changed; of a schedule that is on they count."""
    assert (raw(status, 8) == raw(status, 9)) is same
    assert all(b'"internalReplyMessage":' in one.replace(b" ", b"") for one in raw(status, 8))
