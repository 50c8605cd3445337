"""Add-ins of a mailbox, in answers to GetAppManifests, as grants."""

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.answer import Asked, Refusal, messages, operation
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, EwsXmlError, children, name, parse
from postwarden.model.application import Application
from postwarden.model.evidence import Grant
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope


def decode_add_ins(
    raw: bytes, *, scope: Scope, source: str, check: str, observed: datetime
) -> Iterator[Item]:
    """One Grant for each add-in's manifest, with the permission that it asks for, and gaps.

    `observed` is in UTC. No bytes raise: an answer that is an error, and a manifest that cannot be read, are
    gaps.
    """
    asked = Asked(scope=scope, source=source, check=check, observed=observed)
    try:
        answer = operation(raw, "GetAppManifests")
        if isinstance(answer, Refusal):
            yield asked.refused(answer)
            return
        for message in messages(answer):
            if message.refusal is not None:
                yield asked.refused(message.refusal)
            if message.has_content:
                for number, manifest in enumerate(_manifests(message.element), 1):
                    yield _grant(manifest, number, asked)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)


def _manifests(answer: Element) -> Iterator[Element]:
    """As Exchange 2013 lists them, and as later versions do."""
    yield from children(answer, MESSAGES + "Manifests", MESSAGES + "Manifest")
    yield from children(answer, MESSAGES + "Apps", TYPES + "App", TYPES + "Manifest")


def _grant(manifest: Element, number: int, asked: Asked) -> Item:
    try:
        raw = base64.b64decode((manifest.text or "").encode(), validate=False)
        root = parse(raw)
    except (binascii.Error, ValueError, EwsXmlError) as exc:
        said = exc.message if isinstance(exc, EwsXmlError) else "not base64"
        return asked.gap("malformed", f"its manifest cannot be read: {said}", part=f"add-in {number}")
    said_of = {name(one): one for one in root.iterchildren("*")}

    def told(word: str) -> str:
        element = said_of.get(word)
        if element is None:
            return ""
        return (element.get("DefaultValue") or element.text or "").strip()

    if name(root) != "OfficeApp" or not told("Id"):
        return asked.gap("malformed", f"<{name(root)}> is no manifest of an add-in", part=f"add-in {number}")
    grant = Grant(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        provider="exchange",
        grant_type="add_in",
        application=Application(
            id=told("Id"), name=told("DisplayName"), publisher=told("ProviderName"), reply_urls=_places(root)
        ),
        resource="mailbox",
        scopes=(told("Permissions"),) if told("Permissions") else (),
    )
    return Observed(evidence=grant, raw=raw)


def _places(manifest: Element) -> tuple[str, ...]:
    """Where the add-in's own pages lie: what it shows beside a message can read that message."""
    found = (one.get("DefaultValue", "") for one in manifest.iter("{*}SourceLocation"))
    return tuple(dict.fromkeys(place for place in found if place))
