"""Interactive sign-ins as exported from Microsoft Entra: objects of Microsoft Graph's type `signIn` (v1.0), oldest
first.

Fields and forms are those of Microsoft's published example and schema ("List signIns"). No service was asked.
"""

import json
from datetime import date
from random import Random
from uuid import UUID

from postwarden.lab.logs.happenings import Happening, SignIn
from postwarden.lab.logs.journal import Form, Journal
from postwarden.lab.logs.moments import iso_utc
from postwarden.lab.logs.plan import DAY_MS, Plan
from postwarden.lab.logs.truth import Book

#: Program → application id and name, client, operating system, browser, user agent. The ids of Microsoft's own are
#: public.
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"
_OUTLOOK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) MSAL/4.61 Microsoft Office/16.0 (Microsoft Outlook 16.0.17628; Pro)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
_PROGRAMS: dict[str, tuple[str, str, str, str, str, str]] = {
    "browser": ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "Browser", "Windows10", "Chrome {chrome}.0.0", _BROWSER),
    "outlook": ("d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office", "Mobile Apps and Desktop clients", "Windows10", "Rich Client 4.61", _OUTLOOK),
    "thunderbird": ("9e5f94bc-e8a4-4e73-b8be-63364c29d753", "Mozilla Thunderbird", "Browser", "Linux", "Firefox 115.0", "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.12.0"),
    "apple_mail": ("f8d98a96-0999-43f5-8af3-69971c7bb423", "Apple Internet Accounts", "Browser", "MacOs", "Safari 17.5", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"),
    "ios_mail": ("f8d98a96-0999-43f5-8af3-69971c7bb423", "Apple Internet Accounts", "Browser", "Ios 17.5", "Mobile Safari", _IPHONE),
    "android_mail": ("27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook Mobile", "Mobile Apps and Desktop clients", "Android 14", "Chrome Mobile {chrome}.0.0", _ANDROID),
    "k9": ("5d26b4ab-4b1a-4b6c-9bd8-6b8f1a4c9d01", "K-9 Mail", "Mobile Apps and Desktop clients", "Android 14", "Chrome Mobile {chrome}.0.0", _ANDROID),
    "imap_client": ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "IMAP4", "", "", ""),
    "pop_client": ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "POP3", "", "", ""),
}  # fmt: skip

#: A version of Chrome and its day since 1970; a new one comes every four weeks.
_CHROME_120 = (120, 19_697)

_FAILURES = {
    50126: "Error validating credentials due to invalid username or password.",
    50034: "The user account does not exist in the directory.",
}


def form(plan: Plan) -> Form:
    """One file a month, as an array or an object a line."""
    array = plan.sign_ins == "array"
    return Form(
        log="entra",
        period=lambda day: date.fromordinal(day).year * 12 + date.fromordinal(day).month,
        name=lambda day, _age: f"signins-{date.fromordinal(day):%Y-%m}.json{'' if array else 'l'}",
        head=lambda _day: "[\n" if array else "",
        between="," if array else "",
        foot="]\n" if array else "",
    )


class Entra:
    """Writes sign-ins. They have no ends."""

    def __init__(self, plan: Plan, journal: Journal, book: Book) -> None:
        self.journal = journal
        self._tallies = book.accounts("entra")
        self._rng = Random(f"{plan.seed} entra")
        self._seed = plan.seed
        self._domain = plan.domain

    def take(self, happening: Happening) -> None:
        """Write what this product says about it, if anything."""
        if not isinstance(happening, SignIn):
            return
        row = json.dumps(self._object(happening), ensure_ascii=False, separators=(",", ":"))
        if self.journal.add(happening.time, row):
            tally = self._tallies[f"{happening.name}@{self._domain}"]
            tally.begun += happening.error == 0
            tally.refused += happening.error != 0
            tally.attempts += happening.error != 0

    def _object(self, one: SignIn) -> dict[str, object]:
        application, application_name, used, system, browser, agent = _PROGRAMS[one.client]
        chrome = str(_CHROME_120[0] + (one.time // DAY_MS - _CHROME_120[1]) // 28)
        user = UUID(int=Random(f"{self._seed} {one.name} id").getrandbits(128), version=4)
        return {
            "id": str(UUID(int=self._rng.getrandbits(128), version=4)),
            "createdDateTime": iso_utc(one.time // 1000 * 1000).replace(".000Z", "Z"),
            "userDisplayName": one.name.replace(".", " ").title(),
            "userPrincipalName": f"{one.name}@{self._domain}",
            "userId": str(user) if one.known else "00000000-0000-0000-0000-000000000000",
            "appId": application,
            "appDisplayName": application_name,
            "ipAddress": one.address,
            "clientAppUsed": used,
            "correlationId": str(UUID(int=self._rng.getrandbits(128), version=4)),
            "conditionalAccessStatus": "notApplied",
            "isInteractive": True,
            "riskDetail": "none",
            "riskLevelAggregated": "none",
            "riskLevelDuringSignIn": "none",
            "riskState": "none",
            "riskEventTypes": [],
            "resourceDisplayName": "Office 365 Exchange Online",
            "resourceId": "00000002-0000-0ff1-ce00-000000000000",
            "userAgent": agent.replace("{chrome}", chrome),
            "status": {
                "errorCode": one.error,
                "failureReason": _FAILURES.get(one.error, "Other."),
                "additionalDetails": None,
            },
            "deviceDetail": {
                "deviceId": "",
                "displayName": "",
                "operatingSystem": system,
                "browser": browser.replace("{chrome}", chrome),
                "isCompliant": False,
                "isManaged": False,
                "trustType": "",
            },
            "location": {
                "city": "",
                "state": "",
                "countryOrRegion": one.network.country,
                "geoCoordinates": {},
            },
            "appliedConditionalAccessPolicies": [],
        }
