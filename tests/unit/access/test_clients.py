"""Client programs by family."""

import pytest

from postwarden.access.clients import client_family


@pytest.mark.parametrize(
    ("client", "family"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0", "Thunderbird"),
        ("Thunderbird 115.1", "Thunderbird"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)", "Outlook"),
        ("MacOutlook/16.89.24091630 (Intel Mac OS X 14.6)", "Outlook for Mac"),
        ("Outlook-iOS-Android/1.0", "Outlook mobile"),
        ("Apple-iPhone15C2/2107.102 (iPhone; ApplDMPX)", "Apple Mail on iOS"),
        ("Apple-iPad7C2/1805.212", "Apple Mail on iOS"),
        ("NokiaE721/2.02(0)MailforExchange (NokiaEmail; IMEI12)", "ActiveSync on NokiaEmail"),
        ("Mac OS X Mail 16.0 (3774.600.62)", "Apple Mail"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "Chrome",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
            "Edge",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15",
            "Safari",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            "Apple web view",
        ),
        ("python-requests/2.31.0", "Python"),
        ("curl/8.5.0", "curl"),
        ("IMAP4", "old protocol through Entra"),
        ("BAV2ROPC (IMAP4)", "old protocol through Entra"),
        ("ExchangeServicesClient/15.00.0913.015", "EWS library"),
        ("exchangelib/5.6.0 (python-requests/2.31.0)", "EWS library"),
        ("Microsoft WinRM Client", "PowerShell"),
        ("Something/1.0", "other"),
        ("", None),
        (None, None),
    ],
)
def test_a_client_has_a_family_without_its_version(client: str | None, family: str | None) -> None:
    """Programs are told apart by what they are, however they count their versions."""
    assert client_family(client) == family


def test_an_update_does_not_change_the_family() -> None:
    """Two versions of one program are one family."""
    assert client_family("Thunderbird/115.0") == client_family("Thunderbird/128.4.3esr")
