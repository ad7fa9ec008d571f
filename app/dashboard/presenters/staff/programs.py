"""A programme as staff see it: its settings, its products and rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import rate_words, words
from app.kernel.clock import BEGINNING
from app.referrals.words import ConsentMode, RateScope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.referrals.models import Product, Program, ProgramTerms, RateVersion
    from app.referrals.queries.programs_shown import ShownProgram


def no_program() -> Empty:
    """The office before there is a programme."""
    return Empty(_("No programme yet"), _("Make the first one on the command line: flask programs create."))


def settings_facts(program: Program, terms: ProgramTerms) -> tuple[Fact, ...]:
    """A programme's settings in words."""
    return (
        Fact(_("Landing page"), Cell(program.landing_url)),
        Fact(_("Currency"), Cell(program.currency)),
        Fact(_("Time zone"), Cell(program.timezone)),
        Fact(_("From click to signup"), Cell(formatting.days(terms.window_days))),
        Fact(_("Which click counts"), Cell(words.attribution(terms.attribution))),
        Fact(_("Hold period"), Cell(formatting.days(terms.hold_days))),
        Fact(_("Minimum payout"), Cell(formatting.amount(program.minimum_payout_minor, program.currency))),
        Fact(
            _("Who left is paid"),
            Cell(_("what is available") if program.pays_leavers else _("from the minimum on")),
        ),
        Fact(_("Payout day"), Cell(_("day %(day)s of each month", day=program.payout_day))),
        Fact(_("Approval of payout runs"), Cell(words.approval(program.approval))),
        Fact(_("Cookies"), Cell(_consent(program.consent_mode))),
        Fact(_("Paid from"), Cell(_debtor(program))),
    )


def _consent(mode: ConsentMode) -> str:
    match mode:
        case ConsentMode.REQUIRED:
            return _("none; the shop asks for consent")
        case ConsentMode.EXEMPT:
            return _("set by the redirect (exempt from consent)")
        case ConsentMode.COOKIELESS:
            return _("none at all")


def _debtor(program: Program) -> str:
    if not program.debtor_name or not program.debtor_iban:
        return _("no account yet; payouts cannot start")
    return f"{program.debtor_name}, {program.debtor_iban[:2]}\u2022\u2022 {program.debtor_iban[-4:]}"


def product_table(shown: ShownProgram, *, may_change: bool) -> Table:
    """Every product with the rate that a new customer brings now."""
    currency = shown.program.currency
    rows = [
        (
            Cell(product.name, sub=product.sku),
            Cell(rate_words.rate(rate, currency)),
            Cell(rate_words.rate_terms(rate, currency)),
            _change(product.sku) if may_change else Cell(),
        )
        for product, rate in shown.rates
    ]
    rows.append(
        (
            Cell(_("Every other product"), sub=_("programme-wide")),
            Cell(rate_words.rate(shown.everything_else, currency)),
            Cell(rate_words.rate_terms(shown.everything_else, currency)),
            _change("") if may_change else Cell(),
        )
    )
    rows.append(
        (
            Cell(_("Sign-up bonus")),
            Cell(rate_words.rate(shown.bonus, currency)),
            Cell(rate_words.bonus_terms(shown.bonus)),
            Cell(_("New bonus"), href=url_for("staff.bonus")) if may_change else Cell(),
        )
    )
    return Table(
        title=_("Products"),
        note=_("Rates for customers who come today"),
        id="products",
        columns=(
            Column(_("Product")),
            Column(_("Commission rate"), numeric=True),
            Column(_("Applies to")),
            Column(_("Change")),
        ),
        rows=tuple(rows),
        empty=Empty(_("No products yet"), _("Add the first one with the form beside this list.")),
    )


def _change(sku: str) -> Cell:
    return Cell(_("New rate"), href=url_for("staff.rate", sku=sku) if sku else url_for("staff.rate"))


def rate_table(
    versions: Sequence[RateVersion], products: Mapping[int, Product], program: Program, now: datetime
) -> Table:
    """The history of rates, newest first; a version is never edited, only followed."""
    return Table(
        title=_("History of rates"),
        id="rates",
        columns=(
            Column(_("Product")),
            Column(_("Commission rate"), numeric=True),
            Column(_("Applies to")),
            Column(_("From")),
            Column(_("For")),
            Column(_("Set by")),
        ),
        rows=tuple(_version(version, products, program, now) for version in versions),
        empty=Empty(_("No rates yet"), _("Without a rate no product takes part.")),
    )


def _version(
    version: RateVersion, products: Mapping[int, Product], program: Program, now: datetime
) -> tuple[Cell, ...]:
    product = products.get(version.product_id or 0)
    if version.valid_from == BEGINNING:
        since = Cell(_("the beginning"))
    elif version.valid_from > now:
        since = Cell(
            formatting.instant(version.valid_from, program.timezone), status=Status(_("planned"), Tone.WAIT)
        )
    else:
        since = Cell(formatting.instant(version.valid_from, program.timezone))
    scope = _("new customers") if version.scope is RateScope.NEW_CUSTOMERS else _("every order")
    return (
        Cell(product.name if product else _("Every other product")),
        Cell(rate_words.rate(version, program.currency)),
        Cell(rate_words.rate_terms(version, program.currency)),
        since,
        Cell(scope),
        Cell(version.created_by),
    )
