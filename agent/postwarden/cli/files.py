"""Small files that the caller names."""

from pathlib import Path

from postwarden.errors import UsageError


def read_file(path: str, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes; UsageError where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as exc:
        words = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(
            f"{path} cannot be read: {(words or '').lower()}", "check its name and rights"
        ) from exc
    if len(content) > limit:
        raise UsageError(f"{path} is longer than {limit} bytes", "is it the right file?")
    return content
