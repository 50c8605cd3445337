"""What is a secret by its shape or its name, whether anybody told us its value or not."""

import re
from collections.abc import Callable

STARS = "***"

_WORD = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|authori[sz]ation|cookie|assertion|"
    r"api[_-]?key|private[_-]?key|access[_-]?key|signing[_-]?key|signature|session[_-]?(?:id|key)|csrf|otp"
)
#: Names of fields whose value is never shown.
_NAME = re.compile(
    rf"(?:^|[^a-z])(?:{_WORD}|x-[\w-]+)(?:$|[^a-z])|(?:password|secret|token|cookie)$", re.IGNORECASE
)
#: Fields of ours that only speak of secrets.
_HARMLESS = frozenset({"event", "hint", "error", "message"})

_QUOTED = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_Step = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def is_secret_name(name: str) -> bool:
    """Whether a field, header or parameter of this name is withheld whole."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", "-", name)
    return name not in _HARMLESS and _NAME.search(spaced) is not None


def _scheme(match: re.Match[str]) -> str:
    value = match[2]
    if len(value) < 20 and value.isalpha() and value.islower():
        return match[0]  # a sentence about a scheme
    return f"{match[1]} {STARS}"


def _parameter(match: re.Match[str]) -> str:
    return match[1] + STARS if is_secret_name(match[2]) or match[2].lower() in _PARAMETERS else match[0]


_PARAMETERS = frozenset({"code", "sig", "key", "sid", "auth", "state", "nonce", "jwt", "pw", "id_token"})

_STEPS: tuple[_Step, ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), STARS),
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?"), STARS),
    (re.compile(r"\bTlRMTVNT[A-Za-z0-9+/=]*"), STARS),
    # User and password in an address; a password may have an at sign.
    (re.compile(r"(?<=://)[^/?#\s\"'<>]*@"), f"{STARS}@"),
    (re.compile(r"([?&;#]([\w.\[\]-]{1,64})=)[^&;#\s\"'<>]*"), _parameter),
    # Headers, to the end of the line or of the quoted value.
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authori[sz]ation|(?:set-)?cookie2?|x-[\w-]+)(\\?[\"']?\s*[:=,]\s*)"
            rf"(?:b?(?:{_QUOTED})|[^\r\n]*?(?=\\r|\\n|[\r\n]|$)(?:\r?\n[ \t][^\r\n]*)*)"
        ),
        rf"\1\2{STARS}",
    ),
    (re.compile(r"(?i)\b(bearer|basic|negotiate|ntlm|digest|oauth|kerberos|hoba|mutual|scram-[\w-]+)\s+([^\s,;\"'\\]{4,})"), _scheme),
    # Commands of IMAP, ManageSieve and SMTP.
    (re.compile(rf"\bLOGIN\s+(?:{_QUOTED}|\S+)\s+(?:{_QUOTED}|\S+)"), f"LOGIN {STARS}"),
    (re.compile(rf"(?i)\b(AUTH(?:ENTICATE)?)\s+(\"?[A-Z0-9-]+\"?)\s+(?:\{{\d+\+?\}}\s*)?(?:{_QUOTED}|[A-Za-z0-9+/]{{4,}}={{0,2}})"), rf"\1 \2 {STARS}"),
    # Elements of XML.
    (re.compile(rf"(?i)(<(?:[\w.-]+:)?[\w.-]*(?:{_WORD})[\w.-]*(?:\s[^<>]*)?>)[^<]+"), rf"\1{STARS}"),
    # name=value, "name": "value", ('name', 'value').
    (
        re.compile(rf"(?i)((?:\b|_)(?:{_WORD})[\w-]{{0,24}}\\?[\"']?\s*[=:,]\s*)b?(?:\\+\"[^\"]*\"|{_QUOTED})"),
        rf"\1{STARS}",
    ),
    (re.compile(rf"(?i)((?:\b|_)(?:{_WORD})[\w-]{{0,24}}[\"']?(?:\s*=\s*|:))(?=[^\s\"'*])[^\s,;&\"'<>]+"), rf"\1{STARS}"),
    (re.compile(r"(?i)\b(pass(?:word|wd|phrase)?|pwd|pin)((?:\s+is)?\s*:?\s+(?=\S*[\d!$%&*#])|\s*:\s+)(?![\"'*])\S+"), rf"\1\2{STARS}"),
)  # fmt: skip


def strip(text: str) -> str:
    """The text with stars for whatever looks like a secret."""
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    return text


_SASL = re.compile(r"[^\0]*\0[^\0]+\0[^\0]+")


def is_credential(content: str) -> bool:
    """Whether decoded base64 is what SASL sends: PLAIN, XOAUTH2 or OAUTHBEARER, an NTLM message, or user:password."""
    if content.startswith("NTLMSSP\0") or "auth=Bearer" in content:
        return True
    printable = content.replace("\0", "")
    return (
        bool(printable)
        and printable.isprintable()
        and printable.isascii()
        and (_SASL.fullmatch(content) is not None)
    )
