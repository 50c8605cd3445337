"""The formats of Dovecot's log-in and log-out lines, which are settings of the server: from the setting to a pattern.

`login_log_format_elements` is a list of words; the server fills in their variables, leaves out each word whose variables
are all empty, save the one with the user's name, and joins the rest with commas. A name is whatever a client sent as
one, with brackets and commas: fields that stand before the first name or behind the last one cannot be forged, those
between two names can. Variables: Dovecot 2.3's manual, "Config Variables", and 2.4's, "Settings Variables".
"""

import re
from typing import Final

from msgspec import Struct

from postwarden.errors import ConfigError

#: Dovecot 2.3's own settings.
LOGIN_ELEMENTS: Final = "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>"
IMAP_LOGOUT: Final = (
    "in=%i out=%o deleted=%{deleted} expunged=%{expunged} trashed=%{trashed} hdr_count=%{fetch_hdr_count} "
    "hdr_bytes=%{fetch_hdr_bytes} body_count=%{fetch_body_count} body_bytes=%{fetch_body_bytes}"
)
POP3_LOGOUT: Final = "top=%t/%p, retr=%r/%b, del=%d/%m, size=%s"
SIEVE_LOGOUT: Final = "bytes=%i/%o"
SUBMISSION_LOGOUT: Final = "in=%i out=%o"

#: What a server has to be told so that its log shows who authenticated and from which port.
SHOWING: Final = (
    "login_log_format_elements = user=<%u> auth_user=<%{auth_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c "
    "session=<%{session}>"
)

#: The fields of a log-in that are read.
FIELDS: Final = (
    "user", "auth_user", "original_user", "master_user", "mechanism", "remote_ip", "remote_port", "local_ip",
    "secured", "session", "real_remote_ip", "real_remote_port",
)  # fmt: skip
NAMES: Final = frozenset({"user", "auth_user", "original_user", "master_user"})

_LETTERS: Final = {
    "u": "user",
    "m": "mechanism",
    "r": "remote_ip",
    "b": "remote_port",
    "l": "local_ip",
    "c": "secured",
}
#: Names of 2.3 → names of 2.4.
_SYNONYMS: Final = {
    "orig_user": "original_user",
    "mech": "mechanism",
    "rip": "remote_ip",
    "rport": "remote_port",
    "lip": "local_ip",
    "real_rip": "real_remote_ip",
    "real_rport": "real_remote_port",
    "login_user": "master_user",
}
_CIPHER: Final = r"(?:\(proxied\)|no SSL|(?:TLS|SSL)v?[0-9.]* with cipher [^,<>]*)"
_ADDRESS: Final = r"[0-9a-fA-F.:]{2,45}"
_VALUES: Final = {
    "mechanism": r"[A-Za-z0-9_-]+",
    "remote_ip": _ADDRESS,
    "local_ip": _ADDRESS,
    "real_remote_ip": _ADDRESS,
    "remote_port": r"\d{1,5}",
    "real_remote_port": r"\d{1,5}",
    "session": r"[^<>,\s]+",
    # With the words of the TLS library where a connection broke.
    "secured": r"TLS(?: handshaking)?(?:: [^<>]*?)?|secured",
}
#: What is looked for first: narrower, and without a second thought where it ends.
_PLAIN: Final = {
    **dict.fromkeys(NAMES, "[^<>,]*+"),
    **dict.fromkeys(("mechanism", "remote_ip", "local_ip"), "[^<>, ]++"),
    "remote_port": "[0-9]{1,5}+",
    "secured": "TLS|secured",
    "session": "[^<>, ]++",
}
#: Variables whose values are not needed, and how they look.
_OTHERS: Final = {
    "%e": r"\d+",
    "mail_pid": r"\d+",
    "%p": r"\d+",
    "pid": r"\d+",
    "%k": _CIPHER,
    "ssl_security": _CIPHER,
}

#: Longer elements are not taken apart: names in them would be absurd, and matching them costs more than linear time.
_LONGEST: Final = 4096

#: How grave a line is, in Dovecot's own files; syslog keeps it elsewhere.
LEVEL: Final = r"(?:(?:Debug|Info|Warning|Error|Fatal|Panic): )?"
#: A group that never takes part.
NOTHING: Final = "(?:(?!)())?"

