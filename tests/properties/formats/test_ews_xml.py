"""Answers of Exchange Web Services for arbitrary bytes and arbitrary trees."""

import base64
import os
import time
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml import (
    decode,
    read_discovered,
    read_folders,
    read_names,
    read_page,
    read_version,
    refusal,
    with_paths,
)
from postwarden.mailflow.facts import Surroundings, facts
from postwarden.model.account import Account
from postwarden.model.address import Domains
from postwarden.model.encoding import encode
from postwarden.model.evidence import Evidence, MailFlow
from postwarden.model.reading import Gap, Observed
from postwarden.model.scope import account_scope
from tests.unit.formats.ews_xml.samples import NAMESPACES, OK, VALID, enveloped

EXAMPLES = 2000 if os.environ.get("POSTWARDEN_LONG") else 200
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
SAMPLES = st.sampled_from(sorted(VALID.values()))
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)


def read_first_page(raw: bytes) -> None:
    with_paths(read_page(raw, 0).folders)


def survives(raw: bytes) -> None:
    """Bytes decode to something that can be recorded and judged, soon, and other readers refuse them kindly."""
    begun = time.monotonic()
    items = list(
        decode(
            raw,
            ALICE,
            scope=account_scope("login:alice"),
            source="exchange",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )
    for item in items:
        assert isinstance(item, Observed | Gap)
        line = encode(item.evidence if isinstance(item, Observed) else item)
        if isinstance(item, Observed):
            assert msgspec.json.decode(line, type=Evidence) == item.evidence
            if isinstance(item.evidence, MailFlow):
                list(facts(item.evidence, Surroundings(domains=Domains(internal=("example.org",)))))
    for read in (read_folders, read_names, refusal, read_first_page, read_version, read_discovered):
        try:
            read(raw)
        except ConnectorError:
            continue
    assert time.monotonic() - begun < 5


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=500))
def test_any_bytes(raw: bytes) -> None:
    """Any bytes are evidence or a gap, and never an exception."""
    survives(raw)


@settings(max_examples=2 * EXAMPLES)
@given(
    SAMPLES, st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 30), st.binary(max_size=8)), max_size=4)
)
def test_damaged_answers(raw: bytes, damage: list[tuple[int, int, bytes]]) -> None:
    """Answers with bytes changed, lost or put in are evidence or a gap, and never an exception."""
    for place, length, new in damage:
        at = place % (len(raw) + 1)
        raw = raw[:at] + new + raw[at + length :]
    survives(raw)


@settings(max_examples=2 * EXAMPLES)
@given(SAMPLES, SAMPLES, st.data())
def test_answers_with_other_words(raw: bytes, other: bytes, data: st.DataObject) -> None:
    """Answers in which names, values and parts stand where they should not are evidence or a gap."""
    words = sorted({*raw.replace(b">", b"<").split(b"<"), *other.replace(b">", b"<").split(b"<")} - {b""})
    for _ in range(data.draw(st.integers(1, 4))):
        old, new = data.draw(st.sampled_from(words)), data.draw(st.sampled_from(words))
        raw = raw.replace(old, new)
    survives(raw)


TAGS = st.sampled_from(
    [
        "Rule",
        "Conditions",
        "Exceptions",
        "Actions",
        "MoveToFolder",
        "FolderId",
        "DistinguishedFolderId",
        "Delete",
        "String",
        "Address",
        "EmailAddress",
        "RoutingType",
        "ContainsSubjectStrings",
        "WithinSizeRange",
        "MinimumSize",
        "WithinDateRange",
        "StartDateTime",
        "UserId",
        "SID",
        "Permission",
        "PermissionLevel",
        "ReadItems",
        "UnknownEntries",
        "UnknownEntry",
        "Folder",
        "Message",
        "ItemId",
        "ItemClass",
        "ExtendedProperty",
        "Value",
        "ExtendedFieldURI",
        "DisplayName",
        "Priority",
        "IsEnabled",
        "IsInError",
        "DateTimeCreated",
        "PermissionSet",
        "Permissions",
    ]
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["Id", "PropertyTag", "ResponseClass"]), TEXTS, max_size=2)


def element(tag: str, attributes: dict[str, str], content: str) -> str:
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<t:{tag}{shown}>{content}</t:{tag}>"


TREES = st.recursive(
    st.builds(element, TAGS, ATTRIBUTES, TEXTS.map(escape) | st.integers(-(2**70), 2**70).map(str)),
    lambda inner: st.builds(element, TAGS, ATTRIBUTES, st.lists(inner, max_size=4).map("".join)),
    max_leaves=12,
)
OPERATIONS = st.sampled_from(
    [
        ("GetInboxRules", "<m:InboxRules>{}</m:InboxRules>"),
        ("GetFolder", "<m:Folders>{}</m:Folders>"),
        ("FindItem", "<m:RootFolder><t:Items>{}</t:Items></m:RootFolder>"),
        ("GetDelegate", "<m:ResponseMessages>{}</m:ResponseMessages>"),
        ("GetUserOofSettings", "{}"),
    ]
)


@settings(max_examples=2 * EXAMPLES)
@given(OPERATIONS, st.lists(TREES, max_size=4).map("".join))
def test_any_content(operation: tuple[str, str], content: str) -> None:
    """Any content of a successful answer is evidence or a gap, and never an exception."""
    name, around = operation
    body = f'<m:{name}Response {NAMESPACES} ResponseClass="Success">{OK}{around.format(content)}</m:{name}Response>'
    survives(enveloped(body))


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(["0xe99", "0xe9a", "0x65ef", "0x65f0"]), st.binary(max_size=60))
def test_any_stored_rule(tag: str, blob: bytes) -> None:
    """Any bytes in a rule's properties are a flow, and a gap where they cannot be read."""
    shown = base64.b64encode(blob).decode()
    item = (
        "<t:Message><t:ItemClass>IPM.Rule.Version2.Message</t:ItemClass><t:ExtendedProperty>"
        f'<t:ExtendedFieldURI PropertyTag="{tag}" PropertyType="Binary"/><t:Value>{shown}</t:Value>'
        "</t:ExtendedProperty></t:Message>"
    )
    survives(
        enveloped(
            f'<m:GetItemResponse {NAMESPACES}><m:ResponseMessages><m:GetItemResponseMessage ResponseClass="Success">'
            f"{OK}<m:Items>{item}</m:Items></m:GetItemResponseMessage></m:ResponseMessages></m:GetItemResponse>"
        )
    )
