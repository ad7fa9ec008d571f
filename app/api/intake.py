"""Facts taken in, one function each, for single calls and for the lines of a batch alike."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from app.api import views
from app.api.operations import Answer
from app.referrals.orders import record_cancellation, record_correction, record_order, record_payment
from app.referrals.outcome import Outcome, OutcomeStatus
from app.referrals.refunds import record_refund
from app.referrals.signups import record_signup
from app.referrals.words import FactKind

if TYPE_CHECKING:
    from app.api import schemas
    from app.api.operations import Call

_STATUSES: Final = {
    OutcomeStatus.CREATED: HTTPStatus.CREATED,
    OutcomeStatus.REPEATED: HTTPStatus.OK,
    OutcomeStatus.PARKED: HTTPStatus.ACCEPTED,
}


def signup(call: Call, body: schemas.SignupBody) -> Answer:
    """Record a signup."""
    outcome = record_signup(call.deps, call.session, call.program, body.fact(), call.now)
    return Answer(_STATUSES[outcome.status], views.signup(call.session, call.program, body.customer_id))


def order(call: Call, body: schemas.OrderBody) -> Answer:
    """Record an order."""
    outcome = record_order(call.deps, call.session, call.program, body.fact(), call.now)
    status = _STATUSES[outcome.status]
    if outcome.settled is None:
        return Answer(status, views.order(call.session, call.program, body.order_id, call.now))
    book = call.deps.rulebooks.of(call.session, call.program)
    return Answer(status, views.settled_order(outcome.settled, call.program, book, call.now))


def payment(call: Call, order_id: str, body: schemas.PaymentBody) -> Answer:
    """Record that an order was paid."""
    outcome = record_payment(call.deps, call.session, call.program, body.fact(order_id), call.now)
    return _order_fact(call, outcome, FactKind.PAYMENT, order_id, order_id)


def correction(call: Call, order_id: str, body: schemas.CorrectionBody) -> Answer:
    """Record an order's lines as they are now."""
    outcome = record_correction(call.deps, call.session, call.program, body.fact(order_id), call.now)
    return _order_fact(call, outcome, FactKind.CORRECTION, body.correction_id, order_id)


def cancellation(call: Call, order_id: str, body: schemas.CancellationBody) -> Answer:
    """Record that an unpaid order was closed."""
    outcome = record_cancellation(call.deps, call.session, call.program, body.fact(order_id), call.now)
    return _order_fact(call, outcome, FactKind.CANCELLATION, order_id, order_id)


def refund(call: Call, order_id: str, body: schemas.RefundBody) -> Answer:
    """Record a refund, a chargeback or its reversal."""
    outcome = record_refund(call.deps, call.session, call.program, body.fact(order_id), call.now)
    return _order_fact(call, outcome, FactKind.REFUND, body.refund_id, order_id)


def _order_fact(call: Call, outcome: Outcome, kind: FactKind, key: str, order_id: str) -> Answer:
    document: dict[str, Any] = views.order_fact(call.session, call.program, kind, key, order_id, call.now)
    parked = views.is_parked(document)
    return Answer(HTTPStatus.ACCEPTED if parked else _STATUSES[outcome.status], document)
