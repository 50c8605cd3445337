"""What an IMAP source makes of a server's answers."""

from collections.abc import Mapping

import pytest

from postwarden.connectors.imap import MAX_FOLDER_GAPS, MAX_FOLDERS
from postwarden.model.encoding import encode
from postwarden.model.evidence import Delegation, Folder
from postwarden.pipeline.collect import Reading
from tests.unit.connectors.conftest import Read


def folders(reading: Reading) -> dict[str, Folder]:
    return {item.name: item for item in reading.evidence if isinstance(item, Folder)}


def delegations(reading: Reading) -> list[Delegation]:
    return [item for item in reading.evidence if isinstance(item, Delegation)]


def statuses(reading: Reading) -> dict[str, str]:
    return {row.check: row.status for row in reading.coverage}


def test_folders_and_rights_are_read(read_imap: Read) -> None:
    """An ordinary server gives each folder, and each entry of each access list."""
    reading = read_imap()
    assert statuses(reading) == {"folders": "read", "folder_acl": "read"}
    assert {name: (one.uses, one.subscribed) for name, one in folders(reading).items()} == {
        "INBOX": (("inbox",), True),
        "Old": ((), False),
    }
    assert {(one.folder, one.grantee, one.grantee_kind, one.rights) for one in delegations(reading)} == {
        (folder, grantee, kind, rights)
        for folder in ("INBOX", "Old")
        for grantee, kind, rights in (
            ("bob", "user", ("lookup", "read")),
            (
                "alice",
                "owner",
                (
                    "lookup", "read", "seen", "write", "insert", "post", "create_folder", "delete_folder",
                    "delete_message", "expunge", "administer",
                ),
            ),
        )
    }  # fmt: skip


def test_special_uses_and_unselectable_folders_are_told(read_imap: Read) -> None:
    """The marks of RFC 6154 are taken in any case, and a folder that holds nothing is not asked for rights."""
    listed = b'* LIST (\\TRASH \\Junk) "/" Bin\r\n* LIST (\\NoSelect) "/" Top\r\n* LIST () "/" inbox\r\n%s OK done\r\n'
    found = folders(read_imap({"LIST": listed}))
    assert found["Bin"].uses == ("junk", "trash")
    assert not found["Top"].selectable
    assert found["inbox"].uses == ("inbox",)


def test_an_unchanged_mailbox_gives_unchanged_bytes(read_imap: Read) -> None:
    """The order in which a server lists does not make a new state."""
    one = b'* LIST () "/" INBOX\r\n* LIST () "/" B\r\n* LIST () "/" A\r\n%s OK done\r\n'
    other = b'* LIST () "/" A\r\n* LIST () "/" INBOX\r\n* LIST () "/" B\r\n%s OK done\r\n'
    assert read_imap({"LIST": one}).evidence == read_imap({"LIST": other}).evidence


@pytest.mark.parametrize(
    ("letters", "same"), [(b"lrswipkxtea", b"aetxkpiwsrl"), (b"lr", b"rl"), (b"lrwcd", b"lrwdc")]
)
def test_the_order_of_letters_is_no_change(letters: bytes, same: bytes, read_imap: Read) -> None:
    """RFC 4314 gives rights no order, so another order of the same letters is the same delegation."""
    acl = b"* ACL %f alice lrwstipekxa bob "
    one = read_imap({"GETACL": acl + letters + b"\r\n%s OK done\r\n"})
    other = read_imap({"GETACL": acl + same + b"\r\n%s OK done\r\n"})
    assert one.evidence == other.evidence


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        (b"anyone", "anyone"), (b"ANYONE", "anyone"), (b"anonymous", "anyone"), (b"authenticated", "authenticated"),
        (b"owner", "owner"), (b"Alice", "owner"), (b"$staff", "group"), (b"!$staff", "group"), (b"group:staff", "group"),
        (b"bob", "user"), (b"anyone2", "user"), (b'"any one"', "user"), (b"{6}\r\nanyone", "anyone"),
    ],
)  # fmt: skip
def test_who_is_meant_is_told_by_the_identifier(identifier: bytes, kind: str, read_imap: Read) -> None:
    """The words that RFC 4314 reserves, groups as servers write them, the owner, and users."""
    reading = read_imap({"GETACL": b"* ACL %f alice lrwstipekxa " + identifier + b" lr\r\n%s OK done\r\n"})
    assert kind in {one.grantee_kind for one in delegations(reading) if one.rights == ("lookup", "read")}


