"""What agent.toml may say, and how it is told that it is wrong."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.config.settings import Config, decode
from postwarden.connectors import open_source, open_sources, prepare
from postwarden.errors import ConfigError, SecretError
from postwarden.model.account import Account

WHERE = Path("/etc/postwarden/agent.toml")
NOW = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
SOURCE = '[[source]]\nname = "imap"\nkind = "imap"\nhost = "mail.example.org"\n'
LOGIN = 'login = { secret = { env = "POSTWARDEN_TEST" } }\n'


def wrong(text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        decode(text if isinstance(text, bytes) else text.encode(), WHERE)
    assert caught.value.path == str(WHERE)
    assert str(caught.value).startswith(f"{WHERE}:")
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("colour = 1", None, "unknown field `colour`"),
        ("[organisation]\ndomains = []", "organisation", "unknown field `domains`"),
        ("[accounts]\nlists = []", "accounts", "unknown field `lists`"),
        ('[accounts]\nlist = [{ login = "a", mail = "b" }]', "accounts.list[0]", "unknown field `mail`"),
        ("[accounts]\nlist = [{ addresses = [] }]", "accounts.list[0]", "required field `login`"),
        ("[accounts]\nlist = [5]", "accounts.list[0]", "got `int`"),
        ('[accounts]\nlist = "alice"', "accounts.list", "expected `array`, got `str`"),
        ("[rules]\nfolders = [1]", "rules.folders[0]", "expected `str`"),
        ("[rules.placeholders]\nsuppliers = [1]", "rules.placeholders[...][0]", "expected `str`"),
        ("[grants]\nallow = [1]", "grants.allow[0]", "expected `str`"),
        ('[grants]\nallow = ["b", "A-1"]\nblock = ["a-1"]', "grants.allow[1]", "in grants.block too"),
        ("[access]\nalarms_per_week = 0", "access.alarms_per_week", ">= 1"),
        ('[access]\nholidays = ["Japan"]', "access.holidays[0]", "no country's code"),
        ('[access]\nholidays = ["JP", "de"]', "access.holidays[1]", "no country's code"),
        ('[access]\nfree_days = ["soon"]', "access.free_days[0]", "date"),
        ('[access]\ndeparted = { " " = 2026-09-30 }', "access.departed", "has an empty name"),
        ('[access]\nzone = "Europe/Nowhere"', "access.zone", "no time zone"),
        ('[access]\nzone = "../../etc/passwd"', "access.zone", "no time zone"),
        ("[state]\nfolder = 5", "state.folder", "expected `str"),
        ("[ledger]\norigin = true", "ledger.origin", "expected `str"),
        ('[[coverage.accepted]]\nsource = "a"', "coverage.accepted[0]", "required field"),
        (
            '[[coverage.accepted]]\nsource = "a"\nscope = "*"\ncheck = "c"\nreason = "r"\nuntil = "soon"',
            "coverage.accepted[0].until",
            "date",
        ),
        ('source = "imap"', "source", "expected `array`, got `str`"),
        ('[source]\nname = "imap"', "source", "expected `array`, got `object`"),
        ('[[source]]\nkind = "imap"', "source[0].name", "needs a name"),
        ('[[source]]\nname = ""\nkind = "imap"', "source[0].name", "needs a name"),
        ('[[source]]\nname = "a b"\nkind = "imap"', "source[0].name", "needs a name"),
        ('[[source]]\nname = "-a"\nkind = "imap"', "source[0].name", "needs a name"),
        (f'[[source]]\nname = "{"a" * 64}"\nkind = "imap"', "source[0].name", "needs a name"),
        ('[[source]]\nname = 5\nkind = "imap"', "source[0].name", "needs a name"),
        ('[[source]]\nname = "a"', "source[0].kind", "needs a kind"),
        ('[[source]]\nname = "a"\nkind = 5', "source[0].kind", "needs a kind"),
        (SOURCE + SOURCE, "source[1].name", "'imap' is used twice"),
        ('[organisation]\ninternal_domains = ["a.example", "B.example"]', "organisation.internal_domains[1]", "'B.example'"),
        ('[organisation]\npartners = ["a b"]', "organisation.partners[0]", "'a b'"),
        ('[organisation]\npartners = [""]', "organisation.partners[0]", "''"),
        ('[organisation]\npartners = ["alice@example.org"]', "organisation.partners[0]", "is not a domain"),
        ('[organisation]\npartners = [".example.org"]', "organisation.partners[0]", "is not a domain"),
        ('[organisation]\npartners = ["example.org."]', "organisation.partners[0]", "is not a domain"),
        ('[organisation]\npartners = ["b\u00fccher.example"]', "organisation.partners[0]", "is not a domain"),
        ('[organisation]\npartners = ["*.example.org"]', "organisation.partners[0]", "is not a domain"),
        ('[ledger]\norigin = "two words"', "ledger.origin", "has a space or a +"),
        ('[ledger]\norigin = "a+b"', "ledger.origin", "has a space or a +"),
        ('[ledger]\norigin = ""', "ledger.origin", "has a space or a +"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_its_path(text: str, key: str | None, words: str) -> None:
    """The message has the file, the path of the key, and what is wrong with it; the hint says what to do."""
    error = wrong(text)
    assert error.key == key
    assert words in str(error)
    assert key is None or f" {key}: " in str(error)


def test_access_is_judged_with_these_days_and_that_zone() -> None:
    """Days are written as TOML has them or as text; what is not given has a default."""
    text = '[access]\nholidays = ["JP"]\nfree_days = [2026-12-24, "2026-12-31"]\nzone = "Asia/Tokyo"'
    access = decode(text.encode(), WHERE).access
    assert access.free_days == (date(2026, 12, 24), date(2026, 12, 31))
    assert (access.holidays, access.zone, access.departed) == (("JP",), "Asia/Tokyo", {})
    assert decode(b"", WHERE).access.alarms_per_week == 5


@pytest.mark.parametrize(
    "text", ['[[source]]\nkind = "imap"', "colour = 1", SOURCE + SOURCE, "a = [", b"\xff"]
)
def test_every_error_has_a_next_step(text: str | bytes) -> None:
    """Whoever reads that something is wrong also reads what to do."""
    assert wrong(text).hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ("[state]\n[state]\n", 2),
        ("\n\n a b = 1\n", 3),
        ('x = "\n"', 1),
        ("a = 1\na = 2\n", 2),
    ],
)
def test_broken_toml_is_named_with_its_line(text: str, line: int) -> None:
    """Where the parser knows the line, the message has it."""
    error = wrong(text)
    assert error.line == line
    assert str(error).startswith(f"{WHERE}:{line}: ")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"a = '\xff'", "is not UTF-8"),
        ("a = 1".encode("utf-16"), "is not UTF-8"),
        (b"a = " + b"[" * 5000, "is nested too deep"),
        (b"a = " + b"{a=" * 5000, "is nested too deep"),
        (b"a = " + b"9" * 5000, ""),
    ],
    ids=["bytes", "utf-16", "arrays", "tables", "number"],
)
def test_a_file_that_is_no_configuration_is_refused(raw: bytes, words: str) -> None:
    """Bytes, depth and numbers beyond reason are errors of ours, not of the parser's."""
    assert words in str(wrong(raw))


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        (LOGIN + "hots = 1", "source[0]", "unknown field `hots`"),
        ("", "source[0]", "required field `login`"),
        ('login = { secret = { env = "A" }, usr = "x" }', "source[0].login", "unknown field `usr`"),
        ('login = { user = "{login}" }', "source[0].login", "required field `secret`"),
        ('login = { secret = "hunter2" }', "source[0].login.secret", "expected `object`, got `str`"),
        ("login = { secret = {} }", "source[0].login.secret", "exactly one of"),
        ('login = { secret = { env = "A", file = "b" } }', "source[0].login.secret", "exactly one of"),
        ('login = { secret = { password = "hunter2" } }', "source[0].login.secret", "unknown field `password`"),
        ("login = { secret = { command = [] } }", "source[0].login.secret", "command is empty"),
        ('login = { user = "master", secret = { env = "A" } }', "source[0].login", "has {login}"),
        (
            'login = { user = "a", act_as = "{login}", mechanism = "login", secret = { env = "A" } }',
            "source[0].login",
            "act_as needs mechanism plain",
        ),
        ('login = { secret = { env = "A" }, mechanism = "cram" }', "source[0].login.mechanism", "'cram'"),
        (LOGIN + 'port = "993"', "source[0].port", "expected `int`"),
        (LOGIN + 'tls = "maybe"', "source[0].tls", "'maybe'"),
        (LOGIN + 'ca_file = "nowhere.pem"', "source[0].ca_file", "cannot be used"),
        (LOGIN + "timeout = 1.5", "source[0].timeout", "expected `int`"),
    ],
)  # fmt: skip
def test_a_wrong_option_of_a_source_is_named_with_its_path(
    options: str, key: str, words: str, tmp_path: Path
) -> None:
    """The path goes on into the options of the source's kind, and a password in the wrong place is not repeated."""
    config = decode((SOURCE + options).encode(), tmp_path / "agent.toml")
    with pytest.raises(ConfigError) as caught:
        open_source(config.sources[0], 0, config, lambda: NOW)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)
    assert caught.value.hint
    assert str(tmp_path / "agent.toml") in str(caught.value)


