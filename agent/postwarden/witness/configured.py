"""Where agent.toml sends checkpoints."""

from dataclasses import dataclass
from pathlib import Path

from postwarden.config.settings import Config
from postwarden.errors import ConfigError, LedgerError
from postwarden.ledger.cosignature import parse_cosigner
from postwarden.witness.peers import Authority, Witness


@dataclass(frozen=True, slots=True)
class Outside:
    """Every place; what is not configured is `None` or empty. `every` is in minutes, for the slow ones."""

    journal: str | None = None
    syslog: str | None = None
    file: Path | None = None
    command: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    authorities: tuple[Authority, ...] = ()
    every: int = 10

    @property
    def remembers(self) -> bool:
        """Whether one of the places can be read back, so that a roll-back is noticed before anything is signed."""
        return self.journal is not None or self.file is not None or bool(self.witnesses)

    @property
    def places(self) -> frozenset[str]:
        """How each place is called in what we say of it."""
        found = [name_witness(each) for each in self.witnesses]
        found += [name_authority(each) for each in self.authorities]
        found += [name_file(self.file)] if self.file is not None else []
        found += [name_syslog(self.syslog)] if self.syslog is not None else []
        found += [JOURNAL] if self.journal is not None else []
        return frozenset([*found, *self.command[:1]])


JOURNAL = "the journal"


def name_syslog(address: str) -> str:
    return f"syslog at {address}"


def name_file(path: Path) -> str:
    return f"the file {path}"


def name_witness(witness: Witness) -> str:
    return f"the witness {witness.name}"


def name_authority(authority: Authority) -> str:
    return f"the time stamping authority {authority.url}"


def read_outside(config: Config) -> Outside:
    """The places of a configuration; ConfigError where a witness's key is none or is given twice."""
    section = config.ledger.checkpoints
    return Outside(
        journal=section.socket if section.log == "journal" else None,
        syslog=section.syslog if section.log == "syslog" else None,
        file=config.folder / section.file if section.file is not None else None,
        command=section.command,
        witnesses=_witnesses(config),
        authorities=tuple(
            Authority(each.url, config.folder / each.roots) for each in config.ledger.timestamp
        ),
        every=section.every,
    )


def _witnesses(config: Config) -> tuple[Witness, ...]:
    found: list[Witness] = []
    for index, each in enumerate(config.ledger.witness):
        where = f"ledger.witness[{index}].key"
        try:
            key = parse_cosigner(each.key)
        except LedgerError as exc:
            raise ConfigError(exc.message, exc.hint, path=str(config.path), key=where) from exc
        if any(one.key == key for one in found):
            raise ConfigError("is given twice", "name each witness once", path=str(config.path), key=where)
        ca = config.folder / each.ca_file if each.ca_file is not None else None
        found.append(Witness(each.url.rstrip("/"), key, ca))
    return tuple(found)
