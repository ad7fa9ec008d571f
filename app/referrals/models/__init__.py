"""The tables of the slice, by noun."""

from app.referrals.models.assignments import Assignment, Lead
from app.referrals.models.click_quality import ClickQuality
from app.referrals.models.clicks import (
    BY_ASSET,
    Click,
    ClickTotal,
    ClickUse,
    ReferrerNetwork,
    VisitorKey,
)
from app.referrals.models.commissions import (
    Commission,
    CommissionKind,
    Hold,
    HoldRule,
    HoldState,
    TierRecount,
)
from app.referrals.models.contests import Contest, ContestState, ContestSubject
from app.referrals.models.customers import Binding, BindingMethod, Customer, Decision, PartnerChoice, Signup
from app.referrals.models.exchange import ExchangeRate
from app.referrals.models.mergers import Merger
from app.referrals.models.orders import (
    GONE,
    Correction,
    Fact,
    FactKind,
    FactState,
    Order,
    OrderLine,
    OrderStatus,
    Refund,
    RefundKind,
)
from app.referrals.models.programs import (
    Approval,
    AttributionModel,
    ConsentMode,
    Duration,
    LineKind,
    Product,
    Program,
    ProgramTerms,
    RateKind,
    RateScope,
    RateVersion,
)
from app.referrals.models.published import PublishedTerms, TermsAcceptance
from app.referrals.models.referrers import Coupon, Link, Referrer, ReferrerStatus
from app.referrals.models.team import TeamInvitation, TeamLevel, TeamMember
from app.referrals.models.totals import OrderTotal

__all__ = [
    "BY_ASSET",
    "GONE",
    "Approval",
    "Assignment",
    "AttributionModel",
    "Binding",
    "BindingMethod",
    "Click",
    "ClickQuality",
    "ClickTotal",
    "ClickUse",
    "Commission",
    "CommissionKind",
    "ConsentMode",
    "Contest",
    "ContestState",
    "ContestSubject",
    "Correction",
    "Coupon",
    "Customer",
    "Decision",
    "Duration",
    "ExchangeRate",
    "Fact",
    "FactKind",
    "FactState",
    "Hold",
    "HoldRule",
    "HoldState",
    "Lead",
    "LineKind",
    "Link",
    "Merger",
    "Order",
    "OrderLine",
    "OrderStatus",
    "OrderTotal",
    "PartnerChoice",
    "Product",
    "Program",
    "ProgramTerms",
    "PublishedTerms",
    "RateKind",
    "RateScope",
    "RateVersion",
    "Referrer",
    "ReferrerNetwork",
    "ReferrerStatus",
    "Refund",
    "RefundKind",
    "Signup",
    "TeamInvitation",
    "TeamLevel",
    "TeamMember",
    "TermsAcceptance",
    "TierRecount",
    "VisitorKey",
]
