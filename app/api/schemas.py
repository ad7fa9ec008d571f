"""The request bodies of ``/api/v1`` and what each means as a fact.

A body checks form and bounds; whether it fits what is recorded (an unknown order, a refund above the paid net) is the
use case's business. ``Batch*`` are the same bodies as lines of a batch, with their ``type`` and ``order_id`` inside.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from app.api.fields import (
    MAX_LINES,
    Bic,
    Campaign,
    ClickId,
    Currency,
    Email,
    Iban,
    Id,
    Instant,
    LineKind,
    Locale,
    Method,
    Name,
    Net,
    OptionalInstant,
    Quantity,
    ReferrerCode,
    Strict,
    Word,
    refusal,
)
from app.payouts.destinations import GivenAccount, GivenAddress
from app.referrals import words
from app.referrals.facts import (
    CancellationFact,
    CorrectionFact,
    LeadFact,
    LineFact,
    OrderFact,
    PartnerChoiceFact,
    PaymentFact,
    RefundFact,
    RefundLine,
    SignupFact,
)

MAX_CLICK_IDS = 20


class ReferrerBody(Strict):
    """Somebody joins the programme through the merchant."""

    code: ReferrerCode | None = None
    name: Name
    email: Email
    locale: Locale | None = None


class ReferrerSessionBody(Strict):
    """What the referrer's browser opens. ``frame``: the address is for a frame on a site that the programme allows."""

    open: Literal["dashboard", "links", "payouts"] = "dashboard"
    frame: bool = False


class CustomerSessionBody(Strict):
    """What the customer's browser opens; ``profile`` names whose in ``referrer_code``."""

    open: Literal["partner", "directory", "profile"] = "partner"
    referrer_code: ReferrerCode | None = None
    frame: bool = False

    @model_validator(mode="after")
    def _whose(self) -> CustomerSessionBody:
        if (self.open == "profile") != (self.referrer_code is not None):
            words = "goes together with open: profile, and only with it"
            raise refusal("referrer_code", words, "/referrer_code")
        return self


class AddressBody(Strict):
    """A structured postal address (ISO 20022 PostalAddress24, the fields that banks ask for)."""

    street: Annotated[str, Field(min_length=1, max_length=70)] | None = None
    building: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    postcode: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    town: Annotated[str, Field(min_length=1, max_length=35)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]


class PayoutDestinationBody(Strict):
    """The bank account that a referrer is paid to. ``verified``: the merchant already pays or debits this account."""

    holder: Annotated[Name, Field(max_length=140)]
    iban: Iban
    bic: Bic | None = None
    address: AddressBody | None = None
    verified: bool = False

    def account(self) -> GivenAccount:
        """The account as the use case takes it."""
        at = self.address
        address = GivenAddress(at.town, at.country, at.street, at.building, at.postcode) if at else None
        return GivenAccount(holder=self.holder, iban=self.iban, bic=self.bic, address=address)


class LinkBody(Strict):
    """A referral URL, for a campaign or to a page of the merchant's."""

    campaign: Campaign | None = None
    to: Annotated[str, Field(min_length=1, max_length=2048)] | None = None


class LeadBody(Strict):
    """A referrer spoke to somebody who may become a customer. Of the address only a keyed fingerprint is kept."""

    lead_id: Id
    email: Email
    registered_at: OptionalInstant = None

    def fact(self, code: str) -> LeadFact:
        """The fact that it reports."""
        return LeadFact(self.lead_id, code.lower(), self.email, self.registered_at)


class SignupBody(Strict):
    """A customer signed up. Every candidate is optional: without one the signup is recorded as unattributed."""

    customer_id: Id
    click_id: ClickId | None = None
    click_ids: Annotated[list[ClickId], Field(max_length=MAX_CLICK_IDS)] | None = None
    coupon: Word | None = None
    referrer_code: Word | None = None
    email: Email | None = None
    signed_up_at: OptionalInstant = None

    @model_validator(mode="after")
    def _one_form_of_clicks(self) -> SignupBody:
        if self.click_id is not None and self.click_ids is not None:
            raise refusal("click_ids", "is given besides click_id; give one of the two", "/click_ids")
        return self

    def fact(self) -> SignupFact:
        """The fact that it reports; click ids in the order given, each once."""
        given = self.click_ids or ([self.click_id] if self.click_id else [])
        return SignupFact(
            customer_id=self.customer_id,
            click_ids=tuple(dict.fromkeys(given)),
            coupon=self.coupon,
            referrer_code=self.referrer_code,
            email=self.email,
            signed_up_at=self.signed_up_at,
        )


class PartnerBody(Strict):
    """A customer chose a partner."""

    referrer_code: Word
    chosen_at: OptionalInstant = None

    def fact(self, customer_id: str) -> PartnerChoiceFact:
        """The fact that it reports."""
        return PartnerChoiceFact(
            customer_id=customer_id, referrer_code=self.referrer_code, chosen_at=self.chosen_at
        )


class PartnerEndQuery(Strict):
    """When the customer ended the partner; without it, when the call comes."""

    ended_at: OptionalInstant = None


class LineBody(Strict):
    """One line of an order. ``net`` is of the whole line, not per unit."""

    line_id: Id
    product: Id
    quantity: Quantity
    net: Net
    kind: LineKind = "new"

    def fact(self) -> LineFact:
        """The line as the use case takes it."""
        return LineFact(
            line_id=self.line_id,
            product=self.product,
            quantity=self.quantity,
            net_minor=self.net,
            kind=words.LineKind(self.kind),
        )