def test_rights_that_are_taken_away_are_told_apart(read_imap: Read) -> None:
    """`-bob` is not a user of that name."""
    reading = read_imap({"GETACL": b"* ACL %f alice lrwstipekxa -bob lr\r\n%s OK done\r\n"})
    assert {(one.grantee, one.negative) for one in delegations(reading)} == {("alice", False), ("bob", True)}


def test_folders_of_other_users_are_not_the_accounts(read_imap: Read) -> None:
    """What NAMESPACE says belongs to others or to all is left to those accounts."""
    reading = read_imap(
        {
            "NAMESPACE": b'* NAMESPACE (("" "/")) (("user/" "/")) (("Public/" "/"))\r\n%s OK done\r\n',
            "LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" user/bob\r\n* LIST () "/" Public/x\r\n* LIST () "/" users\r\n%s OK done\r\n',
        }
    )
    assert set(folders(reading)) == {"INBOX", "users"}


def test_a_folder_that_is_kept_back_leaves_the_others(read_imap: Read) -> None:
    """One folder's refusal is a gap that names it, and the rest is read."""
    reading = read_imap({"GETACL": b"* ACL INBOX alice lrwstipekxa\r\n%s OK done\r\n"})
    assert statuses(reading) == {"folders": "read", "folder_acl": "gap"}
    (gap,) = reading.gaps
    assert gap.part == "folder Old"
    assert {one.folder for one in delegations(reading)} == {"INBOX"}


def test_many_failing_folders_are_not_all_tried(read_imap: Read) -> None:
    """A server that fails folder by folder is left after a bounded number of gaps."""
    listed = b'* LIST () "/" INBOX\r\n' + b"".join(
        b'* LIST () "/" f%d\r\n' % n for n in range(MAX_FOLDER_GAPS + 50)
    )
    reading = read_imap({"LIST": listed + b"%s OK done\r\n", "GETACL": b"%s NO no\r\n"})
    assert len(reading.gaps) == MAX_FOLDER_GAPS + 1


def test_more_folders_than_a_person_has_are_a_gap(read_imap: Read) -> None:
    """A server that lists tens of thousands of folders costs one gap."""
    listed = b"".join(b'* LIST () "/" f%d\r\n' % n for n in range(MAX_FOLDERS + 1)) + b"%s OK done\r\n"
    assert f"{MAX_FOLDERS + 1} folders" in read_imap({"LIST": listed}).gaps[0].message


def test_a_view_without_the_right_to_administer_is_not_the_owners(read_imap: Read) -> None:
    """A log-in that sees only part of the mailbox is a gap with the setting that mends it."""
    reading = read_imap({"MYRIGHTS": b"* MYRIGHTS %f lr\r\n%s OK done\r\n"})
    assert reading.evidence == ()
    assert {gap.reason for gap in reading.gaps} == {"forbidden"}
    assert "acl_user" in str(reading.gaps[0].hint)


def test_rights_beyond_need_are_told(read_imap: Read) -> None:
    """A log-in that could change the mailbox is reported, though nothing uses it."""
    reading = read_imap({"MYRIGHTS": b"* MYRIGHTS %f lrswipkxtea\r\n%s OK done\r\n"})
    assert len(reading.excess) == 1
    assert not reading.incomplete
    assert read_imap().excess == ()


