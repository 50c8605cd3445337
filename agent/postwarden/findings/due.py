"""When an account is due again: pure, and a function of what the ledger says, so that it can be derived anew.

Each key has a phase of its own, by a hash, so that accounts spread over the interval and stay spread: after an
outage all are swept at once, and two sweeps later each is back at its phase. A jitter keeps the moment from being
known beforehand to whoever watches our log-ins. From one sweep to the next there is never more than the interval,
and never less than about a third of it.
"""

import hashlib

#: One part of the interval that the jitter takes, so that phase and jitter together never exceed the interval.
JITTER = 20
_PARTS = 1 << 32


def phase(key: str) -> int:
    """Where in the interval the key has its place, in parts of 2**32."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:4])


def period(interval: int) -> int:
    """The length of a round: the interval without its jitter, in the same unit."""
    return interval - interval // JITTER


def first_due(key: str, now: int, interval: int) -> int:
    """When a key that was never swept is due; times here are microseconds since 1970."""
    return now + period(interval) * phase(key) // _PARTS


def next_due(key: str, finished: int, interval: int) -> int:
    """When a key whose last sweep was finished at `finished` is due again."""
    round_ = period(interval)
    late = (finished - round_ * phase(key) // _PARTS) % round_
    # Up to half a round late: the next is at its phase. Later: in two steps, the first of which ends well within
    # that half, also where the sweep itself takes its time.
    wait = round_ - late if late <= round_ // 2 else round_ + round_ * 3 // 8 - late
    jitter = interval // JITTER * phase(f"{key}\n{finished}") // _PARTS
    return finished + wait + jitter
