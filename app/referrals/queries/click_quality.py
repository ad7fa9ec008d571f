"""Click labels per referrer: summed from the daily totals for any days, and read from the nightly report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, case, cast, func, select

from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.click_quality import FEW, SUSPICIOUS, VISITS
from app.referrals.models import ClickQuality, ClickTotal, Referrer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One referrer's clicks by label, and how suspicious they look."""

    referrer_id: int
    code: str
    name: str
    counts: dict[ClickLabel, int]
    suspicion_ppm: int

    @property
    def clicks(self) -> int:
        """All of them, whatever their label."""
        return sum(self.counts.values())

    @property
    def counted(self) -> int:
        """Those that count."""
        return self.counts[ClickLabel.COUNTED]

    @property
    def counted_ppm(self) -> int:
        """The share that counted, in parts per million, rounded down; nothing where there are no clicks."""
        return self.counts[ClickLabel.COUNTED] * 1_000_000 // self.clicks if self.clicks else 0


def label_sums(program_id: int, until: date, days: int) -> Select[*tuple[Any, ...]]:
    """Per referrer: id, clicks of each label in the labels' order, suspicion; over the ``days`` days to ``until``."""
    sums = [_of([label]) for label in ClickLabel]
    # suspicion_ppm() of domain/click_quality.py, where the database does the sums.
    suspicion = cast(_of(SUSPICIOUS) * 1_000_000 // (_of(VISITS) + FEW), Integer)
    return (
        select(
            ClickTotal.referrer_id,
            *(total.label(label.value) for label, total in zip(ClickLabel, sums, strict=True)),
            suspicion.label("suspicion_ppm"),
        )
        .where(
            ClickTotal.program_id == program_id,
            ClickTotal.day.between(until - timedelta(days=days - 1), until),
        )
        .group_by(ClickTotal.referrer_id)
    )


def _of(labels: Iterable[ClickLabel]) -> ColumnElement[int]:
    wanted = ClickTotal.label.in_([label.value for label in labels])
    return func.sum(case((wanted, ClickTotal.count), else_=0))


def quality(session: Session, program_id: int, until: date, days: int, limit: int) -> list[QualityRow]:
    """The most suspicious first, from the totals themselves: reads every total of those days."""
    sums = label_sums(program_id, until, days).subquery()
    wanted = (
        select(sums, Referrer.code, Referrer.name)
        .join(Referrer, Referrer.id == sums.c.referrer_id)
        .order_by(sums.c.suspicion_ppm.desc(), sums.c.referrer_id.desc())
        .limit(limit)
    )
    return [
        QualityRow(
            row.referrer_id,
            row.code,
            row.name,
            {label: int(getattr(row, label.value)) for label in ClickLabel},
            row.suspicion_ppm,
        )
        for row in session.execute(wanted)
    ]


def reported_until(session: Session, program_id: int, days: int) -> date | None:
    """The last day that the nightly report covers, or ``None`` where there is none."""
    wanted = select(ClickQuality.until).where(
        ClickQuality.program_id == program_id, ClickQuality.days == days
    )
    return session.scalar(wanted.limit(1))


def quality_row(row: ClickQuality, code: str, name: str) -> QualityRow:
    """A line of the nightly report with whose it is."""
    counts = {label: getattr(row, label.value) for label in ClickLabel}
    return QualityRow(row.referrer_id, code, name, counts, row.suspicion_ppm)
