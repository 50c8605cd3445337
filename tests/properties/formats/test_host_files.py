"""Files from a mail host, whatever is in them."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from postwarden.errors import ConnectorError
from postwarden.formats import drop_manifest, forward_file
from postwarden.formats.drop_manifest import folder_of, written
from postwarden.model.account import Account
from postwarden.model.encoding import encode
from postwarden.model.reading import Observed
from postwarden.model.scope import account_scope

ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
NOW = datetime(2026, 11, 23, tzinfo=UTC)

#: What a forward file is made of, and anything else.
PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            b",",
            b"\n",
            b'"',
            b"\\",
            b"|",
            b":include:",
            b"/dev/null",
            b"#",
            b"alice",
            b"a@x.example",
            b" ",
            b"(",
            b"<",
            b">",
        ]
    ),
)


@given(st.lists(PIECES, max_size=40).map(b"".join))
def test_no_forward_file_raises(raw: bytes) -> None:
    """Whatever the file holds, what is made of it can be recorded, and no target has a line end in it."""
    items = forward_file.decode(
        raw,
        ALICE,
        name=".forward",
        scope=account_scope(ALICE.key),
        source="drop",
        check="forward_files",
        observed=NOW,
    )
    for item in items:
        encode(item.evidence if isinstance(item, Observed) else item)


@given(
    st.lists(
        st.sampled_from([b"a@x.example", b"\\alice", b"|/bin/run", b"/var/mail/x"]), min_size=1, max_size=8
    )
)
def test_line_ends_and_commas_are_the_same(targets: list[bytes]) -> None:
    """A file says the same with its targets on one line or on several."""
    told = [
        [
            item.evidence.paths[0].effects
            for item in forward_file.decode(
                between.join(targets),
                ALICE,
                name=".forward",
                scope=account_scope(ALICE.key),
                source="drop",
                check="forward_files",
                observed=NOW,
            )
            if isinstance(item, Observed) and hasattr(item.evidence, "paths")
        ]
        for between in (b", ", b"\n", b",\r\n")
    ]
    assert told[0] == told[1] == told[2]


@given(
    st.one_of(
        st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_no_manifest_raises_anything_else(raw: bytes) -> None:
    """Bytes are a manifest, which can be written again, or an error of ours."""
    try:
        manifest = drop_manifest.decode(raw)
    except ConnectorError:
        return
    assert drop_manifest.decode(written(manifest)) == manifest


@given(st.text(st.characters(), min_size=1, max_size=60), st.text(st.characters(), min_size=1, max_size=60))
def test_every_login_has_a_folder_of_its_own(one: str, other: str) -> None:
    """A folder's name is one plain component that is not hidden, and tells logins apart as far as case does."""
    name = folder_of(one)
    assert "/" not in name
    assert "\0" not in name
    assert name.isascii()
    assert name.isprintable()
    assert not name.startswith(".")
    assert name not in {"", "done"}
    assert (name == folder_of(other)) == (one.casefold() == other.casefold())
