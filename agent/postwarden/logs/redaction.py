"""Takes secrets out of what is logged: known values however they are written, and what looks like a secret.

A known value is looked for by its pieces: every run of characters as long as two thirds of it (16 at most) is taken
out, so that a value that was cut short does not show either. Values of three characters and less are only seen
where they stand alone.
"""

import re
import threading
import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

from postwarden.logs.escaping import clean
from postwarden.logs.shapes import STARS, is_credential, is_secret_name, strip
from postwarden.logs.views import folded, runs, views

#: Characters of one text that are looked at, and that are shown.
MAX_LOOKED, MAX_SHOWN = 65_536, 8_192
#: The end of a text that was cut off, within which a secret may have lost so much of itself that it is not known.
_CUT = 256
#: Items of one container, and containers within containers.
MAX_ITEMS, MAX_DEPTH = 100, 6
#: Known values; of more than twice as many the oldest are forgotten (a table of accounts' own passwords).
MAX_KNOWN = 4_096
LONGEST, SHORTEST = 16, 4

#: Fields that a line always has, by which people look for it: they come from our own code.
_OWN = frozenset({"time", "level", "logger"})


class _Generation:
    """Known values: their pieces by length, and the words that are too short for pieces."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pieces: dict[int, set[str]] = {}
        self.words: set[str] = set()


class Redactor:
    """Knows secrets; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new, self._old = _Generation(), _Generation()

    def conceal(self, value: str) -> None:
        """Takes `value` for a secret from now on; of several lines, each that is no header of PEM."""
        for part in {value, *value.splitlines()}:
            told = part.strip()
            if told and not (told.startswith("-----") and "\n" not in told):
                self._add(told)

    def _add(self, value: str) -> None:
        if "-----BEGIN" in value and "\n" in value:
            return
        with self._lock:
            if value in self._new.values:
                return
            if len(self._new.values) >= MAX_KNOWN:
                self._old, self._new = self._new, _Generation()
            self._new.values.add(value)
            for form in _forms(value):
                _learn(self._new, form)

    def text(self, text: str, *, lines: bool = False) -> str:
        """The text without secrets and with unsafe characters escaped; with `lines`, line ends stay."""
        looked = text[:MAX_LOOKED]
        hidden = strip(self._hide(looked))
        if len(text) > MAX_LOOKED:
            hidden = hidden[:-_CUT]
        if len(hidden) > MAX_SHOWN or len(text) > MAX_LOOKED:
            hidden = hidden[:MAX_SHOWN] + "…"
        return clean(hidden, lines=lines)

    def knows(self, text: str) -> bool:
        """Whether a known secret, or a piece of one, is in the text, in any form."""
        return self._hide(text) != text

    def failure(self, kind: type[BaseException], exc: BaseException, trace: TracebackType | None) -> str:
        """The traceback of a failure with its causes and notes, without values of variables; its end is kept."""
        try:
            whole = "".join(traceback.format_exception(kind, exc, trace, limit=-20)).rstrip("\n")
        except Exception as other:  # noqa: BLE001 - whatever an exception does when it is shown, the line is written
            whole = f"{kind.__name__}, which cannot be shown: {type(other).__name__}"
        hidden = strip(self._hide(whole[-MAX_LOOKED:]))
        if len(whole) > MAX_LOOKED:
            hidden = hidden[_CUT:]
        if len(hidden) > MAX_SHOWN or len(whole) > MAX_LOOKED:
            hidden = "…" + hidden[-MAX_SHOWN:]
        return clean(hidden, lines=True)

    def fields(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event's fields, as plain values of JSON; a secret that was split over them is taken out too."""
        told = {
            self.text(str(key)): value
            if key in _OWN and isinstance(value, str)
            else self._value(str(key), value, 0, frozenset())
            for key, value in event.items()
        }
        split = self._split(
            [leaf for key, value in told.items() if key not in _OWN for leaf in _leaves(value)]
        )
        if split:
            told = {key: value if key in _OWN else _without(value, split) for key, value in told.items()}
        return told

    def _value(self, name: str, value: Any, depth: int, above: frozenset[int]) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if is_secret_name(name):
            return STARS
        if isinstance(value, int | float):
            return STARS if self.knows(str(value)) else value
        if isinstance(value, str):
            return self.text(value, lines=name == "exception")
        if isinstance(value, bytes | bytearray | memoryview):
            return self._bytes(bytes(value))
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {_shown(value)}")
        inner = _mapping(value)
        if inner is None and not isinstance(value, list | tuple | set | frozenset):
            return self.text(_shown(value))
        if depth >= MAX_DEPTH or id(value) in above:
            return "…"
        below = above | {id(value)}
        if inner is not None:
            items = list(inner.items())[:MAX_ITEMS]
            return {self.text(_key(key)): self._value(_key(key), one, depth + 1, below) for key, one in items}
        listed = list(value)[:MAX_ITEMS]
        if len(listed) == 2 and isinstance(listed[0], str | bytes) and is_secret_name(_key(listed[0])):
            # A header as a pair.
            return [self.text(_key(listed[0])), STARS]
        return [self._value("", one, depth + 1, below) for one in listed]

    def _bytes(self, value: bytes) -> str:
        for encoding in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be"):
            if self.knows(value[:MAX_LOOKED].decode(encoding, "replace")):
                return STARS
        return self.text(value[: MAX_LOOKED + 1].decode("utf-8", "backslashreplace"))

    def _split(self, leaves: list[str]) -> frozenset[str]:
        """Those of the texts over which a known secret is spread, one after the other."""
        found: set[str] = set()
        joined = "".join(leaves)
        if len(leaves) < 2 or len(joined) > MAX_LOOKED:
            return frozenset()
        for start, end in self._spans(joined):
            place = 0
            for leaf in leaves:
                if place < end and start < place + len(leaf):
                    found.add(leaf)
                place += len(leaf)
        return frozenset(found)

    def _hide(self, text: str) -> str:
        """The text with stars for what is known, or looks like a log-in that was encoded."""
        if not text:
            return text
        normal = unicodedata.normalize("NFC", text)
        if normal != text and next(self._spans(normal), None) is not None:
            return STARS
        spans = sorted({*self._spans(text), *self._encoded(text, 0)})
        parts, last = [], 0
        for start, end in _merged(spans):
            parts += [text[last:start], STARS]
            last = end
        return "".join([*parts, text[last:]])

    def _encoded(self, text: str, depth: int) -> Iterator[tuple[int, int]]:
        done = -1
        for start, end, content in runs(text):
            if start == done:
                continue
            if (
                is_credential(content)
                or next(self._spans(content), None) is not None
                or (depth < 2 and next(self._encoded(content, depth + 1), None) is not None)
            ):
                done = start
                yield start, end

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where known secrets stand in the text, escaped or not."""
        generations = [one for one in (self._new, self._old) if one.values]
        if not generations:
            return
        for seen, origins in views(text):
            for generation in generations:
                for length, pieces in tuple(generation.pieces.items()):
                    for start in range(len(seen) - length + 1):
                        if seen[start : start + length] in pieces:
                            yield origins[start][0], origins[start + length - 1][1]
                for word in tuple(generation.words):
                    for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", seen):
                        yield origins[match.start()][0], origins[match.end() - 1][1]


def _forms(value: str) -> Iterable[str]:
    """The characters of a secret as decoding byte by byte gives them."""
    found = {folded(value), folded(unicodedata.normalize("NFC", value))}
    if not value.isascii():
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            found.add(folded(value.encode(encoding, "surrogatepass").decode("latin-1")))
        units = value.encode("utf-16-be", "surrogatepass")
        found.add(folded("".join(chr(units[i] << 8 | units[i + 1]) for i in range(0, len(units), 2))))
    return found


def _learn(known: _Generation, form: str) -> None:
    size = len(form)
    if size < SHORTEST:
        if form.strip():
            known.words.add(form)
        return
    length = size if size < 8 else min(LONGEST, max(6, size * 2 // 3))
    pieces = known.pieces.setdefault(length, set())
    pieces.update(form[start : start + length] for start in range(size - length + 1))


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    for start, end in spans:
        if current is not None and start <= current[1]:
            current = current[0], max(current[1], end)
        else:
            if current is not None:
                yield current
            current = start, end
    if current is not None:
        yield current


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    """The parts of a mapping, a dataclass or a struct of msgspec by name; None for anything else."""
    if isinstance(value, Mapping):
        return value
    names = getattr(type(value), "__struct_fields__", None)
    if names is None and not isinstance(value, type):
        # Asked by name, for importing dataclasses costs every command ten milliseconds.
        names = getattr(value, "__dataclass_fields__", None)
    return None if names is None else {name: getattr(value, name, None) for name in names}


def _key(key: object) -> str:
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else _shown(key)


def _shown(value: object) -> str:
    try:
        return (
            value
            if isinstance(value, str)
            else str(value)
            if isinstance(value, BaseException)
            else repr(value)
        )
    except Exception as exc:  # noqa: BLE001 - whatever a value does when it is shown, the line is written
        return f"<a {type(value).__name__} that cannot be shown: {type(exc).__name__}>"


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _without(value: Any, hidden: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, hidden) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    return STARS if str(value) in hidden and value is not None and not isinstance(value, bool) else value
