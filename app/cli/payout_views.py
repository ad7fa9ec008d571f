"""A payout run as ``flask payouts show`` prints it. Amounts in JSON are integer minor units, as
in the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.kernel.money import Money
from app.payouts.domain.plan import PlannedPayout
from app.payouts.domain.state import RunState
from app.payouts.files import files_of
from app.payouts.models import Payout, PayoutOmission
from app.payouts.runs import preview_run
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.payouts.models import PayoutFile, PayoutRun


def run_view(session: Session, run: PayoutRun, now: datetime) -> dict[str, Any]:
    """The run, its payouts and whom it leaves out; a draft's as they would be now."""
    paid, left_out = _drafted(session, run, now) if run.state is RunState.DRAFT else _frozen(session, run)
    return {
        "run": run.name,
        "state": run.state.value,
        "underway": run.underway and run.underway.value,
        "approval": run.approval.value,
        "currency": run.currency,
        "total": sum(row["amount"] for row in paid if row["state"] != "cancelled"),
        "payouts": paid,
        "left_out": left_out,
        "files": [file_view(file, run.currency) for file in files_of(session, run.id)],
    }


def run_lines(view: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    currency = view["currency"]
    yield f"{view['run']}  {view['state']}  {len(view['payouts'])} payouts  {_decimal(view['total'], currency)}"
    for row in view["payouts"]:
        reason = f"  {row['reason']}" if row["reason"] else ""
        yield f"  {row['referrer']}  {_decimal(row['amount'], currency)}  {row['state']}{reason}"
    for row in view["left_out"]:
        yield f"  {row['referrer']}  left out with {_decimal(row['available'], currency)}: {row['reason']}"
    for row in view["files"]:
        built = row["sha256"] or "not built yet"
        yield f"  {row['name']}  {row['count']} payments  {row['sum']} {currency}  {built}"


def file_view(file: PayoutFile, currency: str) -> dict[str, Any]:
    """A payout file without its bytes."""
    return {
        "name": file.name,
        "sha256": file.sha256,
        "count": file.payment_count,
        "sum": Money(file.control_sum_minor, currency).decimal_string(),
    }


def _frozen(session: Session, run: PayoutRun) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    paid = session.execute(
        select(Payout, Referrer.code)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .where(Payout.run_id == run.id)
        .order_by(Payout.id),
        execution_options={"yield_per": 1000},
    )
    payouts = [_payout(code, payout.amount_minor, payout) for payout, code in paid]
    omitted = session.execute(
        select(PayoutOmission, Referrer.code)
        .join(Referrer, Referrer.id == PayoutOmission.referrer_id)
        .where(PayoutOmission.run_id == run.id)
        .order_by(PayoutOmission.id),
        execution_options={"yield_per": 1000},
    )
    left_out = [_omission(code, row.available_minor, row.reason.value) for row, code in omitted]
    return payouts, left_out


def _drafted(
    session: Session, run: PayoutRun, now: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    planned = list(preview_run(session, run, now))
    codes: dict[int, str] = {}
    wanted = [plan.referrer_id for plan in planned]
    for start in range(0, len(wanted), 1000):
        chunk = wanted[start : start + 1000]
        found = session.execute(select(Referrer.id, Referrer.code).where(Referrer.id.in_(chunk)))
        codes.update((referrer_id, code) for referrer_id, code in found)
    paid = [
        _payout(codes[plan.referrer_id], plan.amount_minor, None)
        for plan in planned
        if isinstance(plan, PlannedPayout)
    ]
    left_out = [
        _omission(codes[plan.referrer_id], plan.available_minor, plan.reason.value)
        for plan in planned
        if not isinstance(plan, PlannedPayout)
    ]
    return paid, left_out


def _payout(code: str, amount_minor: int, payout: Payout | None) -> dict[str, Any]:
    return {
        "referrer": code,
        "amount": amount_minor,
        "state": payout.state.value if payout else "planned",
        "end_to_end_id": payout.end_to_end_id if payout else None,
        "reason": payout.reason_code if payout else None,
    }


def _omission(code: str, available_minor: int, reason: str) -> dict[str, Any]:
    return {"referrer": code, "available": available_minor, "reason": reason}


def _decimal(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).decimal_string()} {currency}"
