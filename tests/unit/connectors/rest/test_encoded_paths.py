"""Paths that lead elsewhere once they are decoded."""

import pytest
import requests

from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.errors import ConnectorError

ORIGIN = "https://api.example"
LIST = Allowed(ORIGIN, (Row(path="/v1/things/{id}/parts"),))


@pytest.mark.parametrize(
    "segment", ["%2e%2e", "%2E%2E", "%2e", "a%2E", "%2f", "a%2F", "%5c", "a%5C", "%00", "a%00"]
)
def test_no_segment_hides_where_it_leads(segment: str) -> None:
    """Dots, slashes and an end of text that are written in hexadecimal do not leave, in either case."""
    request = requests.Request("GET", ORIGIN).prepare()
    request.url = f"{ORIGIN}/v1/things/{segment}/parts"
    with pytest.raises(ConnectorError, match="held back"):
        LIST.permit(request)
    request.url = f"{ORIGIN}/v1/things/a%20b/parts"
    LIST.permit(request)
