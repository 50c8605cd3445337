"""The generated sign-ins are objects as Microsoft publishes them."""

import json

import pytest

from postwarden.lab.logs import Written
from tests.cloud_schema import graph, published
from tests.unit.lab.logs.made import lines


@pytest.mark.skipif(not published(), reason="the published schemas are not there")
def test_sign_ins_fit_the_published_schema(autumn: Written) -> None:
    """All properties of every sign-in are ones that Graph's type has, with values that it takes."""
    validator = graph("sign_ins")
    found = [json.loads(line) for line in lines(autumn, "entra")]
    page = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#auditLogs/signIns", "value": found}
    assert found
    assert [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(page)] == []


def test_no_two_sign_ins_have_the_same_id(autumn: Written) -> None:
    """Ids are the records' own, while a person has one id in all of theirs."""
    found = [json.loads(line) for line in lines(autumn, "entra")]
    assert len({one["id"] for one in found}) == len(found)
    people = {one["userPrincipalName"] for one in found if not one["userId"].startswith("00000000")}
    assert len({one["userId"] for one in found if one["userPrincipalName"] in people}) == len(people)
