"""From which account and how payouts are paid, and how the books are handed on; as on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, url_for

from app.dashboard.again import is_me
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.handing_on import BooksForm, PaymentsForm, field_of
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import handing_on as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.finance.settings import Wanted, change_settings, settings_of
from app.finance.words import ACCOUNTS, Chart
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.payouts.domain.iban import normalise_bic, normalise_iban
from app.referrals.programs import ProgramSettings, change_program
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program

_FIELDS = {"/iban": "debtor_iban", "/bic": "debtor_bic"}


@staff.get("/settings/payments")
def payment_settings() -> ResponseReturnValue:
    """How payouts are paid, in a form for who may change it."""
    chosen = chosen_program(all_programs())
    form = PaymentsForm(
        formdata=None,
        debtor_name=chosen.debtor_name or "",
        bank_profile=chosen.bank_profile,
        rail=chosen.rail,
        instant=chosen.instant,
    )
    return _payments_page(chosen, form)


@staff.post("/settings/payments")
def change_payment_settings() -> ResponseReturnValue:
    """Change it for runs frozen from now on; those frozen before keep the account that was approved."""
    chosen = chosen_program(all_programs())
    form = PaymentsForm()
    form.offer(chosen.currency)
    if not (form.validate_on_submit() and is_me(form)):
        return _payments_page(chosen, form), 422
    if bool(form.debtor_name.data) != bool(form.debtor_iban.data or chosen.debtor_iban):
        missing = form.debtor_iban if form.debtor_name.data else form.debtor_name
        missing.errors = [_("An account needs its holder and its IBAN.")]
        return _payments_page(chosen, form), 422
    try:
        wanted = ProgramSettings(
            debtor_name=text(form.debtor_name) or None,
            debtor_iban=normalise_iban(text(form.debtor_iban)) if form.debtor_iban.data else None,
            debtor_bic=normalise_bic(text(form.debtor_bic)),
            bank_profile=form.bank_profile.data,
            rail=form.rail.data,
            instant=bool(form.instant.data),
        )
        change_program(session(), chosen, wanted, actor=actor(), now=clock.now())
    except InvalidInput as error:
        show_refusal(form, error, _("This cannot be used."), fields=_FIELDS)
        return _payments_page(chosen, form), 422
    flash(_("Saved. It holds for payout runs that are frozen from now on."), "done")
    return redirect(url_for("staff.payment_settings"))


def _payments_page(chosen: Program, form: PaymentsForm) -> str:
    form.offer(chosen.currency)
    return page(
        "staff/payment_settings.html",
        chosen,
        all_programs(),
        form=form,
        facts=presenter.payment_facts(chosen),
        may_change=me().may(Action.CHANGE_PROGRAM),
    )


@staff.get("/settings/books")
def book_settings() -> ResponseReturnValue:
    """How the books are handed on, in a form for who may change it."""
    chosen = chosen_program(all_programs())
    kept = settings_of(session(), chosen.id)
    own = {
        field_of(name): number
        for name, number in kept.accounts.items()
        if number != ACCOUNTS[kept.chart].get(name)
    }
    data: dict[str, Any] = {
        "chart": kept.chart.value,
        "adviser": kept.adviser,
        "client": kept.client,
        "year_begins": kept.year_begins,
        **own,
    }
    return _books_page(chosen, BooksForm(formdata=None, data=data))


@staff.post("/settings/books")
def change_book_settings() -> ResponseReturnValue:
    """Change it for months that are not closed."""
    chosen = chosen_program(all_programs())
    form = BooksForm()
    if not form.validate_on_submit():
        return _books_page(chosen, form), 422
    wanted = Wanted(
        chart=Chart(form.chart.data),
        accounts={name: text(field) for name, field in form.accounts()},
        adviser=form.adviser.data,
        client=form.client.data,
        year_begins=form.year_begins.data,
    )
    try:
        # Some of it may be written before the rest is refused: all or nothing.
        with session().begin_nested():
            change_settings(session(), chosen, wanted, by=actor(), now=clock.now())
    except InvalidInput as error:
        show_refusal(form, error, _("All account numbers, also those of the chart, have the same length."))
        return _books_page(chosen, form), 422
    flash(_("Saved. It holds for months that are not closed yet."), "done")
    return redirect(url_for("staff.book_settings"))


def _books_page(chosen: Program, form: BooksForm) -> str:
    kept = settings_of(session(), chosen.id)
    return page(
        "staff/book_settings.html",
        chosen,
        all_programs(),
        form=form,
        table=presenter.account_table(kept),
        facts=presenter.book_facts(kept),
        may_change=me().may(Action.CLOSE_BOOKS),
    )
