"""Small rules over a category of their own, for tests of the compiler."""

from collections.abc import Mapping

from postwarden.detect.fields import FieldType
from postwarden.detect.sigma import Rule, compile_rule

FIELDS: Mapping[str, Mapping[str, FieldType]] = {
    "mail_flow": {
        "target": "text", "other": "text", "words": "texts", "more": "texts", "size": "number", "limit": "number",
        "flag": "flag", "on": "flag",
    },
    "grant": {},
}  # fmt: skip

PATH = "my/rule.yml"

HEAD = """\
title: A rule
id: 8a857a7e-c13c-45c1-a0ca-541aa0637660
description: What it is for.
level: high
logsource:
  product: postwarden
  category: mail_flow
"""


def document(items: str, condition: str = "a", *, head: str = HEAD, more: str = "") -> bytes:
    """A rule with one detection `a` of these lines, and further detections in `more`."""
    body = "".join(f"    {line}\n" for line in items.splitlines())
    return f"{head}detection:\n  a:\n{body}{more}  condition: {condition}\n".encode()


def compiled(raw: bytes, placeholders: Mapping[str, tuple[str, ...]] | None = None) -> Rule:
    return compile_rule(raw, path=PATH, fields=FIELDS, placeholders=placeholders or {})


def rule(
    items: str,
    condition: str = "a",
    *,
    more: str = "",
    placeholders: Mapping[str, tuple[str, ...]] | None = None,
) -> Rule:
    return compiled(document(items, condition, more=more), placeholders)
