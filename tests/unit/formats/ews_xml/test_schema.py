"""The sample answers against Microsoft's published schema."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from tests.unit.formats.ews_xml.samples import VALID


@pytest.fixture(scope="module")
def schema(shared: Callable[[str], Path]) -> etree.XMLSchema:
    """The schema of messages and their types."""
    return etree.XMLSchema(etree.parse(str(shared("schemas/ews/messages.xsd"))))


@pytest.mark.parametrize("name", VALID)
def test_samples_are_answers_that_exchange_could_give(schema: etree.XMLSchema, name: str) -> None:
    """The content of each sample's body is valid, so that the parsers are tested on what there is."""
    body = etree.fromstring(VALID[name]).find("{*}Body")
    schema.assertValid(body[0])
