"""collect.toml, and who is on the host."""

from pathlib import Path

import pytest

from postwarden.collector.settings import Files, User, load, place, users
from postwarden.errors import ConfigError

FORWARD = '[[files]]\nkind = "forward"\npath = "%h/.forward"\n'
SHIPPED = Path(__file__).parents[3] / "deploy" / "collect.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "collect.toml"
    path.write_text(text)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "names no"),
        ("drop = 3\n" + FORWARD, "drop"),
        ("other = 3\n" + FORWARD, "other"),
        ('drop = "spool"\n' + FORWARD, "drop"),
        ('drop = "/var/../etc"\n' + FORWARD, "drop"),
        ('[[files]]\nkind = "mbox"\npath = "%h/mbox"\n', r"files\[\.\.\.\].kind|files"),
        ('[[files]]\nkind = "sieve"\npath = "sieve"\n', "absolute"),
        ('[[files]]\nkind = "sieve"\npath = "%h/"\n', "absolute"),
        ('[[files]]\nkind = "sieve"\npath = "/a/%h/b"\n', "variable"),
        ('[[files]]\nkind = "sieve"\npath = "%h/../%u/b"\n', "dotted"),
        ('[[files]]\nkind = "sieve"\npath = "%h/*/b"\n', r"\* where"),
        ('[[files]]\nkind = "sieve"\npath = "/a/%u*"\n', "in one component"),
        ('[[files]]\nkind = "sieve"\npath = "/a/%x/b"\n', "variable"),
        ('[[files]]\nkind = "sieve"\npath = "/etc/all.sieve"\n', "belongs to nobody"),
        ('[[files]]\nkind = "sieve"\npath = "%h/a"\nactive = "%h/*"\n', r"\* where"),
        ("[[files", "declaration|expected|table"),
    ],
)
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, text: str, key: str) -> None:
    """A key or path that makes no sense stops everything before any user is looked at."""
    with pytest.raises(ConfigError, match=key) as caught:
        load(write(tmp_path, text))
    assert caught.value.hint


def test_a_configuration_that_others_can_write_is_refused(tmp_path: Path) -> None:
    """Root does what it says, so nobody else may have said it."""
    path = write(tmp_path, FORWARD)
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="not trusted"):
        load(path)


def test_the_users_files_are_read_as_passwd(tmp_path: Path) -> None:
    """System accounts are left out by uid, virtual users have none, the first line of a login counts."""
    people = tmp_path / "passwd"
    people.write_text(
        "root:x:0:0:root:/somewhere:/bin/sh\nalice:x:1000:1000:Alice,,,:/srv/alice:/bin/sh\n"
        "nobody:x:65534:65534::/nonexistent:\n# bob:x\nbob@example.org:{SHA}x::::::\nalice:x:1001:1001::/srv/other:\n"
        "short\n::\n"
    )
    people.chmod(0o644)
    text = f'[users]\nfiles = ["{people}"]\n' + FORWARD
    found = users(load(write(tmp_path, text)))
    assert found == (
        User(login="alice", uid=1000, home="/srv/alice"),
        User(login="bob@example.org"),
        User(login="short"),
    )


@pytest.mark.parametrize(
    ("template", "user", "base", "below"),
    [
        ("%h/.forward", User(login="a", home="/srv/a"), "/srv/a", ".forward"),
        ("%h/sieve/*.sieve", User(login="a", home="/srv/a/"), "/srv/a/", "sieve/*.sieve"),
        ("/m/%d/%n/sieve/*.sieve", User(login="b@x.example"), "/m/x.example/b", "sieve/*.sieve"),
        ("/var/forward/%u", User(login="b@x.example"), "/var/forward", "b@x.example"),
    ],
)
def test_a_place_is_a_folder_that_must_be_there_and_a_path_below(
    template: str, user: User, base: str, below: str
) -> None:
    """Up to the last variable a folder must exist; what is below it may be missing."""
    found = place(template, user)
    assert found is not None
    assert (found.base, found.below) == (base, below)


@pytest.mark.parametrize(
    ("template", "user"),
    [
        ("%h/.forward", User(login="a")),
        ("%h/.forward", User(login="a", home="relative")),
        ("%h/.forward", User(login="a", home="/srv/../etc")),
        ("/m/%d/%n/x", User(login="a")),
        ("/m/%u/x", User(login="../../etc")),
        ("/m/%n/x", User(login="..")),
        ("/m/%u/x", User(login="a\0b")),
        ("%h/x", User(login="a", home="/srv/a\0b")),
    ],
)
def test_a_user_without_a_value_has_no_place(template: str, user: User) -> None:
    """Nothing is looked for where a variable has no value, or one that would lead elsewhere."""
    assert place(template, user) is None


def test_the_shipped_configuration_holds(tmp_path: Path) -> None:
    """deploy/collect.toml loads, with every commented line too, and collects forward files as it stands."""
    text = SHIPPED.read_text(encoding="utf-8")
    plain = load(write(tmp_path, text))
    assert plain.files == (Files(kind="forward", path="%h/.forward"),)
    lines = [
        line.removeprefix("# ")
        if line.startswith(("# [[", "# kind", "# path", "# active", "# domain"))
        else line
        for line in text.splitlines()
    ]
    whole = load(write(tmp_path, "\n".join(lines)))
    assert whole.users.domain == "example.org"
    assert {one.kind for one in whole.files} == {"forward", "sieve"}
    assert plain.drop == whole.drop == "/var/spool/postwarden"
