"""A self-billing document as it is written, before any format: the snapshot that its bytes are made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from app.payouts.domain.vat import VatCategory


class DocumentType(StrEnum):
    """UNCL 1001."""

    SELF_BILLED = "389"
    """Self-billed invoice."""
    CORRECTED = "384"
    """Corrected invoice: refers to the one that it corrects."""


class DocumentState(StrEnum):
    """Whether a document stands. Its number, its text and its bytes never change."""

    ISSUED = "issued"
    """It stands."""
    VOID = "void"
    """Taken back in full by a correction of its own."""


class CorrectionReason(StrEnum):
    """Why a correction was written."""

    REFUND = "refund"
    """A refund, chargeback or review took commission back after it was invoiced."""
    OBJECTION = "objection"
    """The referrer objects to the document."""
    CANCELLED = "cancelled"
    """The payout that it was written for was cancelled."""


@dataclass(frozen=True, slots=True)
class Party:
    """Seller (the referrer) or buyer (the merchant), as on the document."""

    name: str
    street: str
    postcode: str
    town: str
    country: str
    vat_id: str | None = None
    tax_number: str | None = None
    """The national tax number (BT-32)."""
    own_id: str | None = None
    """The number that tells the seller apart where there is no VAT id (BT-29)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: so many commissions for one product."""

    label: str
    count: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The document that a correction corrects."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Invoice:
    """The whole document. ``net + vat = gross``; of a correction all three are negative."""

    number: str
    type: DocumentType
    language: str
    """Two letters: nl, de or en."""
    issued_on: date
    from_on: date
    until_on: date
    """The days that it bills (both inclusive)."""
    currency: str
    seller: Party
    buyer: Party
    category: VatCategory
    rate_ppm: int
    net_minor: int
    vat_minor: int
    lines: tuple[Line, ...]
    program: str
    corrects: Reference | None = None
    reason: CorrectionReason | None = None
    """Why it corrects."""

    def __post_init__(self) -> None:
        """Refuse a document that does not add up."""
        if sum(line.net_minor for line in self.lines) != self.net_minor:
            raise ValueError(f"the lines of {self.number} do not add up to {self.net_minor}")
        if (self.type is DocumentType.CORRECTED) != (self.corrects is not None):
            raise ValueError(f"{self.number} corrects another document or does not")

    @property
    def gross_minor(self) -> int:
        """What is transferred for it."""
        return self.net_minor + self.vat_minor

    def as_json(self) -> dict[str, Any]:
        """The snapshot that is stored."""
        facts = asdict(self)
        for name in ("issued_on", "from_on", "until_on"):
            facts[name] = facts[name].isoformat()
        if facts["corrects"] is not None:
            facts["corrects"]["issued_on"] = facts["corrects"]["issued_on"].isoformat()
        return facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Invoice:
        """Read the snapshot back."""
        corrects = facts["corrects"]
        days = {name: date.fromisoformat(facts[name]) for name in ("issued_on", "from_on", "until_on")}
        return cls(
            **{
                **facts,
                **days,
                "type": DocumentType(facts["type"]),
                "category": VatCategory(facts["category"]),
                "seller": Party(**facts["seller"]),
                "buyer": Party(**facts["buyer"]),
                "lines": tuple(Line(**line) for line in facts["lines"]),
                "reason": facts["reason"] and CorrectionReason(facts["reason"]),
                "corrects": corrects
                and Reference(corrects["number"], date.fromisoformat(corrects["issued_on"])),
            }
        )
