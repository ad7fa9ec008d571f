"""A referrer's month: what was owed at its beginning, what happened, what is owed at its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


class Movement(StrEnum):
    """What a line of a statement is about."""

    COMMISSION = "commission"
    """Earned; below zero where a late fact lowered it."""
    CLAWBACK = "clawback"
    """Taken back by a refund or chargeback, or given back where one was reversed."""
    REJECTED = "rejected"
    """Taken back by review."""
    HELD = "held"
    """Taken under review; still owed."""
    RELEASED = "released"
    """Released from review; still owed."""
    PAID = "paid"
    """Booked by the bank."""
    RETURNED = "returned"
    """Sent back by the bank."""
    RESERVED = "reserved"
    """Put into a payout; still owed."""
    UNDONE = "undone"
    """A payout that was cancelled or that the bank rejected; still owed."""
    OPENING = "opening"
    """Brought along from another tool."""
    ADJUSTMENT = "adjustment"
    """Corrected by staff."""
    WRITE_OFF = "write_off"
    """A debt that was forgiven."""


MOVES_NOTHING = frozenset({Movement.HELD, Movement.RELEASED, Movement.RESERVED, Movement.UNDONE})
"""Movements that change where money is, not how much is owed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a commission comes from, as far as a referrer may know it."""

    product: str
    customer: str
    """The pseudonym."""
    base_minor: int
    rate_ppm: int | None
    flat_minor: int | None
    """One of both, as it was when the order was paid."""
    is_bonus: bool = False
    """The sign-up bonus of its order."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement. ``amount_minor`` above zero is in the referrer's favour; ``vat_minor`` went along with it."""

    on: date
    movement: Movement
    amount_minor: int
    origin: Origin | None = None
    reference: str = ""
    """A payout's reference on the bank statement."""
    vat_minor: int = 0

    @property
    def effect_minor(self) -> int:
        """By how much it changes what is owed."""
        return 0 if self.movement in MOVES_NOTHING else self.amount_minor


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed at an instant, net of VAT, and where it is."""

    payable_minor: int = 0
    held_minor: int = 0
    in_flight_minor: int = 0

    @property
    def total_minor(self) -> int:
        """All of it."""
        return self.payable_minor + self.held_minor + self.in_flight_minor


class StatementDoesNotAddUp(ValueError):
    """Opening and movements are not the closing: a defect, or books that were altered."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The month ``from_on`` to ``until_on`` (both inclusive) of one referrer in one programme."""

    program: str
    referrer: str
    code: str
    currency: str
    from_on: date
    until_on: date
    opening: Owed
    closing: Owed
    lines: tuple[StatementLine, ...]

    def __post_init__(self) -> None:
        """Raise :class:`StatementDoesNotAddUp`: both ends come from the ledger by themselves, not from the lines."""
        moved = sum(line.effect_minor for line in self.lines)
        if self.opening.total_minor + moved != self.closing.total_minor:
            raise StatementDoesNotAddUp(
                f"{self.code}: {self.opening.total_minor} and {moved} are not {self.closing.total_minor}"
            )
