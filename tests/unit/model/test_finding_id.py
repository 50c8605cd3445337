"""Stable finding ids."""

import base64
import hashlib
from itertools import combinations

import pytest

from postwarden.model.finding_id import finding_id
from postwarden.model.scope import Scope, account_scope, source_scope

RULE = "8a857a7e-c13c-45c1-a0ca-541aa0637660"
ALICE = account_scope("login:alice")


@pytest.mark.parametrize(
    ("scope", "subject", "wanted"),
    [
        (ALICE, ("sieve_script", "main"), "IOPK3F6PRR2URG2RHQBJD5N3BU"),
        (source_scope("imap"), ("setting", "transport_encryption"), "WVK7EL325ESYGZNM76GEWESRUY"),
        (account_scope("login:b\u00f6b"), ("imap_acl", "any\none\\"), "BC3SZW5RFLUJTYK6XFGEDR5O7Y"),
    ],
)
def test_ids_are_what_they_always_were(scope: Scope, subject: tuple[str, ...], wanted: str) -> None:
    """An id in an old record is the id of the same finding today."""
    assert finding_id(RULE, scope, subject) == wanted


def test_an_id_is_the_digest_of_its_words() -> None:
    """An outsider computes the id from the record: SHA-256 over the words with LF between, in base32."""
    words = f"{RULE}\naccount\nlogin:alice\nsieve_script\nmain"
    wanted = base64.b32encode(hashlib.sha256(words.encode()).digest())[:26].decode()
    assert finding_id(RULE, ALICE, ("sieve_script", "main")) == wanted


def test_words_do_not_run_together() -> None:
    """Line feeds and backslashes in foreign names make different subjects, not the same id."""
    subjects: list[tuple[str, ...]] = [
        ("a\nb",), ("a", "b"), ("a\\nb",), ("a\\\nb",), ("a\\\\nb",), ("a\\", "nb"), ("a", "\nb"), ("a\n", "b"),
        ("", "a", "b"), ("a", "b", ""), ("a", "", "b"),
    ]  # fmt: skip
    ids = [finding_id(RULE, ALICE, subject) for subject in subjects]
    for one, other in combinations(range(len(ids)), 2):
        assert ids[one] != ids[other], (subjects[one], subjects[other])


def test_rule_and_scope_are_part_of_the_id() -> None:
    """The same subject under another rule, in another account or another kind of scope is another finding."""
    subject = ("sieve_script", "main")
    ids = {
        finding_id(rule, scope, subject)
        for rule in (RULE, RULE.replace("8", "9"))
        for scope in (ALICE, account_scope("login:bob"), Scope(kind="source", key="login:alice"))
    }
    assert len(ids) == 6
