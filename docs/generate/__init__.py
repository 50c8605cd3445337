"""Makes the documents that follow from the code: `make docs` writes them, a test compares them."""

from collections.abc import Mapping
from pathlib import Path

from docs.generate import fields_page, json_page, manual, record_schema

#: The folder that the documents are in.
FOLDER = Path(__file__).resolve().parent.parent
#: The one generated file that the program ships.
RECORD_SCHEMA = FOLDER.parent / "agent" / "postwarden" / "model" / "record.schema.json"


def documents() -> Mapping[str, str]:
    """The content of every generated document, by its path below `docs/`."""
    return {
        "fields.md": fields_page.page(),
        "json.md": json_page.page(),
        "postwarden.1": manual.manual_page(),
        "completion/postwarden.bash": manual.completion("bash"),
        "completion/postwarden.zsh": manual.completion("zsh"),
        **{f"schema/{name}.json": text for name, text in json_page.schemas().items()},
    }


def write(folder: Path) -> None:
    """Writes the documents into `folder`, and removes schemas of objects that are no more."""
    made = documents()
    for path in sorted((folder / "schema").glob("*.json")):
        if path.relative_to(folder).as_posix() not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def write_record_schema() -> None:
    """Writes the schema of the ledger's records beside their types."""
    RECORD_SCHEMA.write_text(record_schema.record_schema(), encoding="utf-8")
