"""What may be loaded before it is needed."""

import subprocess
import sys

#: Heavy, or with side effects; `--help` and `--version` do without.
NOT_LOADED = (
    "exchangelib", "requests", "sigma", "yaml", "structlog", "apscheduler", "msgspec", "sqlite3", "ssl",
    "imapclient", "lark", "rich", "re2", "cryptography", "socket", "msal", "google.auth", "google.oauth2", "holidays",
)  # fmt: skip


def test_the_command_line_loads_nothing_heavy() -> None:
    """Importing postwarden.cli and building its parser leaves heavy modules unloaded."""
    code = (
        "import sys, postwarden.cli; postwarden.cli.build_parser(); "
        f"print(sorted(set({NOT_LOADED!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
