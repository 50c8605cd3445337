"""When sources are opened anew."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from msgspec.structs import replace

from postwarden import connectors
from postwarden.config.settings import Config, Daemon, SourceEntry
from postwarden.daemon.board import Board
from postwarden.daemon.policy import Policy
from postwarden.errors import ConfigError, Reason, SecretError
from postwarden.mailflow.keywords import Keywords
from postwarden.model.account import Account
from postwarden.model.reading import SAME_GRADE, CheckDone, Gap, Grade, Item
from postwarden.model.scope import account_scope
from postwarden.pipeline.audit import everybody_of
from postwarden.pipeline.collect import Part
from postwarden.pipeline.judge import RuleBook
from tests.unit.grants.tables import TABLES

ALICE = Account(key="login:alice", login="alice")
SCOPE = account_scope(ALICE.key)


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """A secret in a file."""

    secret: dict[str, str] = {}


class Silent:
    """A source that counts how often it was opened."""

    checks: tuple[str, ...] = ("check",)
    source_checks: tuple[str, ...] = ()
    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE
    connections = 2
    opened: ClassVar[int] = 0
    broken: ClassVar[bool] = False

    def __init__(self, name: str, options: Options, **_: Any) -> None:
        if Silent.broken:
            raise ConfigError("the CA file is gone")
        self.name = name
        Silent.opened += 1

    def prepare(self, accounts: Sequence[Account]) -> None:
        raise SecretError("no secret")

    def read_source(self) -> Iterator[Item]:
        yield from ()

    def read_account(self, account: Account) -> Iterator[Item]:
        yield from ()


class Remembering(Silent):
    """A source that counts in its memory how often it was opened."""

    remembers = True
    passes: ClassVar[list[int]] = []

    def __init__(self, *arguments: Any, memory: dict[str, Any], **options: Any) -> None:
        super().__init__(*arguments, **options)
        memory["passes"] = memory.get("passes", 0) + 1
        Remembering.passes.append(memory["passes"])


class Bench:
    """A board with one source, and a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.seconds = 0.0
        self.board = Board(lambda: datetime(2026, 11, 23, tzinfo=UTC), lambda: self.seconds)
        entry = SourceEntry(name="silent", kind="silent", options={"secret": {"file": "secret"}})
        self.policy = Policy(
            configured=(),
            config=Config(path=folder / "agent.toml", sources=(entry,), daemon=Daemon(interval=600)),
            raw=b"",
            book=RuleBook(rules=(), keywords=Keywords(), grants=TABLES, digest=""),
            notifiers=(),
            accounts={ALICE.key: ALICE},
            everybody=everybody_of([ALICE]),
        )
        self.board.adopt(self.policy)

    def hear(self, reason: Reason | None) -> None:
        """One account was read, or could not be."""
        opened = self.board.get("silent")
        assert opened is not None
        item: Item = (
            CheckDone(scope=SCOPE, source="silent", check="check")
            if reason is None
            else Gap(scope=SCOPE, source="silent", check="check", reason=reason, message="no")
        )
        opened.heard(Part(source="silent", checks=("check",), items=(item,)))

    def after(self, seconds: float) -> int:
        """How often the source was opened in this time, looked at every ten seconds."""
        before = Silent.opened
        for _ in range(int(seconds / 10)):
            self.seconds += 10
            self.board.look()
        return Silent.opened - before


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setitem(connectors.KINDS, "silent", f"{__name__}:Silent")
    monkeypatch.setattr(Silent, "opened", 0)
    monkeypatch.setattr(Silent, "broken", False)
    (tmp_path / "secret").write_text("old\n")
    return Bench(tmp_path)


def test_a_source_is_opened_once_an_interval(bench: Bench) -> None:
    """Each pass has its own; a missing secret does not keep it from being opened."""
    bench.hear(None)
    assert bench.after(590) == 0
    assert bench.after(20) == 1
    bench.hear(None)
    assert bench.after(6000) == 10


def test_a_refused_log_in_rests_longer_each_time(bench: Bench) -> None:
    """One, two, four, eight, sixteen intervals, and never more; a success ends it."""
    rests = []
    for _ in range(7):
        bench.hear("refused")
        begin = bench.seconds
        while not bench.after(10):
            pass
        rests.append((bench.seconds - begin) / 600)
    assert rests == [1, 2, 4, 8, 16, 16, 16]
    bench.hear(None)
    assert bench.after(600) == 1
    bench.hear("refused")
    assert bench.after(600) == 1


def test_one_refused_account_does_not_rest_the_source(bench: Bench) -> None:
    """Where others are read, the credential is right."""
    bench.hear("refused")
    bench.hear(None)
    assert bench.after(1800) >= 2


def test_an_unreachable_server_is_tried_again_soon(bench: Bench) -> None:
    """A server that was away is not waited for until the interval is over."""
    bench.hear("unreachable")
    assert bench.after(60) == 1


def test_a_changed_secret_is_taken_up_at_once(bench: Bench, tmp_path: Path) -> None:
    """Whatever rest there is, a change of a file that the source names opens it anew, once."""
    for _ in range(3):
        bench.hear("refused")
        bench.after(2400)
    (tmp_path / "secret").write_text("another\n")
    assert bench.after(10) == 1
    bench.hear("refused")
    assert bench.after(590) == 0
    (tmp_path / "secret").unlink()
    assert bench.after(10) == 1


def test_a_source_that_cannot_be_opened_goes_on_as_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is open stays, and is tried again an interval later."""
    before = bench.board.get("silent")
    monkeypatch.setattr(Silent, "broken", True)
    assert bench.after(1300) == 0
    assert bench.board.get("silent") is before
    monkeypatch.setattr(Silent, "broken", False)
    assert bench.after(600) == 1


def test_a_policy_that_cannot_be_opened_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload with a source that cannot be opened leaves all sources as they are."""
    before = bench.board.get("silent")
    monkeypatch.setattr(Silent, "broken", True)
    with pytest.raises(ConfigError, match="the CA file is gone"):
        bench.board.adopt(bench.policy)
    assert bench.board.get("silent") is before
    assert bench.board.connections() == {"silent": 2}


def test_what_a_source_remembers_stays_from_pass_to_pass(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that asks only for what changed gets its memory each time it is opened; a new policy begins anew."""
    monkeypatch.setitem(connectors.KINDS, "silent", f"{__name__}:Remembering")
    monkeypatch.setattr(Remembering, "passes", [])
    bench.board.adopt(bench.policy)
    bench.after(1300)
    bench.board.adopt(bench.policy)
    assert Remembering.passes == [1, 2, 3, 1]


def test_the_identity_for_a_case_is_left_alone(bench: Bench) -> None:
    """A source that is there for an incident is not opened by the daemon."""
    case = SourceEntry(name="case", kind="silent", options={"identity": "incident"})
    config = replace(bench.policy.config, sources=(*bench.policy.config.sources, case))
    bench.board.adopt(replace(bench.policy, config=config))
    assert bench.board.get("case") is None
    assert bench.board.get("silent") is not None
