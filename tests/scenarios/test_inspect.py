"""Exported material, rules and explanations, without a server."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.scenarios.conftest import Done

SCRIPT = """require ["copy", "fileinto", "variables"];
if header :contains "subject" "party" { redirect :copy "x@elsewhere.example"; }
set "t" "y@elsewhere.example";
redirect "${t}";
"""


def postwarden(folder: Path, *arguments: str) -> Done:
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "postwarden", *arguments],
        capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=60,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_script_is_judged_without_connecting(tmp_path: Path) -> None:
    """Each line is an object with type and origin; findings name rule, level, account and why."""
    (tmp_path / "alice.sieve").write_text(SCRIPT)
    done = postwarden(
        tmp_path,
        "inspect",
        "alice.sieve",
        "--internal-domain",
        "example.org",
        "--account",
        "alice@example.org",
    )
    assert done.code == 1, done.err
    assert all("type" in one and "origin" in one for one in done.objects)
    (evidence,) = done.of("evidence")
    assert evidence["kind"] == "mail_flow"
    assert evidence["origin"] == {"file": "alice.sieve", "line": 2}
    assert evidence["flow_origin"] == "sieve_script"
    effect = evidence["paths"][0]["effects"][0]
    assert (effect["what"], effect["target"], effect["resolved"]) == ("redirect", "x@elsewhere.example", True)
    found = {(one["rule"], one["level"], one["account"]) for one in done.of("finding")}
    assert found == {
        ("external_redirect", "high", "alice@example.org"),
        ("external_redirect_no_copy", "high", "alice@example.org"),  # the last line cancels the keep
    }
    assert all(one["why"] for one in done.of("finding"))
    assert any("variables" in gap["message"] for gap in done.of("gap"))
    (summary,) = done.of("summary")
    assert (summary["read"], summary["duplicates"], summary["findings"]) == (1, 0, 2)
    assert summary["not_understood"]
    assert list(tmp_path.iterdir()) == [tmp_path / "alice.sieve"]


def test_duplicates_and_broken_files_are_counted(tmp_path: Path) -> None:
    """The same content twice is read once; a file that does not parse is a gap with its line."""
    (tmp_path / "a.sieve").write_text("keep;\n")
    (tmp_path / "b.sieve").write_text("keep;\n")
    (tmp_path / "c.sieve").write_text("keep;\nif {{{\n")
    done = postwarden(
        tmp_path, "inspect", "a.sieve", "b.sieve", "c.sieve", "--internal-domain", "example.org"
    )
    assert done.code == 3
    (summary,) = done.of("summary")
    assert (summary["read"], summary["duplicates"]) == (2, 1)
    (gap,) = done.of("gap")
    assert gap["origin"]["file"] == "c.sieve"
    assert "line 2" in gap["part"]


def test_without_domains_nothing_is_called_external_and_that_is_said(tmp_path: Path) -> None:
    """Every target is unresolved without internal domains, and a gap line says how to mend it."""
    (tmp_path / "a.sieve").write_text('redirect "x@elsewhere.example";\n')
    done = postwarden(tmp_path, "inspect", "a.sieve")
    assert done.code == 3
    assert done.of("finding") == []
    (gap,) = done.of("gap")
    assert "--internal-domain" in gap["hint"]


def test_files_that_cannot_be_read_or_told_are_usage_errors(tmp_path: Path) -> None:
    """A missing file, and one of no known kind, are exit 2 with a hint; --kind helps the second."""
    (tmp_path / "export.txt").write_text("keep;\n")
    for arguments in (("inspect", "missing.sieve"), ("inspect", "export.txt")):
        done = postwarden(tmp_path, *arguments)
        assert done.code == 2
        assert "postwarden: hint: " in done.err
    done = postwarden(
        tmp_path, "inspect", "export.txt", "--kind", "sieve", "--internal-domain", "example.org"
    )
    assert done.code == 0, done.err


def test_the_examples_of_all_rules_pass(tmp_path: Path) -> None:
    """`rules test` runs the examples beside every shipped rule."""
    done = postwarden(tmp_path, "rules", "test")
    assert done.code == 0, done.out
    assert ", 0 failed" in done.out


def test_a_rule_of_ones_own_is_listed_tested_and_explained(tmp_path: Path) -> None:
    """A folder of the administrator's is loaded beside the shipped rules, and a failing example is exit 1."""
    rules = tmp_path / "mine"
    rules.mkdir(mode=0o700)
    (rules / "to_suppliers.yml").write_text(
        "title: Mail goes to a supplier\nid: 6f0d6c36-8a0b-4c39-9a5b-0c1e7e1f2a3b\ndescription: For the test.\n"
        "logsource: {product: postwarden, category: mail_flow}\n"
        "detection:\n  out:\n    target_domain|expand: '%suppliers%'\n  condition: out\nlevel: low\n"
    )
    (rules / "to_suppliers.examples.yml").write_text(
        "must_match:\n  - {name: one, sieve: 'redirect \"a@supplier.example\";'}\n"
        "must_not_match:\n  - {name: two, sieve: 'keep;'}\n"
    )
    (tmp_path / "agent.toml").write_text(
        '[organisation]\ninternal_domains = ["example.org"]\n[rules]\nfolders = ["mine"]\n'
        '[rules.placeholders]\nsuppliers = ["supplier.example"]\n'
    )
    (tmp_path / "agent.toml").chmod(0o600)
    (tmp_path / "s.sieve").write_text('redirect "a@supplier.example";\n')
    assert "to_suppliers" in postwarden(tmp_path, "rules", "list").out
    assert postwarden(tmp_path, "rules", "test", "mine").out == "2 examples, 0 failed\n"
    done = postwarden(tmp_path, "rules", "explain", "to_suppliers", "s.sieve")
    assert done.code == 0
    assert "yes  target_domain matches" in done.out
    (tmp_path / "s.sieve").write_text("keep;\n")
    done = postwarden(tmp_path, "rules", "explain", "to_suppliers", "s.sieve", "--json")
    assert done.code == 1
    assert [one["matched"] for one in done.objects] == [False]
    (rules / "to_suppliers.examples.yml").write_text(
        "must_match:\n  - {name: one, sieve: 'keep;'}\nmust_not_match: []\n"
    )
    done = postwarden(tmp_path, "rules", "test", "mine")
    assert done.code == 1
    assert "FAILED  to_suppliers: one" in done.out
    (rules / "to_suppliers.examples.yml").unlink()
    assert postwarden(tmp_path, "rules", "test").code == 2


