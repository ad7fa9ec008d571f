"""What if: past orders under supposed terms, reckoned while the page is being sent. Nothing is posted or stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, redirect, request, stream_with_context, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.rates import REFUSED_FIELDS, plain, refusal_words
from app.dashboard.forms.what_if import WhatIfForm, range_until
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import what_if as presenter
from app.dashboard.views.staff.base import all_programs, chosen_program, page, staff, streamed_page
from app.dashboard.views.staff.reckoning import Question, Work, study_of
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.referrals.errors import ProductNotFound, ReferrerNotFound
from app.referrals.programs import find_product
from app.referrals.queries import staff as queries
from app.referrals.rates import bonus_terms, supposed_rate
from app.referrals.referrers import find_referrer
from app.referrals.whatif import Supposed
from app.referrals.words import AttributionModel
from app.requests import services, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program


@staff.get("/what-if")
def what_if() -> ResponseReturnValue:
    """The question; and once it is asked, the answer, sent as it is being reckoned."""
    found = all_programs()
    chosen = chosen_program(found)
    asked = "from" in request.args
    form = _form(chosen, asked=asked)
    if not asked:
        return page("staff/what_if.html", chosen, found, form=form, work=None)
    question = _question(form, chosen)
    if question is None:
        return page("staff/what_if.html", chosen, found, form=form, work=None), 422
    return streamed_page(
        "staff/what_if.html", chosen, found, form=form, work=Work(question, _here("staff.what_if_file"))
    )


@staff.get("/what-if.csv")
def what_if_file() -> ResponseReturnValue:
    """The same answer as a file with every referrer."""
    chosen = chosen_program(all_programs())
    question = _question(_form(chosen, asked=True), chosen)
    if question is None:
        return redirect(_here("staff.what_if"))
    name = f"what-if-{chosen.slug}-{question.first}-{question.last}.csv"
    answer = Response(stream_with_context(_sheet(question)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _here(endpoint: str) -> str:
    """The address of the same question there."""
    return f"{url_for(endpoint)}?{urlencode(list(request.args.items(multi=True)))}"


def _form(program: Program, *, asked: bool) -> WhatIfForm:
    first, last = range_until(clock.local_day(clock.now(), program.timezone))
    form = WhatIfForm(request.args if asked else None, first=first, last=last)
    form.offer(queries.product_names(session(), program.id))
    return form


def _question(form: WhatIfForm, program: Program) -> Question | None:
    """What is asked; ``None`` where the form says what is wrong."""
    first, last = form.first.data, form.last.data
    if not form.validate() or first is None or last is None:
        return None
    supposed = _supposed(form, program)
    if supposed is None:
        return None
    return Question(
        program.id,
        program.currency,
        supposed,
        text(form.sku),
        text(form.referrer),
        first,
        last,
        clock.day_start(first, program.timezone),
        clock.day_start(last + timedelta(days=1), program.timezone),
    )


def _supposed(form: WhatIfForm, program: Program) -> Supposed | None:
    model = AttributionModel(form.attribution.data) if form.attribution.data else None
    code, sku, now = text(form.referrer), text(form.sku), clock.now()
    rate = bonus = None
    try:
        product = find_product(session(), program, sku) if sku else None
        referrer = find_referrer(session(), program, code) if code else None
        if form.rate.data:
            terms = form.terms(form.rate)
            rate = supposed_rate(program, terms, product=product, referrer=referrer, now=now)
        if form.signup_bonus.data:
            terms = bonus_terms(program, plain(form.signup_bonus))
            bonus = supposed_rate(program, terms, product=None, referrer=referrer, now=now)
    except ProductNotFound:
        form.sku.errors = [_("There is no such product.")]
    except ReferrerNotFound:
        form.referrer.errors = [_("There is no referrer with this code.")]
    except InvalidInput as error:
        show_refusal(form, error, refusal_words(error.pointer), fields=REFUSED_FIELDS)
    else:
        return Supposed(rate, bonus, form.window_days.data, model, form.hold_days.data)
    return None


def _sheet(asked: Question) -> Iterator[str]:
    # Sent at once, so that no proxy tires of waiting for the rest.
    yield presenter.sheet_head()
    with services().db.snapshot() as live:
        _customers, study = study_of(live, asked)
        for _some in study.steps():
            pass
        yield from presenter.sheet_lines(study.by_code(), asked.currency)
