"""What the API answers. The models write the OpenAPI document, and a test holds every answer against its model.

Amounts are integer minor units of the ``currency`` beside them; times are RFC 3339 in UTC; days are calendar days in
the programme's time zone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class AnswerModel(BaseModel):
    """An answer: nothing in it that is not declared here."""

    model_config = ConfigDict(extra="forbid")


class FieldError(AnswerModel):
    """One wrong field: an RFC 6901 pointer into the body (or the parameter's name) and what is wrong."""

    pointer: str
    detail: str


class Problem(AnswerModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    request_id: str | None


class TierAnswer(AnswerModel):
    """From the referrer's customer with that number on, that one included, ``rate`` holds instead."""

    from_customers: int
    rate: str


class RateAnswer(AnswerModel):
    """A kickback rate that applies. ``product`` null: to every product without a rate of its own."""

    product: str | None
    rate: Annotated[str, Field(description="`10%`, `5.00` (flat, per piece) or `none`")]
    duration: Annotated[str, Field(description="`lifetime`, `first_order` or `12m`")]
    kinds: list[str]
    scope: str
    valid_from: datetime
    tiers: Annotated[list[TierAnswer], Field(description="performance tiers, rising; empty: none")]
    tier_basis: Annotated[
        Literal["month", "total"] | None,
        Field(description="customers with a paid order in the calendar month of the payment, or ever"),
    ]
    cap_order: Annotated[int | None, Field(description="the most it earns of one order, in minor units")]
    cap_customer: Annotated[int | None, Field(description="the most it earns of one customer")]


class LinkAnswer(AnswerModel):
    """A referral URL."""

    url: str
    campaign: str | None = None
    to: str | None = None


class LeadAnswer(AnswerModel):
    """A registered prospect: it speaks for the referrer at a signup from ``registered_at`` until ``expires_at``."""

    lead_id: str
    referrer: str
    registered_at: datetime
    expires_at: datetime


class ReferrerAnswer(AnswerModel):
    """A referrer with its links and the rates that apply to new customers of theirs."""

    code: str
    status: str
    referral_url: str
    name: str
    email: str
    locale: str
    joined_at: datetime
    links: list[LinkAnswer]
    rates: list[RateAnswer]


class BalanceAnswer(AnswerModel):
    """``earned - clawed_back + opening + adjustments = pending + available + held + in_flight + paid``, always.

    ``opening`` was brought along from another tool; ``adjustments`` are all else, also debts that were written off.
    """

    currency: str
    pending: int
    available: int
    held: int
    in_flight: int
    paid: int
    earned: int
    clawed_back: int
    opening: int
    adjustments: int


class DestinationAnswer(AnswerModel):
    """The bank account on file, masked. ``usable_on`` is the first day on which it may be paid to."""

    last4: str
    usable_on: date


class SignupAnswer(AnswerModel):
    """Whom a customer belongs to. ``referrer`` is null when unattributed."""

    customer_id: str
    referrer: str | None
    method: str | None
    decision_id: str
    signed_up_at: datetime


class PartnerAnswer(AnswerModel):
    """The partner that a customer has now, if any."""

    customer_id: str
    referrer: str | None
    method: str | None
    chosen_at: datetime | None


class ErasureAnswer(AnswerModel):
    """Personal data of a customer is gone; amounts stay."""

    customer_id: str
    erased_at: datetime


class PartnerLinkAnswer(AnswerModel):
    """Where the customer sees who is rewarded for them, until ``expires_at``; show it to nobody else."""

    customer_id: str
    url: str
    expires_at: datetime


class HandOverAnswer(AnswerModel):
    """Where to send the browser, once and before ``expires_at``. Show it to nobody else, and keep it nowhere."""

    url: str
    expires_at: datetime


class CustomerDataAnswer(AnswerModel):
    """Everything that is known of a customer. E-mail address and bank account are kept as keyed fingerprints only."""

    customer_id: str
    program: str
    first_seen_at: datetime | None
    first_paid_of_orders_that_became_totals: datetime | None
    erased_at: datetime | None
    email_fingerprint: str | None
    marks: list[dict[str, Any]]
    signup: list[dict[str, Any]]
    clicks: list[dict[str, Any]]
    partners: list[dict[str, Any]]
    choices: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    corrections_by_staff: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    reviews: list[dict[str, Any]]
    ratings: list[dict[str, Any]]
    facts: list[dict[str, Any]]


class CommissionAnswer(AnswerModel):
    """What a line earns its referrer now, after refunds."""

    line_id: str
    kind: Annotated[
        Literal["kickback", "bonus"],
        Field(
            description="`bonus`: the sign-up bonus, on the first line of the first order a customer ever paid"
        ),
    ]
    amount: int
    currency: str
    rate: str
    available_on: date
    state: str


class OrderAnswer(AnswerModel):
    """An order as it stands."""

    order_id: str
    status: str
    referrer: str | None
    commissions: list[CommissionAnswer]


class FactAnswer(OrderAnswer):
    """A fact about an order, and the order as it stands. ``parked``: it waits for the order and has no effect yet."""

    state: Literal["recorded", "parked", "refused"]
    status: Annotated[str | None, Field(description="of the order; null while it is not known")]  # type: ignore[assignment]
    reason: Annotated[str | None, Field(description="what a parked fact waits for, or why it was refused")]


class LineAnswer(AnswerModel):
    """An order line."""

    line_id: str
    product: str
    quantity: int
    net: int
    kind: str


class RefundLineAnswer(AnswerModel):
    """What was paid back of a line."""

    line_id: str
    net: int


class PaymentAnswer(FactAnswer):
    """A payment."""

    paid_at: datetime
    method: str | None


class CancellationAnswer(FactAnswer):
    """A cancellation."""

    cancelled_at: datetime


class CorrectionAnswer(FactAnswer):
    """A correction."""

    correction_id: str
    corrected_at: datetime | None
    lines: list[LineAnswer]


class RefundAnswer(FactAnswer):
    """A refund, chargeback or reversal."""

    refund_id: str
    kind: str
    reverses: str | None
    refunded_at: datetime
    full: bool
    lines: list[RefundLineAnswer]


class ExplanationAnswer(BaseModel):
    """Why an order earned what it earned: the decision with every candidate, and each line's sum."""

    model_config = ConfigDict(extra="allow")

    order_id: str
    status: str
    referrer: str | None
    decision: dict[str, Any] | None
    lines: list[dict[str, Any]]


class SignupExplanationAnswer(BaseModel):
    """Whom a customer belongs to: every decision in force with every candidate, and the bindings they came to."""

    model_config = ConfigDict(extra="allow")

    customer_id: str
    signed_up_at: datetime
    decisions: list[dict[str, Any]]
    bindings: list[dict[str, Any]]


class ClickAnswer(AnswerModel):
    """A request to a referral link."""

    click_id: str | None
    at: datetime
    referrer: str | None
    campaign: str | None
    label: str


class ListedCommission(CommissionAnswer):
    """A commission in a list."""

    order_id: str
    referrer: str
    product: str
    earned: int
    clawed_back: int
    paid_at: datetime


class ListedPayout(AnswerModel):
    """A payout in a list."""

    end_to_end_id: str
    run: str
    referrer: str
    amount: int
    currency: str
    state: str
    created_at: datetime


class ListedRun(AnswerModel):
    """A payout run in a list."""

    run: str
    period: str
    state: str
    currency: str
    payouts: int
    amount: int
    created_at: datetime


class _Page(AnswerModel):
    next_cursor: Annotated[
        str | None, Field(description="give it as `cursor` for the next page; null on the last")
    ]


class ClickPage(_Page):
    """Clicks, the latest first."""

    items: list[ClickAnswer]


class CommissionPage(_Page):
    """Commissions, the latest paid first."""

    items: list[ListedCommission]


class WaitingOrder(AnswerModel):
    """An order that earns once the reference rate of the day ``needs`` is known."""

    order_id: str
    referrer: str | None
    currency: str
    paid_at: datetime
    needs: date


class WaitingPage(_Page):
    """Orders that wait for an exchange rate."""

    items: list[WaitingOrder]


class PayoutPage(_Page):
    """Payouts, the latest first."""

    items: list[ListedPayout]


class RunPage(_Page):
    """Payout runs, the latest first."""

    items: list[ListedRun]
