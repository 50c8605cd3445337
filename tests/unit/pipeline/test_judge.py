"""Which rules are in force, and what they see."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from postwarden.config.settings import Config, Grants, Organisation, Rules
from postwarden.errors import ConfigError, RuleError
from postwarden.formats.ews_xml import (
    decode_delegates,
    decode_inbox_rules,
    decode_permissions,
    decode_rule_items,
)
from postwarden.formats.exchange_rule_blob.writing import written_actions, written_condition
from postwarden.model.account import Account
from postwarden.model.address import Domains
from postwarden.model.application import FirstSeen
from postwarden.model.evidence import Folder, MailFlow, Recipient
from postwarden.model.mailflow import Effect
from postwarden.model.mailflow import Path as Way
from postwarden.model.reading import Gap, Item, Observed
from postwarden.pipeline.collect import collect_account
from postwarden.pipeline.inspect import Material, read_material, shapes
from postwarden.pipeline.judge import RuleBook, judge, load_rules, rows_of
from tests.unit.formats.ews_xml import samples
from tests.unit.grants.made import grant
from tests.unit.pipeline.conftest import ALICE, CONFIG, NOW, SCOPE, Told, done, flow, found, gap

TEXT = """\
title: T
id: {id}
description: d
level: low
logsource: {{product: postwarden, category: mail_flow}}
detection:
  a: {{target_domain|expand: '%{placeholder}%'}}
  condition: a
