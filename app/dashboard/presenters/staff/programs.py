"""A programme as staff see it: its settings, its products and rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Status, Step, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import rate_words, words
from app.kernel.clock import BEGINNING
from app.referrals.words import CommissionKind, ConsentMode, RateScope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.referrals.models import Product, Program, ProgramTerms, RateVersion
    from app.referrals.queries.programs_shown import ShownProgram
    from app.referrals.queries.rate_table import DatedRate, RateTable


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
        Fact(_("Paid from"), Cell(debtor(program))),
    )


def _consent(mode: ConsentMode) -> str:
    match mode:
        case ConsentMode.REQUIRED:
            return _("none; the shop asks for consent")
        case ConsentMode.EXEMPT:
            return _("set by the redirect (exempt from consent)")
        case ConsentMode.COOKIELESS:
            return _("none at all")


def debtor(program: Program) -> str:
    """Who pays, the IBAN masked."""
    if not program.debtor_name or not program.debtor_iban:
        return _("no account yet; payouts cannot start")
    return f"{program.debtor_name}, {program.debtor_iban[:2]}\u2022\u2022 {program.debtor_iban[-4:]}"


def product_table(shown: ShownProgram, *, may_change: bool) -> Table:
    """Every product with the rate that a new customer brings now."""
    currency = shown.program.currency
    rows = [
        (
            Cell(product.name, sub=product.sku, href=url_for("staff.product_versions", sku=product.sku)),
            Cell(rate_words.rate(rate, currency)),
            Cell(rate_words.rate_terms(rate, currency)),
            _change(product.sku) if may_change else Cell(),
        )
        for product, rate in shown.rates
    ]
    rows.append(
        (
            Cell(
                _("Every other product"),
                sub=_("programme-wide"),
                href=url_for("staff.product_versions"),
            ),
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


def version_steps(
    table: RateTable, product: Product | None, program: Program, names: Mapping[str, str]
) -> tuple[Step, ...]:
    """The versions of one level of the programme, oldest first, as a timeline."""
    wanted = product.id if product else None
    return tuple(
        _step(version, table.at, program, names)
        for level in table.levels
        if level.pays is CommissionKind.KICKBACK and (level.product.id if level.product else None) == wanted
        for version in level.versions
    )


def _step(version: DatedRate, at: datetime, program: Program, names: Mapping[str, str]) -> Step:
    rate = version.rate
    begins = (
        _("From the beginning")
        if rate.valid_from == BEGINNING
        else _("From %(when)s", when=formatting.instant(rate.valid_from, program.timezone))
    )
    until = version.until
    ends = _("until %(when)s", when=formatting.instant(until, program.timezone)) if until else ""
    scope = (
        _("For customers who came from then on; earlier ones keep theirs.")
        if rate.scope is RateScope.NEW_CUSTOMERS
        else _("For every order paid from then on.")
    )
    if version.is_in_force(at):
        tone, state = Tone.DONE, _("in force")
    elif rate.valid_from > at:
        tone, state = Tone.WAIT, _("planned")
    else:
        tone, state = Tone.CALM, _("followed by the next")
    return Step(
        title=f"{rate_words.rate(rate, program.currency)}, {rate_words.rate_terms(rate, program.currency)}",
        tone=tone,
        when=f"{begins} {ends}".strip() + f" \u00b7 {state}",
        text=f"{scope} " + _("Set by %(name)s.", name=names.get(version.set_by, version.set_by)),
    )


def no_versions() -> Empty:
    """A product without a rate of its own."""
    return Empty(
        _("No rate of its own"), _("It pays what every other product pays, if the programme has such a rate.")
    )


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
