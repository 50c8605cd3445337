"""How errors read."""

import inspect

import pytest

from postwarden import errors
from postwarden.errors import (
    ConfigError,
    ConnectorError,
    LedgerUnsound,
    PostwardenError,
    RuleError,
    SecretError,
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PostwardenError("it failed"), "it failed"),
        (ConfigError("is wrong"), "is wrong"),
        (ConfigError("is wrong", path="agent.toml"), "agent.toml: is wrong"),
        (ConfigError("is wrong", path="agent.toml", line=3), "agent.toml:3: is wrong"),
        (ConfigError("is wrong", path="agent.toml", key="a.b"), "agent.toml: a.b: is wrong"),
        (ConfigError("is wrong", key="a.b"), "a.b: is wrong"),
        (SecretError("is empty", path="agent.toml", key="a"), "agent.toml: a: is empty"),
        (RuleError("has no level"), "has no level"),
        (RuleError("has no level", path="r.yml"), "r.yml: has no level"),
        (RuleError("has no level", path="r.yml", line=7), "r.yml:7: has no level"),
        (ConnectorError("stalled", reason="unreachable"), "stalled"),
        (LedgerUnsound("differs", record=4), "differs"),
    ],
)
def test_an_error_says_where_and_what(error: PostwardenError, text: str) -> None:
    """The place stands before the message, as compilers write it."""
    assert str(error) == text


def test_a_secrets_error_is_a_configurations_error() -> None:
    """Who catches the configuration's errors catches those of its secrets too, and they keep their hint."""
    with pytest.raises(ConfigError) as caught:
        raise SecretError("is empty", "put it on the first line")
    assert caught.value.hint == "put it on the first line"


def test_all_our_errors_have_one_base() -> None:
    """Whatever is raised on purpose is caught by one name, so that anything else is a bug."""
    ours = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, Exception)]
    assert len(ours) > 8
    assert all(issubclass(one, PostwardenError) for one in ours)
