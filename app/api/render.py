"""Rows as the documents of ``answers.py``."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import and_, not_, or_

from app.referrals.domain.attribution import LEAD_DAYS
from app.referrals.domain.exchange import exchange_day
from app.referrals.models import Commission
from app.referrals.rates import rate_text
from app.referrals.words import Duration

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Row

    from app.ledger.balances import Balance
    from app.payouts.models import Payout, PayoutDestination, PayoutRun
    from app.referrals.domain.rates import Rate
    from app.referrals.models import Click, Lead, Order, RateVersion
    from app.referrals.queries.opening import BesideEarned
    from app.referrals.words import CommissionKind


def rfc3339(at: datetime) -> str:
    """An instant in UTC: ``2026-09-10T12:30:00Z``, with microseconds where it has them."""
    return at.isoformat().replace("+00:00", "Z")


def optional_rfc3339(at: datetime | None) -> str | None:
    """The same, or null."""
    return None if at is None else rfc3339(at)


def duration_text(version: RateVersion | Rate) -> str:
    """``lifetime``, ``first_order`` or ``12m``."""
    return f"{version.duration_months}m" if version.duration is Duration.MONTHS else version.duration.value


def tiers_and_caps(rate: Rate, currency: str) -> dict[str, Any]:
    """What a rate says besides its rate; caps in minor units."""
    return {
        "tiers": [
            {"from_customers": step.from_customers, "rate": rate_text(rate, currency, step.from_customers)}
            for step in rate.steps
        ],
        "tier_basis": rate.tier_basis.value if rate.steps else None,
        "cap_order": rate.cap_order_minor,
        "cap_customer": rate.cap_customer_minor,
    }


class CommissionState(StrEnum):
    """What may be said of one commission's money on a day."""

    PENDING = "pending"
    """Its hold period runs."""
    AVAILABLE = "available"
    """It is payable, or was paid out: a payout takes a referrer's money by days, not by commissions."""
    HELD = "held"
    """Under review."""
    REJECTED = "rejected"
    """Rejected by review."""
    CLAWED_BACK = "clawed_back"
    """Taken back in full."""


class Standing(Protocol):
    """What a commission's state follows from: its row, or the same columns alone."""

    target_minor: int
    earned_minor: int
    held_minor: int
    rejected: bool
    available_on: date
    tier_from: int | None


def state_of(commission: Standing, today: date) -> CommissionState:
    """The first that is true, as :func:`has_state` says it in SQL."""
    if commission.rejected:
        return CommissionState.REJECTED
    if commission.target_minor == 0 and commission.earned_minor > 0:
        return CommissionState.CLAWED_BACK
    if commission.held_minor > 0:
        return CommissionState.HELD
    return CommissionState.PENDING if commission.available_on > today else CommissionState.AVAILABLE


def has_state(state: CommissionState, today: date) -> ColumnElement[bool]:
    """:func:`state_of` as a condition."""
    gone = and_(Commission.target_minor == 0, Commission.earned_minor > 0)
    plain = not_(or_(Commission.rejected, gone, Commission.held_minor > 0))
    match state:
        case CommissionState.REJECTED:
            return and_(Commission.rejected)
        case CommissionState.CLAWED_BACK:
            return and_(not_(Commission.rejected), gone)
        case CommissionState.HELD:
            return and_(not_(or_(Commission.rejected, gone)), Commission.held_minor > 0)
        case CommissionState.PENDING:
            return and_(plain, Commission.available_on > today)
        case CommissionState.AVAILABLE:
            return and_(plain, Commission.available_on <= today)


def click(row: Click, referrer: str | None) -> dict[str, Any]:
    """An item of ``GET /clicks``."""
    return {
        "click_id": row.click_id,
        "at": rfc3339(row.at),
        "referrer": referrer,
        "campaign": row.campaign or None,
        "label": row.label,
    }


def commission(
    earned: Standing,
    kind: CommissionKind,
    line_id: str,
    version: RateVersion | Rate,
    currency: str,
    today: date,
) -> dict[str, Any]:
    """A commission within an order."""
    return {
        "line_id": line_id,
        "kind": kind.value,
        "amount": earned.target_minor,
        "currency": currency,
        "rate": rate_text(version, currency, earned.tier_from),
        "available_on": earned.available_on.isoformat(),
        "state": state_of(earned, today).value,
    }


def listed_commission(
    row: Row[Commission, str, str, str, str, RateVersion], currency: str, today: date
) -> dict[str, Any]:
    """An item of ``GET /commissions``."""
    commission, order_id, line_id, sku, referrer, version = row
    return {
        "order_id": order_id,
        "line_id": line_id,
        "kind": commission.kind.value,
        "product": sku,
        "referrer": referrer,
        "amount": commission.target_minor,
        "currency": currency,
        "rate": rate_text(version, currency, commission.tier_from),
        "earned": commission.earned_minor,
        "clawed_back": commission.earned_minor - commission.target_minor,
        "paid_at": rfc3339(commission.paid_at),
        "available_on": commission.available_on.isoformat(),
        "state": state_of(commission, today).value,
    }


def waiting_order(order: Order, referrer: str | None, timezone: str) -> dict[str, Any]:
    """An item of ``GET /waiting-orders``."""
    assert order.paid_at is not None  # only a paid order waits
    return {
        "order_id": order.order_id,
        "referrer": referrer,
        "currency": order.currency,
        "paid_at": rfc3339(order.paid_at),
        "needs": exchange_day(order.paid_at, timezone).isoformat(),
    }


def payout(row: Payout, referrer: str, run: str) -> dict[str, Any]:
    """An item of ``GET /payouts``."""
    return {
        "end_to_end_id": row.end_to_end_id,
        "run": run,
        "referrer": referrer,
        "amount": row.amount_minor,
        "currency": row.currency,
        "state": row.state.value,
        "created_at": rfc3339(row.created_at),
    }


def payout_run(run: PayoutRun) -> dict[str, Any]:
    """An item of ``GET /payout-runs``."""
    return {
        "run": run.name,
        "period": run.period,
        "state": run.state.value,
        "currency": run.currency,
        "payouts": run.payout_count,
        "amount": run.total_minor,
        "created_at": rfc3339(run.created_at),
    }


def destination(row: PayoutDestination) -> dict[str, Any]:
    """A bank account on file, masked."""
    return {"last4": row.last4, "usable_on": row.usable_on.isoformat()}


def lead(found: Lead, code: str) -> dict[str, Any]:
    """A lead, without a word on what became of it."""
    return {
        "lead_id": found.lead_id,
        "referrer": code,
        "registered_at": rfc3339(found.registered_at),
        "expires_at": rfc3339(found.registered_at + timedelta(days=LEAD_DAYS)),
    }


def balance(found: Balance, beside: BesideEarned) -> dict[str, Any]:
    """The answer of ``GET /referrers/{code}/balance``; ``flask ledger balance --json`` says the same."""
    return {
        "currency": found.currency,
        "pending": found.pending,
        "available": found.available,
        "held": found.held,
        "in_flight": found.in_flight,
        "paid": found.paid,
        "earned": found.earned,
        "clawed_back": found.clawed_back,
        "opening": beside.opening,
        "adjustments": beside.adjustments,
    }
