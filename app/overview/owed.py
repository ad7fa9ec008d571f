"""What a programme owes its referrers now: the sums carried forward and the ledger entries after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, cast, func, literal, null, select, union_all

from app.finance.owed import Owed
from app.kernel.db import connection_of, table_of
from app.ledger.journal import figure_of
from app.ledger.models import Figure, LedgerAccount, LedgerEntry, TransactionKind
from app.overview.models import OwedMark, OwedTotal

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

OWED: Final = frozenset(
    {Figure.PAYABLE, Figure.HELD, Figure.IN_FLIGHT, Figure.VAT_PAYABLE, Figure.VAT_IN_FLIGHT}
)
"""What of the ledger's figures is a liability."""

_TOTALS, _MARKS, _ENTRIES = table_of(OwedTotal), table_of(OwedMark), table_of(LedgerEntry)


def owed_now(session: Session, program_id: int, today: date) -> Owed:
    """What is owed, as the ledger says; ``today`` (the programme's) parts pending from available. One query."""
    mark = select(_MARKS.c.last_entry_id).where(_MARKS.c.program_id == program_id).scalar_subquery()
    totals = select(
        literal("total"),
        _word(_TOTALS.c.figure),
        _word(null()),
        _TOTALS.c.available_on,
        _TOTALS.c.amount_minor,
    ).where(_TOTALS.c.program_id == program_id)
    since = (
        select(
            literal("entry"),
            _word(_ENTRIES.c.account),
            _word(_ENTRIES.c.kind),
            _ENTRIES.c.available_on,
            func.sum(_ENTRIES.c.amount_minor),
        )
        .where(_ENTRIES.c.id > func.coalesce(mark, 0), _ENTRIES.c.program_id == program_id)
        .group_by(_ENTRIES.c.account, _ENTRIES.c.kind, _ENTRIES.c.available_on)
    )
    sums = dict.fromkeys(("pending", "available", "held", "in_flight", "vat"), 0)
    for what, name, kind, available_on, minor in connection_of(session).execute(union_all(totals, since)):
        figure, sign = (
            (Figure(name), 1) if what == "total" else figure_of(LedgerAccount(name), TransactionKind(kind))
        )
        if figure in OWED:
            sums[_part(figure, matured=available_on <= today)] += sign * int(minor)
    return Owed(**sums)


def _word(column: ColumnElement[Any]) -> ColumnElement[str]:
    """As text: figures and accounts are different enums, and one union holds both."""
    return cast(column, String)


def _part(figure: Figure, *, matured: bool) -> str:
    match figure:
        case Figure.PAYABLE:
            return "available" if matured else "pending"
        case Figure.HELD | Figure.IN_FLIGHT:
            return figure.value
        case _:
            return "vat"