@pytest.mark.parametrize("option", ["port = 0", "port = 99999", "port = -1", "timeout = -1", "timeout = 0"])
def test_an_option_that_cannot_work_is_refused_when_it_is_read(option: str, tmp_path: Path) -> None:
    """A port or a time limit that no connection can have is a mistake in agent.toml, not a server's."""
    config = decode((SOURCE + LOGIN + option).encode(), tmp_path / "agent.toml")
    with pytest.raises(ConfigError) as caught:
        open_source(config.sources[0], 0, config, lambda: NOW)
    assert caught.value.key == f"source[0].{option.split(maxsplit=1)[0]}"


@pytest.mark.parametrize("host", ["", "mail..example.org", "a" * 64 + ".example"])
def test_a_host_that_cannot_be_is_refused_when_it_is_read(host: str, tmp_path: Path) -> None:
    """A host name that no resolver can look up is a mistake in agent.toml."""
    text = SOURCE.replace("mail.example.org", host) + LOGIN
    config = decode(text.encode(), tmp_path / "agent.toml")
    with pytest.raises(ConfigError) as caught:
        open_source(config.sources[0], 0, config, lambda: NOW)
    assert caught.value.key == "source[0].host"


def test_an_unknown_kind_is_answered_with_those_there_are(tmp_path: Path) -> None:
    """A kind that is not built in is named, and the hint lists the kinds."""
    config = decode(b'[[source]]\nname = "a"\nkind = "pop3"\n', tmp_path / "agent.toml")
    with pytest.raises(ConfigError, match=r"source\[0\]\.kind: unknown kind 'pop3'") as caught:
        open_sources(config, lambda: NOW)
    assert (
        caught.value.hint == "kinds: imap, managesieve, ews, graph, google, keycloak, drop_folder, log_files"
    )


