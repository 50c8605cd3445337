"""Logs of a command that connects to servers: without the secrets that it reads."""


def begin(*, json: bool) -> None:
    """Sets up the process's logging, and tells it every secret that is read from now on."""
    from postwarden import logs, secrets

    logs.configure(json=json)
    secrets.tell(logs.conceal)
