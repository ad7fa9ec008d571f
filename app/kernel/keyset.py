"""Lists by cursor: a list has an order, and its next part begins behind the last row of the one before.

No page counts what it skips, so the thousandth costs what the first does, as long as an index has the order's columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVarTuple

from sqlalchemy import literal, tuple_

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute

Place: TypeAlias = "tuple[int | str | datetime | date, int]"
"""Where a row stands: the value that the list is ordered by, and the row's number."""

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, slots=True)
class Way:
    """An order: by a column that is never null, and by the row's number where that is the same."""

    by: InstrumentedAttribute[Any]
    key: InstrumentedAttribute[int]
    descending: bool = False

    @property
    def turned(self) -> Way:
        """The same the other way round."""
        return replace(self, descending=not self.descending)


@dataclass(frozen=True, slots=True)
class Part:
    """At most ``limit`` rows behind ``after``; from the beginning where that is ``None``."""

    way: Way
    after: Place | None = None
    limit: int = 50

    def of(self, wanted: Select[*Columns]) -> Select[*Columns]:
        """The statement for these rows only, in their order."""
        way = self.way
        columns: list[InstrumentedAttribute[Any]] = [way.key] if way.by is way.key else [way.by, way.key]
        if self.after is not None:
            wanted = wanted.where(self._behind(self.after))
        order = [column.desc() if way.descending else column.asc() for column in columns]
        return wanted.order_by(*order).limit(self.limit)

    def _behind(self, after: Place) -> ColumnElement[bool]:
        way = self.way
        if way.by is way.key:
            return way.key < after[1] if way.descending else way.key > after[1]
        here = tuple_(way.by, way.key)
        there = tuple_(literal(after[0], way.by.type), literal(after[1], way.key.type))
        return here < there if way.descending else here > there


@dataclass(frozen=True, slots=True)
class Between:
    """Instants from ``start`` (inclusive) to ``end`` (exclusive); either may be open."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(
        self, at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
    ) -> list[ColumnElement[bool]]:
        """The conditions."""
        return [
            *([at >= self.start] if self.start is not None else []),
            *([at < self.end] if self.end is not None else []),
        ]


ALWAYS: Final = Between()
