"""Where checkpoints go is read from agent.toml, and what makes no sense there is named."""

from pathlib import Path

import pytest

from postwarden.config.settings import decode
from postwarden.errors import ConfigError
from postwarden.witness.configured import Outside, read_outside

WHERE = Path("/etc/postwarden/agent.toml")
KEY = "b.example.org/witness+0d6be0bb+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS = f'[[ledger.witness]]\nurl = "https://b.example.org:8446/"\nkey = "{KEY}"\n'


def outside(text: str) -> Outside:
    return read_outside(decode(text.encode(), WHERE))


def test_nothing_is_configured_by_default() -> None:
    """Without a word about it checkpoints go nowhere, and nobody remembers."""
    assert outside("") == Outside()
    assert not outside("").remembers
    assert not outside("").places


def test_every_place_is_read() -> None:
    """Each place has its name, files are relative to agent.toml, and a witness's address loses its last slash."""
    found = outside(
        '[ledger.checkpoints]\nlog = "journal"\nfile = "c"\ncommand = ["/bin/true"]\nevery = 3\n'
        + WITNESS
        + 'ca_file = "ca.pem"\n[[ledger.timestamp]]\nurl = "http://tsa.example.org"\nroots = "r.pem"\n'
    )
    assert found.remembers
    assert (found.file, found.every) == (WHERE.parent / "c", 3)
    (witness,) = found.witnesses
    assert (witness.url, witness.key.text, witness.ca) == (
        "https://b.example.org:8446",
        KEY,
        WHERE.parent / "ca.pem",
    )
    assert found.places == {
        "the journal",
        "the file /etc/postwarden/c",
        "/bin/true",
        "the witness b.example.org/witness",
        "the time stamping authority http://tsa.example.org",
    }


def test_what_cannot_be_read_back_is_no_memory() -> None:
    """Syslog, a program and a time stamp cannot be asked what they remember."""
    assert not outside('[ledger.checkpoints]\nlog = "syslog"\ncommand = ["/bin/true"]\n').remembers


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[ledger.checkpoints]\nlog = "paper"', "ledger.checkpoints.log", "invalid enum value"),
        ("[ledger.checkpoints]\nevery = 0", "ledger.checkpoints.every", ">= 1"),
        ('[ledger.checkpoints]\ncommand = ["tell"]', "ledger.checkpoints.command[0]", "no absolute path"),
        ('[ledger.checkpoints]\nsyslog = "host:514"', "ledger.checkpoints.syslog", "no syslog address"),
        (
            '[ledger.checkpoints]\nsyslog = "udp://host:port"',
            "ledger.checkpoints.syslog",
            "no syslog address",
        ),
        ('[[ledger.witness]]\nurl = "https://b"', "ledger.witness[0]", "required field `key`"),
        (WITNESS.replace("https", "ftp"), "ledger.witness[0].url", "no address"),
        (WITNESS.replace("https", "http"), "ledger.witness[0].url", "is not https"),
        (WITNESS.replace(KEY, "b"), "ledger.witness[0].key", "not a witness's key"),
        (WITNESS.replace("+0d6b", "+0d6c"), "ledger.witness[0].key", "does not belong"),
        (WITNESS + WITNESS, "ledger.witness[1].key", "given twice"),
        ('[[ledger.timestamp]]\nurl = "tsa"\nroots = "r"', "ledger.timestamp[0].url", "no address"),
        ('[[ledger.timestamp]]\nurl = "https://tsa"', "ledger.timestamp[0]", "required field `roots`"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, key: str, words: str) -> None:
    """The key of what cannot be used is named, and what is wrong with it."""
    with pytest.raises(ConfigError, match=words.replace("[", r"\[")) as caught:
        outside(text)
    assert caught.value.key == key


def test_cleartext_is_taken_from_this_host() -> None:
    """A witness on this host may be asked without TLS."""
    text = WITNESS.replace("https://b.example.org:8446/", "http://127.0.0.1:8446")
    assert outside(text).witnesses[0].url == "http://127.0.0.1:8446"
