"""Lines into log files, in the order of their times, with rotation."""

import gzip
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, Generic, TypeVar

from postwarden.lab.logs.moments import utc_day
from postwarden.lab.logs.plan import Log, Plan
from postwarden.lab.logs.truth import Book, LogFile

T = TypeVar("T")


class Timeline(Generic[T]):
    """Things with times, put in in any order and taken out by UTC day in order; equal times keep theirs."""

    def __init__(self) -> None:
        self._days: defaultdict[int, list[tuple[int, T]]] = defaultdict(list)

    def add(self, time: int, thing: T) -> None:
        self._days[utc_day(time)].append((time, thing))

    def take(self, day: int) -> list[tuple[int, T]]:
        """All of one day (`date.toordinal`), which nothing may be added to any more."""
        found = self._days.pop(day, [])
        found.sort(key=itemgetter(0))
        return found


@dataclass(frozen=True)
class Form:
    """How a log's files are kept.

    `name` gives a file's name from the ordinal of its first day and its age in files, 0 being the newest. A new file begins where `period` gives another number for a day. `head` gives what stands at its top, from that
    day. `ending` ends every line, `foot` the file; `between` stands between lines.
    """

    log: Log
    period: Callable[[int], int]
    name: Callable[[int, int], str]
    head: Callable[[int], str] = lambda _day: ""
    ending: str = "\n"
    between: str = ""
    foot: str = ""


def rotated(log: Log, plan: Plan, stem: str) -> Form:
    """Files as logrotate leaves them: `stem` is being written, `stem.1` is the one before, compressed as `stem.1.gz`."""
    first = plan.begin.toordinal()
    length = {"daily": 1, "weekly": 7, "none": plan.days}[plan.rotation]

    def name(_day: int, age: int) -> str:
        if age == 0:
            return stem
        return f"{stem}.{age}.gz" if plan.compress else f"{stem}.{age}"

    return Form(log=log, period=lambda day: (day - first) // length, name=name)


class Journal:
    """The files of one log in one folder. Every day must be closed, in order, also one without lines."""

    def __init__(self, plan: Plan, folder: Path, form: Form, book: Book) -> None:
        self._form = form
        self._folder = folder
        self._book = book
        self._first, self._end = plan.first_ms, plan.end_ms
        self._last_period = form.period(plan.begin.toordinal() + plan.days - 1)
        self._lines: Timeline[str] = Timeline()
        self._open: _File | None = None
        folder.mkdir()

    def add(self, time: int, line: str) -> bool:
        """Put a line into the log, where its time is within the log's; whether it is."""
        if self._first <= time < self._end:
            self._lines.add(time, line)
            return True
        return False

    def close_day(self, day: int) -> None:
        """Write the lines of a day."""
        period = self._form.period(day)
        if self._open is None or period != self._open.period:
            self.close()
            path = self._folder / self._form.name(day, self._last_period - period)
            self._open = _File(path, period, self._form, self._form.head(day))
        self._open.write(self._lines.take(day))

    def close(self) -> None:
        """Finish the file under way; its time is that of its last line, as a copy with its times kept has it."""
        if self._open is not None:
            self._book.files.append(self._open.finish())
            self._open = None


class _File:
    def __init__(self, path: Path, period: int, form: Form, head: str) -> None:
        self.period = period
        self._path, self._form = path, form
        self._raw = path.open("xb")
        self._out: IO[bytes] | gzip.GzipFile = self._raw
        if path.suffix == ".gz":
            # Neither name nor time within, so that equal plans make equal bytes.
            self._out = gzip.GzipFile("", "wb", compresslevel=3, fileobj=self._raw, mtime=0)
        self._out.write(head.encode())
        self._count, self._times = 0, (0, 0)

    def write(self, lines: list[tuple[int, str]]) -> None:
        if not lines:
            return
        ending, between = self._form.ending, self._form.between
        joint = between + ending
        text = joint.join([line for _, line in lines]) + ending
        if self._count:
            text = between + text
        self._out.write(text.encode())
        self._times = (self._times[0] if self._count else lines[0][0], lines[-1][0])
        self._count += len(lines)

    def finish(self) -> LogFile:
        self._out.write(self._form.foot.encode())
        self._out.close()
        self._raw.close()
        if self._count:
            os.utime(self._path, (self._times[1] / 1000, self._times[1] / 1000))
        return LogFile(self._form.log, self._path, self._count, *self._times)
