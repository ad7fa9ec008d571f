"""The tables of the slice, by noun."""

from app.payouts.models.bank import BankEvent, BankFile, BankStatement
from app.payouts.models.destinations import PayoutDestination
from app.payouts.models.documents import (
    DocumentLine,
    DocumentSeries,
    MerchantProfile,
    SelfBillingAgreement,
    TaxDocument,
    TaxProfile,
    VatCheck,
)
from app.payouts.models.runs import Payout, PayoutApproval, PayoutFile, PayoutOmission, PayoutRun

__all__ = [
    "BankEvent",
    "BankFile",
    "BankStatement",
    "DocumentLine",
    "DocumentSeries",
    "MerchantProfile",
    "Payout",
    "PayoutApproval",
    "PayoutDestination",
    "PayoutFile",
    "PayoutOmission",
    "PayoutRun",
    "SelfBillingAgreement",
    "TaxDocument",
    "TaxProfile",
    "VatCheck",
]
