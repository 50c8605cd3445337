"""Material exported from Exchange, judged without a server."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.conftest import Done
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.samples import addresses, enveloped, rule, rules, strings


def inspect(folder: Path, *arguments: str) -> Done:
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [sys.executable, "-m", "postwarden", "inspect", *arguments, "--internal-domain", "example.org"]
    done = subprocess.run(
        [*command, "--account", "alice@example.org"],
        capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=60,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def test_inbox_rules_are_judged_as_scripts_are(tmp_path: Path) -> None:
    """The rules that judge Sieve find the same things in a saved answer to GetInboxRules."""
    outward = addresses("ForwardToRecipients", "x@elsewhere.example") + "<t:Delete>true</t:Delete>"
    hiding = '<t:MarkAsRead>true</t:MarkAsRead><t:MoveToFolder><t:DistinguishedFolderId Id="deleteditems"/></t:MoveToFolder>'
    (tmp_path / "rules.xml").write_bytes(
        rules(
            rule(outward, name="."),
            rule(
                hiding,
                conditions=strings("ContainsSubjectOrBodyStrings", "invoice"),
                identifier="<t:RuleId>2</t:RuleId>",
            ),
            rule(addresses("RedirectToRecipients", "bob@example.org"), identifier="<t:RuleId>3</t:RuleId>"),
        )
    )
    done = inspect(tmp_path, "rules.xml")
    assert done.code == 1, done.err
    flows = [one for one in done.of("evidence") if one["kind"] == "mail_flow"]
    assert {(one["flow_origin"], one["check"]) for one in flows} == {("inbox_rule", "inbox_rules")}
    assert flows[0]["origin"] == {"file": "rules.xml", "line": None}
    found = {(one["rule"], tuple(one["subject"])) for one in done.of("finding")}
    assert ("external_redirect_everything", ("inbox_rule", "dCsAAABjzvA=")) in found
    assert ("hide_keyword", ("inbox_rule", "2")) in found
    assert not [subject for _, subject in found if subject[1] == "3"]
    why = [text for one in done.of("finding") for text in one["why"]]
    assert any('the active rule "."' in text for text in why)
    assert done.of("gap") == []


def test_a_hidden_rule_is_judged(tmp_path: Path) -> None:
    """A rule without a name, out of the inbox's associated items, is found with its address and said to be hidden."""
    (tmp_path / "items.xml").write_bytes(samples.RULE_ITEMS)
    done = inspect(tmp_path, "items.xml")
    assert done.code == 1, done.err
    (hidden,) = [one for one in done.of("evidence") if one["hidden"]]
    assert hidden["flaws"] == ["the rule has no name", "the rule has no provider"]
    why = [text for one in done.of("finding") for text in one["why"]]
    assert any(text.startswith('the hidden active rule ""') and "x@elsewhere.example" in text for text in why)
    assert any("the rule has no provider" in text for text in why)


def test_rights_are_judged(tmp_path: Path) -> None:
    """Folder permissions and delegates become rights: strangers who read, and a second owner, are found."""
    (tmp_path / "folders.xml").write_bytes(samples.FOLDERS)
    (tmp_path / "delegates.xml").write_bytes(samples.DELEGATES)
    done = inspect(tmp_path, "folders.xml", "delegates.xml")
    assert done.code == 1, done.err
    found = {(one["rule"], tuple(one["subject"])) for one in done.of("finding")}
    assert found == {
        ("acl_anyone", ("ews_permission", "Anonymous")),
        ("acl_full_rights", ("ews_permission", "mallory@example.org")),
        ("external_grantee", ("ews_permission", "erin@elsewhere.example")),
        ("mail_folder_reader", ("ews_permission", "mallory@example.org")),
        ("mail_folder_reader", ("ews_permission", "dave@example.org")),
        ("orphan_rights", ("ews_permission", "NT User:S-1-5-21-9")),
        ("orphan_rights", ("ews_permission", "S-1-5-21-7")),
        ("delegate_sees_private", ("ews_delegate", "bob@example.org")),
        ("delegate_sends_on_behalf", ("ews_delegate", "bob@example.org")),
        ("delegate_sends_on_behalf", ("ews_delegate", "carol@example.org")),
    }
    assert [gap["part"] for gap in done.of("gap")] == ["delegate bob@example.org", "delegate 2 of 3"]


