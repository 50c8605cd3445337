"""The applications that reach an account's mail, the riskiest first, with the reasons."""

from collections.abc import Iterator, Sequence

from postwarden.cli.terminal import clean, paragraph
from postwarden.model.application import Dated, FirstSeen
from postwarden.pipeline.applications import Judged

_KINDS = {
    "delegated": "acts for the person",
    "application": "acts by itself",
    "domain_wide": "acts as anybody of the domain",
    "client": "needs nobody's consent",
    "offline_session": "offline session",
    "app_password": "app password",
    "add_in": "add-in",
    "registered": "registered",
}
_ORIGINS = {"api": " by the source", "audit_log": " by the audit log", "first_seen": " when we first saw it"}


def grant_lines(judged: Sequence[Judged], name: str) -> Iterator[str]:
    """What reaches the mail of `name`, one application after the other; of harmless ones the reasons are left out."""
    if not judged:
        yield clean(f"grants: no application that we could see reaches {name}")
        return
    yield clean(f"grants: {len(judged)} reach {name}")
    for one in judged:
        first, verdict = one.grants[0], one.assessment
        application = first.application
        whose = f" of {application.publisher}" if application.publisher else ""
        whom = ", everybody's mail" if first.reaches == "everybody" else ""
        yield paragraph(
            f"{verdict.band} {verdict.risk}: {application.name or application.id}{whose}, "
            f"{_KINDS[first.grant_type]}{whom}",
            "  ",
        )
        for grant in one.grants:
            if grant.resource or grant.scopes:
                yield paragraph(
                    f"{grant.resource or 'scopes'}: {' '.join(grant.scopes) or 'no scope'}", "    "
                )
        yield clean(f"    {_since(one.since)}{_by(one.granted_by)}; id {application.id}")
        if verdict.band != "inventory":
            for factor in verdict.factors:
                yield paragraph(factor.text(), "    - ")
    yield ""


def grant_object(judged: Judged, account: str | None) -> dict[str, object]:
    """The same as `--json` prints it; `account` is None for what reaches everybody at the source."""
    verdict = judged.assessment
    since = judged.since
    return {
        "type": "grant",
        "account": account,
        "band": verdict.band,
        "risk": verdict.risk,
        "reach": verdict.reach,
        "trust": verdict.trust,
        "reasons": [factor.text() for factor in verdict.factors],
        "since": since.time if since is not None else None,
        "since_origin": _origin(since),
        "grants": judged.grants,
    }


def _origin(since: Dated | FirstSeen | None) -> str | None:
    if isinstance(since, FirstSeen):
        return "before_first_look" if since.initial else "first_seen"
    return since.origin if since is not None else None


def _since(since: Dated | FirstSeen | None) -> str:
    if since is None:
        return "since when, nobody tells"
    day = since.time.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(since, FirstSeen):
        return f"there since before we first looked, {day}" if since.initial else f"new since {day}"
    return f"since {day}{_ORIGINS[since.origin]}"


def _by(author: str | None) -> str:
    return f", by {author}" if author else ""
