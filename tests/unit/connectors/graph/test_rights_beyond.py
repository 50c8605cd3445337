"""What is said of permissions that we have and do not need."""

import pytest

from postwarden.connectors.graph.rights import NEEDS, beyond


@pytest.mark.parametrize(
    "permission",
    [
        "full_access_as_app",
        "EWS.AccessAsUser.All",
        "IMAP.AccessAsApp",
        "POP.AccessAsApp",
        "SMTP.SendAsApp",
        "Mail.Read",
    ],
)
def test_a_permission_that_reaches_mail_is_told_as_one(permission: str) -> None:
    """Also those that do not have mail in their names."""
    ((told, why),) = beyond(frozenset({permission, "User.Read.All"}), NEEDS)
    assert told == permission
    assert "reaches mail" in why


@pytest.mark.parametrize(
    ("permission", "said"),
    [("MailboxSettings.ReadWrite", "can change"), ("Sites.Read.All", "no check needs it")],
)
def test_a_permission_that_does_not_reach_mail_is_not_told_as_one(permission: str, said: str) -> None:
    """What could change a setting is too much for another reason."""
    ((_, why),) = beyond(frozenset({permission}), NEEDS)
    assert said in why
    assert "reaches mail" not in why
