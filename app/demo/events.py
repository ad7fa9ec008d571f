"""What can happen in the demo's history: one class a kind, each with the instant at which it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.payouts.documents.profiles import GivenProfile
    from app.referrals.facts import CancellationFact, OrderFact, PartnerChoiceFact, PaymentFact, RefundFact


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody joins a programme; the merchant hands over the known bank account."""

    at: datetime
    program: str
    code: str
    name: str
    email: str
    locale: str
    iban: str


@dataclass(frozen=True, slots=True)
class MakeCoupon:
    """A referrer gets a coupon code."""

    at: datetime
    program: str
    code: str
    coupon: str


@dataclass(frozen=True, slots=True)
class MakeLink:
    """A referrer makes a link for a campaign; ``to`` is the page it leads to, or empty."""

    at: datetime
    program: str
    code: str
    campaign: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class FollowLink:
    """A request to a referral link. ``key`` names it within the demo; ``agent`` is the full user agent."""

    at: datetime
    program: str
    code: str
    campaign: str
    key: int
    agent: str
    visitor: int
    method: str = "GET"
    purpose: str = ""
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class SignUp:
    """A customer signs up, with the clicks (by key), the coupon or the code that they bring."""

    at: datetime
    program: str
    customer_id: str
    email: str
    clicks: tuple[int, ...] = ()
    coupon: str | None = None
    referrer_code: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The merchant reports a fact about an order or a partner."""

    at: datetime
    program: str
    fact: OrderFact | PaymentFact | CancellationFact | RefundFact | PartnerChoiceFact


@dataclass(frozen=True, slots=True)
class TradeAs:
    """A referrer who is a business gives its tax details, agrees to self-billing, and VIES knows its VAT id."""

    at: datetime
    program: str
    code: str
    profile: GivenProfile


@dataclass(frozen=True, slots=True)
class Suspend:
    """Staff suspend a referrer."""

    at: datetime
    program: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetRate:
    """The merchant sets a kickback rate, from then on."""

    at: datetime
    program: str
    rate: str
    sku: str | None = None
    code: str | None = None


Event = Join | MakeCoupon | MakeLink | FollowLink | SignUp | Report | TradeAs | Suspend | SetRate
