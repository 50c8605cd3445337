"""Whatever a secret is, nothing that is printed about it shows it."""

import os
import tempfile
import traceback
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.errors import SecretError
from postwarden.secrets import Secret, SecretSource, check, resolve

#: Long enough that it is in no message by chance.
values = st.text(st.characters(exclude_categories=["Cs"]), min_size=8)


@given(values)
def test_no_value_shows_itself(value: str) -> None:
    """No text makes its way through `repr`, `str` or a format, and each is revealed as it was."""
    secret = Secret(value)
    assert {repr(secret), str(secret), f"{secret}"} == {"Secret('***')"}
    assert secret.reveal() == value


@settings(max_examples=100)
@given(
    st.binary(min_size=8, max_size=80), st.sampled_from(["file", "table"]), st.sampled_from([0o600, 0o644])
)
def test_no_content_of_a_file_is_in_an_error(content: bytes, field: str, mode: int) -> None:
    """Any bytes in a secret file give the secret or an error of ours, and the error shows none of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "s"
        path.touch(mode=0o600)
        path.write_bytes((b"alice:" if field == "table" else b"") + content)
        path.chmod(mode)
        source = SecretSource(file="s") if field == "file" else SecretSource(table="s")
        line = content.split(b"\n")[0].rstrip(b"\r")
        try:
            found = resolve(source, login="alice", folder=folder)
        except SecretError as exc:
            shown = "".join(traceback.format_exception(exc)) + str(exc.hint)
            assert mode != 0o600 or not line or line.decode("utf-8", "ignore").encode() != line
            for part in (
                line.decode("utf-8", "replace"),
                line.decode("latin-1"),
                repr(line)[2:-1],
                line.hex(),
            ):
                assert len(part) < 8 or part not in shown
        else:
            assert found.reveal().encode() == line
            check(source, logins=["alice"], folder=folder)


@settings(max_examples=50)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_variable_is_taken_as_it_is(value: str) -> None:
    """Any text in a variable is the secret."""
    os.environ["POSTWARDEN_PROPERTY"] = value
    try:
        found = resolve(SecretSource(env="POSTWARDEN_PROPERTY"), login="alice", folder=Path("/nowhere"))
    finally:
        del os.environ["POSTWARDEN_PROPERTY"]
    assert found.reveal() == value