"""
OWN = "00000000-0000-4000-8000-000000000001"

Load = Callable[..., RuleBook]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the shipped rules, and those of a folder that hold these texts."""

    def loaded(texts: dict[str, str] = {}, *, partners: tuple[str, ...] = (), **rules: Any) -> RuleBook:  # noqa: B006 - it is not changed
        folder = tmp_path / "rules"
        folder.mkdir(mode=0o755, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        config = Config(
            path=tmp_path / "agent.toml",
            organisation=Organisation(internal_domains=("example.org",), partners=partners),
            rules=Rules(folders=("rules",), **rules),
        )
        return load_rules(config)

    return loaded


def names(book: RuleBook) -> set[str]:
    return {rule.name for rule in book.rules}


def test_shipped_and_own_rules_are_in_force(load: Load, book: RuleBook) -> None:
    """The administrator's rules come beside the shipped ones."""
    own = TEXT.format(id=OWN, placeholder="partners")
    assert names(load({"mine.yml": own})) == names(book) | {"mine"}


@pytest.mark.parametrize(
    ("name", "number"), [("external_redirect.yml", OWN), ("mine.yml", "8a857a7e-c13c-45c1-a0ca-541aa0637660")]
)
def test_a_rule_has_a_name_and_an_id_of_its_own(name: str, number: str, load: Load) -> None:
    """A rule that takes another's name or id is refused with the other's place."""
    with pytest.raises(RuleError, match=r"has the id or the name of .*external_redirect\.yml") as caught:
        load({name: TEXT.format(id=number, placeholder="partners")})
    assert "disabled" in str(caught.value.hint)


def test_a_rule_can_be_switched_off(load: Load, book: RuleBook) -> None:
    """What is disabled by name is not applied, and its id is not among those that ran."""
    found = load(disabled=("external_redirect",))
    assert names(found) == names(book) - {"external_redirect"}
    assert "8a857a7e-c13c-45c1-a0ca-541aa0637660" not in found.ids


def test_a_name_that_is_no_rule_cannot_be_switched_off(load: Load, tmp_path: Path) -> None:
    """A misspelt name would leave a rule on, so it is an error."""
    with pytest.raises(RuleError, match="'external_redirekt', which is no rule") as caught:
        load(disabled=("external_redirekt",))
    assert caught.value.path == str(tmp_path / "agent.toml")


def test_a_rule_may_be_named_twice_in_what_is_disabled(load: Load) -> None:
    """Naming a rule twice is no contradiction."""
    assert "external_redirect" not in names(load(disabled=("external_redirect", "external_redirect")))


@pytest.mark.parametrize("placeholder", ["internal_domains", "partners", "suppliers"])
def test_placeholders_come_from_the_configuration(placeholder: str, load: Load) -> None:
    """The organisation's domains, its partners and own lists can be used in rules."""
    book = load(
        {"mine.yml": TEXT.format(id=OWN, placeholder=placeholder)},
        partners=("partner.example",),
        placeholders={"suppliers": ("s.example",)},
    )
    (rule,) = [rule for rule in book.rules if rule.name == "mine"]
    wanted = {"internal_domains": "example.org", "partners": "partner.example", "suppliers": "s.example"}
    assert {name for name, domain in wanted.items() if rule.matches({"target_domain": domain})} == {
        placeholder
    }


def test_a_long_list_of_partners_is_not_an_error(load: Load) -> None:
    """A rule may use a list of any length that an organisation has."""
    partners = tuple(f"p{number}.example" for number in range(500))
    book = load({"mine.yml": TEXT.format(id=OWN, placeholder="partners")}, partners=partners)
    assert any(rule.matches({"target_domain": "p499.example"}) for rule in book.rules if rule.name == "mine")


def test_a_missing_folder_is_an_error() -> None:
    """A folder of rules that is not there is not taken for one without rules."""
    with pytest.raises(RuleError, match="is not a folder"):
        load_rules(Config(path=Path("/nowhere/agent.toml"), rules=Rules(folders=("gone",))))


def test_an_untrusted_rule_is_an_error(load: Load, tmp_path: Path) -> None:
    """A rule that others can write is refused before it is read."""
    load({"mine.yml": TEXT.format(id=OWN, placeholder="partners")})
    (tmp_path / "rules" / "mine.yml").chmod(0o666)
    with pytest.raises(ConfigError, match="others can write"):
        load()


def test_the_digest_tells_what_is_in_force(load: Load) -> None:
    """Every change of a rule, and of which rules are on, gives another digest; nothing else does."""
    own = TEXT.format(id=OWN, placeholder="partners")
    digests = [
        load().digest, load(disabled=("external_redirect",)).digest, load({"mine.yml": own}).digest, load({"mine.yml": own + "#\n"}).digest,
    ]  # fmt: skip
    assert len(set(digests)) == 4
    assert load().digest == digests[3]


MOVE = flow(paths=(Way(effects=(Effect(what="mark_read"), Effect(what="move", target="Old"))),))


def old(**fields: Any) -> Observed:
    folder = Folder(
        scope=SCOPE, source="imap", check="folders", observed=NOW, name="Old", subscribed=False, **fields
    )
    return Observed(evidence=folder, raw=b"LIST")


def test_hiding_is_judged_only_where_the_folders_were_read(book: RuleBook) -> None:
    """Folders of which some could not be read are no ground for a verdict, and none for a resolution."""
    imap = Told([old(), done("folders", "imap")], name="imap", checks=("folders",))
    partly = Told([old(), gap("folders", "imap"), done("folders", "imap")], name="imap", checks=("folders",))
    sieve = Told([found(MOVE), done()])
    whole = collect_account(ALICE, [imap, sieve], lambda *_: None, None)
    findings = judge(whole, ALICE, CONFIG.domains, book)
    assert {finding.name for finding in findings} == {"hide_everything", "hide_seen"}
    for finding in findings:
        assert {(check.source, check.check) for check in finding.checks} == {
            ("imap", "folders"),
            ("sieve", "sieve_scripts"),
        }
    for imap_again in (partly, Told(name="imap", checks=("folders",))):
        reading = collect_account(ALICE, [imap_again, sieve], lambda *_: None, None)
        assert judge(reading, ALICE, CONFIG.domains, book) == ()
        assert not set(findings[0].checks) <= reading.complete


def test_without_domains_nothing_is_external(book: RuleBook) -> None:
    """Where no domain is ours, no redirect is called external."""
    reading = collect_account(ALICE, [Told([found(), done()])], lambda *_: None, None)
    assert judge(reading, ALICE, Domains(), book) == ()
    assert [row.values["target_class"] for row in rows_of(reading, ALICE, Domains(), book)] == ["unresolved"]


def test_a_scope_that_is_no_account_has_no_own_addresses(book: RuleBook) -> None:
    """Judging a source's own evidence needs no account."""
    reading = collect_account(ALICE, [Told([found(), done()])], lambda *_: None, None)
    assert len(judge(reading, None, CONFIG.domains, book)) == 1


def test_a_file_is_judged_like_a_script_on_the_server(book: RuleBook) -> None:
    """`inspect` sees the same findings in an exported script, and takes nothing for complete."""
    account = Account(key="login:x", login="x")
    material = read_material(
        b'redirect "eve@evil.example";', name="x.sieve", kind="sieve", account=account, observed=NOW
    )
    assert material.complete == frozenset()
    assert {finding.name for finding in judge(material, account, CONFIG.domains, book)} == {
        "external_redirect_everything",
        "external_redirect_no_copy",
    }


def test_what_was_not_understood_is_counted_by_its_shape() -> None:
    """Gaps that differ in numbers only are one shape."""
    gaps = [gap(message=f"line {number}: too deep") for number in range(3)] + [gap(message="other")]
    assert shapes(gaps) == {"line #: too deep": 3, "other": 1}
    assert shapes([]) == {}


def test_a_broken_script_is_a_gap_and_no_evidence() -> None:
    """What does not parse gives nothing to judge, and says so."""
    material = read_material(b"if {", name="x", kind="sieve", account=ALICE, observed=NOW)
    assert material.evidence == ()
    assert [one.reason for one in material.gaps] == ["malformed"]
    assert msgspec.structs.asdict(material.gaps[0])["hint"]


def exchange(
    *, rules: bytes = samples.NO_RULES, items: bytes = samples.items(), folders: bytes = b"", **fields: Any
) -> Told:
    """A source of Exchange that answers so; recipients are given as evidence."""
    about = {"scope": SCOPE, "source": "exchange", "observed": NOW}
    found: list[Item] = [*decode_inbox_rules(rules, check="inbox_rules", **about)]  # type: ignore[arg-type]  # they are what their names say
    listed = [
        one.evidence for one in found if isinstance(one, Observed) and isinstance(one.evidence, MailFlow)
    ]
    found += decode_rule_items(items, check="rule_items", listed=listed, **about)  # type: ignore[arg-type]  # as above
    if folders:
        found += decode_permissions(folders, ALICE, check="folder_permissions", **about)  # type: ignore[arg-type]  # as above
    if "delegates" in fields:
        found += decode_delegates(fields["delegates"], ALICE, check="delegates", **about)  # type: ignore[arg-type]  # as above
    found += [Observed(evidence=one, raw=b"") for one in fields.get("recipients", ())]
    checks = ("inbox_rules", "rule_items", "folder_permissions", "delegates", "recipients")
    return Told(
        [one for one in found if not isinstance(one, Gap)] + [done(check, "exchange") for check in checks],
        name="exchange",
        checks=checks,
    )


def findings(source: Told, book: RuleBook) -> dict[str, str]:
    """The rules that find something, with their levels."""
    reading = collect_account(ALICE, [source], lambda *_: None, None)
    return {one.name: one.level for one in judge(reading, ALICE, CONFIG.domains, book)}


def test_a_hidden_redirect_of_invoices(book: RuleBook) -> None:
    """A stored rule without a name that sends invoices outside is found for what it does, and for being hidden."""
    hidden = samples.item(samples.labelled(name="", provider="") + samples.FORWARDING)
    found = findings(exchange(items=samples.items(hidden)), book)
    assert found == {"external_redirect_keyword": "critical", "hidden_rule": "high"}


def test_a_rule_to_a_contact_outside(book: RuleBook) -> None:
    """A rule to a name of the directory is found where the contact's address is outside; not told is not inside."""
    rules = samples.rules(
        samples.rule(samples.addresses("RedirectToRecipients", "/o=X/cn=Support", routing="EX"))
    )
    contact = Recipient(
        scope=SCOPE, source="exchange", check="recipients", observed=NOW, asked="/o=X/cn=Support",
        mailbox_type="contact", addresses=("x@evil.example",),
    )  # fmt: skip
    assert findings(exchange(rules=rules, recipients=[contact]), book) == {
        "external_redirect_everything": "critical"
    }
    assert findings(exchange(rules=rules), book) == {"unresolved_redirect": "low"}


def test_an_open_inbox_and_a_delegate(book: RuleBook) -> None:
    """Rights for everybody in the inbox, and a delegate who sees private items, are found."""
    folders = samples.several(
        "GetFolder",
        "<m:Folders>"
        + samples.folder(
            samples.permission(samples.user(everybody="Default"), "Reviewer"), distinguished="inbox"
        )
        + "</m:Folders>",
    )
    bob = samples.delegate(
        samples.user("bob@example.org"), extra="<t:ViewPrivateItems>true</t:ViewPrivateItems>"
    )
    found = findings(exchange(folders=folders, delegates=samples.delegates(bob)), book)
    assert found == {
        "acl_anyone": "critical",
        "delegate_sees_private": "medium",
        "delegate_sends_on_behalf": "low",
    }


def test_an_ordinary_mailbox_of_exchange(book: RuleBook) -> None:
    """Exchange's own rules, filing, a copy to a colleague and an assistant's rights are nothing above low."""
    own = samples.items(
        samples.item(
            samples.labelled("Junk E-mail Rule", "JunkEmailRule", 0x31)
            + samples.extended("0x0E99", written_actions(["move 00ff", "label stamp"]), "Binary")
            + samples.extended("0x0E9A", written_condition({"score": "4"}), "Binary"),
            identifier="junk",
        ),
        samples.item(
            samples.labelled(
                "Microsoft.Exchange.OOF.InternalSenders.Global", "Microsoft Exchange OOF Assistant", 0x108
            )
            + samples.extended("0x0E99", written_actions(["reply"]), "Binary"),
            identifier="away",
        ),
        samples.item(
            samples.labelled("", "Schedule+ EMS Interface")
            + samples.extended("0x0E99", written_actions(["delegate bob@example.org"]), "Binary")
            + samples.extended("0x0E9A", written_condition({"class": "IPM.Schedule.Meeting"}), "Binary"),
            identifier="delegates",
        ),
    )
    rules = samples.rules(
        samples.rule(samples.addresses("ForwardToRecipients", "bob@example.org"), name="Bob"),
        samples.rule(
            "<t:Delete>true</t:Delete><t:MarkAsRead>true</t:MarkAsRead>"
            "<t:StopProcessingRules>true</t:StopProcessingRules>",
            name="Robots",
            conditions=samples.addresses("FromAddresses", "robot@shop.example"),
        ),
    )
    editor = samples.permission(samples.user("bob@example.org"), "Editor")
    folders = samples.several(
        "GetFolder", f"<m:Folders>{samples.folder(editor, distinguished='inbox')}</m:Folders>"
    )
    found = findings(exchange(rules=rules, items=own, folders=folders), book)
    assert found == {"mail_folder_reader": "low"}


def test_the_administrators_lists_of_applications_are_in_force(tmp_path: Path) -> None:
    """An id in another case is listed all the same, and the digest of what is in force tells that a list changed."""
    application = grant("Mail.Read offline_access", days=3)
    config = Config(path=tmp_path / "agent.toml")
    blocking = Config(path=config.path, grants=Grants(block=(application.application.id.upper(),)))
    book, blocked = load_rules(config), load_rules(blocking)
    assert book.digest != blocked.digest
    material = Material(evidence=(application,), gaps=())
    names = {one.name for one in judge(material, ALICE, Domains(), blocked)}
    assert names == {"blocked_application"}
    assert {one.name for one in judge(material, ALICE, Domains(), book)} == {"unknown_offline_mail"}


def test_names_and_first_sight_reach_the_rules(load: Load) -> None:
    """What is known beside the evidence decides: a colleague's name, and that a grant was not there before."""
    named = grant("Mail.Read", name="Bob Example", publisher_verified=False)
    book = load()
    plain = {one.name for one in judge(Material(evidence=(named,), gaps=()), ALICE, Domains(), book)}
    assert plain == {"risky_grant"}
    told = judge(
        Material(evidence=(named,), gaps=()), ALICE, Domains(), book, names=frozenset({"bob example"})
    )
    assert {one.name for one in told} == {"misleading_name"}
    seen = {named.key: FirstSeen(time=NOW, initial=False)}
    later = judge(Material(evidence=(named,), gaps=()), ALICE, Domains(), book, first_seen=seen)
    assert any("we saw it first" in sentence for one in later for sentence in one.why)
