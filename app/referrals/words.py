"""The enums that facts, rules and tables share. Members are the glossary's words."""

from __future__ import annotations

from enum import StrEnum


class AttributionModel(StrEnum):
    """Which of several valid clicks wins."""

    LAST_CLICK = "last_click"
    """The latest click before the signup."""
    FIRST_CLICK = "first_click"
    """The earliest click within the attribution window."""


class ConsentMode(StrEnum):
    """How the redirect may remember a visitor (docs/privacy.md)."""

    REQUIRED = "required"
    """No cookie; the click id travels in the URL and the shop stores it after consent. The default."""
    EXEMPT = "exempt"
    """The merchant's recorded assessment says that no consent is needed: the redirect sets ``ref_click``."""
    COOKIELESS = "cookieless"
    """No cookie anywhere; the id travels in URL and form only."""


class Approval(StrEnum):
    """Who takes a payout run from draft to files."""

    AUTOMATIC = "automatic"
    """The worker, alone."""
    ONE = "one"
    """One person."""
    TWO = "two"
    """Four eyes: one freezes, another approves. The default."""


class RateKind(StrEnum):
    """What a rate version pays."""

    PERCENT = "percent"
    """``rate_ppm`` parts per million of the line's net."""
    FLAT = "flat"
    """``flat_minor`` for each piece, never above the line's net unless the version says so."""
    NONE = "none"
    """Nothing: excludes its product from every less specific level."""
    STANDARD = "standard"
    """This level says nothing any more, and the next less specific one decides: a referrer's own terms are over."""


class Duration(StrEnum):
    """For how long after the binding's first paid order a rate pays."""

    LIFETIME = "lifetime"
    """As long as the binding lasts."""
    FIRST_ORDER = "first_order"
    """The binding's first paid order only."""
    MONTHS = "months"
    """A number of calendar months from the binding's first paid order."""


class RateScope(StrEnum):
    """Whom a new version concerns."""

    NEW_CUSTOMERS = "new_customers"
    """Bindings made from ``valid_from`` on. The default: old referrals never change silently."""
    ALL = "all"
    """Every order paid from ``valid_from`` on."""


class TierBasis(StrEnum):
    """Over which time the customers that a performance tier asks for are counted."""

    MONTH = "month"
    """The calendar month of the order's payment, in the programme's time zone."""
    TOTAL = "total"
    """Ever."""


class CommissionKind(StrEnum):
    """What a commission, and the rate version that it comes from, is for."""

    KICKBACK = "kickback"
    """An order line."""
    BONUS = "bonus"
    """The sign-up bonus: for the first order that a customer ever paid."""


class LineKind(StrEnum):
    """What an order line sells."""

    NEW = "new"
    RENEWAL = "renewal"
    UPGRADE = "upgrade"
    ADDON = "addon"


class OrderStatus(StrEnum):
    """How far an order has come."""

    PENDING = "pending"
    """Placed and not yet paid."""
    PAID = "paid"
    """The merchant has the customer's money; commissions exist."""
    CANCELLED = "cancelled"
    """Closed before it was paid."""


class RefundKind(StrEnum):
    """Who took the money back, or gave it again."""

    REFUND = "refund"
    """The merchant paid the customer back."""
    CHARGEBACK = "chargeback"
    """The customer's bank took the money back."""
    CHARGEBACK_REVERSAL = "chargeback_reversal"
    """The merchant won the dispute: the chargeback it ``reverses`` no longer counts."""


class BindingMethod(StrEnum):
    """How a customer came to belong to a referrer."""

    COUPON = "coupon"
    CLICK = "click"
    LEAD = "lead"
    """The referrer had registered the customer's e-mail address as a prospect."""
    CODE = "code"
    """A referrer code that the customer typed."""
    CHOSEN = "chosen"
    """The customer chose the partner from the directory."""
    STAFF = "staff"
    """Staff said so, with a reason."""


class ReferrerStatus(StrEnum):
    """Whether a referrer takes part."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Links land unattributed and pending money is held, until reinstated."""
    LEFT = "left"
    """Left the programme: earns nothing new, is paid what is due."""


class FactState(StrEnum):
    """What became of a fact from outside."""

    RECORDED = "recorded"
    """It counts."""
    PARKED = "parked"
    """It waits for another fact, named in ``reason``."""
    REFUSED = "refused"
    """It had waited, and contradicts the fact that came; ``reason`` says how."""


class FactKind(StrEnum):
    """The facts that the API records."""

    SIGNUP = "signup"
    ORDER = "order"
    PAYMENT = "payment"
    CORRECTION = "correction"
    CANCELLATION = "cancellation"
    REFUND = "refund"
    PARTNER_CHOICE = "partner_choice"
    LEAD = "lead"


class HoldRule(StrEnum):
    """Why a commission was taken under review."""

    SELF_REFERRAL_EMAIL = "self_referral_email"
    """The customer's normalised e-mail is the referrer's."""
    SELF_REFERRAL_IBAN = "self_referral_iban"
    """The order was paid from a bank account that the referrer has on file."""
    REFERRER_SUSPENDED = "referrer_suspended"
    """The referrer is suspended; released by reinstating."""
    STAFF = "staff"
    """Taken aside by a person, who says why."""
    SHARED_CLICK = "shared_click"
    """A second customer came with the same click."""
    CROWDED_CLICK = "crowded_click"
    """Several customers came with the same click."""
    FAST_CONVERSION = "fast_conversion"
    """Paid sooner after the click than a person can."""
    LATE_CLICK = "late_click"
    """The referrer's click came after the checkout or the signup that presents it."""
    SAME_NETWORK = "same_network"
    """The click came from a network in which the referrer logged in that day."""
    CONVERSION_OUTLIER = "conversion_outlier"
    """The referrer's clicks become signups far more often than everybody else's."""
    REFUND_RATE = "refund_rate"
    """Too many of the referrer's orders are refunded."""
    REFERRAL_RING = "referral_ring"
    """The customer is a referrer whose customers lead back to this referrer."""


class HoldState(StrEnum):
    """What became of a hold."""

    OPEN = "open"
    NOTED = "noted"
    """Staff see it and no money moves; the referrer is not told."""
    SEEN = "seen"
    """A note that staff left as it was; the referrer is not told of it either."""
    RELEASED = "released"
    REJECTED = "rejected"
    """The commission was rejected for good: its target is zero."""