def test_a_configuration_without_a_source_reads_nothing(tmp_path: Path) -> None:
    """Where nothing is configured, that is said instead of an audit that finds nothing."""
    with pytest.raises(ConfigError, match="no source is configured") as caught:
        open_sources(decode(b"", tmp_path / "agent.toml"), lambda: NOW)
    assert "check-config" in str(caught.value.hint)


def test_a_missing_secret_is_named_with_the_key_before_anything_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secrets of all sources are looked for at once, and what is missing is named by its key."""
    monkeypatch.delenv("POSTWARDEN_TEST", raising=False)
    config = decode((SOURCE + LOGIN).encode(), tmp_path / "agent.toml")
    sources = open_sources(config, lambda: NOW)
    with pytest.raises(SecretError) as caught:
        prepare(sources, [Account(key="login:a", login="a")], config)
    assert str(caught.value) == (
        f"{tmp_path / 'agent.toml'}: source[0].login.secret: the environment variable POSTWARDEN_TEST is not set"
    )
    monkeypatch.setenv("POSTWARDEN_TEST", "x")
    prepare(sources, [Account(key="login:a", login="a")], config)


def test_a_whole_configuration_is_read() -> None:
    """What is written arrives, and relative places start at the file's folder."""
    config = decode(
        b"""
        [organisation]
        internal_domains = ["example.org", "xn--bcher-kva.example", "localhost"]
        partners = ["partner.example"]
        [accounts]
        list = ["alice", { login = "bob", addresses = ["bob@example.org"], name = "Bob" }]
        file = "accounts.csv"
        domain = "example.org"
        [[source]]
        name = "imap.1_a-b"
        kind = "imap"
        host = "h"
        nested = { a = [1] }
        [ledger]
        origin = "postwarden/mail.example.org"
        [rules]
        folders = ["my"]
        disabled = ["x"]
        placeholders = { suppliers = ["a.example"] }
        """,
        WHERE,
    )
    assert config.folder == Path("/etc/postwarden")
    assert config.domains.internal == ("example.org", "xn--bcher-kva.example", "localhost")
    assert config.domains.partners == ("partner.example",)
    assert config.sources[0].options == {"host": "h", "nested": {"a": [1]}}
    assert config.rules.placeholders == {"suppliers": ("a.example",)}
    assert config.ledger.origin == "postwarden/mail.example.org"


