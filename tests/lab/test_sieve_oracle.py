"""Pigeonhole's own tools as oracle: what it accepts parses here, and what it does is among what we say may happen."""

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_string
from email.utils import getaddresses
from fnmatch import translate
from pathlib import Path

import pytest
from msgspec import Struct

from postwarden.formats.sieve import decode
from postwarden.model import mailflow
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import All, AnyOf, Condition, Not
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

NOBODY = 65534
SCRIPTS = 400 if os.environ.get("POSTWARDEN_LONG") else 40

CONFIGURATION = """
base_dir = {folder}/run
mail_home = {folder}/home
mail_location = maildir:{folder}/home/Maildir
log_path = /dev/stderr
plugin {{
  sieve_extensions = +editheader +special-use
  sieve_max_redirects = 100
  sieve_max_actions = 0
}}
"""


class Done(Struct, kw_only=True):
    """What sieve-test says was done: `stored` by folder, with whether it was marked read."""

    effects: list[tuple[str, str | None]]
    stored: dict[str, bool]


class Oracle:
    """sievec and sieve-test with a configuration of their own, as a user who may do nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        (folder / "home").mkdir()
        self._write("dovecot.conf", CONFIGURATION.format(folder=folder).encode())
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder / "home", NOBODY, NOBODY)

    def accepts(self, script: bytes) -> bool:
        """Whether Pigeonhole compiles the script."""
        return self._run("sievec", self._script(script), self._folder / "home" / "out.svbin").returncode == 0

    def performs(self, script: str, message: str) -> Done:
        """What Pigeonhole does to the message."""
        path = self._write("message.eml", message.encode())
        sender = ["-f", "bob@sender.example", "-a", "alice@example.org", "-r", "alice@example.org"]
        run = self._run("sieve-test", *sender, self._script(script.encode()), path)
        assert run.returncode == 0, run.stderr + script
        return self._read(run.stdout)

    def _script(self, script: bytes) -> Path:
        self._number += 1  # a name of its own, so that no binary of another script is taken
        return self._write(f"script{self._number}.sieve", script)

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        root = os.geteuid() == 0
        return subprocess.run(
            [program, "-c", self._folder / "dovecot.conf", *arguments],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            env={"HOME": str(self._folder / "home"), "USER": "nobody", "PATH": "/usr/bin:/bin"},
            user=NOBODY if root else None,
            group=NOBODY if root else None,
            extra_groups=[] if root else None,
        )

    @staticmethod
    def _read(output: str) -> Done:
        done = Done(effects=[], stored={})
        folder = ""
        for line in output.splitlines():
            text = line.strip()
            if found := re.fullmatch(r"\* redirect message to: <(.*)>", text):
                done.effects.append(("redirect", found[1]))
            elif found := re.fullmatch(r"\* store message in folder: (.*)", text):
                folder = found[1]
                done.stored[folder] = False
            elif text.startswith("+ add IMAP flags:"):
                done.stored[folder] |= "\\seen" in text.split()
            elif found := re.fullmatch(r"\+ (?:To|Cc): (.*)", text):
                done.effects.append(("notify", found[1]))
            elif text == "* discard":
                done.effects.append(("delete", None))
            elif text.startswith("* reject message"):
                done.effects.append(("reject", None))
            elif text.startswith("* send vacation message"):
                done.effects.append(("reply", None))
        return done


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """The oracle, in a folder that its user may enter."""
    if not (shutil.which("sievec") and shutil.which("sieve-test")):
        if "dovecot" in os.environ.get("POSTWARDEN_REQUIRE", ""):
            pytest.fail("dovecot's sievec and sieve-test are required and not installed")
        pytest.skip("dovecot's sievec and sieve-test are not installed")
    with tempfile.TemporaryDirectory() as folder:
        yield Oracle(Path(folder))


def decoded(script: bytes) -> list[Item]:
    return list(
        decode(
            script,
            name="main",
            active=True,
            scope=account_scope("login:alice"),
            source="sieve",
            check="sieve_scripts",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )


def flow_of(script: str) -> MailFlow:
    found = decoded(script.encode())[0]
    assert isinstance(found, Observed), found
    assert isinstance(found.evidence, MailFlow)
    return found.evidence


# --- What Pigeonhole accepts parses here ---

CORPUS: tuple[bytes, ...] = (
    b"",
    b"# nothing",
    b"keep;",
    b"KEEP;\r\nStop;\r\n",
    b"# cr\rkeep;",
    b"keep;\rstop;",
    b'/* ; } " */ keep; /**/ /* **/ stop; # }',
    b'require "copy"; redirect :copy "a@b.example";',
    b'require"fileinto";fileinto"a";',
    b'require ["fileinto", "mailbox"]; fileinto :create "\xc3\x9cber \\"x\\" \\\\ \\q";',
    b'require "fileinto"; fileinto "a\nb";',
    b"redirect text:\na@b.example\n.\n;",
    b'require "vacation"; vacation :days 3 :subject "\xe5\xa4\x96\xe5\x87\xba" text: # why\r\n..one\r\n.two\r\n\r\n.\r\n;',
    b'require "vacation"; vacation TEXT:\n.\n;',
    b"if true {}",
    b"if true{keep;}if false{discard;}elsif not not true{stop;}else{keep;}",
    b"if size :over 10k { keep; } elsif size :under 5G { stop; }",
    b'if header :contains/**/"subject"/* x */["a", "b"] { keep; }',
    b'if anyof (allof (true, not false), exists ["x", "y"], header "subject" "a") { discard; }',
    b'if address :domain :matches ["from", "cc"] ["*.example", "?.org"] { keep; }',
    b'require "envelope"; if envelope :localpart :is "to" "alice" { keep; }',
    b'require "body"; if body :content "text" :contains "x" { keep; }',
    b'require ["relational", "comparator-i;ascii-numeric"]; if header :value "gt" :comparator "i;ascii-numeric" "x" "5" {}',
    b'require ["date", "relational"]; if currentdate :value "ge" "date" "2026-12-20" { keep; }',
    b'require ["imap4flags", "fileinto"]; addflag ["\\\\Seen", "x"]; fileinto :flags "\\\\Flagged" "A";',
    b'require "variables"; set :lower :firstchar "a" "${b}"; if string :is "${a}" "b" { redirect "${a}@b.example"; }',
    b'require "encoded-character"; redirect "${hex:61}@b.example";',
    b'require ["include"]; include :personal :optional "none"; return;',
    b'require ["foreverypart", "mime"]; foreverypart :name "x" { if header :mime :anychild "content-type" "a" { break :name "x"; } }',
    b'require "enotify"; notify :importance "1" :message "m" "mailto:a@b.example?cc=c@d.example";',
    b'require ["reject"]; reject "no thanks";',
    b'require "regex"; if header :regex "subject" "^[Ii]nvoice.*$" { discard; }',
    b'require "editheader"; addheader :last "X-A" "b"; deleteheader :index 1 "X-B";',
    b'require "ihave"; if ihave "copy" { redirect :copy "a@b.example"; } else { error "no"; }',
    b'require ["index", "date"]; if header :index 1 :last :contains "subject" "a" { keep; }',
    b'require "duplicate"; if duplicate :header "message-id" { discard; }',
    b'require ["special-use", "fileinto"]; fileinto :specialuse "\\\\Junk" "Spam";',
    b'require "subaddress"; if address :detail "to" "x" { keep; }',
    b'require "environment"; if environment "name" "x" { keep; }',
    b'require ["fileinto", "variables"]; if header :matches "subject" "[*]*" { fileinto "${1}"; }',
    # what it refuses
    b"keep",
    b"keep;;",
    b"if anyof () { keep; }",
    b'if header :is ["a",] "b" { keep; }',
    b"if true { keep; ",
    b"else { keep; }",
    b"if (true) { keep; }",
    b"if true keep;",
    b"redirect;",
    b'require "nonexistent"; keep;',
    b"frobnicate;",
    b'redirect "a\x00@b.example";',
    b"# \x00",
    b"\xef\xbb\xbfkeep;",
    b"if size :over 10kb { keep; }",
    b"x text:\nabc\n.;",
    b"/* open",
    b'redirect "open',
)


def test_what_pigeonhole_accepts_parses_here(oracle: Oracle) -> None:
    """Every script that the server compiles becomes a mail flow, and some of the corpus it refuses."""
    accepted = [script for script in CORPUS if oracle.accepts(script)]
    assert len(accepted) >= 38
    assert len(CORPUS) - len(accepted) >= 15
    for script in accepted:
        assert isinstance(decoded(script)[0], Observed), (script, decoded(script)[0])


@pytest.mark.parametrize(
    "script",
    [
        script
        for script in CORPUS[-18:]
        if not script.startswith((b'require "nonex', b"frobnicate", b"if (true)"))
    ],
)
def test_what_is_no_script_is_refused_by_both(oracle: Oracle, script: bytes) -> None:
    """What is wrong in syntax or structure neither side takes for a script."""
    assert not oracle.accepts(script)
    assert not isinstance(decoded(script)[0], Observed)


# --- What Pigeonhole does is among what we say may happen ---

_DATE = "Date: Mon, 23 Nov 2026 10:00:00 +0000\n"
MESSAGES = (
    (
        f"From: Bob <bob@sender.example>\nTo: alice@example.org\nSubject: your invoice\n{_DATE}"
        "Message-ID: <1@sender.example>\nX-Kind: Robot\n\nplease pay\n"
    ),
    f"From: carol@example.org\nTo: alice@example.org\nCc: dave@other.example\nSubject: lunch\n{_DATE}"
    "List-Id: <all.example.org>\n\n" + "noodles\n" * 800,
    f"From: robot@sender.example\n{_DATE}\n",
)
#: No message at all, by the letter: no From, no Date, an address without a domain.
CRAFTED = ("Subject: invoice\n\nx\n", "From: nobody\nTo: x\nSubject:\n\nx\n")


def may_hold(condition: Condition, message: str) -> bool | None:
    """Whether a condition of the normal form holds for a message; None where its text would have to be run."""
    match condition:
        case Not(part=part):
            held = may_hold(part, message)
            return None if held is None else not held
        case All(parts=parts):
            results = [may_hold(part, message) for part in parts]
            return False if False in results else None if None in results else True
        case AnyOf(parts=parts):
            results = [may_hold(part, message) for part in parts]
            return True if True in results else None if None in results else False
        case mailflow.Test():
            return _compare(condition, message)


def _compare(test: mailflow.Test, message: str) -> bool | None:
    if test.field == "other":
        return None
    if test.field == "size":
        limit = int(test.values[0])
        sizes = {
            len(message),
            len(message.replace("\n", "\r\n")),
        }  # servers count line ends as they store them
        answers = {size > limit if test.operator == "over" else size < limit for size in sizes}
        return answers.pop() if len(answers) == 1 else None
    results = {_holds(test, texts) for texts in _texts(test.field, message)}
    return results.pop() if len(results) == 1 else None


def _holds(test: mailflow.Test, texts: list[str]) -> bool:
    if test.operator == "exists":
        return bool(texts)
    pairs = [(text.lower(), value.lower()) for text in texts for value in test.values]
    match test.operator:
        case "is":
            return any(text == value for text, value in pairs)
        case "contains":
            return any(value in text for text, value in pairs)
        case "matches":
            return any(re.match(translate(value.replace("[", "[[]")), text) for text, value in pairs)
        case "regex":
            return any(re.search(value, text) for text, value in pairs)
        case _:
            raise AssertionError(test)


def _texts(field: str, message: str) -> list[list[str]]:
    """The values that a field of the normal form may speak of.

    For a field with addresses there are several readings: whole headers, or the addresses in them.
    """
    if field.startswith("envelope_"):
        return [["bob@sender.example" if field == "envelope_from" else "alice@example.org"]]
    parsed = message_from_string(message)
    if field == "body":
        return [[str(parsed.get_payload())]]
    values = [str(value) for value in parsed.get_all(field.removeprefix("header:"), [])]
    if field not in {"from", "to", "cc", "sender"}:
        return [values]
    addresses = [address for _, address in getaddresses(values)]
    return [values, addresses, [address for address in addresses if "@" in address]]


def check(oracle: Oracle, script: str, message: str) -> None:
    """All that the server does is in a path that may run, and copies are kept as the paths say."""
    done = oracle.performs(script, message)
    # Where something is not analysed, its gap says so, and conditions may speak of what the script has changed.
    partly = any(isinstance(item, Gap) for item in decoded(script.encode()))
    alive = [
        path
        for path in flow_of(script).paths
        if path.reachable and (partly or may_hold(path.condition, message) is not False)
    ]
    shown = f"{script}\n{message[:200]}\n{done}"
    for what, target in done.effects:
        assert any(_has(path, (what,), target) for path in alive), (what, target, shown)
    for folder, seen in done.stored.items():
        placed = [
            path for path in alive if folder == "INBOX" or _has(path, ("move", "copy_to_folder"), folder)
        ]
        assert placed or folder == "INBOX", (folder, shown)
        if seen:
            assert any(_has(path, ("mark_read",), None) for path in placed), (folder, shown)
    for path in alive:
        ran = any(
            (effect.what, effect.target) in done.effects or effect.target in done.stored
            for effect in path.effects
            if effect.target is not None
        )
        if ran and path.keeps_copy is not None:
            assert path.keeps_copy is bool(done.stored), (path, shown)


def _has(path: mailflow.Path, kinds: tuple[str, ...], target: str | None) -> bool:
    return any(
        effect.what in kinds and (target is None or target in (effect.target or "") or not effect.resolved)
        for effect in path.effects
    )


STORIES = (
    "keep;",
    "discard;",
    'redirect "x@y.example";',
    'require "copy"; redirect :copy "x@y.example"; stop; discard;',
    'require "fileinto"; fileinto "A"; fileinto "INBOX";',
    'require ["fileinto", "copy"]; fileinto :copy "A"; discard;',
    'require ["imap4flags"]; addflag "\\\\Seen";',
    'require ["imap4flags"]; keep; addflag "\\\\Seen";',
    'require ["imap4flags", "fileinto"]; addflag "\\\\Seen"; if header :contains "subject" "invoice" { fileinto "A"; }',
    'require ["imap4flags", "fileinto"]; if header :contains "subject" "invoice" { addflag "\\\\Seen"; } fileinto "A";',
    'require ["imap4flags", "fileinto"]; setflag "\\\\Deleted \\\\SEEN"; fileinto :flags "" "A"; fileinto "B";',
    'require ["imap4flags", "variables"]; addflag "f" "\\\\Seen"; keep :flags "${f}";',
    'require "reject"; if header :contains "subject" "invoice" { reject "no"; }',
    'require "vacation"; vacation "away"; if exists "x-kind" { discard; }',
    'require "enotify"; if address :domain "from" "sender.example" { notify "mailto:x@y.example?cc=z@y.example"; }',
    'if address :localpart :is "from" "bob" { redirect "x@y.example"; } elsif size :over 5K { discard; } else { keep; }',
    'if not exists "from" { redirect "x@y.example"; }',
    'if exists ["from", "to"] { discard; } else { redirect "x@y.example"; }',
    'if not header :contains "from" "@" { redirect "x@y.example"; }',
    'if header :contains ["subject", "x-kind"] ["robot", "lunch"] { discard; }',
    'if header :comparator "i;octet" :contains "x-kind" "robot" { discard; } else { redirect "x@y.example"; }',
    'if not header :comparator "i;octet" :contains "x-kind" "robot" { redirect "x@y.example"; }',
    'require "envelope"; if envelope :domain :contains "from" "sender" { redirect "x@y.example"; }',
    'require "body"; if body :contains "noodles" { redirect "x@y.example"; } elsif body :contains "" { discard; }',
    'require "regex"; if header :regex "subject" "^(your|my) inv" { redirect "x@y.example"; }',
    'require "variables"; set "t" "x@y.example"; if header :matches "subject" "your *" { redirect "${t}"; }',
    'require ["fileinto", "variables"]; if header :matches "subject" "*" { fileinto "L/${1}x"; }',
    'require "encoded-character"; redirect "${hex:78}@y.example";',
    'require ["date", "relational"]; if currentdate :value "ge" "year" "2000" { redirect "x@y.example"; stop; } keep;',
    'require "editheader"; addheader "X-New" "1"; if exists "x-new" { redirect "x@y.example"; }',
    'require ["foreverypart", "mime", "fileinto"]; discard; foreverypart { fileinto "A"; break; }',
    'require "ihave"; if not ihave "nothing-known" { redirect "x@y.example"; }',
    'require ["index", "date"]; if header :index 1 :contains "subject" "invoice" { redirect "x@y.example"; }',
    'require "subaddress"; if not address :detail "to" "x" { redirect "x@y.example"; }',
)


@pytest.mark.parametrize("script", STORIES)
def test_what_happens_may_happen(oracle: Oracle, script: str) -> None:
    """Nothing that the server does to a message is missing in the paths that may run for it."""
    for message in (*MESSAGES, *CRAFTED):
        check(oracle, script, message)


ALWAYS = (
    *("true", "not false", "size :over 0", "size :over 32", "not size :under 1", 'exists ["from", "date"]'),
    *('header :contains "from" ""', 'header :matches "date" "*"', 'header :regex "from" ".*"'),
    *('header :contains "from" "@"', 'header :matches "from" "*@*"', 'header :contains "date" ":"'),
    *('address :contains "from" ""', 'address :domain :matches "from" "*"', 'envelope :contains "from" ""'),
    *('envelope :matches :domain "to" "*"', 'header :contains ["subject", "from"] ["x", ""]'),
    'anyof (header :contains "subject" "invoice", not header :contains "subject" "invoice")',
)


def test_what_we_call_everything_is_everything(oracle: Oracle) -> None:
    """Each condition that we call everything holds on the server for every well-formed message."""
    script = 'require ["fileinto", "envelope", "regex"];'
    script += "".join(f'if {test} {{ fileinto "{number}"; }}\n' for number, test in enumerate(ALWAYS))
    assert all(path.condition == mailflow.EVERYTHING for path in flow_of(script).paths)
    for message in MESSAGES:
        done = oracle.performs(script, message)
        assert {ALWAYS[int(folder)] for folder in done.stored} == set(ALWAYS)


NEVER = (
    *("false", "not true", "size :under 0", "allof (true, not true)", "not anyof (false, true)"),
    'allof (header :contains "subject" "invoice", not header :contains "subject" "invoice")',
)


def test_what_we_call_unreachable_never_happens(oracle: Oracle) -> None:
    """No branch that we call unreachable runs on the server, for any message."""
    script = 'require "fileinto";'
    script += "".join(f'if {test} {{ fileinto "{number}"; }}\n' for number, test in enumerate(NEVER))
    script += 'if header :contains "subject" "invoice" { stop; } else { stop; } fileinto "dead";'
    paths = flow_of(script).paths
    assert [path.reachable for path in paths if path.effects[0].what == "move"] == [False] * (len(NEVER) + 1)
    for message in (*MESSAGES, *CRAFTED):
        assert set(oracle.performs(script, message).stored) == {"INBOX"}


CONDITIONS = (
    *ALWAYS,
    *NEVER,
    *('header :contains "subject" "invoice"', 'header :is "subject" "lunch"', 'header :contains "x-kind" ""'),
    *(
        'address :is "from" "bob@sender.example"',
        'address :domain "from" "sender.example"',
        'exists "list-id"',
    ),
    *(
        "size :over 2K",
        "size :under 2K",
        'header :matches "subject" "y*o?ce"',
        'address :localpart "to" "alice"',
    ),
)
ACTIONS = (
    *(
        'fileinto "%d";',
        'fileinto :copy "%d";',
        'redirect "t%d@y.example";',
        'redirect :copy "t%d@y.example";',
    ),
    *(
        "keep;",
        "discard;",
        "stop;",
        'addflag "\\\\Seen";',
        'removeflag "\\\\Seen";',
        'setflag "\\\\Flagged";',
    ),
    *('fileinto :flags "\\\\Seen" "%d";', 'fileinto :flags "" "%d";'),
)


class Writer:
    """Writes random scripts in which every target stands once."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._target = 0

    def script(self) -> str:
        return 'require ["fileinto", "copy", "imap4flags", "envelope", "regex"];\n' + self._block(0)

    def _block(self, depth: int) -> str:
        return "".join(
            self._chain(depth) if depth < 3 and self._dice.random() < 0.45 else self._action()
            for _ in range(self._dice.randint(1, 4))
        )

    def _chain(self, depth: int) -> str:
        links = [f"{word} {self._test(0)} {{ {self._block(depth + 1)} }}\n" for word in self._words()]
        if self._dice.random() < 0.4:
            links.append(f"else {{ {self._block(depth + 1)} }}\n")
        return "".join(links)

    def _words(self) -> list[str]:
        return ["if"] + ["elsif"] * self._dice.choice([0, 0, 1, 2])

    def _test(self, depth: int) -> str:
        kind = self._dice.random()
        if depth > 1 or kind < 0.6:
            return self._dice.choice(CONDITIONS)
        if kind < 0.75:
            return f"not {self._test(depth + 1)}"
        return f"{self._dice.choice(['allof', 'anyof'])} ({self._test(depth + 1)}, {self._test(depth + 1)})"

    def _action(self) -> str:
        self._target += 1
        chosen = self._dice.choice(ACTIONS)
        return (chosen % self._target if "%d" in chosen else chosen) + "\n"


def test_random_scripts(oracle: Oracle) -> None:
    """For random scripts too, nothing that happens is missing, and copies are kept as the paths say."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")  # pytest shows it when the test fails
    dice = random.Random(seed)
    for _ in range(SCRIPTS):
        script = Writer(dice).script()
        for message in (*MESSAGES, *dice.sample(CRAFTED, 1)):
            check(oracle, script, message)
