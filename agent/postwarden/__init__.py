"""postwarden: notices what an intruder leaves behind in mail accounts, and proves what it found."""

__version__ = "0.1.0"
