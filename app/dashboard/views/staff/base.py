"""What every staff page needs: the blueprint, the programme that is looked at, and who is acting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    stream_template,
    url_for,
)
from flask import session as browser

from app.dashboard.components import NavItem
from app.dashboard.forms.staff import ActionForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.programs import no_program
from app.identity.audit import Actor
from app.identity.login import who
from app.referrals.queries import programs_shown
from app.requests import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from app.identity.sessions import SignedIn
    from app.kernel.errors import RefledgerError
    from app.referrals.models import Program

staff = Blueprint("staff", __name__, url_prefix="/staff")

_KEY = "staff_program"


def me() -> SignedIn:
    """The person of this request."""
    found = who()
    if found is None:
        abort(404)
    return found


def actor() -> Actor:
    """The person of this request, as the audit trail names them."""
    return Actor.person(me().public_id)


def all_programs() -> list[Program]:
    """Every programme; before the first one, a page that says how to make it."""
    found = programs_shown.programs(session())
    if not found:
        abort(make_response(render_template("staff/none.html", nothing=no_program())))
    return found


def chosen_program(found: Sequence[Program]) -> Program:
    """The programme that this browser looks at."""
    wanted = request.args.get("program") or browser.get(_KEY)
    chosen = next((each for each in found if each.slug == wanted), found[0])
    if browser.get(_KEY) != chosen.slug:
        browser[_KEY] = chosen.slug
    return chosen


def page(template: str, chosen: Program, found: Sequence[Program], **values: object) -> str:
    """A staff page with the tabs of the programmes."""
    return render_template(template, **_around(chosen, found), **values)


def streamed_page(
    template: str, chosen: Program, found: Sequence[Program], **values: object
) -> ResponseReturnValue:
    """The same, sent while it is being rendered; the request's own database session is over by then."""
    answer = Response(stream_template(template, **_around(chosen, found), **values))
    # A proxy that collects the whole page first would hide how far it is (nginx's name for it, which others know too).
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _around(chosen: Program, found: Sequence[Program]) -> dict[str, Any]:
    tabs = [
        NavItem(each.name, url_for(_list_of(request.endpoint), program=each.slug), each.id == chosen.id)
        for each in found
    ]
    return {"memberships": tabs, "program": chosen, "may": me().may}


_LISTS = {
    "staff.make_key": "staff.api_keys",
    "staff.revoke_key": "staff.api_keys",
    "staff.person": "staff.people",
    "staff.shut_person_out": "staff.people",
    "staff.referrer": "staff.referrers",
    "staff.correct_referrer": "staff.referrers",
    "staff.merge_referrer": "staff.referrers",
    "staff.merge_referrers": "staff.referrers",
    "staff.order": "staff.orders",
    "staff.customer": "staff.orders",
    "staff.run": "staff.runs",
    "staff.withdraw_approval": "staff.runs",
    "staff.exclude_payout": "staff.runs",
    "staff.lose_payout_file": "staff.runs",
    "staff.dismiss_payout_file": "staff.runs",
    "staff.decide_unknown_payout": "staff.runs",
    "staff.compare_run": "staff.runs",
    "staff.write_off_debt": "staff.referrers",
    "staff.rate": "staff.products",
    "staff.document": "staff.documents",
    "staff.bonus": "staff.products",
    "staff.directory_profile": "staff.directory",
}


def _list_of(endpoint: str | None) -> str:
    """Where the tabs lead from a page of one thing: to the list of such things."""
    name = endpoint or "staff.index"
    if name in _LISTS:
        return _LISTS[name]
    return name if request.method == "GET" else "staff.index"


def checked_action() -> ActionForm:
    """The form of a button; the token was checked before the view."""
    return ActionForm()


def refused(error: RefledgerError, href: str) -> ResponseReturnValue:
    """Back to the page with what the use case said: staff read our own sentences as they are."""
    flash(_("That was refused: %(reason)s.", reason=error.detail.rstrip(".")), "stop")
    return redirect(href)
