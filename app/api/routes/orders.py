"""Orders and what happens to them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from app.api import answers, intake, schemas, views
from app.api.operations import Answer, Call, OperationTable
from app.identity.api_keys import Scope
from app.kernel.errors import NotFound
from app.referrals.words import FactKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

table = OperationTable("Orders")
_WRITE: Final = (Scope.ORDERS_WRITE,)
_READ: Final = (Scope.REPORTS_READ, Scope.ORDERS_WRITE)


@table.declare(
    "POST",
    "/orders",
    summary="Report an order",
    scopes=_WRITE,
    body=schemas.OrderBody,
    answers={201: answers.OrderAnswer, 200: answers.OrderAnswer},
)
def create_order(call: Call) -> Answer:
    """Commissions exist once the order is paid. A product that is not entered is accepted and does not participate.

    `paid_at` may be left out where the status is `paid`; then it is `placed_at`.
    """
    return intake.order(call, call.body)


@table.declare(
    "POST",
    "/orders/{order_id}/payment",
    summary="Report that an order was paid",
    scopes=_WRITE,
    body=schemas.PaymentBody,
    answers={201: answers.PaymentAnswer, 200: answers.PaymentAnswer, 202: answers.PaymentAnswer},
)
def create_payment(call: Call, order_id: str) -> Answer:
    """For an order that is not known yet the payment is parked (202) and counts as soon as the order comes."""
    return intake.payment(call, order_id, call.body)


@table.declare(
    "POST",
    "/orders/{order_id}/corrections",
    summary="Report an order's lines as they are now",
    scopes=_WRITE,
    body=schemas.CorrectionBody,
    answers={201: answers.CorrectionAnswer, 200: answers.CorrectionAnswer, 202: answers.CorrectionAnswer},
)
def create_correction(call: Call, order_id: str) -> Answer:
    """All lines, not only those that changed; a line that is left out is no longer part of the order."""
    return intake.correction(call, order_id, call.body)


@table.declare(
    "POST",
    "/orders/{order_id}/cancellation",
    summary="Close an unpaid order",
    scopes=_WRITE,
    body=schemas.CancellationBody,
    answers={201: answers.CancellationAnswer, 200: answers.CancellationAnswer, 202: answers.CancellationAnswer},
)
def create_cancellation(call: Call, order_id: str) -> Answer:
    """A payment of it is refused from then on (409). A paid order is refunded instead."""
    return intake.cancellation(call, order_id, call.body)


@table.declare(
    "POST",
    "/orders/{order_id}/refunds",
    summary="Report a refund, a chargeback or its reversal",
    scopes=_WRITE,
    body=schemas.RefundBody,
    answers={201: answers.RefundAnswer, 200: answers.RefundAnswer, 202: answers.RefundAnswer},
)
def create_refund(call: Call, order_id: str) -> Answer:
    """The commission follows what the customer has really paid. More than the paid net of a line is refused (422)."""
    return intake.refund(call, order_id, call.body)


@table.declare(
    "GET",
    "/orders/{order_id}/payment",
    summary="The payment of an order",
    scopes=_READ,
    answers={200: answers.PaymentAnswer},
)
def read_payment(call: Call, order_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _fact_or_order(call, FactKind.PAYMENT, order_id, f"{order_id}/payment")


@table.declare(
    "GET",
    "/orders/{order_id}/cancellation",
    summary="The cancellation of an order",
    scopes=_READ,
    answers={200: answers.CancellationAnswer},
)
def read_cancellation(call: Call, order_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _fact_or_order(call, FactKind.CANCELLATION, order_id, f"{order_id}/cancellation")


@table.declare(
    "GET",
    "/orders/{order_id}/corrections/{correction_id}",
    summary="A correction of an order",
    scopes=_READ,
    answers={200: answers.CorrectionAnswer},
)
def read_correction(call: Call, order_id: str, correction_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _listed_fact(call, FactKind.CORRECTION, "corrections", order_id, correction_id)


@table.declare(
    "GET",
    "/orders/{order_id}/refunds/{refund_id}",
    summary="A refund of an order",
    scopes=_READ,
    answers={200: answers.RefundAnswer},
)
def read_refund(call: Call, order_id: str, refund_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _listed_fact(call, FactKind.REFUND, "refunds", order_id, refund_id)


@table.declare(
    "GET",
    "/orders/{order_id}/explanation",
    summary="Why an order earned what it earned",
    scopes=(Scope.REPORTS_READ,),
    answers={200: answers.ExplanationAnswer},
)
def read_explanation(call: Call, order_id: str) -> Answer:
    """The attribution decision with every candidate, and each line's rate, base, amount, rounding and refunds."""
    readings: list[Callable[[], dict[str, Any]]] = [
        lambda: views.explanation(call.session, call.program, order_id, call.now),
        lambda: views.order(call.session, call.program, f"{order_id}/explanation", call.now),
    ]
    return Answer(HTTPStatus.OK, _first_that_exists(readings))


@table.declare(
    "GET",
    "/orders/{order_id}",
    summary="An order as it stands",
    scopes=_READ,
    answers={200: answers.OrderAnswer},
)
def read_order(call: Call, order_id: str) -> Answer:
    """Its status, whom it belongs to and what its lines earn."""
    return Answer(HTTPStatus.OK, views.order(call.session, call.program, order_id, call.now))


def _fact_or_order(call: Call, kind: FactKind, order_id: str, whole: str) -> Answer:
    """The fact of the order; or the order whose own id ends like this path (see ``converters.py``)."""
    readings: list[Callable[[], dict[str, Any]]] = [
        lambda: views.order_fact(call.session, call.program, kind, order_id, order_id, call.now),
        lambda: views.order(call.session, call.program, whole, call.now),
    ]
    return Answer(HTTPStatus.OK, _first_that_exists(readings))


def _listed_fact(call: Call, kind: FactKind, word: str, order_id: str, key: str) -> Answer:
    """The fact under its own id; both ids may hold the word between them, so each place to part them is tried."""
    whole = f"{order_id}/{word}/{key}"
    readings: list[Callable[[], dict[str, Any]]] = [
        lambda first=first, last=last: views.order_fact(call.session, call.program, kind, last, first, call.now)  # type: ignore[misc]
        for first, last in _partings(whole, f"/{word}/")
    ]
    readings.append(lambda: views.order(call.session, call.program, whole, call.now))
    return Answer(HTTPStatus.OK, _first_that_exists(readings))


def _partings(whole: str, between: str) -> Iterator[tuple[str, str]]:
    at = whole.rfind(between)
    while at > 0:
        first, last = whole[:at], whole[at + len(between) :]
        if last:
            yield first, last
        at = whole.rfind(between, 0, at + len(between) - 1)


def _first_that_exists(readings: list[Callable[[], dict[str, Any]]]) -> dict[str, Any]:
    """Raises what the first reading raised where none exists."""
    missing: NotFound | None = None
    for reading in readings:
        try:
            return reading()
        except NotFound as error:
            missing = missing or error
    raise missing or NotFound("there is no such resource")