Lines = Annotated[list[LineBody], Field(min_length=1, max_length=MAX_LINES)]


def _each_line_once(line_ids: list[str]) -> None:
    if len(set(line_ids)) == len(line_ids):
        return
    seen: set[str] = set()
    for index, line_id in enumerate(line_ids):
        if line_id in seen:
            raise refusal("repeated_line", "repeats an earlier line_id", f"/lines/{index}/line_id")
        seen.add(line_id)


class OrderBody(Strict):
    """An order. ``paid_at`` without a value means ``placed_at`` where the status is ``paid``."""

    order_id: Id
    customer_id: Id
    currency: Currency
    status: Literal["pending", "paid"]
    placed_at: Instant
    paid_at: OptionalInstant = None
    method: Method | None = None
    payer_iban: Iban | None = None
    lines: Lines
    click_id: ClickId | None = None
    coupon: Word | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> OrderBody:
        if self.status == "pending" and self.paid_at is not None:
            raise refusal("paid_at_of_pending", "is given, but the status is pending", "/paid_at")
        _each_line_once([line.line_id for line in self.lines])
        return self

    def fact(self) -> OrderFact:
        """The fact that it reports."""
        paid_at = self.paid_at or self.placed_at if self.status == "paid" else None
        return OrderFact(
            order_id=self.order_id,
            customer_id=self.customer_id,
            currency=self.currency,
            status=words.OrderStatus(self.status),
            placed_at=self.placed_at,
            paid_at=paid_at,
            method=self.method,
            payer_iban=self.payer_iban,
            lines=tuple(line.fact() for line in self.lines),
            click_id=self.click_id,
            coupon=self.coupon,
        )


class PaymentBody(Strict):
    """An order was paid."""

    paid_at: Instant
    method: Method | None = None

    def fact(self, order_id: str) -> PaymentFact:
        """The fact that it reports."""
        return PaymentFact(order_id=order_id, paid_at=self.paid_at, method=self.method)


class CorrectionBody(Strict):
    """The lines of an order as they are now; a line that is left out is no longer part of it."""

    correction_id: Id
    lines: Lines
    corrected_at: OptionalInstant = None

    @model_validator(mode="after")
    def _hangs_together(self) -> CorrectionBody:
        _each_line_once([line.line_id for line in self.lines])
        return self

    def fact(self, order_id: str) -> CorrectionFact:
        """The fact that it reports."""
        return CorrectionFact(
            order_id=order_id,
            correction_id=self.correction_id,
            lines=tuple(line.fact() for line in self.lines),
            corrected_at=self.corrected_at,
        )


class CancellationBody(Strict):
    """An order that was never paid is closed."""

    cancelled_at: Instant

    def fact(self, order_id: str) -> CancellationFact:
        """The fact that it reports."""
        return CancellationFact(order_id=order_id, cancelled_at=self.cancelled_at)


class RefundLineBody(Strict):
    """What was paid back of one line, net, in minor units."""

    line_id: Id
    net: Net

    def fact(self) -> RefundLine:
        """The line as the use case takes it."""
        return RefundLine(line_id=self.line_id, net_minor=self.net)


class RefundBody(Strict):
    """Money went back to the customer (or, with a reversal, came again).

    Either ``lines`` or ``full: true``; a reversal may leave out both and then undoes all of what it ``reverses``.
    """

    refund_id: Id
    kind: Literal["refund", "chargeback", "chargeback_reversal"]
    reverses: Annotated[Id, Field(description="the refund_id of the chargeback that is reversed")] | None = (
        None
    )
    refunded_at: Instant
    lines: Annotated[list[RefundLineBody], Field(min_length=1, max_length=MAX_LINES)] | None = None
    full: bool = False

    @model_validator(mode="after")
    def _hangs_together(self) -> RefundBody:
        reversal = self.kind == "chargeback_reversal"
        if reversal and self.reverses is None:
            raise refusal("reverses", "is required for a chargeback_reversal", "/reverses")
        if not reversal and self.reverses is not None:
            raise refusal("reverses", "belongs to a chargeback_reversal only", "/reverses")
        if self.lines is not None and self.full:
            raise refusal("lines_or_full", "is given besides full: true; give one of the two", "/lines")
        if self.lines is None and not self.full and not reversal:
            raise refusal("lines_or_full", "is required unless full is true", "/lines")
        _each_line_once([line.line_id for line in self.lines or []])
        return self

    def fact(self, order_id: str) -> RefundFact:
        """The fact that it reports."""
        return RefundFact(
            order_id=order_id,
            refund_id=self.refund_id,
            kind=words.RefundKind(self.kind),
            reverses=self.reverses,
            refunded_at=self.refunded_at,
            lines=tuple(line.fact() for line in self.lines or []),
            full=self.lines is None,
        )


class BatchSignup(SignupBody):
    """A signup as a line of a batch."""

    type: Literal["signup"]


class BatchOrder(OrderBody):
    """An order as a line of a batch."""

    type: Literal["order"]


class BatchPayment(PaymentBody):
    """A payment as a line of a batch."""

    type: Literal["payment"]
    order_id: Id


class BatchCorrection(CorrectionBody):
    """A correction as a line of a batch."""

    type: Literal["correction"]
    order_id: Id


class BatchCancellation(CancellationBody):
    """A cancellation as a line of a batch."""

    type: Literal["cancellation"]
    order_id: Id


class BatchRefund(RefundBody):
    """A refund as a line of a batch."""

    type: Literal["refund"]
    order_id: Id
