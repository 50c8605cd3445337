"""Which sources have logs: files of them, or sign-ins that a service tells."""

from postwarden.config.settings import Config, SourceEntry

#: The kind of source whose logs are in files.
LOG_FILES = "log_files"


def has_log(entry: SourceEntry) -> bool:
    """Whether what a source tells goes into the history."""
    return entry.kind == LOG_FILES or entry.options.get("sign_ins") is True


def has_logs(config: Config) -> bool:
    """Whether any source has."""
    return any(has_log(entry) for _, entry in config.watched)