_VARIABLE = re.compile(r"%%|%\{([^{}]*)\}|%[-0-9.]*[A-Z]?([a-z])")


class Shows(Struct, frozen=True):
    """Whether a log shows who authenticated beside whose account it was, and the port of the client."""

    identity: bool
    port: bool


class Element(Struct, frozen=True):
    """One word of the setting: its pattern, where a name may be anything and where it has no bracket and no comma."""

    begin: str
    pattern: str
    plain: str
    fields: tuple[str, ...]

    @property
    def named(self) -> bool:
        return not NAMES.isdisjoint(self.fields)


class Layout:
    """The setting as patterns.

    `plain` is one for all elements where no name has a bracket or a comma; the groups of its fields, counted from 1, are in
    `groups`.
    """

    def __init__(self, elements: list[Element]) -> None:
        places = [place for place, element in enumerate(elements) if element.named]
        first, last = places[0], places[-1]
        self.plain = _plain(elements)
        self._plain = re.compile(self.plain)
        #: What stands before the first variable: by it the elements are found behind the words of a line.
        self.begin = elements[0].begin
        fields = [field for element in elements for field in element.fields]
        self.groups = {field: group for group, field in enumerate(fields, start=1)}
        self._head = [
            (re.compile(rf"{one.pattern}(?:, |$)", re.DOTALL), one.fields) for one in elements[:first]
        ]
        self._tail = [
            (re.compile(rf"(?:, |^){one.pattern}$", re.DOTALL), one.fields)
            for one in reversed(elements[last + 1 :])
        ]
        self._names = _name_patterns(elements[first : last + 1])

    def fields_of(self, text: str) -> dict[str, str] | None:
        """The fields of the elements of a line, whatever is in its names; None where they are other elements.

        What the server wrote is taken away from both ends, and the rest are the names. What stands between two names is left
        out: a name can look like it.
        """
        if plain := self._plain.fullmatch(text):
            return {field: plain[group] for field, group in self.groups.items() if plain[group] is not None}
        if len(text) > _LONGEST:
            return None
        found: dict[str, str] = {}
        for pattern, fields in self._tail:
            if match := pattern.search(text):
                found.update(zip(fields, match.groups(), strict=True))
                text = text[: match.start()]
        for pattern, fields in self._head:
            if match := pattern.match(text):
                found.update(zip(fields, match.groups(), strict=True))
                text = text[match.end() :]
        for pattern, fields in self._names:
            if match := pattern.fullmatch(text):
                found.update(zip(fields, match.groups(), strict=True))
                return found
        return None


def _plain(elements: list[Element]) -> str:
    """All elements, of which only the one with the account's name is always there."""
    if "user" in elements[0].fields:
        return elements[0].plain + "".join(f"(?:, {element.plain})?" for element in elements[1:])
    return "".join(
        f"(?:{element.plain}(?:, |$))" + ("" if "user" in element.fields else "?") for element in elements
    )


def _name_patterns(elements: list[Element]) -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """From the first name to the last: all equal, as where a log-in failed, or all there, or the account's only."""
    same = every = ""
    fields: list[str] = []
    for element in elements:
        if not element.named:
            same += rf"(?:{_uncaptured(element.pattern)}(?:, |$))?"
            every += rf"(?:{_uncaptured(element.pattern)}(?:, |$))?"
            continue
        pattern = element.pattern
        same += (pattern.replace("(.*)", r"\1", 1) if fields else pattern) + "(?:, |$)"
        every += pattern + "(?:, |$)"
        fields += element.fields
    (own,) = (element for element in elements if "user" in element.fields)
    return [
        (re.compile(same, re.DOTALL), tuple(fields[:1])),
        (re.compile(every, re.DOTALL), tuple(fields)),
        (re.compile(own.pattern, re.DOTALL), own.fields),
    ]


def _uncaptured(pattern: str) -> str:
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


def shows(login_elements: str) -> Shows:
    """What log-in lines made with this setting tell."""
    told = _told(login_elements)
    return Shows(
        identity=not told.isdisjoint({"auth_user", "master_user"}),
        port=not told.isdisjoint({"remote_port", "real_remote_port"}),
    )


