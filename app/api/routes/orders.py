"""Orders and what happens to them."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from app.api import answers, intake, schemas, views
from app.api.explanation import explanation
from app.api.operations import Answer, Call, OperationTable
from app.identity.api_keys import Scope
from app.kernel.errors import NotFound
from app.referrals.errors import OrderNotFound
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
    answers={
        201: answers.CancellationAnswer,
        200: answers.CancellationAnswer,
        202: answers.CancellationAnswer,
    },
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
    return _read(call, f"{order_id}/payment")


@table.declare(
    "GET",
    "/orders/{order_id}/cancellation",
    summary="The cancellation of an order",
    scopes=_READ,
    answers={200: answers.CancellationAnswer},
)
def read_cancellation(call: Call, order_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _read(call, f"{order_id}/cancellation")


@table.declare(
    "GET",
    "/orders/{order_id}/corrections/{correction_id}",
    summary="A correction of an order",
    scopes=_READ,
    answers={200: answers.CorrectionAnswer},
)
def read_correction(call: Call, order_id: str, correction_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _read(call, f"{order_id}/corrections/{correction_id}")


@table.declare(
    "GET",
    "/orders/{order_id}/refunds/{refund_id}",
    summary="A refund of an order",
    scopes=_READ,
    answers={200: answers.RefundAnswer},
)
def read_refund(call: Call, order_id: str, refund_id: str) -> Answer:
    """As it was reported, and the order as it stands."""
    return _read(call, f"{order_id}/refunds/{refund_id}")


@table.declare(
    "GET",
    "/orders/{order_id}/explanation",
    summary="Why an order earned what it earned",
    scopes=(Scope.REPORTS_READ,),
    answers={200: answers.ExplanationAnswer},
)
def read_explanation(call: Call, order_id: str) -> Answer:
    """The attribution decision with every candidate, and each line's rate, base, amount, rounding and refunds."""
    return _read(call, f"{order_id}/explanation")


@table.declare(
    "GET",
    "/orders/{order_id}",
    summary="An order as it stands",
    scopes=_READ,
    answers={200: answers.OrderAnswer},
)
def read_order(call: Call, order_id: str) -> Answer:
    """Its status, whom it belongs to and what its lines earn."""
    return _read(call, order_id)


def _read(call: Call, path: str) -> Answer:
    """What ``path`` (below ``/orders/``) names.

    Ids may hold slashes, so a path can be read in several ways (see ``converters.py``): the first that exists is
    answered, parts of an order before whole orders. Raises what the first reading raised where none exists.
    """
    missing: NotFound | None = None
    for reading in _readings(call, path):
        try:
            return Answer(HTTPStatus.OK, reading())
        except NotFound as error:
            missing = missing or error
    raise missing or OrderNotFound(path)


def _readings(call: Call, path: str) -> Iterator[Callable[[], dict[str, Any]]]:
    session, program, now = call.session, call.program, call.now
    for word, kind in (("payment", FactKind.PAYMENT), ("cancellation", FactKind.CANCELLATION)):
        order_id = path.removesuffix(f"/{word}")
        if order_id and order_id != path:
            yield partial(views.order_fact, session, program, kind, order_id, order_id, now)
    explained = path.removesuffix("/explanation")
    if explained and explained != path and Scope.REPORTS_READ in call.access.scopes:
        book = call.deps.rulebooks.of(session, program)
        yield partial(explanation, session, program, book, explained)
    for word, kind in (("refunds", FactKind.REFUND), ("corrections", FactKind.CORRECTION)):
        for order_id, key in _partings(path, f"/{word}/"):
            yield partial(views.order_fact, session, program, kind, key, order_id, now)
    yield partial(views.order, session, program, path, now)


def _partings(path: str, between: str) -> Iterator[tuple[str, str]]:
    """Every way to part ``path`` in two, the last one first."""
    at = path.rfind(between)
    while at > 0:
        if path[at + len(between) :]:
            yield path[:at], path[at + len(between) :]
        at = path.rfind(between, 0, at + len(between) - 1)
