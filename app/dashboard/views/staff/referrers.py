"""Referrers: found, looked at, suspended, reinstated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.forms.base import text
from app.dashboard.forms.staff import ReasonForm
from app.dashboard.i18n import _
from app.dashboard.listings.people import REFERRERS
from app.dashboard.lists import show
from app.dashboard.presenters import rate_words, words
from app.dashboard.presenters.staff import orders as orders_presenter
from app.dashboard.presenters.staff import people as presenter
from app.dashboard.presenters.staff import runs as runs_presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.ledger.balances import balance
from app.payouts.queries import codes_with_account
from app.payouts.shown import destinations_of, payouts_of_referrer
from app.referrals import referrers as use_cases
from app.referrals.merged import merger_of
from app.referrals.models import Referrer, ReferrerStatus
from app.referrals.queries import programs_shown
from app.referrals.queries import staff as queries
from app.referrals.queries.opening import opening_balance
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program

_FEW = 10


@staff.get("/referrers")
def referrers() -> ResponseReturnValue:
    """Everybody who takes part, or whom the search finds."""
    found = all_programs()
    chosen = chosen_program(found)
    shown = show(REFERRERS, chosen)
    rows = shown.dress(presenter.referrer_table(shown.rows, chosen))
    return page("staff/list.html", chosen, found, title=_("Referrers"), rows=rows, list=shown), shown.status


@staff.get("/referrers/<code>")
def referrer(code: str) -> ResponseReturnValue:
    """One referrer: money, orders, payouts, and what can be done."""
    return _referrer_page(code, ReasonForm(formdata=None))


def _referrer_page(code: str, form: ReasonForm) -> str:
    found = all_programs()
    owner, row = _find(found, code)
    today = clock.local_day(clock.now(), owner.timezone)
    money = balance(session(), referrer_id=row.id, currency=owner.currency, today=today)
    accounts = destinations_of(session(), row.id)
    orders = queries.orders(session(), owner.id, referrer_id=row.id, limit=_FEW + 1)
    shared_with = (
        codes_with_account(session(), owner.id, accounts[0].iban_key, besides=row.id) if accounts else ()
    )
    own_rates = programs_shown.rates_of_referrer(session(), owner.id, row.id)
    may_change = me().may(Action.CHANGE_REFERRERS)
    shown = presenter.ReferrerPage(
        name=row.name,
        code=row.code,
        status=words.referrer_status(row.status),
        figures=presenter.figures(money, opening_balance(session(), row.id)),
        facts=presenter.referrer_facts(
            row, owner, accounts[0] if accounts else None, shared_with, _survivor(row)
        ),
        rates=tuple(
            f"{rate_words.rate(rate, owner.currency)}, {rate_words.rate_terms(rate, owner.currency)}"
            for rate in own_rates
        ),
        orders=orders_presenter.order_table(
            orders[:_FEW],
            owner,
            title=_("Orders"),
            more_href=url_for("staff.orders", referrer=row.code) if len(orders) > _FEW else None,
        ),
        payouts=runs_presenter.own_payout_table(payouts_of_referrer(session(), row.id, limit=_FEW)),
        can_suspend=may_change and presenter.may_suspend(row),
        can_reinstate=may_change and presenter.may_reinstate(row),
        correct_href=url_for("staff.correct_referrer", code=row.code)
        if me().may(Action.CORRECT_PARTICULARS) and row.erased_at is None
        else None,
        merge_href=url_for("staff.merge_referrer", code=row.code)
        if me().may(Action.CORRECT_ATTRIBUTION) and presenter.may_suspend(row)
        else None,
        write_off_href=url_for("staff.write_off_debt", code=row.code)
        if money.available < 0 and me().may(Action.SETTLE_PAYOUTS)
        else None,
    )
    return page("staff/referrer.html", owner, found, page=shown, form=form)


def _survivor(row: Referrer) -> Referrer | None:
    if row.status is not ReferrerStatus.LEFT:
        return None
    merger = merger_of(session(), row.id)
    return session().get_one(Referrer, merger.survivor_id) if merger else None


def _find(found: list[Program], code: str) -> tuple[Program, Referrer]:
    """A code is unique in the installation, so it names its programme."""
    for program in found:
        row = queries.referrer_by_code(session(), program.id, code)
        if row is not None:
            return program, row
    raise NotFound


@staff.post("/referrers/<code>/suspend")
def suspend(code: str) -> ResponseReturnValue:
    """Links land unattributed and unpaid money is held, until reinstated."""
    return _change(code, suspended=True)


@staff.post("/referrers/<code>/reinstate")
def reinstate(code: str) -> ResponseReturnValue:
    """Let somebody take part again."""
    return _change(code, suspended=False)


def _change(code: str, *, suspended: bool) -> ResponseReturnValue:
    form = ReasonForm()
    if not form.validate_on_submit():
        return _referrer_page(code, form), 422
    owner, row = _find(all_programs(), code)
    change = use_cases.suspend if suspended else use_cases.reinstate
    here = url_for("staff.referrer", code=row.code)
    try:
        change(session(), owner, row, reason=text(form.reason), actor=actor(), now=clock.now())
    except RefledgerError as error:
        return refused(error, here)
    flash(
        _("%(name)s is suspended.", name=row.name)
        if suspended
        else _("%(name)s takes part again.", name=row.name),
        "done",
    )
    return redirect(here)
