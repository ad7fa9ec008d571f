"""Which of several referrers a person looks at, and what they may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import abort, g, request, url_for
from flask import session as browser

from app.dashboard.access import ACCESS
from app.identity.roles import Action

if TYPE_CHECKING:
    from flask import Flask

    from app.referrals.queries.dashboard import Membership

HOLDER_ONLY: Final = frozenset({"home.copy_data", "home.leave", "home.erase"})
"""What is the account holder's alone: these are about the person, not about the referrer's business."""

_PROGRAM, _REFERRER = "program", "referrer"


def looked_at(found: list[Membership]) -> Membership:
    """The one named in the address, the last one that this browser looked at, or the first.

    A programme's name is enough where the person has one referrer in it; a code says which of several.
    """
    slug = request.args.get(_PROGRAM)
    codes = (request.args.get(_REFERRER), browser.get(_REFERRER))
    for code in codes:
        for each in found:
            if each.referrer.code == code and slug in {None, each.program.slug}:
                return each
    wanted = slug or browser.get(_PROGRAM)
    return next((each for each in found if each.program.slug == wanted), found[0])


def remember(found: list[Membership], chosen: Membership) -> None:
    """Have this browser come back to it; pages know from here on whether the person only reads along."""
    _note(chosen)
    for key, value in ((_PROGRAM, chosen.program.slug), (_REFERRER, chosen.referrer.code)):
        if len(found) > 1 and browser.get(key) != value:
            browser[key] = value


def require_level(found: list[Membership], chosen: Membership) -> list[Membership]:
    """All of them where the request only looks, else those that the person may change; 403 where not this one."""
    _note(chosen)
    if ACCESS.get(request.endpoint or "") is not Action.CHANGE_OWN:
        return found
    if not chosen.may_change or (request.endpoint in HOLDER_ONLY and not chosen.is_holder):
        abort(403)
    return [each for each in found if each.may_change]


def tab_of(found: list[Membership], each: Membership, endpoint: str) -> tuple[str, str]:
    """What a tab is called, and its address: with the referrer where the programme alone does not say which."""
    slug = each.program.slug
    if sum(other.program.slug == slug for other in found) == 1:
        return each.program.name, url_for(endpoint, program=slug)
    name = f"{each.program.name} \u00b7 {each.referrer.name}"
    return name, url_for(endpoint, program=slug, referrer=each.referrer.code)


def _note(chosen: Membership) -> None:
    g.reads_only, g.holds_account = not chosen.may_change, chosen.is_holder


def reads_only() -> bool:
    """Whether the person of this page may only look: then its forms are left out."""
    return bool(g.get("reads_only"))


def holds_account() -> bool:
    """Whether it is the person's own account: what is about the person is left out for others of the team."""
    return bool(g.get("holds_account", True))


def register_teams(app: Flask) -> None:
    """Let templates ask."""
    app.add_template_global(reads_only, "reads_only")
    app.add_template_global(holds_account, "holds_account")
