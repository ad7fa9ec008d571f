"""What this slice refuses."""

from __future__ import annotations

from app.kernel.errors import Conflict, InvalidInput, NotFound


class ProgramNotFound(NotFound):
    """No programme of that name."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is no programme {slug!r}")


class ReferrerNotFound(NotFound):
    """No referrer of that code in this programme."""

    def __init__(self, code: str, *, pointer: str | None = None) -> None:
        super().__init__(f"there is no referrer {code!r} in this programme", pointer=pointer)


class ProductNotFound(NotFound):
    """No product of that SKU in this programme."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"there is no product {sku!r} in this programme")


class OrderNotFound(NotFound):
    """No order of that id in this programme."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"there is no order {order_id!r} in this programme")


class CustomerNotFound(NotFound):
    """No customer of that id in this programme."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"there is no customer {customer_id!r} in this programme")


class NoPartner(NotFound):
    """The customer has no partner to end."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"customer {customer_id!r} has no partner to end")


class OtherBody(Conflict):
    """The key is taken by a fact that says something else."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"{kind} {key!r} was recorded before with another body")


class InTheFuture(InvalidInput):
    """A time more than five minutes ahead of ours."""

    def __init__(self, pointer: str) -> None:
        super().__init__("this time is more than 5 minutes ahead of now", pointer=pointer)


class PaidBeforePlaced(InvalidInput):
    """An order cannot be paid before it was placed."""

    def __init__(self) -> None:
        super().__init__("paid_at is before placed_at", pointer="/paid_at")


class AlreadyPaid(Conflict):
    """The order was paid, so this no longer goes."""

    def __init__(self, order_id: str, what: str) -> None:
        super().__init__(f"order {order_id!r} was paid before, so it {what}")


class OrderCancelled(Conflict):
    """The order was closed before it was paid."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} was cancelled")


class UnknownLine(InvalidInput):
    """A line that the order does not have."""

    def __init__(self, line_id: str, pointer: str) -> None:
        super().__init__(f"the order has no line {line_id!r}", pointer=pointer)


class RefundAbovePaid(InvalidInput):
    """More would be given back than was paid for the line."""

    def __init__(self, line_id: str, net_minor: int, pointer: str) -> None:
        super().__init__(
            f"refunds of line {line_id!r} would exceed its paid net of {net_minor}", pointer=pointer
        )


class NotAChargeback(InvalidInput):
    """A reversal names something that is not a chargeback of this order."""

    def __init__(self, refund_id: str) -> None:
        super().__init__(f"{refund_id!r} is not a chargeback of this order", pointer="/reverses")


class ReferrerSuspended(Conflict):
    """A partner who takes no part at that time cannot be chosen."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} takes no part at that time", pointer="/referrer_code")


class ChoiceAtThatInstant(Conflict):
    """Another choice was recorded at exactly this time."""

    def __init__(self) -> None:
        super().__init__(
            "another choice of a partner was recorded at exactly this time", pointer="/chosen_at"
        )
