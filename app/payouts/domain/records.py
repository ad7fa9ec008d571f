"""The neutral records that the bank's messages are read into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date


class StatusLevel(StrEnum):
    """What a status of a pain.002 is about."""

    GROUP = "group"
    """The whole file."""
    PAYMENT = "payment"
    """One payment information block."""
    TRANSACTION = "transaction"
    """One payment."""


@dataclass(frozen=True, slots=True)
class Status:
    """A pain.002's word on a file, a block or a payment. ``status`` is an ISO 20022 code such as ACCP or
    RJCT.
    """

    level: StatusLevel
    status: str
    message_id: str | None
    """Of the file that was handed in."""
    payment_information_id: str | None = None
    end_to_end_id: str | None = None
    reason_code: str | None = None
    inherited: bool = False
    """Whether the reason was given for the block or the file, not for this payment itself."""
    payee_name: str | None = None
    """The name that the payee's bank has, where it answers a verification of payee with a close match."""
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """One statement entry, or one of its details: money that left (debit) or came in (credit)."""

    account: str | None
    credit: bool
    booked: bool
    """False while the bank calls it pending or mere information."""
    booked_on: date | None
    amount_minor: int | None
    currency: str | None
    entry_ref: str | None
    """The account servicer's reference of the entry."""
    detail_ref: str | None
    """The account servicer's reference of the detail."""
    end_to_end_id: str | None
    message_id: str | None
    payment_information_id: str | None
    batch_count: int | None
    """How many payments the entry sums up, where it says so."""
    is_return: bool
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class StatementBalances:
    """A statement's booked balances in minor units (negative when overdrawn); its bookings account for the
    rest.
    """

    account: str
    currency: str
    statement_id: str
    opening_minor: int
    opening_on: date
    closing_minor: int
    closing_on: date


BankRecord: TypeAlias = Status | Booking | StatementBalances
