"""Message tracking logs and exported message traces."""

from collections.abc import Iterator

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, open_log
from postwarden.model.event import Event, Transfer
from tests.log_samples import decode, sample, transfers


def test_every_fate_of_a_message_is_told() -> None:
    """Taken, delivered, sent, refused, expanded, deferred; what Exchange does inside itself is passed over."""
    decoded = decode("message_tracking", sample("message_tracking/flow.log"))
    assert [
        (one.outcome, one.direction, one.sender, one.recipients, one.address) for one in transfers(decoded)
    ] == [
        ("received", "in", "eve@example.com", ("alice@example.org", "bob@example.org"), "203.0.113.80"),
        ("delivered", "in", "eve@example.com", ("alice@example.org", "bob@example.org"), None),
        ("delivered", "out", "alice@example.org", ("dropbox@example.net",), "198.51.100.9"),
        ("delivered", "local", "alice@example.org", ("carol@example.org",), "192.0.2.11"),
        ("delivered", "local", "alice@example.org", ("carol@example.org",), None),
        ("failed", None, "", ("nobody@example.org",), None),
        ("expanded", None, "carol@example.org", ("alice@example.org", "bob@example.org"), None),
        ("deferred", None, "carol@example.org", ("x@example.net",), None),
    ]
    assert [line for _, line in decoded.unread] == [b"2026-11-23T08:02:04.000Z,cut"]


def test_a_published_line_is_read() -> None:
    """A message that a mailbox submitted is told with its client's address."""
    content = sample("message_tracking/published.log")
    decoded = decode("message_tracking", content)
    assert transfers(decoded) == [
        Transfer(
            at=content.index(b"2022-09-19T15:02:29.450Z"),
            time=1663599749450,
            sender="user.name1@domain.com",
            recipients=("user.name4@gmail.com",),
            message_id="<XXX@domain.com>",
            size=3750222,
            outcome="received",
            address="95.11.22.33",
            queue="6a638d20-1e63-493a-80a2-08da9a4ff8da",
        )
    ]
    assert (decoded.passed, decoded.unread) == (6, [])


def test_rows_without_columns_are_unread() -> None:
    """Without a head nobody knows what a row says."""
    row = sample("message_tracking/flow.log").splitlines(keepends=True)[5]
    assert len(decode("message_tracking", row).unread) == 1


def test_a_row_with_an_open_quote_is_unread() -> None:
    """Half a quoted cell is not taken for a whole one."""
    content = sample("message_tracking/flow.log").replace(
        b'"Figures, ""final""",eve', b'"Figures,final,eve', 1
    )
    assert len(decode("message_tracking", content).unread) == 2


def test_text_behind_a_quoted_cell_makes_a_row_unread() -> None:
    """A row that Exchange cannot have written is not read."""
    content = sample("message_tracking/flow.log").replace(b'"Figures, ""final""",eve', b'"Figures"x,eve', 1)
    assert len(decode("message_tracking", content).unread) == 2


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("11/22/2026 12:00:00 AM", 1795305600000),
        ("11/22/2026 12:00:00 PM", 1795348800000),
        ("11/22/2026 1:00:00 pm", 1795352400000),
        ("11/22/2026 13:00:00", 1795352400000),
        ("22.11.2026 13:00:00", None),
        ("11/22/2026 13:00:00 PM", None),
        ("11/22/2026 0:00:00 AM", None),
        ("2/30/2026 1:00:00", None),
    ],
)
def test_times_of_a_computers_language_are_read(text: str, time: int | None) -> None:
    """Noon and midnight are where Americans have them; what is no time is unread."""
    content = (
        f"Received,SenderAddress,RecipientAddress,Status\n{text},a@example.org,b@example.org,Delivered\n"
    )
    decoded = decode("message_trace", content.encode())
    assert [one.time for one in transfers(decoded)] == ([time] if time is not None else [])
    assert decoded.doubtful == []
    same = decode("message_trace", content.replace(text, "5/5/2026 1:00:00").encode())
    assert (len(same.events), same.doubtful) == (1, [])


def test_a_sender_cannot_change_the_columns() -> None:
    """A message whose subject and id are names of columns is a row like any other; a second header is one."""
    content = sample("message_trace/trace_v2.log")
    row = b'"<message-id>","t-9","2026-11-22T23:59:58Z","Status","bob@example.org","","","Received","Delivered","1"\n'
    header, first = content.splitlines(keepends=True)[1:3]
    found = transfers(decode("message_trace", content + row + first + header + first))
    assert [one.recipients[0] for one in found[3:]] == [
        "bob@example.org",
        "alice@example.org",
        "alice@example.org",
    ]


