"""The automatic reply, in answers to GetUserOofSettings, as settings."""

from collections.abc import Iterator
from datetime import datetime

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.answer import Asked, Refusal, messages, operation
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, child, text, written
from postwarden.model.evidence import Setting
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope


def decode_automatic_replies(
    raw: bytes, *, scope: Scope, source: str, check: str, observed: datetime
) -> Iterator[Item]:
    """Settings: whether the mailbox answers by itself, and whom outside; the texts are kept as raw bytes only.

    `automatic_reply` is disabled, enabled or scheduled; `automatic_reply_audience` none, known or all, as the
    owner set it, `automatic_reply_audience_allowed` as the server lets them. `observed` is in UTC. No bytes
    raise: an answer that is an error is a gap.
    """
    asked = Asked(scope=scope, source=source, check=check, observed=observed)
    try:
        answer = operation(raw, "GetUserOofSettings")
        if isinstance(answer, Refusal):
            yield asked.refused(answer)
            return
        for message in messages(answer):
            if message.refusal is not None:
                yield asked.refused(message.refusal)
            if message.has_content:
                yield from _settings(message.element, asked)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)


def _settings(answer: Element, asked: Asked) -> Iterator[Item]:
    told = child(answer, TYPES + "OofSettings")
    state = text(told, TYPES + "OofState")
    if told is None or not state:
        yield asked.gap("malformed", "the answer does not say whether an automatic reply is on")
        return
    for name, value in (
        ("automatic_reply", state),
        ("automatic_reply_audience", text(told, TYPES + "ExternalAudience")),
        ("automatic_reply_audience_allowed", text(answer, MESSAGES + "AllowExternalOof")),
    ):
        if value:
            setting = Setting(
                scope=asked.scope,
                source=asked.source,
                check=asked.check,
                observed=asked.observed,
                name=name,
                value=value.lower(),
            )
            yield Observed(evidence=setting, raw=written(told))
