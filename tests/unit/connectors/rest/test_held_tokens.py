"""Which token is dropped when a service does not take one."""

from postwarden.connectors.rest.tokens import Token, Tokens
from postwarden.secrets import Secret


def test_a_late_refusal_does_not_cost_the_new_token() -> None:
    """Two threads met the end of one token: the second to say so leaves what the first has fetched since."""
    tokens = Tokens(lambda: Token(Secret("t"), 600.0), lambda: 0.0)
    old = tokens.current()
    tokens.forget(old)
    new = tokens.current()
    assert new is not old
    tokens.forget(old)
    assert tokens.current() is new
