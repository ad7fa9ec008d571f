"""What would have been, beside what was: the steps of the reckoning, its answer, and the same as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Figure, Table
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import rate_words, words
from app.kernel import sheet
from app.kernel.money import Money
from app.referrals.whatif import total_of
from app.referrals.words import RateKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from app.referrals.domain.rates import Rate
    from app.referrals.whatif import Shift, Supposed

MOST: Final = 100
"""Referrers on the page; the file has all."""

QUARTERS: Final = 4
_HEAD: Final = (
    "referrer",
    "currency",
    "was",
    "would_be",
    "difference",
    "payable_was",
    "payable_would_be",
)


@dataclass(frozen=True, slots=True)
class Step:
    """How far the reckoning is. ``aloud`` steps are read out: four of them, so that nobody is talked at."""

    done: int
    total: int
    words: str
    aloud: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What would have been."""

    figures: tuple[Figure, ...]
    table: Table
    basis: str
    file_href: str


def steps(counts: Iterable[int], total: int) -> Iterator[Step]:
    """The steps of the reckoning of ``total`` customers; ``counts`` are those reckoned each time."""
    quarter = 0
    for done, _percent in percents(counts, total):
        before, quarter = quarter, done * QUARTERS // total
        said = _(
            "%(done)s of %(total)s customers", done=formatting.number(done), total=formatting.number(total)
        )
        yield Step(done, total, said, quarter > before)


def percents(counts: Iterable[int], total: int) -> Iterator[tuple[int, int]]:
    """(done, percent) each time that the percentage rises, so a hundred times at most."""
    done = percent = 0
    for count in counts:
        done = min(done + count, total)
        before, percent = percent, done * 100 // total
        if percent > before:
            yield done, percent


def days_words(first: date, last: date) -> str:
    """The range of the question."""
    return _(
        "Orders paid from %(first)s to %(last)s.", first=formatting.day(first), last=formatting.day(last)
    )


def supposed_facts(supposed: Supposed, product: str, referrer: str, currency: str) -> tuple[Fact, ...]:
    """What is supposed, in words; ``product`` and ``referrer`` are those that the rate is for, empty for all."""
    everybody = _("all without a rate of their own")
    found: list[Fact] = []
    if supposed.rate is not None:
        rate = supposed.rate
        found += [
            Fact(_("Commission rate"), Cell(_rate_words(rate, currency))),
            Fact(_("For which product"), Cell(product or everybody)),
            Fact(_("For which referrer (the code)"), Cell(referrer or everybody)),
        ]
    if supposed.bonus is not None:
        found.append(Fact(_("Sign-up bonus"), Cell(rate_words.rate(supposed.bonus, currency))))
        if referrer and supposed.rate is None:
            found.append(Fact(_("For which referrer (the code)"), Cell(referrer)))
    if supposed.window_days is not None:
        found.append(Fact(_("From click to signup"), Cell(formatting.days(supposed.window_days))))
    if supposed.attribution is not None:
        found.append(Fact(_("Which click counts"), Cell(words.attribution(supposed.attribution))))
    if supposed.hold_days is not None:
        found.append(Fact(_("Hold period"), Cell(formatting.days(supposed.hold_days))))
    return tuple(found)


def _rate_words(rate: Rate, currency: str) -> str:
    pays = rate_words.rate(rate, currency)
    return pays if rate.kind is RateKind.NONE else f"{pays} {rate_words.rate_terms(rate, currency)}"


def answer(
    found: Mapping[str, Shift],
    names: Mapping[str, str],
    *,
    currency: str,
    customers: int,
    last: date,
    file_href: str,
) -> Answer:
    """The answer with the referrers in order: those whom it concerns most first. ``names`` maps codes to names."""
    total = total_of(found.values())
    figures = (
        Figure(_("Was"), formatting.amount(total.was, currency)),
        Figure(_("Would be"), formatting.amount(total.would_be, currency)),
        Figure(_("Difference"), formatting.signed(total.difference, currency)),
        Figure(
            _("Payable by the end"),
            formatting.amount(total.payable_would_be, currency),
            _("was %(amount)s", amount=formatting.amount(total.payable_was, currency)),
        ),
    )
    basis = ngettext("Reckoned: %(num)s customer.", "Reckoned: %(num)s customers.", customers)
    return Answer(figures, _table(found, names, currency, last), basis, file_href)


def most_concerned(found: Mapping[str, Shift]) -> list[str]:
    """The codes that the page shows: those with the greatest difference."""
    return sorted(found, key=lambda code: (-abs(found[code].difference), code))[:MOST]


def _table(found: Mapping[str, Shift], names: Mapping[str, str], currency: str, last: date) -> Table:
    note = _("Payable: by %(day)s", day=formatting.day(last))
    if len(found) > MOST:
        note = _(
            "The %(shown)s referrers with the greatest difference; the file has all %(all)s.",
            shown=formatting.number(MOST),
            all=formatting.number(len(found)),
        )
    return Table(
        title=_("For each referrer"),
        note=note,
        id="what-if",
        columns=(
            Column(_("Referrer")),
            Column(_("Was"), numeric=True),
            Column(_("Would be"), numeric=True),
            Column(_("Difference"), numeric=True),
            Column(_("Payable, was"), numeric=True),
            Column(_("Payable, would be"), numeric=True),
        ),
        rows=tuple(_row(code, names.get(code, ""), found[code], currency) for code in most_concerned(found)),
        empty=Empty(
            _("Nobody is concerned"),
            _("On these days no order was paid that earns anything, as it was or as supposed."),
        ),
    )


def _row(code: str, name: str, shift: Shift, currency: str) -> tuple[Cell, ...]:
    return (
        Cell(name or code, sub=code if name else "", href=url_for("staff.referrer", code=code)),
        Cell(formatting.amount(shift.was, currency)),
        Cell(formatting.amount(shift.would_be, currency)),
        Cell(formatting.signed(shift.difference, currency)),
        Cell(formatting.amount(shift.payable_was, currency)),
        Cell(formatting.amount(shift.payable_would_be, currency)),
    )


def sheet_head() -> str:
    """The first line of the file."""
    return sheet.line(_HEAD)


def sheet_lines(found: Mapping[str, Shift], currency: str) -> Iterator[str]:
    """The file's other lines, one for each referrer by code; amounts as 12.50."""
    for code in sorted(found):
        shift = found[code]
        amounts = (shift.was, shift.would_be, shift.difference, shift.payable_was, shift.payable_would_be)
        yield sheet.row((code, currency, *(Money(each, currency) for each in amounts)))
