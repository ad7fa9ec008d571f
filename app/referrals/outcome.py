"""What a use case answers when it recorded a fact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.referrals.rows import OrderRow


class OutcomeStatus(StrEnum):
    """What became of the call."""

    CREATED = "created"
    """The fact is new and counts. HTTP 201."""
    REPEATED = "repeated"
    """The same fact was recorded before; nothing changed. HTTP 200."""
    PARKED = "parked"
    """The fact waits for the one it belongs to, and counts as soon as that comes. HTTP 202."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status``, for a parked fact what it waits for, and for a new order how it stands."""

    status: OutcomeStatus
    waits_for: str | None = None
    settled: OrderRow | None = None


CREATED = Outcome(OutcomeStatus.CREATED)
REPEATED = Outcome(OutcomeStatus.REPEATED)


def parked(waits_for: str) -> Outcome:
    """Recorded, and waiting."""
    return Outcome(OutcomeStatus.PARKED, waits_for)
