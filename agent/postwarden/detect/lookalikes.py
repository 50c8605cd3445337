"""Domains that pass at a glance for one of the organisation's own.

There is no list of public suffixes here: what stands before the last dot is compared, label by label.
"""

from contextlib import suppress
from functools import lru_cache

from postwarden.grants.names import skeleton
from postwarden.model.address import Domains, in_domains

#: Letters of a name below which likeness is chance: to be the same but for the ending, to differ in one letter, to
#: stand within a longer name.
_SAME, _ONE_OFF, _WITHIN = 4, 6, 8
#: What hosts are called everywhere: nobody's name.
_HOSTS = frozenset(
    {"cloud", "corp", "email", "exchange", "host", "imap", "internal", "list", "lists", "mail", "mailman", "mails", "mx",
     "news", "office", "pop", "remote", "server", "smtp", "team", "web", "webmail", "www"}
)  # fmt: skip
#: Domains and labels that are compared, which a hostile source must not make costly.
_MOST = 200


@lru_cache(maxsize=4096)
def own_domain_like(domain: str, domains: Domains) -> str | None:
    """The organisation's domain that `domain` (lower case, ASCII) passes for; None where it is known, or like none."""
    if in_domains(domain, domains.internal) or in_domains(domain, domains.partners):
        return None
    labels = [_read(label) for label in domain.split(".")[:-1][:_MOST]]
    for own in domains.internal[:_MOST]:
        if in_domains(own.partition(".")[2], domains.internal):
            # Of a name below another of ours, what it is called by is the other's.
            continue
        name = _read(next((label for label in own.split(".")[:-1] if label not in _HOSTS), ""))
        if any(_is_like(label, name) for label in labels):
            return own
    return None


def _read(label: str) -> str:
    """The letters that a label reads as, without hyphens."""
    if label.startswith("xn--"):
        # What is no Punycode is looked at as it stands.
        with suppress(UnicodeError):
            label = label.removeprefix("xn--").encode("ascii").decode("punycode")
    return skeleton(label).replace(" ", "")


def _is_like(label: str, name: str) -> bool:
    if label == name:
        return len(name) >= _SAME
    if name in label:
        return len(name) >= _WITHIN
    return len(name) >= _ONE_OFF and _is_one_off(label, name)


def _is_one_off(one: str, other: str) -> bool:
    """Whether one letter is added, left out, changed, or two beside each other are swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    start = next(
        (at for at, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short)
    )
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    if short[start + 1 :] == long[start + 1 :]:
        return True
    swapped = short[start + 1 : start + 2] + short[start : start + 1] + short[start + 2 :]
    return swapped == long[start:]
