"""Answers of Exchange Web Services (EWS), as raw SOAP or its body alone, into evidence and gaps.

Grade: checked against Microsoft's published schema and documentation; no Exchange was reached.
"""

from postwarden.formats.ews_xml.add_ins import decode_add_ins
from postwarden.formats.ews_xml.answer import EwsXmlError, Refusal, refusal
from postwarden.formats.ews_xml.autodiscover import Discovered, read_discovered
from postwarden.formats.ews_xml.automatic_replies import decode_automatic_replies
from postwarden.formats.ews_xml.decoding import decode
from postwarden.formats.ews_xml.delegates import decode_delegates
from postwarden.formats.ews_xml.folders import NamedFolder, read_folders
from postwarden.formats.ews_xml.names import Mailbox, Names, read_names
from postwarden.formats.ews_xml.pages import FoundFolder, Page, read_page, with_paths
from postwarden.formats.ews_xml.permissions import decode_permissions
from postwarden.formats.ews_xml.rule_items import decode_rule_items
from postwarden.formats.ews_xml.rules import decode_inbox_rules
from postwarden.formats.ews_xml.version import ServerVersion, read_version

__all__ = [
    "Discovered",
    "EwsXmlError",
    "FoundFolder",
    "Mailbox",
    "NamedFolder",
    "Names",
    "Page",
    "Refusal",
    "ServerVersion",
    "decode",
    "decode_add_ins",
    "decode_automatic_replies",
    "decode_delegates",
    "decode_inbox_rules",
    "decode_permissions",
    "decode_rule_items",
    "read_discovered",
    "read_folders",
    "read_names",
    "read_page",
    "read_version",
    "refusal",
    "with_paths",
]
