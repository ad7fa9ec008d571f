"""The books as staff see them: what is owed and since when, months and their files, runs and seals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Figure, Status, Table, Tone
from app.dashboard.i18n import _
from app.finance.owed import NOT_DUE, OLDEST
from app.ledger.models import SealedBook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from app.finance.match import Match
    from app.finance.owed import Aged, Owed
    from app.finance.settings import Bookkeeping
    from app.ledger.seals import Head
    from app.payouts.domain.calendar import Period


@dataclass(frozen=True, slots=True)
class ToClose:
    """The month that may be closed, and what its button says."""

    period: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class FinancePage:
    """Everything on the page, finished."""

    figures: tuple[Figure, ...]
    close: ToClose | None
    facts: tuple[Fact, ...]
    tables: tuple[Table, ...]


def figures(owed: Owed, currency: str, day: date) -> tuple[Figure, ...]:
    """What is owed, in its parts."""

    def of(label: str, minor: int, note: str) -> Figure:
        return Figure(label, formatting.amount(minor, currency), note)

    return (
        Figure(
            _("Owed to referrers"),
            formatting.amount(owed.total, currency),
            _("on %(day)s; with VAT", day=formatting.day(day)),
            url_for("staff.finance_liability_file"),
        ),
        of(_("Pending"), owed.pending, _("inside the hold period")),
        of(_("Available"), owed.available, _("waits for the next run")),
        of(_("Under review"), owed.held, _("waits for a decision")),
        of(_("In flight"), owed.in_flight, _("reserved by a run or with the bank")),
        of(_("VAT"), owed.vat, _("of self-billing documents")),
    )


def ageing_table(aged: Sequence[Aged], currency: str) -> Table:
    """How long ago what is owed became payable."""

    def amount(minor: int) -> Cell:
        return Cell(formatting.amount(minor, currency))

    return Table(
        title=_("How old it is"),
        note=_("Days since the money became payable."),
        id="ageing",
        columns=(
            Column(_("Days")),
            Column(_("Payable"), numeric=True),
            Column(_("Under review"), numeric=True),
            Column(_("In flight"), numeric=True),
            Column(_("VAT"), numeric=True),
            Column(_("Total"), numeric=True),
        ),
        rows=tuple(
            (
                Cell(_bucket(each.bucket)),
                *(amount(minor) for minor in (each.payable, each.held, each.in_flight, each.vat, each.total)),
            )
            for each in aged
        ),
        empty=Empty("", ""),
        folds=True,
    )


def _bucket(name: str) -> str:
    if name == NOT_DUE:
        return _("not yet due")
    if name == OLDEST:
        return _("more than 90")
    return name.replace("-", "\u2013")


def month_table(months: Sequence[Period], closed: dict[str, datetime], timezone: str) -> Table:
    """The months with what can be had of each."""

    def file(period: Period, kind: str, word: str) -> Cell:
        return Cell(word, href=url_for("staff.finance_month_file", period=str(period), kind=kind))

    def state(period: Period) -> Status:
        if str(period) not in closed:
            return Status(_("open"), Tone.WAIT)
        on = formatting.short_day(formatting.local(closed[str(period)], timezone))
        return Status(_("closed on %(day)s", day=on), Tone.DONE)

    return Table(
        title=_("Months"),
        note=_("What becomes known of a closed month counts in the first open one and keeps its own day."),
        id="months",
        columns=(Column(_("Month")), Column(_("State")), Column(_("Journal")), Column(_("DATEV"))),
        rows=tuple(
            (
                Cell(formatting.month(each.first_day)),
                Cell(status=state(each)),
                file(each, "journal", _("CSV file")),
                file(each, "datev", _("EXTF file")),
            )
            for each in months
        ),
        empty=Empty(_("Nothing was booked yet"), _("The first commission opens the books.")),
        folds=True,
    )


def match_table(found: Sequence[Match]) -> Table:
    """What was earned, approved and settled of each run."""
    return Table(
        title=_("Runs"),
        note=_("What was earned, what was approved and what the bank did must come to the same."),
        id="matches",
        columns=(
            Column(_("Run")),
            Column(_("Earned"), numeric=True),
            Column(_("Approved"), numeric=True),
            Column(_("Settled"), numeric=True),
            Column(_("Rejected"), numeric=True),
            Column(_("Still open"), numeric=True),
            Column(_("Returned later"), numeric=True),
            Column(_("Match")),
        ),
        rows=tuple(_match(each) for each in found),
        empty=Empty(_("No run yet"), _("A run stands here once it is frozen.")),
        folds=True,
    )


def _match(each: Match) -> tuple[Cell, ...]:
    def amount(minor: int | None) -> Cell:
        return Cell(formatting.DASH if minor is None else formatting.amount(minor, each.currency))

    status = Status(_("agrees"), Tone.DONE) if each.holds else Status(_("differs"), Tone.STOP)
    amounts = (each.earned, each.approved, each.settled, each.rejected, each.open, each.returned)
    name = Cell(each.run, href=url_for("staff.run", name=each.run), code=True)
    return (name, *(amount(minor) for minor in amounts), Cell(status=status))


def people_table(years: Sequence[int]) -> Table:
    """The yearly lists for the Dutch tax office."""
    return Table(
        title=_("Payments to people"),
        note=_(
            "The yearly list for the Dutch tax office (UBD); its last column names what has to be asked for."
        ),
        id="people",
        columns=(Column(_("Year")), Column(_("List"))),
        rows=tuple(
            (Cell(str(year)), Cell(_("CSV file"), href=url_for("staff.finance_year_file", year=year)))
            for year in years
        ),
        empty=Empty(_("Nothing was booked yet"), _("The first commission opens the books.")),
        folds=True,
    )


def seal_table(heads: Sequence[tuple[SealedBook, Head]]) -> Table:
    """Where the chain of each book ends."""
    return Table(
        title=_("Seals"),
        note=_("Noted down elsewhere, a seal proves later that nothing up to its day was changed."),
        id="seals",
        columns=(Column(_("Book")), Column(_("Sealed until")), Column(_("Seal"))),
        rows=tuple(
            (
                Cell(_book(book)),
                Cell(formatting.short_day(head.day) if head.day else formatting.DASH),
                Cell(head.digest if head.day else formatting.DASH, wraps=True),
            )
            for book, head in heads
        ),
        empty=Empty("", ""),
        folds=True,
    )


def _book(book: SealedBook) -> str:
    match book:
        case SealedBook.LEDGER:
            return _("Ledger")
        case SealedBook.AUDIT:
            return _("Audit trail")


def settings_facts(kept: Bookkeeping) -> tuple[Fact, ...]:
    """How the books are handed on."""
    return (
        Fact(_("Chart of accounts"), Cell(kept.chart.value.upper())),
        Fact(_("Tax adviser's number"), Cell(str(kept.adviser or formatting.DASH))),
        Fact(_("Client's number"), Cell(str(kept.client or formatting.DASH))),
        Fact(_("Change"), Cell(_("Settings of the books"), href=url_for("staff.book_settings"))),
    )


def to_close(period: Period | None) -> ToClose | None:
    """The button that closes a month."""
    if period is None:
        return None
    month = formatting.month(period.first_day)
    return ToClose(
        str(period),
        _("Close %(month)s", month=month),
        _("%(month)s is over. A closed month stays closed: its reports never change again.", month=month),
    )
