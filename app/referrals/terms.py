"""The programme's terms at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.referrals.words import AttributionModel

DIRECT_DEBIT: Final = "direct_debit"
DIRECT_DEBIT_DAYS: Final = 60
"""A SEPA direct debit can be reversed for eight weeks without a reason."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One version: the attribution window and model of signups, and the hold period of commissions, in days."""

    valid_from: datetime
    window_days: int
    attribution: AttributionModel
    hold_days: int
    hold_days_by_method: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TermsHistory:
    """All versions of one programme's terms, oldest first; never empty."""

    versions: tuple[Terms, ...]

    def at(self, instant: datetime) -> Terms:
        """The version in force then; the first one holds from the beginning."""
        held = [version for version in self.versions if version.valid_from <= instant]
        return held[-1] if held else self.versions[0]

    @property
    def latest(self) -> Terms:
        """The newest version."""
        return self.versions[-1]


def hold_days(terms: Terms, method: str | None) -> int:
    """Days from payment until a commission is payable, for a payment method.

    Direct debit waits at least 60 days unless the programme says otherwise for it.
    """
    key = (method or "").lower()
    if key in terms.hold_days_by_method:
        return terms.hold_days_by_method[key]
    return max(terms.hold_days, DIRECT_DEBIT_DAYS) if key == DIRECT_DEBIT else terms.hold_days
