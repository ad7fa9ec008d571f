"""The programme's terms at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.referrals.models import ProgramTerms

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

DIRECT_DEBIT: Final = "direct_debit"
DIRECT_DEBIT_DAYS: Final = 60
"""A SEPA direct debit can be reversed for eight weeks without a reason."""


class TermsHistory:
    """All versions of one programme's terms, read once per transaction."""

    def __init__(self, versions: list[ProgramTerms]) -> None:
        self._versions = versions

    @classmethod
    def load(cls, session: Session, program: Program) -> TermsHistory:
        """Read them, oldest first."""
        wanted = select(ProgramTerms).where(ProgramTerms.program_id == program.id)
        return cls(list(session.scalars(wanted.order_by(ProgramTerms.valid_from))))

    def at(self, instant: datetime) -> ProgramTerms:
        """The version in force then; the first one holds from the beginning."""
        held = [version for version in self._versions if version.valid_from <= instant]
        return held[-1] if held else self._versions[0]

    @property
    def latest(self) -> ProgramTerms:
        """The newest version."""
        return self._versions[-1]


def hold_days(terms: ProgramTerms, method: str | None) -> int:
    """Days from payment until a commission is payable, for a payment method.

    Direct debit waits at least 60 days unless the programme says otherwise for it.
    """
    key = (method or "").lower()
    if key in terms.hold_days_by_method:
        return terms.hold_days_by_method[key]
    return max(terms.hold_days, DIRECT_DEBIT_DAYS) if key == DIRECT_DEBIT else terms.hold_days