DIGITS = b"9" * 5000
ODD: list[Mapping[str, bytes]] = [
    {"CAPABILITY": b"* CAPABILITY IMAP4rev1 \xff\r\n%s OK done\r\n"},
    {"CAPABILITY": b"%s OK done\r\n"},
    {"CAPABILITY": b"%s BAD no\r\n"},
    {"CAPABILITY": b"* CAPABILITY {" + DIGITS + b"}\r\n%s OK done\r\n"},
    {"SASL": b"* X {" + DIGITS + b"}\r\n%s OK done\r\n"},
    {"SASL": b"+ !!!not base64!!!\r\n"},
    {"SASL": b"+ \r\n"},
    {"SASL": b"* BYE\r\n"},
    {"AUTHENTICATE": b"+ {" + DIGITS + b"}\r\n"},
    {"AUTHENTICATE": b"%s OK that was easy\r\n"},
    {"NAMESPACE": b'* NAMESPACE (("" "/")) ((5 "/")) NIL\r\n%s OK done\r\n'},
    {"NAMESPACE": b'* NAMESPACE (("" "/")) ((("a") "/")) NIL\r\n%s OK done\r\n'},
    {"NAMESPACE": b'* NAMESPACE (("" "/")) (("a" 5)) NIL\r\n%s OK done\r\n'},
    {"NAMESPACE": b"* NAMESPACE 5 5 5\r\n%s OK done\r\n"},
    {"NAMESPACE": b"%s OK done\r\n"},
    {"ID": b"* ID 5\r\n%s OK done\r\n"},
    {"ID": b"* ID (5 (6) NIL)\r\n%s OK done\r\n"},
    {"LIST": b'* LIST 5 "/" INBOX\r\n%s OK done\r\n'},
    {"LIST": b'* LIST NIL "/" INBOX\r\n%s OK done\r\n'},
    {"LIST": b'* LIST (5) "/" INBOX\r\n%s OK done\r\n'},
    {"LIST": b'* LIST () "/" (a b)\r\n%s OK done\r\n'},
    {"LIST": b'* LIST () "/" NIL\r\n%s OK done\r\n'},
    {"LIST": b"* LIST " + b"(" * 20_000 + b")" * 20_000 + b"\r\n%s OK done\r\n"},
    {"LIST": b'* LIST () "/" ' + DIGITS + b"\r\n%s OK done\r\n"},
    {"LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" &2AA-\r\n%s OK done\r\n'},
    {"LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" "&AA"\r\n%s OK done\r\n'},
    {"LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" "\xff\xfe"\r\n%s OK done\r\n'},
    {"LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" {3}\r\na\nb\r\n%s OK done\r\n'},
    {"LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" "a\x00b"\r\n%s OK done\r\n'},
    {"LSUB": b'* LSUB () "/" (a (b))\r\n%s OK done\r\n'},
    {"LSUB": b"* LSUB 5\r\n%s OK done\r\n"},
    {"EXAMINE": b"* OK [UIDVALIDITY x]\r\n* FLAGS 5\r\n%s OK done\r\n"},
    {"EXAMINE": b"* " + DIGITS + b" EXISTS\r\n%s OK done\r\n"},
    {"MYRIGHTS": b"* MYRIGHTS %f 5\r\n%s OK done\r\n"},
    {"MYRIGHTS": b"* MYRIGHTS %f (lra)\r\n%s OK done\r\n"},
    {"GETACL": b"* ACL %f " + b"(" * 20_000 + b"\r\n%s OK done\r\n"},
    {"GETACL": b'* ACL %f "" \xff\r\n%s OK done\r\n'},
    {"GETACL": b"* ACL %f bob " + DIGITS + b"\r\n%s OK done\r\n"},
    {"GETACL": b"* ACL %f (a b) lr\r\n%s OK done\r\n"},
    {"GETACL": b"* ACL %f NIL lr\r\n%s OK done\r\n"},
    {"GETACL": b"* ACL %f bob\r\n%s OK done\r\n"},
    {"LOGOUT": b"* BYE {" + DIGITS + b"}\r\n%s OK done\r\n"},
    {"LOGOUT": b"\xff\xfe\r\n"},
]


@pytest.mark.parametrize(
    "answers", ODD, ids=lambda one: " ".join(f"{key} {value[:40]!r}" for key, value in one.items())
)
def test_an_odd_answer_costs_a_gap_and_never_the_audit(answers: Mapping[str, bytes], read_imap: Read) -> None:
    """Answers of a shape that no server should send are read or are gaps that can be recorded, nothing else."""
    reading = read_imap(answers)
    encode((reading.coverage, reading.gaps, reading.evidence, reading.sessions))
    assert set(statuses(reading)) == {"folders", "folder_acl"}
    assert all("bug" not in str(gap.hint) for gap in reading.gaps)


def test_the_library_says_nothing_by_itself(read_imap: Read, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither imaplib nor imapclient prints or warns on its own."""
    read_imap()
    read_imap({"LIST": b"* LIST\r\n%s OK done\r\n"})
    assert capfd.readouterr() == ("", "")
