"""Setting a commission rate and the sign-up bonus: what would change, and then the use cases of the command line."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.rates import REFUSED_FIELDS, BonusForm, RateForm, plain, refusal_words
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters.staff import rate_preview as previews
from app.dashboard.views.staff.base import (
    actor,
    all_programs,
    chosen_program,
    page,
    staff,
    streamed_page,
)
from app.dashboard.views.staff.reckoning import Question, Work
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.referrals.errors import ReferrerNotFound
from app.referrals.programs import find_product
from app.referrals.rate_preview import preview_rate
from app.referrals.rates import RateChangesRecordedOrders, set_rate, set_signup_bonus
from app.referrals.referrers import find_referrer
from app.referrals.whatif import Supposed
from app.referrals.words import RateScope
from app.referrals.worse_rates import short_notice
from app.requests import session

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from flask.typing import ResponseReturnValue

    from app.referrals.models import Product, Program, RateVersion, Referrer
    from app.referrals.rate_preview import RatePreview

DAYS_BACK: Final = 90
"""Days before today whose orders are reckoned again before a rate is published."""

_Found = TypeVar("_Found")


@staff.get("/rates/new")
def rate() -> ResponseReturnValue:
    """The form for the next version of a rate."""
    found = all_programs()
    chosen = chosen_program(found)
    product = _product(chosen, request.args.get("sku"))
    return page("staff/rate.html", chosen, found, form=RateForm(formdata=None), product=product)


@staff.post("/rates/preview")
def preview_rate_version() -> ResponseReturnValue:
    """What the rate would change; nothing is saved. Asked to edit it, the form again as it was filled in."""
    found = all_programs()
    chosen = chosen_program(found)
    product = _product(chosen, request.args.get("sku"))
    form = RateForm()
    if "edit" in request.form:
        return page("staff/rate.html", chosen, found, form=form, product=product)
    if form.validate_on_submit():
        seen = _tried(form, lambda: preview_rate(session(), chosen, lambda: _set_rate(form, chosen, product)))
        if seen is not None:
            about = previews.Asked(
                product=product.name if product else _("Every other product"),
                sku=product.sku if product else "",
                referrer=text(form.referrer),
                publish_href=url_for("staff.set_rate_version", sku=request.args.get("sku")),
                edit_href=url_for("staff.preview_rate_version", sku=request.args.get("sku")),
            )
            return _preview_page(chosen, seen, Supposed(rate=seen.rate), about)
    return page("staff/rate.html", chosen, found, form=form, product=product), 422


@staff.post("/rates/new")
def set_rate_version() -> ResponseReturnValue:
    """Add the next version of a rate; old referrals keep theirs unless the scope says otherwise."""
    found = all_programs()
    chosen = chosen_program(found)
    product = _product(chosen, request.args.get("sku"))
    form = RateForm()
    if form.validate_on_submit() and _added(form, chosen, lambda: _set_rate(form, chosen, product)):
        flash(_("The new rate is set."), "done")
        return redirect(url_for("staff.products"))
    return page("staff/rate.html", chosen, found, form=form, product=product), 422


def _set_rate(form: RateForm, program: Program, product: Product | None) -> RateVersion:
    terms = form.terms(form.rate, RateScope(form.scope.data))
    return set_rate(
        session(),
        program,
        terms,
        product=product,
        referrer=_referrer(form, program),
        valid_from=_since(form, program),
        actor=actor(),
        now=clock.now(),
    )


@staff.get("/bonus/new")
def bonus() -> ResponseReturnValue:
    """The form for the next version of the sign-up bonus."""
    found = all_programs()
    return page("staff/bonus.html", chosen_program(found), found, form=BonusForm(formdata=None))


@staff.post("/bonus/preview")
def preview_bonus() -> ResponseReturnValue:
    """What the bonus would change; nothing is saved."""
    found = all_programs()
    chosen = chosen_program(found)
    form = BonusForm()
    if "edit" in request.form:
        return page("staff/bonus.html", chosen, found, form=form)
    if form.validate_on_submit():
        seen = _tried(form, lambda: preview_rate(session(), chosen, lambda: _set_bonus(form, chosen)))
        if seen is not None:
            about = previews.Asked(
                product=_("Sign-up bonus"),
                sku="",
                referrer=text(form.referrer),
                publish_href=url_for("staff.set_bonus"),
                edit_href=url_for("staff.preview_bonus"),
            )
            return _preview_page(chosen, seen, Supposed(bonus=seen.rate), about)
    return page("staff/bonus.html", chosen, found, form=form), 422


@staff.post("/bonus/new")
def set_bonus() -> ResponseReturnValue:
    """Add the next version of the sign-up bonus, for customers who come from then on."""
    found = all_programs()
    chosen = chosen_program(found)
    form = BonusForm()
    if form.validate_on_submit() and _added(form, chosen, lambda: _set_bonus(form, chosen)):
        flash(_("The sign-up bonus is set."), "done")
        return redirect(url_for("staff.products"))
    return page("staff/bonus.html", chosen, found, form=form), 422


def _set_bonus(form: BonusForm, program: Program) -> RateVersion:
    return set_signup_bonus(
        session(),
        program,
        plain(form.signup_bonus),
        referrer=_referrer(form, program),
        valid_from=_since(form, program),
        actor=actor(),
        now=clock.now(),
    )


def _preview_page(
    chosen: Program, seen: RatePreview, supposed: Supposed, about: previews.Asked
) -> ResponseReturnValue:
    last = clock.local_day(clock.now(), chosen.timezone) - timedelta(days=1)
    first = last - timedelta(days=DAYS_BACK - 1)
    question = Question(
        chosen.id,
        chosen.currency,
        supposed,
        about.sku,
        about.referrer,
        first,
        last,
        clock.day_start(first, chosen.timezone),
        clock.day_start(last + timedelta(days=1), chosen.timezone),
    )
    return streamed_page(
        "staff/rate_preview.html",
        chosen,
        [chosen],
        asked=about,
        facts=previews.facts(seen, about, chosen),
        kept=previews.kept(request.form),
        work=Work(question, previews.file_href(request.form, about.sku, first, last)),
    )


def _product(program: Program, sku: str | None) -> Product | None:
    return find_product(session(), program, sku) if sku else None


def _referrer(form: RateForm | BonusForm, program: Program) -> Referrer | None:
    code = text(form.referrer)
    return find_referrer(session(), program, code) if code else None


def _since(form: RateForm | BonusForm, program: Program) -> datetime | None:
    since: date | None = form.valid_from.data
    return clock.day_start(since, program.timezone).astimezone(UTC) if since else None


def _tried(form: RateForm | BonusForm, use_case: Callable[[], _Found]) -> _Found | None:
    """What the use case gave; ``None`` where it refused, and then the form says why."""
    try:
        return use_case()
    except ReferrerNotFound:
        form.referrer.errors = [_("There is no referrer with this code.")]
    except RateChangesRecordedOrders as error:
        words = _("From that day on a recorded order would change. Choose a later day.")
        show_refusal(form, error, words, fields=REFUSED_FIELDS)
    except InvalidInput as error:
        show_refusal(form, error, refusal_words(error.pointer), fields=REFUSED_FIELDS)
    return None


def _added(form: RateForm | BonusForm, program: Program, publish: Callable[[], RateVersion]) -> bool:
    """Whether the use case took it; if not, the form says why."""
    version = _tried(form, publish)
    if version is not None:
        _warn(short_notice(session(), program, version))
    return version is not None


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