def _told(decoded: Decoded) -> list[tuple[str, str, tuple[str, ...], str | None, int | None]]:
    return [(one.outcome, one.sender, one.recipients, one.address, one.size) for one in transfers(decoded)]


def test_a_trace_of_the_older_cmdlet_is_read() -> None:
    """A row is a recipient; times of the computer's language are taken with the month first."""
    decoded = decode("message_trace", sample("message_trace/trace.log"))
    assert _told(decoded) == [
        ("delivered", "eve@example.com", ("alice@example.org",), "203.0.113.80", 20480),
        ("failed", "alice@example.org", ("dropbox@example.net",), "192.0.2.10", 4096),
        ("received", "alice@example.org", ("bob@example.org",), None, 100),
    ]
    assert [one.time for one in transfers(decoded)] == [1795391998000, 1793840523000, 1795352400000]
    assert [one.queue for one in transfers(decoded)] == ["t-1", "t-2", "t-3"]
    assert len(decoded.unread) == 1


def test_a_time_that_can_be_meant_in_two_ways_is_doubtful() -> None:
    """5 November may be 11 May; with the option it is what the administrator says."""
    content = sample("message_trace/trace.log")
    decoded = decode("message_trace", content)
    assert [at for at, _ in decoded.doubtful] == [content.index(b'"example.onmicrosoft.com","<2@')]
    told = decode("message_trace", content, About(options={"day_first": True}))
    assert [one.time for one in transfers(told)] == [1778461323000]
    assert (told.doubtful, len(told.unread)) == ([], 3)


def test_a_trace_of_the_newer_cmdlet_is_read() -> None:
    """The columns of 2025 are the same in another order; an undeliverable report has no sender."""
    decoded = decode("message_trace", sample("message_trace/trace_v2.log"))
    assert _told(decoded) == [
        ("delivered", "eve@example.com", ("alice@example.org",), "203.0.113.80", 20480),
        ("expanded", "eve@example.com", ("all@example.org",), "203.0.113.80", 20480),
        ("deferred", "", ("carol@example.org",), "203.0.113.80", 20480),
    ]
    assert transfers(decoded)[0].time == 1795391998123


def test_an_enhanced_summary_is_read() -> None:
    """A row is a message; of its recipients those are told whom it reached."""
    decoded = decode("message_trace", sample("message_trace/summary.log"))
    assert [(one.outcome, one.direction, one.recipients) for one in transfers(decoded)] == [
        ("delivered", "in", ("alice@example.org",)),
        ("delivered", "out", ("dropbox@example.net",)),
    ]


def test_an_extended_report_is_read_as_tracking_is() -> None:
    """Its rows are the events of message tracking."""
    decoded = decode("message_trace", sample("message_trace/extended.log"))
    assert [(one.outcome, one.direction, one.address) for one in transfers(decoded)] == [
        ("received", "in", "203.0.113.80"),
        ("delivered", "in", None),
    ]
    assert decoded.passed == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_do_not_matter(encoding: str, end: str, delimiter: str) -> None:
    """What Excel and PowerShell write in any country gives the same transfers."""
    text = sample("message_trace/trace_v2.log").decode().replace('","', f'"{delimiter}"').replace("\n", end)
    if end == "\r\n":
        # Letters that have the byte of a line feed in them.
        text = text.replace("Figures", "\u010a\u0a0a\u0a01")
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    content = (mark + text).encode(encoding)
    for found in (decode("message_trace", content), *_in_lines(content)):
        assert [one.recipients[0] for one in transfers(found)] == [
            "alice@example.org",
            "all@example.org",
            "carol@example.org",
        ]
        assert found.unread == []


def _in_lines(content: bytes) -> Iterator[Decoded]:
    """The content in one portion a line, with a new decoder for each, joined."""
    events: list[Event] = []
    unread: list[tuple[int, bytes]] = []
    state, at = b"", 0
    for line in content.splitlines(keepends=True) if b"\r" not in content else content.split(b"\n"):
        raw = line if line.endswith(b"\n") or at + len(line) == len(content) else line + b"\n"
        decoder = open_log("message_trace", About(), state)
        part = decoder.decode(raw, at)
        state, at = decoder.state(), at + len(raw)
        events += part.events
        unread += part.unread
    yield Decoded(events=events, unread=unread, passed=0, lines=0, doubtful=[])


@pytest.mark.parametrize(
    ("format_name", "options"),
    [("message_tracking", {"x": 1}), ("message_trace", {"day_first": "yes"}), ("message_trace", {"x": 1})],
)
def test_wrong_options_are_refused(format_name: str, options: dict[str, object]) -> None:
    """An option that is not known, or has another form, is named."""
    with pytest.raises(ConfigError):
        open_log(format_name, About(options=options))