def login_layout(elements: str) -> Layout:
    """Raises ConfigError where the setting names no user."""
    if "user" not in _told(elements):
        raise ConfigError(
            "the setting has no %u, so that its lines tell no name",
            "login_log_format_elements as `doveconf -h login_log_format_elements` prints it",
            key="login_elements",
        )
    seen: set[str] = set()
    return Layout([_element(word, seen) for word in elements.split()])


def _told(elements: str) -> set[str]:
    return {field for match in _VARIABLE.finditer(elements) if (field := _field(match))}


def _field(match: re.Match[str]) -> str:
    """The 2.4 name of a variable, without its filters; empty for a per cent sign."""
    if match[2]:
        return _LETTERS.get(match[2], "%" + match[2])
    name = (match[1] or "").partition("|")[0].partition(":")[0].strip()
    return _SYNONYMS.get(name, name)


def _element(word: str, seen: set[str]) -> Element:
    """A word of the setting; each field counts where it is first seen."""
    pattern = plain = ""
    fields: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(word):
        literal = re.escape(word[end : match.start()])
        end = match.end()
        field = _field(match)
        if not field:
            pattern += literal + "%"
            plain += literal + "%"
        elif field in FIELDS and field not in seen and not (fields and field in NAMES):
            seen.add(field)
            fields.append(field)
            pattern += f"{literal}({_value(field)})"
            plain += f"{literal}({_PLAIN.get(field) or _value(field)})"
        else:
            pattern += literal + _OTHERS.get(field, "[^,<>=]*")
            plain += literal + _OTHERS.get(field, "[^,<>]*")
    rest = re.escape(word[end:])
    first = _VARIABLE.search(word)
    return Element(word[: first.start()] if first else word, pattern + rest, plain + rest, tuple(fields))


def _value(field: str) -> str:
    return ".*" if field in NAMES else _VALUES[field]


#: The counters of a session, in the order of `Counters.groups`.
COUNTED: Final = (
    "bytes_in", "bytes_out", "deleted", "expunged", "headers", "header_bytes", "bodies", "body_bytes",
)  # fmt: skip
_SIZES: Final = {
    "i": "bytes_in", "input": "bytes_in", "net_in_bytes": "bytes_in",
    "o": "bytes_out", "output": "bytes_out", "net_out_bytes": "bytes_out",
}  # fmt: skip
_IMAP: Final = {
    **_SIZES, "deleted": "deleted", "expunged": "expunged",
    "fetch_hdr_count": "headers", "fetch_hdr_bytes": "header_bytes",
    "fetch_body_count": "bodies", "fetch_body_bytes": "body_bytes",
}  # fmt: skip
_POP3: Final = {
    **_SIZES, "t": "headers", "top_count": "headers", "p": "header_bytes", "top_bytes": "header_bytes",
    "r": "bodies", "retr_count": "bodies", "b": "body_bytes", "retr_bytes": "body_bytes",
    "d": "deleted", "deleted_count": "deleted",
}  # fmt: skip


class Counters(Struct, frozen=True):
    """A log-out format as a pattern, and the group of each of COUNTED in it, counted from 1.

    The last group never takes part: it is there for counters that the format lacks.
    """

    pattern: str
    groups: tuple[int, ...]


def counters(setting: str, *, pop3: bool = False) -> Counters:
    """The pattern of a log-out format: IMAP's, ManageSieve's and submission's letters are the same, POP3's are others."""
    known = _POP3 if pop3 else _IMAP
    pattern = ""
    fields: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(setting):
        pattern += re.escape(setting[end : match.start()])
        end = match.end()
        name = match[2] or (match[1] or "").partition("|")[0].strip()
        field = known.get(name)
        if not name:
            pattern += "%"
        elif field is not None and field not in fields:
            fields.append(field)
            pattern += "([0-9]{1,18}+)"
        else:
            pattern += r"[^\s<>]*"
    groups = {field: group for group, field in enumerate(fields, start=1)}
    nothing = len(fields) + 1
    return Counters(
        pattern + re.escape(setting[end:]) + NOTHING, tuple(groups.get(field, nothing) for field in COUNTED)
    )
