"""Client programs by family: what stays the same when a program is updated.

A user agent is whatever the client says. A family tells habits apart; it proves nothing about who was there.
"""

import re
from functools import lru_cache

#: The first that is found names the family: programs say what they are compatible with behind what they are.
_FAMILIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (family, re.compile(pattern, re.IGNORECASE))
    for family, pattern in (
        ("Outlook mobile", r"outlook-(?:ios|android)|com\.microsoft\.office\.outlook"),
        ("Outlook for Mac", r"macoutlook|microsoft outlook for mac"),
        ("Outlook", r"microsoft outlook|microsoft office|\boutlook/|^outlook\b|windows live mail|olk/"),
        ("Windows Mail", r"^msft-(?:win|wp|pp)|windowsmail|hxmail|hxtsr"),
        ("Microsoft Teams", r"\bteams/|skypespaces"),
        ("Thunderbird", r"thunderbird|betterbird"),
        ("Apple Mail on iOS", r"^apple-i(?:phone|pad|pod)|(?:iphone|ipad|ios) mail|mobilemail|dataaccessd"),
        (
            "Apple Mail",
            r"mac ?os ?x mail|apple mail|^mail/|exchangewebservices/[\d.]+ \(mac|^accountsd|^macos",
        ),
        ("Samsung Mail", r"^samsung|samsung email"),
        ("Gmail for Android", r"^android-?mail|android-gmail|gmail.*android"),
        ("K-9 Mail", r"k-9 ?mail|com\.fsck\.k9"),
        ("FairEmail", r"fairemail"),
        ("eM Client", r"em ?client"),
        ("Evolution", r"evolution"),
        ("KMail", r"kmail|akonadi|kontact"),
        ("Mutt", r"\bneomutt|\bmutt\b"),
        ("The Bat!", r"the bat!"),
        ("Roundcube", r"roundcube"),
        ("SOGo", r"\bsogo\b"),
        ("DavMail", r"davmail"),
        ("imapsync", r"imapsync"),
        ("offlineimap", r"offlineimap|\bmbsync|isync"),
        ("rclone", r"rclone"),
        ("Go-IMAP", r"go-imap"),
        ("EWS library", r"exchangeservicesclient|exchangelib|ews-java-api|ewsclient"),
        ("PowerShell", r"powershell|winrm"),
        ("Azure CLI", r"azure-?cli|azsdk|az(?:ure)?powershell"),
        (
            "old protocol through Entra",
            r"bav2ropc|cba(?:inprod|prod)|^(?:imap4?|pop3?|authenticated smtp|exchange active ?sync|other clients)\b",
        ),
        ("Python", r"python|aiohttp|httpx|urllib"),
        ("curl", r"\bcurl/|libcurl"),
        ("Wget", r"\bwget/"),
        ("Go", r"go-http-client"),
        ("Java", r"okhttp|apache-httpclient|\bjava/|jakarta"),
        ("Node.js", r"node-fetch|axios/|undici"),
        ("Edge", r"\bedga?/|\bedgios/|\bedge/"),
        ("Opera", r"\bopr/|\bopera"),
        ("Samsung Internet", r"samsungbrowser"),
        ("Firefox", r"\bfirefox/|\bfxios/"),
        ("Chrome", r"\bchrome/|\bchromium/|\bcrios/|headlesschrome"),
        ("Safari", r"\bsafari/"),
        ("Apple web view", r"\((?:iphone|ipad|macintosh)[^)]*\) applewebkit"),
        ("Internet Explorer", r"\bmsie |\btrident/"),
    )
)
#: As our reader of IIS's log writes an ActiveSync device: `agent (type; id)`.
_DEVICE = re.compile(r"\(([A-Za-z][\w -]{0,40}); [^();]+\)$")
#: Longer than any client calls itself.
_MAX = 512


def client_family(client: str | None) -> str | None:
    """The family of a user agent or the like, `other` for one that is not known; None where none is told."""
    text = (client or "").strip()[:_MAX]
    return _family(text) if text else None


@lru_cache(maxsize=16_384)
def _family(text: str) -> str:
    for family, pattern in _FAMILIES:
        if pattern.search(text):
            return family
    device = _DEVICE.search(text)
    return f"ActiveSync on {device[1]}" if device else "other"
