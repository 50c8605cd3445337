"""Logs of Exchange, sign-ins and described logs, whatever is in them."""

import itertools
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postwarden.formats.server_logs import About, Decoded, Decoder, open_log
from postwarden.model.encoding import decodable
from postwarden.model.event import Access, Event, Transfer
from tests.generic_descriptions import GATEWAY, RELAY, WEBMAIL
from tests.log_samples import sample

counted = settings(suppress_health_check=[HealthCheck.data_too_large], max_examples=80)


class Case(NamedTuple):
    """A format, its options, and samples whose lines are shuffled, cut and mixed with others."""

    format_name: str
    about: About
    samples: tuple[str, ...]


CASES = [
    Case(
        "w3c", About(options={"forwarded_field": "x-forwarded-for"}), ("iis/doors.log", "iis/front_end.log")
    ),
    Case(
        "exchange_protocol",
        About(),
        ("exchange_imap/imap4.log", "exchange_imap/pop3.log", "exchange_imap/posted.log"),
    ),
    Case("entra_sign_ins", About(), ("entra/graph_page.log", "entra/diagnostic.log")),
    Case("google_sign_ins", About(), ("google/activities.log",)),
    Case("message_tracking", About(), ("message_tracking/flow.log", "message_tracking/published.log")),
    Case(
        "message_trace",
        About(),
        (
            "message_trace/trace.log",
            "message_trace/trace_v2.log",
            "message_trace/summary.log",
            "message_trace/extended.log",
        ),
    ),
    Case("generic", About(options=WEBMAIL), ("generic/webmail.log",)),
    Case("generic", About(options=GATEWAY, zone="Europe/Berlin"), ("generic/gateway.log",)),
    Case("generic", About(options=RELAY), ("generic/relay.log",)),
]
NAMES = [f"{case.format_name}-{case.about.options.get('kind', '')}" for case in CASES]


@st.composite
def contents(draw: st.DrawFn, case: Case) -> bytes:
    """Lines of the samples in any order, some of them cut, spoilt, or from elsewhere."""
    known = [line for name in case.samples for line in sample(name).splitlines(keepends=True)]
    lines = draw(
        st.lists(
            st.one_of(
                st.sampled_from(known),
                st.sampled_from(known).flatmap(_spoilt),
                st.binary(max_size=40).map(lambda raw: raw + b"\n"),
                st.sampled_from([b"\n", b"\r\n", b"\0\n", b'"\n', b"[\n", b"]\n", b"{\n", b"}\n", b",\n"]),
            ),
            max_size=25,
        )
    )
    ordered = known if draw(st.booleans()) else []
    content = b"".join([*ordered, *lines])
    encoding = draw(st.sampled_from([None, None, "utf-16-le", "utf-16-be"]))
    if encoding is None or case.format_name != "message_trace":
        return content
    # Each byte that is no text becomes a letter, some of which have the byte of a line feed in them.
    text = "\ufeff" + content.decode("utf-8", "replace").replace("\ufffd", "\u010a\u0a0a")
    wide = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))).encode(encoding)
    cut = draw(st.integers(0, len(wide)))
    return wide[:cut] + draw(st.binary(max_size=3)) + wide[cut:]


def _spoilt(line: bytes) -> st.SearchStrategy[bytes]:
    places = st.integers(0, max(len(line) - 1, 0))
    return st.one_of(
        places.map(lambda at: line[:at] + b"\n"),
        st.tuples(places, st.binary(min_size=1, max_size=3)).map(
            lambda change: line[: change[0]] + change[1] + line[change[0] + 1 :]
        ),
    )


def _whole(case: Case, content: bytes) -> Decoded:
    return open_log(case.format_name, case.about).decode(content, 0)


def _joined(
    parts: list[Decoded],
) -> tuple[list[Event], list[tuple[int, bytes]], int, int, list[tuple[int, str]]]:
    return (
        list(itertools.chain.from_iterable(part.events for part in parts)),
        list(itertools.chain.from_iterable(part.unread for part in parts)),
        sum(part.passed for part in parts),
        sum(part.lines for part in parts),
        list(itertools.chain.from_iterable(part.doubtful for part in parts)),
    )


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@counted
@given(data=st.data())
def test_any_bytes_are_decoded_and_every_line_is_accounted_for(case: Case, data: st.DataObject) -> None:
    """Nothing raises; events and unread lines lie in the content, in order, and no more than there are lines."""
    content = data.draw(contents(case))
    decoded = _whole(case, content)
    assert len(decoded.events) + len(decoded.unread) + decoded.passed <= decoded.lines
    for places in ([event.at for event in decoded.events], [at for at, _ in decoded.unread]):
        assert places == sorted(set(places))
        assert all(0 <= at < len(content) for at in places)
    for at, line in decoded.unread:
        assert content[at:].startswith(line[:1])


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@counted
@given(data=st.data())
def test_portions_and_restarts_change_nothing(case: Case, data: st.DataObject) -> None:
    """The same lines in other portions, with another process for each, give the same events."""
    content = data.draw(contents(case))
    ends = [index + 1 for index, byte in enumerate(content) if byte == 10]
    cuts = sorted(data.draw(st.sets(st.sampled_from(ends)))) if ends else []
    decoder: Decoder = open_log(case.format_name, case.about)
    parts = []
    for begin, end in itertools.pairwise([0, *cuts, len(content)]):
        parts.append(decoder.decode(content[begin:end], begin))
        if data.draw(st.booleans()):
            decoder = open_log(case.format_name, case.about, decoder.state())
    assert _joined(parts) == _joined([_whole(case, content)])


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@counted
@given(data=st.data())
def test_no_event_is_invented(case: Case, data: st.DataObject) -> None:
    """Whom an event names stands in the log, and it can be encoded."""
    content = data.draw(contents(case))
    text = "".join(
        (
            decodable(content),
            *(content.decode(wide, "backslashreplace") for wide in ("utf-16-le", "utf-16-be")),
        )
    )
    for event in _whole(case, content).events:
        named = [event.sender, *event.recipients] if isinstance(event, Transfer) else [event.name]
        if isinstance(event, Access) and event.address is not None:
            named.append(event.address)
        for name in named:
            name.encode()
            assert not name.isascii() or name.lower() in text.lower()
