"""Setting a commission rate and the sign-up bonus: the same use cases as on the command line."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.rates import REFUSED_FIELDS, BonusForm, RateForm, plain, refusal_words
from app.dashboard.i18n import _, ngettext
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, page, staff
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.referrals.errors import ReferrerNotFound
from app.referrals.programs import find_product
from app.referrals.rates import RateChangesRecordedOrders, set_rate, set_signup_bonus
from app.referrals.referrers import find_referrer
from app.referrals.words import RateScope
from app.referrals.worse_rates import short_notice
from app.requests import session

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from flask.typing import ResponseReturnValue

    from app.referrals.models import Product, Program, RateVersion, Referrer


@staff.get("/rates/new")
def rate() -> ResponseReturnValue:
    """The form for the next version of a rate."""
    found = all_programs()
    chosen = chosen_program(found)
    product = _product(chosen, request.args.get("sku"))
    return page("staff/rate.html", chosen, found, form=RateForm(formdata=None), product=product)


@staff.post("/rates/new")
def set_rate_version() -> ResponseReturnValue:
    """Add the next version of a rate; old referrals keep theirs unless the scope says otherwise."""
    found = all_programs()
    chosen = chosen_program(found)
    product = _product(chosen, request.args.get("sku"))
    form = RateForm()

    def add(referrer: Referrer | None, valid_from: datetime | None) -> RateVersion:
        terms = form.terms(form.rate, RateScope(form.scope.data))
        return set_rate(
            session(),
            chosen,
            terms,
            product=product,
            referrer=referrer,
            valid_from=valid_from,
            actor=actor(),
            now=clock.now(),
        )

    if form.validate_on_submit() and _added(form, chosen, add):
        flash(_("The new rate is set."), "done")
        return redirect(url_for("staff.products"))
    return page("staff/rate.html", chosen, found, form=form, product=product), 422


@staff.get("/bonus/new")
def bonus() -> ResponseReturnValue:
    """The form for the next version of the sign-up bonus."""
    found = all_programs()
    return page("staff/bonus.html", chosen_program(found), found, form=BonusForm(formdata=None))


@staff.post("/bonus/new")
def set_bonus() -> ResponseReturnValue:
    """Add the next version of the sign-up bonus, for customers who come from then on."""
    found = all_programs()
    chosen = chosen_program(found)
    form = BonusForm()

    def add(referrer: Referrer | None, valid_from: datetime | None) -> RateVersion:
        return set_signup_bonus(
            session(),
            chosen,
            plain(form.signup_bonus),
            referrer=referrer,
            valid_from=valid_from,
            actor=actor(),
            now=clock.now(),
        )

    if form.validate_on_submit() and _added(form, chosen, add):
        flash(_("The sign-up bonus is set."), "done")
        return redirect(url_for("staff.products"))
    return page("staff/bonus.html", chosen, found, form=form), 422


def _product(program: Program, sku: str | None) -> Product | None:
    return find_product(session(), program, sku) if sku else None


def _added(
    form: RateForm | BonusForm,
    program: Program,
    add: Callable[[Referrer | None, datetime | None], RateVersion],
) -> bool:
    """Whether the use case took it; if not, the form says why."""
    since: date | None = form.valid_from.data
    code = text(form.referrer)
    try:
        referrer = find_referrer(session(), program, code) if code else None
        version = add(referrer, clock.day_start(since, program.timezone).astimezone(UTC) if since else None)
    except ReferrerNotFound:
        form.referrer.errors = [_("There is no referrer with this code.")]
    except RateChangesRecordedOrders as error:
        words = _("From that day on a recorded order would change. Choose a later day.")
        show_refusal(form, error, words, fields=REFUSED_FIELDS)
    except InvalidInput as error:
        show_refusal(form, error, refusal_words(error.pointer), fields=REFUSED_FIELDS)
    else:
        _warn(short_notice(session(), program, version))
        return True
    return False


def _warn(worse_off: int) -> None:
    if worse_off:
        flash(
            ngettext(
                "This pays %(num)s referrer less, who hears of it less than 30 days ahead. A mail is on its way.",
                "This pays %(num)s referrers less, who hear of it less than 30 days ahead. Mails are on their way.",
                worse_off,
            ),
            "wait",
        )