def test_rules_of_ones_own_see_what_exchange_has(tmp_path: Path) -> None:
    """Rules may use what only Exchange tells: flaws of a rule that cannot be read, levels, orphans."""
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o700)
    head = "title: {0}\nid: 6f0d6c36-8a0b-4c39-9a5b-0c1e7e1f2a3{1}\ndescription: x\nlevel: high\n"
    source = "logsource: {{product: postwarden, category: {2}}}\ndetection:\n  it:\n{3}  condition: it\n"
    for number, (name, category, fields) in enumerate(
        [
            ("damaged_rule", "mail_flow", "    flaws|contains: cannot be read\n    hidden: false\n"),
            ("orphan", "delegation", "    grantee_kind: orphan\n"),
            ("delegate", "delegation", "    via: ews_delegate\n    right: private_items\n"),
            ("editor", "delegation", "    level: Editor\n    folder_use: calendar\n    via: ews_delegate\n"),
        ]
    ):
        (mine / f"{name}.yml").write_text((head + source).format(name, number, category, fields))
    (tmp_path / "agent.toml").write_text('[rules]\nfolders = ["mine"]\n')
    (tmp_path / "agent.toml").chmod(0o600)
    damaged = samples.item(samples.labelled() + samples.extended("0xe99", b"\1\2\3", "Binary"))
    (tmp_path / "items.xml").write_bytes(samples.items(damaged))
    (tmp_path / "folders.xml").write_bytes(samples.FOLDERS)
    (tmp_path / "delegates.xml").write_bytes(samples.DELEGATES)
    done = inspect(tmp_path, "items.xml", "folders.xml", "delegates.xml")
    found = {(one["rule"], one["subject"][1]) for one in done.of("finding")}
    assert found >= {
        ("damaged_rule", "AAMkRule"),
        ("orphan", "S-1-5-21-7"),
        ("delegate", "bob@example.org"),
        ("editor", "bob@example.org"),
    }
    why = [text for one in done.of("finding") for text in one["why"]]
    assert 'the active rule "Tidy" does something that could not be read' in why
    assert any("rights in the mailbox as a whole: send on behalf" in text for text in why)
    assert any("whom the directory does not know" in text for text in why)


@pytest.mark.parametrize("form", ["bytes", "hexadecimal"])
def test_an_exported_property(tmp_path: Path, form: str) -> None:
    """A rule's actions, as a MAPI editor exports them, are judged without their condition, and that is said."""
    raw = samples.stored_forward("x@elsewhere.example")
    (tmp_path / "actions.dat").write_bytes(raw if form == "bytes" else raw.hex().encode())
    done = inspect(tmp_path, "actions.dat")
    assert done.code == 1, done.err
    assert "external_redirect" in {one["rule"] for one in done.of("finding")}
    (gap,) = done.of("gap")
    assert gap["message"] == "this file does not have the rule's condition and state"
    (summary,) = done.of("summary")
    assert summary["not_understood"] == {gap["message"]: 1}


def test_what_cannot_be_judged_is_said(tmp_path: Path) -> None:
    """Faults, requests, answers to other things and no answers at all are gaps with exit 3, without a traceback."""
    (tmp_path / "busy.xml").write_bytes(samples.fault("ErrorServerBusy"))
    (tmp_path / "request.xml").write_bytes(enveloped(f"<m:GetInboxRules {samples.NAMESPACES}/>"))
    (tmp_path / "names.xml").write_bytes(samples.RESOLVED)
    (tmp_path / "page.xml").write_text("<html><p>Sign in")
    (tmp_path / "blob.bin").write_bytes(struct.pack("<II", 7, 7))
    files = sorted(path.name for path in tmp_path.iterdir())
    done = inspect(tmp_path, *files)
    assert (done.code, done.err) == (3, "")
    assert sorted(gap["origin"]["file"] for gap in done.of("gap")) == files
    assert (done.of("evidence"), done.of("finding")) == ([], [])


def test_names_in_answers_cannot_change_the_output(tmp_path: Path) -> None:
    """Whatever a rule is called, each line of the output is ASCII and one object."""
    (tmp_path / "rules.xml").write_bytes(rules(rule(name="\u202e\u200bä&#10;\U0001f600")))
    done = inspect(tmp_path, "rules.xml")
    assert done.out.isascii()
    names = [json.loads(line).get("name") for line in done.out.splitlines()]
    assert "\u202e\u200bä\n\U0001f600" in names