ACCEPTED = """
[[coverage.accepted]]
source = "imap"
scope = "{scope}"
check = "folder_acl"
reason = "ticket 4711"
until = 2026-11-23
"""
NAMES = frozenset({"login:alice", "alice", "alice@example.org"})


def accepting(scope: str) -> Config:
    return decode(ACCEPTED.format(scope=scope).encode(), WHERE)


@pytest.mark.parametrize("scope", ["*", "alice", "ALICE", "login:alice", "Alice@Example.org"])
def test_a_gap_is_accepted_by_any_name_of_the_account(scope: str) -> None:
    """Login, key, address or everybody: the reason comes back with its last day."""
    reason = accepting(scope).accepted_reason("imap", NAMES, "folder_acl", NOW)
    assert reason == "ticket 4711 (until 2026-11-23)"


@pytest.mark.parametrize(
    ("source", "names", "check"),
    [("imap2", NAMES, "folder_acl"), ("imap", frozenset({"bob"}), "folder_acl"), ("imap", NAMES, "folders")],
)
def test_nothing_else_is_accepted(source: str, names: frozenset[str], check: str) -> None:
    """Another source, account or check is not covered by an acceptance."""
    assert accepting("alice").accepted_reason(source, names, check, NOW) is None


def test_an_acceptance_ends_with_its_day() -> None:
    """The named day is the last one, in UTC, and from the next midnight on the gap counts again."""
    config = accepting("alice")
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    assert config.coverage.accepted[0].until == date(2026, 11, 23)
    assert config.accepted_reason("imap", NAMES, "folder_acl", midnight - timedelta(microseconds=1))
    assert config.accepted_reason("imap", NAMES, "folder_acl", midnight) is None


def test_the_hint_for_a_domain_says_how_to_write_it() -> None:
    """Whoever writes an international domain as people read it is told the form that is compared."""
    error = wrong('[organisation]\npartners = ["b\u00fccher.example"]')
    assert re.search("ASCII", str(error.hint))
