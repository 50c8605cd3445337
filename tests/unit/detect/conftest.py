"""Evidence of one account, and rows of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from postwarden.detect.rows import Context
from postwarden.mailflow.keywords import Keywords
from postwarden.model.address import Domains
from postwarden.model.evidence import Delegation, Folder, MailFlow, Recipient
from postwarden.model.finding import CheckRef
from postwarden.model.mailflow import Path
from postwarden.model.scope import account_scope
from tests.unit.grants.tables import TABLES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCOPE = account_scope("login:alice")
KEYWORDS = Keywords((("finance", ("invoice",)), ("security", ("password",))))
FOLDERS = CheckRef(source="imap", check="folders")
SCRIPTS = CheckRef(source="sieve", check="sieve_scripts")

MakeFlow = Callable[..., MailFlow]
MailboxType = Literal["mailbox", "contact", "group", "public_folder", "nobody", "ambiguous"]


@pytest.fixture
def flow() -> MakeFlow:
    """Makes a script's mail flow."""

    def made(*paths: Path, name: str = "main", **fields: Any) -> MailFlow:
        return MailFlow(
            scope=SCOPE, source="sieve", check="sieve_scripts", observed=NOW,
            **{"origin": "sieve_script", "key": name, "name": name, "enabled": True, "paths": paths, "blob": "b1", **fields},
        )  # fmt: skip

    return made


def folder(name: str, **fields: Any) -> Folder:
    return Folder(scope=SCOPE, source="imap", check="folders", observed=NOW, name=name, **fields)


def delegation(**fields: Any) -> Delegation:
    return Delegation(
        scope=SCOPE, source="imap", check="folder_acl", observed=NOW,
        **{"via": "imap_acl", "folder": "INBOX", "grantee": "bob", "grantee_kind": "user", "rights": ("lookup", "read"), "blob": "b2",
           **fields},
    )  # fmt: skip


def recipient(asked: str, kind: MailboxType, **fields: Any) -> Recipient:
    return Recipient(
        scope=SCOPE,
        source="exchange",
        check="recipients",
        observed=NOW,
        asked=asked,
        mailbox_type=kind,
        **fields,
    )


def context(*folders: Folder, unread: bool = False, **fields: Any) -> Context:
    """A context whose folders were read, or with `unread` were not."""
    return Context(
        domains=Domains(internal=("example.org",)),
        own=("alice@example.org",),
        folders=None if unread else folders,
        folder_checks=(FOLDERS,),
        keywords=KEYWORDS,
        **{"grants": TABLES, **fields},
    )
