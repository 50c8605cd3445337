"""A user's `.forward`, into the one normal form."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.formats.forward_file import MAX_BYTES, MAX_TARGETS, decode
from postwarden.formats.kinds import kind_of
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import EVERYTHING, Effect
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))


def told(raw: bytes, account: Account = ALICE) -> list[Item]:
    return list(
        decode(
            raw,
            account,
            name=".forward",
            scope=account_scope(account.key),
            source="drop",
            check="forward_files",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )


def flow(raw: bytes, account: Account = ALICE) -> MailFlow:
    (found,) = [item.evidence for item in told(raw, account) if isinstance(item, Observed)]
    assert isinstance(found, MailFlow)
    return found


def effects(raw: bytes) -> list[tuple[str, str | None]]:
    (path,) = flow(raw).paths
    return [(effect.what, effect.target) for effect in path.effects]


def gaps(raw: bytes) -> list[Gap]:
    return [item for item in told(raw) if isinstance(item, Gap)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a@elsewhere.example\n", [("redirect", "a@elsewhere.example")]),
        (b"\\alice, a@elsewhere.example", [("keep", None), ("redirect", "a@elsewhere.example")]),
        (
            b"# mine\n\na@x.example\n  b@x.example\n",
            [("redirect", "a@x.example"), ("redirect", "b@x.example")],
        ),
        (b"a@x.example b@x.example", [("redirect", "a@x.example"), ("redirect", "b@x.example")]),
        (b"a@x.example (the other me), a@x.example", [("redirect", "a@x.example")]),
        (b'"|/bin/run a, b", \\alice', [("execute", "/bin/run a, b"), ("keep", None)]),
        (b'|"/bin/run a, b"', [("execute", "/bin/run a, b")]),
        (b"|/bin/run a b", [("execute", "/bin/run a b")]),
        (b'"|say \\"hi\\" \\n"', [("execute", 'say "hi" \\n')]),
        (b"/dev/null", [("delete", None)]),
        (b":blackhole:", [("delete", None)]),
        (b":fail: gone, alice", [("reject", None), ("keep", None)]),
        (b"/srv/users/alice/Maildir/", [("copy_to_folder", "/srv/users/alice/Maildir/")]),
        (b"bob", [("redirect", "bob")]),
        (b'"john doe"@x.example', [("redirect", "john doe@x.example")]),
        (b"Bob <b@x.example>", [("redirect", "Bob <b@x.example>")]),
        (b"a@x.example\r\n\\alice\r\n", [("redirect", "a@x.example"), ("keep", None)]),
        (b"\xff@x.example", [("redirect", "\\xff@x.example")]),
    ],
)
def test_every_kind_of_target_has_its_effect(raw: bytes, expected: list[tuple[str, str | None]]) -> None:
    """Addresses, local names, programs, files and quotes become effects on every message, each once."""
    assert effects(raw) == expected
    assert gaps(raw) == []
    assert flow(raw).paths[0].condition == EVERYTHING


@pytest.mark.parametrize(
    ("raw", "keeps"),
    [
        (b"a@x.example", False),
        (b"a@x.example, \\alice", True),
        (b"a@x.example, ALICE", True),
        (b"a@x.example, alice@example.org", None),
        (b"a@x.example, /srv/users/alice/mbox", None),
        (b"|/usr/bin/procmail", None),
        (b"/dev/null", False),
    ],
)
def test_whether_the_owner_keeps_a_copy(raw: bytes, keeps: bool | None) -> None:
    """A copy is kept by naming oneself; a file or a program may be a mailbox, and nothing here tells."""
    assert flow(raw).paths[0].keeps_copy is keeps


def test_the_login_of_a_virtual_user_is_its_name_too() -> None:
    """Where the login is an address, its part before the @ is the local name."""
    account = Account(key="login:alice@example.org", login="alice@example.org")
    assert flow(b"\\alice, a@x.example", account).paths[0].keeps_copy is True


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# nothing\n", b", ,\n"])
def test_a_file_without_targets_forwards_nothing(raw: bytes) -> None:
    """It is read, and does nothing."""
    assert flow(raw).paths == ()
    assert gaps(raw) == []


def test_a_local_name_is_not_read_off() -> None:
    """Where `bob` ends is the host's to say: it is no address yet."""
    assert flow(b"bob").paths[0].effects == (Effect(what="redirect", target="bob", resolved=False),)


def test_what_lies_in_another_file_is_a_gap() -> None:
    """An included list is not guessed, and what stands beside it is read."""
    raw = b"a@x.example\n:include:/srv/users/alice/list\n"
    (gap,) = gaps(raw)
    assert (gap.reason, gap.part) == ("unsupported", "file .forward line 2")
    assert ":include:/srv/users/alice/list" in gap.message
    assert effects(raw) == [("redirect", "a@x.example")]


def test_an_open_quote_is_a_gap_and_its_text_still_counts() -> None:
    """What a mail server makes of it is not known; the target is shown all the same."""
    raw = b'"|/bin/run, a@x.example\nb@x.example\n'
    assert [gap.reason for gap in gaps(raw)] == ["malformed"]
    assert effects(raw) == [("execute", "/bin/run, a@x.example"), ("redirect", "b@x.example")]


def test_a_filter_of_exim_is_a_gap() -> None:
    """A program instead of targets is not taken for targets."""
    (gap,) = told(b"# Exim filter\ndeliver a@x.example\n")
    assert isinstance(gap, Gap)
    assert gap.reason == "unsupported"


def test_a_sieve_script_in_its_place_is_read_as_one() -> None:
    """Exim takes a Sieve script here, by its first line."""
    found = flow(b'# Sieve filter\nredirect "a@x.example";\n')
    assert found.origin == "sieve_script"
    assert found.paths[0].effects[0].target == "a@x.example"


def test_a_huge_file_is_bounded() -> None:
    """Too many bytes are a gap alone, too many targets a gap beside the first of them."""
    assert [type(item) for item in told(b"a" * (MAX_BYTES + 1))] == [Gap]
    raw = b",".join(b"u%d@x.example" % number for number in range(MAX_TARGETS + 5))
    assert [gap.reason for gap in gaps(raw)] == ["unsupported"]
    assert len(flow(raw).paths[0].effects) == MAX_TARGETS


def test_the_name_shows_the_kind() -> None:
    """Files are known by their names."""
    assert kind_of(".forward") == "forward"
    assert kind_of(Path("/x/alice.forward").name) == "forward"