def test_a_rule_that_does_not_load_stops_every_verb_that_judges(tmp_path: Path) -> None:
    """A modifier that is not supported is exit 2 with file and line, never a rule that silently does not match."""
    rules = tmp_path / "mine"
    rules.mkdir(mode=0o700)
    (rules / "bad.yml").write_text(
        "title: Bad\nid: 6f0d6c36-8a0b-4c39-9a5b-0c1e7e1f2a3b\ndescription: x\nlevel: low\n"
        "logsource: {product: postwarden, category: mail_flow}\n"
        "detection:\n  out:\n    name|base64: x\n  condition: out\n"
    )
    (tmp_path / "agent.toml").write_text('[rules]\nfolders = ["mine"]\n')
    (tmp_path / "agent.toml").chmod(0o600)
    (tmp_path / "s.sieve").write_text("keep;\n")
    for arguments in (("rules", "list"), ("rules", "test"), ("inspect", "s.sieve")):
        done = postwarden(tmp_path, *arguments)
        assert done.code == 2
        assert "bad.yml:8: uses the modifier 'base64'" in done.err


def test_json_lines_are_ascii(tmp_path: Path) -> None:
    """What machines read is pure ASCII, whatever a script is called."""
    (tmp_path / "ä\u202e.sieve").write_text('redirect "ü@elsewhere.example";\n')
    done = postwarden(tmp_path, "inspect", "ä\u202e.sieve", "--internal-domain", "example.org")
    assert done.out.isascii()
    assert json.loads(done.out.splitlines()[0])["name"].startswith("ä")
