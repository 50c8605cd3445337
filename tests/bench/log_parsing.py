"""Lines of a Dovecot log made into events, against a loop that takes four fields out of the same lines.

The loop knows nothing but the lines' form: time, user, address and session by `bytes.partition`, no event, no time that
means anything, no care for names with brackets. `python -m tests.bench.log_parsing` shows where our time goes.
"""

import cProfile
import pstats
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from postwarden.formats.server_logs import About, open_log
from tests.bench.measure import Ratio, compare

RUNS = 9
#: Sessions in one run; each has a log-in and an end, and for five of them there is a failure.
SESSIONS = 40_000
#: A ratio of times: the issue asks for at least a fifth of the loop's speed.
TARGET = 5.0

_FORMS = (
    ("file", "%Y-%m-%dT%H:%M:%S+0000 ", "Info: "),
    ("syslog", "%b %d %H:%M:%S mail dovecot: ", ""),
    ("rsyslog", "%Y-%m-%dT%H:%M:%S.%f+00:00 mail dovecot: ", ""),
)
_BEGUN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
#: The lines of one portion: a hundred kilobytes, about what a reader takes at once. Much larger ones leave the caches.
_PORTION = 512


def ratios() -> Iterator[Ratio]:
    for name, stamp, level in _FORMS:
        lines = _lines(stamp, level=level)
        portions = [b"".join(lines[at : at + _PORTION]) for at in range(0, len(lines), _PORTION)]
        assert _ours(portions) == len(lines)
        yield compare(
            f"events of {len(lines)} lines of a Dovecot log ({name})",
            partial(_ours, portions),
            "four fields by bytes.partition",
            partial(_by_partition, portions),
            runs=RUNS,
            parts=(len(lines), len(lines)),
            per="line",
            target=TARGET,
        )


def _lines(stamp: str, *, level: str) -> list[bytes]:
    """Half log-ins, four tenths ends, one tenth failures, as they come: in order, several in a second."""
    lines: list[str] = []
    for number in range(SESSIONS):
        now = (_BEGUN + timedelta(seconds=number / 3)).strftime(stamp)
        user = f"user{number % 997}@kitano-works.example"
        session = f"{number:08x}AbCd/EfG"
        address = f"203.0.{number % 113}.{number % 241}"
        lines.append(
            f"{now}imap-login: {level}Login: user=<{user}>, method=PLAIN, rip={address}, lip=198.51.100.7, "
            f"mpid={number % 30000}, TLS, session=<{session}>\n"
        )
        if number % 5:
            lines.append(
                f"{now}imap({user})<{number % 30000}><{session}>: {level}Disconnected: Logged out in={number % 4000} "
                f"out={number % 90000} deleted=0 expunged=0 trashed=0 hdr_count=3 hdr_bytes=811 body_count=2 "
                f"body_bytes=9417\n"
            )
        else:
            lines.append(
                f"{now}imap-login: {level}Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): "
                f"user=<{user}>, method=PLAIN, rip={address}, lip=198.51.100.7, TLS, session=<{session}>\n"
            )
    return [line.encode() for line in lines]


def _ours(portions: list[bytes]) -> int:
    log = open_log("dovecot", About(modified=int(_BEGUN.timestamp() * 1000) + 86_400_000))
    at = made = 0
    for portion in portions:
        made += len(log.decode(portion, at).events)
        at += len(portion)
    return made


def _by_partition(portions: list[bytes]) -> int:
    taken: list[tuple[bytes, bytes, bytes, bytes]] = []
    for portion in portions:
        for line in portion.splitlines():
            time = line.partition(b" ")[0] if line[:1].isdigit() else line[:15]
            rest = line.partition(b"user=<")[2]
            if rest:
                user = rest.partition(b">")[0]
                address = rest.partition(b"rip=")[2].partition(b",")[0]
                session = rest.partition(b"session=<")[2].partition(b">")[0]
            else:
                user, _, rest = line.partition(b"(")[2].partition(b")")
                address = b""
                session = rest.partition(b"><")[2].partition(b">")[0]
            taken.append((time, user, address, session))
    return len(taken)


def main() -> None:
    """The ratios as shares of the loop's speed, and a profile of ours."""
    for found in ratios():
        print(f"{1 / found.middle:.2f} of the speed of {found.reference}: {found.work}")
    lines = _lines(_FORMS[0][1], level=_FORMS[0][2])
    with cProfile.Profile() as profile:
        _ours([b"".join(lines)])
    pstats.Stats(profile).sort_stats("tottime").print_stats(12)


if __name__ == "__main__":
    main()
