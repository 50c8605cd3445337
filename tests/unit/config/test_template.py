"""The agent.toml of the repository: it holds as it stands, and so does each thing it shows."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.config import template
from postwarden.config.directory import ConfiguredDirectory
from postwarden.config.settings import decode
from postwarden.connectors import KINDS, open_sources, prepare
from postwarden.errors import ConfigError
from postwarden.model.account import Account
from postwarden.notify import open_notifiers
from postwarden.witness.configured import read_outside
from tests.google_key import google_key

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SHIPPED = template.text()
LINES = SHIPPED.splitlines()
#: A commented line that is TOML, as opposed to prose.
_KEY = re.compile(r"# ([a-z_]+ = .+)")
_TABLE = re.compile(r"# (\[{1,2}[a-z_.]+\]{1,2})")


def _blocks() -> list[tuple[int, int]]:
    """First and last line of each commented table with its keys."""
    found = []
    for start, line in enumerate(LINES):
        if _TABLE.fullmatch(line):
            end = start
            while end + 1 < len(LINES) and _KEY.fullmatch(LINES[end + 1]):
                end += 1
            found.append((start, end))
    return found


BLOCKS = _blocks()
SINGLES = [
    index
    for index, line in enumerate(LINES)
    if _KEY.fullmatch(line) and not any(start <= index <= end for start, end in BLOCKS)
]


def uncommented(start: int, end: int) -> str:
    return "\n".join(
        line.removeprefix("# ") if start <= index <= end else line for index, line in enumerate(LINES)
    )


def test_the_shipped_configuration_holds_as_it_stands() -> None:
    """A fresh agent.toml is no error, and lists nothing yet."""
    config = decode(SHIPPED.encode(), Path("agent.toml"))
    assert config.sources == ()
    assert ConfiguredDirectory(config).accounts() == ()


def test_the_blocks_and_keys_were_found() -> None:
    """Every kind of source is shown, and beside them what can be accepted, filled in and set."""
    shown = {LINES[start].removeprefix("# ") for start, _ in BLOCKS}
    assert shown == {
        "[[source]]", "[[notify]]", "[[coverage.accepted]]", "[rules.placeholders]", "[[history.known]]",
        "[ledger.checkpoints]", "[[ledger.witness]]", "[[ledger.timestamp]]",
    }  # fmt: skip
    kinds = {
        re.findall('kind = "(.+)"', "\n".join(LINES[start : end + 1]))[0]
        for start, end in BLOCKS
        if "source]]" in LINES[start]
    }
    assert kinds == set(KINDS)
    assert {LINES[index].split()[1] for index in SINGLES} >= {"file", "domain", "origin", "folder"}


@pytest.mark.parametrize(("start", "end"), BLOCKS, ids=lambda index: str(index + 1))
def test_each_commented_block_holds_when_it_is_uncommented(
    start: int, end: int, tmp_path: Path, certificate: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its comment signs a block decodes, and a source opens once its secret and its CA are there."""
    config = decode(uncommented(start, end).encode(), tmp_path / "agent.toml")
    if not config.sources:
        open_notifiers(config)
        shown = (config.coverage.accepted, config.rules.placeholders, config.notify, config.history.known)
        assert any(shown) or read_outside(config).places
        return
    certificate(tmp_path / "ca.pem")
    for secret in ("imap.secret", "exchange.secret", "graph.secret", "keycloak.secret", "google-key.json"):
        (tmp_path / secret).touch(mode=0o600)
        (tmp_path / secret).write_text(google_key() if secret.endswith(".json") else "secret\n")
    (source,) = open_sources(config, lambda: NOW)
    prepare([source], [Account(key="login:alice", login="alice")], config)
    assert source.name in {"imap", "sieve", "exchange", "m365", "workspace", "sso", "host", "imap-log"}


@pytest.mark.parametrize("index", SINGLES, ids=lambda index: LINES[index].split()[1])
def test_each_commented_key_holds_when_it_is_uncommented(index: int) -> None:
    """Without its comment sign a single key decodes where it stands."""
    plain = decode(SHIPPED.encode(), Path("agent.toml"))
    assert decode(uncommented(index, index).encode(), Path("agent.toml")) != plain


def _secrets() -> list[str]:
    return re.findall(r"^#\s+(\{ (?:file|credential|env|table|command) = .*? \})", SHIPPED, re.MULTILINE)


@pytest.mark.parametrize("secret", _secrets())
def test_each_kind_of_secret_that_is_shown_is_taken(secret: str, tmp_path: Path) -> None:
    """What the comment shows as a secret is one."""
    text = f'[[source]]\nname = "a"\nkind = "imap"\nhost = "h"\nlogin = {{ secret = {secret} }}\n'
    config = decode(text.encode(), tmp_path / "agent.toml")
    open_sources(config, lambda: NOW)
    assert len(_secrets()) == 5


def test_the_account_table_that_is_shown_is_taken() -> None:
    """The example of a list with a table in a comment holds too."""
    (shown,) = re.findall(r"^#   (list = .*)$", SHIPPED, re.MULTILINE)
    text = SHIPPED.replace("list = []", shown, 1) + '[[source]]\nname = "exchange"\nkind = "ews"\n'
    config = decode(text.encode(), Path("agent.toml"))
    assert [one.login for one in ConfiguredDirectory(config).accounts()] == ["alice", "bob"]


def test_init_writes_the_same_text_with_the_origin() -> None:
    """The file that `init` writes differs in one line, and names the ledger."""
    written = template.with_origin("postwarden/mail.example.org")
    assert decode(written.encode(), Path("agent.toml")).ledger.origin == "postwarden/mail.example.org"
    assert len(set(written.splitlines()) ^ set(LINES)) == 2


@pytest.mark.parametrize("origin", ["", "a b", "a+b", 'a"b', "a\\b", "a\nb", "a\tb", "a\u202eb", "a\x7f"])
def test_an_origin_that_could_not_be_signed_is_refused(origin: str) -> None:
    """A name with a space, a plus sign, a quote or anything unprintable is refused before it is written."""
    with pytest.raises(ConfigError, match="is no origin") as caught:
        template.with_origin(origin)
    assert caught.value.hint
