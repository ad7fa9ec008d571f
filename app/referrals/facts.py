"""The facts that come from outside, as plain values. Times are aware; amounts are integer minor units."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, get_args

from app.kernel.clock import as_utc
from app.kernel.crypto import Keyring, email_key
from app.referrals.words import FactKind, LineKind, OrderStatus, RefundKind

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class SignupFact:
    """A customer signed up. At most 20 click ids, oldest or newest first does not matter."""

    customer_id: str
    click_ids: tuple[str, ...] = ()
    coupon: str | None = None
    referrer_code: str | None = None
    email: str | None = None
    signed_up_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LineFact:
    """One order line; ``net_minor`` is what the customer pays for the whole line, without VAT, shipping, discounts."""

    line_id: str
    product: str
    quantity: int
    net_minor: int
    kind: LineKind = LineKind.NEW


@dataclass(frozen=True, slots=True)
class OrderFact:
    """A customer placed an order, or placed and paid it."""

    order_id: str
    customer_id: str
    currency: str
    status: OrderStatus
    placed_at: datetime
    lines: tuple[LineFact, ...]
    paid_at: datetime | None = None
    method: str | None = None
    payer_iban: str | None = None
    click_id: str | None = None
    coupon: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """An order was paid."""

    order_id: str
    paid_at: datetime
    method: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectionFact:
    """The lines of an order as they are from ``corrected_at`` on; the latest counts."""

    order_id: str
    correction_id: str
    lines: tuple[LineFact, ...]
    corrected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CancellationFact:
    """An unpaid order was closed."""

    order_id: str
    cancelled_at: datetime


@dataclass(frozen=True, slots=True)
class RefundLine:
    """``net_minor`` of a line was given back."""

    line_id: str
    net_minor: int


@dataclass(frozen=True, slots=True)
class RefundFact:
    """Money went back to the customer, or (a reversal) came again."""

    order_id: str
    refund_id: str
    kind: RefundKind
    refunded_at: datetime
    lines: tuple[RefundLine, ...] = ()
    full: bool = False
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class PartnerChoiceFact:
    """The customer chose the partner with this code, or (null) ended the one it had."""

    customer_id: str
    referrer_code: str | None
    chosen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeadFact:
    """A referrer registered a prospect, under an id of the sender's; ``registered_at`` null means now."""

    lead_id: str
    referrer_code: str
    email: str
    registered_at: datetime | None = None


AnyFact = (
    SignupFact
    | OrderFact
    | PaymentFact
    | CorrectionFact
    | CancellationFact
    | RefundFact
    | PartnerChoiceFact
    | LeadFact
)

_FIELDS: Final = {
    kind: tuple(field.name for field in fields(kind)) for kind in (*get_args(AnyFact), LineFact, RefundLine)
}
_SEALED: Final = {"email": "email", "payer_iban": "iban"}
"""Fields that are personal data, and the purpose under which only their fingerprint is kept."""


class StoredFingerprints(Keyring):
    """Stands for the keyring where facts are read back: what is personal in them is a fingerprint already."""


def fingerprint(keyring: Keyring, purpose: str, value: str) -> str:
    """The keyed fingerprint of an e-mail address or IBAN, normalised first."""
    if isinstance(keyring, StoredFingerprints):
        return value
    if purpose == "email":
        return email_key(keyring, value)
    return keyring.index("iban", "".join(value.split()).upper())


def body_of(fact: AnyFact, keyring: Keyring) -> dict[str, Any]:
    """The fact as JSON, without nulls, personal data replaced by its fingerprint; equal facts give equal bodies."""
    body: dict[str, Any] = _plain(fact)
    for name, purpose in _SEALED.items():
        if body.get(name) is not None:
            body[name] = fingerprint(keyring, purpose, body[name])
    return body


def hash_of(body: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - walks any fact
    if names := _FIELDS.get(type(value)):
        pairs = ((name, getattr(value, name)) for name in names)
        return {name: _plain(item) for name, item in pairs if item is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return as_utc(value).isoformat()
    if isinstance(value, StrEnum):
        return value.value
    return value


def signup_from(body: dict[str, Any]) -> SignupFact:
    """Read a stored body back; ``email`` is its fingerprint."""
    return SignupFact(
        customer_id=body["customer_id"],
        click_ids=tuple(body.get("click_ids", ())),
        coupon=body.get("coupon"),
        referrer_code=body.get("referrer_code"),
        email=body.get("email"),
        signed_up_at=_instant(body.get("signed_up_at")),
    )


def order_from(body: dict[str, Any]) -> OrderFact:
    """Read a stored body back; ``payer_iban`` is its fingerprint."""
    return OrderFact(
        order_id=body["order_id"],
        customer_id=body["customer_id"],
        currency=body["currency"],
        status=OrderStatus(body["status"]),
        placed_at=datetime.fromisoformat(body["placed_at"]),
        lines=lines_from(body["lines"]),
        paid_at=_instant(body.get("paid_at")),
        method=body.get("method"),
        payer_iban=body.get("payer_iban"),
        click_id=body.get("click_id"),
        coupon=body.get("coupon"),
    )


def choice_from(body: dict[str, Any]) -> PartnerChoiceFact:
    """Read a stored body back."""
    return PartnerChoiceFact(body["customer_id"], body.get("referrer_code"), _instant(body.get("chosen_at")))


def lead_from(body: dict[str, Any]) -> LeadFact:
    """Read a stored body back; ``email`` is its fingerprint, empty once it was forgotten."""
    return LeadFact(
        body["lead_id"], body["referrer_code"], body.get("email", ""), _instant(body.get("registered_at"))
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def payment_from(body: dict[str, Any]) -> PaymentFact:
    """Read a stored body back."""
    return PaymentFact(body["order_id"], datetime.fromisoformat(body["paid_at"]), body.get("method"))


def cancellation_from(body: dict[str, Any]) -> CancellationFact:
    """Read a stored body back."""
    return CancellationFact(body["order_id"], datetime.fromisoformat(body["cancelled_at"]))


def correction_from(body: dict[str, Any]) -> CorrectionFact:
    """Read a stored body back."""
    return CorrectionFact(
        body["order_id"],
        body["correction_id"],
        lines_from(body["lines"]),
        _instant(body.get("corrected_at")),
    )


def refund_from(body: dict[str, Any]) -> RefundFact:
    """Read a stored body back."""
    return RefundFact(
        order_id=body["order_id"],
        refund_id=body["refund_id"],
        kind=RefundKind(body["kind"]),
        refunded_at=datetime.fromisoformat(body["refunded_at"]),
        lines=tuple(RefundLine(line["line_id"], line["net_minor"]) for line in body["lines"]),
        full=body["full"],
        reverses=body.get("reverses"),
    )


def lines_from(lines: Sequence[dict[str, Any]]) -> tuple[LineFact, ...]:
    """Read stored lines back."""
    return tuple(
        LineFact(
            line["line_id"], line["product"], line["quantity"], line["net_minor"], LineKind(line["kind"])
        )
        for line in lines
    )


KIND_OF: Final = {
    SignupFact: FactKind.SIGNUP,
    OrderFact: FactKind.ORDER,
    PaymentFact: FactKind.PAYMENT,
    CorrectionFact: FactKind.CORRECTION,
    CancellationFact: FactKind.CANCELLATION,
    RefundFact: FactKind.REFUND,
    PartnerChoiceFact: FactKind.PARTNER_CHOICE,
    LeadFact: FactKind.LEAD,
}
