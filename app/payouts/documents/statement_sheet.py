"""A monthly statement in words, for the page and the PDF alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.payouts.documents.language import Language
from app.payouts.documents.sheets import Column, Section, Sheet, Total
from app.payouts.domain.statement import Movement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from app.payouts.domain.statement import Statement, StatementLine

MOST_LINES: Final = 10_000
"""Lines of one section that are written one by one; what comes after them is one line with its sum."""

_EARNED: Final = (Movement.COMMISSION,)
_TAKEN_BACK: Final = (Movement.CLAWBACK, Movement.REJECTED)
_REVIEWED: Final = (Movement.HELD, Movement.RELEASED)
_PAYOUTS: Final = (Movement.RESERVED, Movement.UNDONE, Movement.PAID, Movement.RETURNED)
_OTHER: Final = (Movement.OPENING, Movement.ADJUSTMENT, Movement.WRITE_OFF)


def statement_sheet(
    statement: Statement, language: str, made_at: datetime, *, most: int = MOST_LINES
) -> Sheet:
    """The statement with at most ``most`` lines a section."""
    _ = Language(language)

    def money(minor: int) -> str:
        return _.amount(minor, statement.currency)

    opening, closing = statement.opening, statement.closing
    return Sheet(
        title=_("Commission statement"),
        subtitle=_.month(statement.from_on),
        language=_.code,
        author=statement.program,
        made_at=made_at,
        facts=(
            (_("Programme"), statement.program),
            (_("Referrer"), f"{statement.referrer} ({statement.code})"),
            (_("Period"), f"{_.short_day(statement.from_on)} \u2013 {_.short_day(statement.until_on)}"),
        ),
        totals_first=(
            Total(
                _("Owed to you on %(day)s", day=_.short_day(statement.from_on)), money(opening.total_minor)
            ),
        ),
        sections=tuple(_sections(statement, _, most)),
        totals=(
            Total(
                _("Owed to you at the end of %(day)s", day=_.short_day(statement.until_on)),
                money(closing.total_minor),
                strong=True,
            ),
            Total(_("of which not in a payout yet"), money(closing.payable_minor)),
            Total(_("of which under review"), money(closing.held_minor)),
            Total(_("of which in a payout that the bank has not booked yet"), money(closing.in_flight_minor)),
        ),
        notes=(
            _(
                "Amounts are without VAT. What is paid includes the VAT of your invoices, where there are any."
            ),
            _("This statement is no invoice."),
        ),
    )


def _sections(statement: Statement, _: Language, most: int) -> Iterator[Section]:
    for title, movements, note in (
        (_("Commissions"), _EARNED, ""),
        (_("Taken back"), _TAKEN_BACK, ""),
        (_("Reviews"), _REVIEWED, _("What is under review is still owed, so these lines change no sum.")),
    ):
        lines = [line for line in statement.lines if line.movement in movements]
        if lines:
            yield _earned(title, lines, statement.currency, _, most, note)
    payouts = [line for line in statement.lines if line.movement in _PAYOUTS]
    if payouts:
        yield _payouts(payouts, statement.currency, _, most)
    other = [line for line in statement.lines if line.movement in _OTHER]
    if other:
        yield _others(other, statement.currency, _, most)


def _earned(
    title: str, lines: Sequence[StatementLine], currency: str, _: Language, most: int, note: str
) -> Section:
    rows: list[tuple[str, ...]] = [
        (
            _.short_day(line.on),
            _product(line, _),
            line.origin.customer if line.origin else "",
            _.amount(line.origin.base_minor, currency) if line.origin else "",
            _rate(line, currency, _),
            _.amount(line.amount_minor, currency),
        )
        for line in lines[:most]
    ]
    rows += _rest(lines, 6, currency, _, most)
    total = sum(line.effect_minor for line in lines)
    return Section(
        title,
        (
            Column(_("Day"), 5),
            Column(_("Product"), 9),
            Column(_("Customer"), 4),
            Column(_("Paid by the customer"), 5, numeric=True),
            Column(_("Rate"), 4, numeric=True),
            Column(_("Commission"), 5, numeric=True),
        ),
        tuple(rows),
        "" if note else _.amount(total, currency),
        note,
    )


def _product(line: StatementLine, _: Language) -> str:
    name = line.origin.product if line.origin else ""
    if line.origin and line.origin.is_bonus:
        name = _("Sign-up bonus")
    match line.movement:
        case Movement.REJECTED:
            return _("%(product)s: rejected by review", product=name)
        case Movement.HELD:
            return _("%(product)s: taken under review", product=name)
        case Movement.RELEASED:
            return _("%(product)s: released", product=name)
        case _:
            return name


def _rate(line: StatementLine, currency: str, _: Language) -> str:
    if line.origin is None or line.origin.is_bonus:
        return ""
    if line.origin.rate_ppm is not None:
        return _.percent(line.origin.rate_ppm)
    return "" if line.origin.flat_minor is None else _.amount(line.origin.flat_minor, currency)


def _payouts(lines: Sequence[StatementLine], currency: str, _: Language, most: int) -> Section:
    words = {
        Movement.RESERVED: _("put into a payout"),
        Movement.UNDONE: _("given back: cancelled, or refused by the bank"),
        Movement.PAID: _("booked by the bank"),
        Movement.RETURNED: _("sent back by the bank"),
    }
    rows: list[tuple[str, ...]] = [
        (
            _.short_day(line.on),
            words[line.movement],
            line.reference,
            _.amount(abs(line.amount_minor + line.vat_minor), currency),
            _.amount(abs(line.vat_minor), currency),
            _.amount(line.effect_minor, currency),
        )
        for line in lines[:most]
    ]
    rows += _rest(lines, 6, currency, _, most)
    return Section(
        _("Payouts"),
        (
            Column(_("Day"), 5),
            Column(_("What happened"), 8),
            Column(_("Reference on your bank statement"), 10),
            Column(_("Transfer"), 4, numeric=True),
            Column(_("VAT in it"), 4, numeric=True),
            Column(_("Change"), 5, numeric=True),
        ),
        tuple(rows),
        _.amount(sum(line.effect_minor for line in lines), currency),
    )


def _others(lines: Sequence[StatementLine], currency: str, _: Language, most: int) -> Section:
    words = {
        Movement.OPENING: _("Balance brought along from another system"),
        Movement.ADJUSTMENT: _("Adjustment"),
        Movement.WRITE_OFF: _("Debt forgiven"),
    }
    rows: list[tuple[str, ...]] = [
        (_.short_day(line.on), words[line.movement], _.amount(line.amount_minor, currency))
        for line in lines[:most]
    ]
    rows += _rest(lines, 3, currency, _, most)
    return Section(
        _("Other movements"),
        (Column(_("Day"), 2), Column(_("What happened"), 7), Column(_("Amount"), 3, numeric=True)),
        tuple(rows),
        _.amount(sum(line.effect_minor for line in lines), currency),
    )


def _rest(
    lines: Sequence[StatementLine], width: int, currency: str, _: Language, most: int
) -> list[tuple[str, ...]]:
    """One line for all that were left out, so that the sums stay right."""
    rest = lines[most:]
    if not rest:
        return []
    label = _("%(count)s more", count=len(rest))
    total = _.amount(sum(line.amount_minor for line in rest), currency)
    return [("", label, *("",) * (width - 3), total)]
