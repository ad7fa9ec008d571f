"""Bank accounts on file."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, UtcDateTime, enum_column
from app.payouts.words import BlockedReason, DestinationSource


class PayoutDestination(Base):
    """One version of a referrer's bank account. Never edited, only followed by the next version or blocked.

    The highest version is the one that is paid to, once ``usable_on`` is reached. The IBAN is sealed
    (:meth:`app.kernel.crypto.Keyring.seal`) with the row's ``public_id`` and the referrer as associated
    data, so that copying the bytes into another row does not redirect money.
    """

    __tablename__ = "payout_destinations"
    __table_args__ = (
        UniqueConstraint("referrer_id", "version"),
        UniqueConstraint("public_id"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("(blocked_at IS NULL) = (blocked_reason IS NULL)", name="blocked"),
        CheckConstraint("length(last4) = 4", name="last4"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32))
    referrer_id: Mapped[int] = mapped_column(Id, ForeignKey("referrers.id"))
    version: Mapped[int]
    holder: Mapped[str] = mapped_column(String(140))
    iban_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    iban_key: Mapped[str] = mapped_column(String(64), index=True)
    """Keyed fingerprint by which equal accounts are found."""
    last4: Mapped[str] = mapped_column(String(4))
    country: Mapped[str] = mapped_column(String(2))
    """Of the IBAN."""
    bic: Mapped[str | None] = mapped_column(String(11))
    street: Mapped[str | None] = mapped_column(String(70))
    building: Mapped[str | None] = mapped_column(String(16))
    postcode: Mapped[str | None] = mapped_column(String(16))
    town: Mapped[str | None] = mapped_column(String(35))
    address_country: Mapped[str | None] = mapped_column(String(2))
    source: Mapped[DestinationSource] = mapped_column(enum_column(DestinationSource))
    verified: Mapped[bool]
    """The merchant vouches for it."""
    usable_on: Mapped[date]
    """First day (programme's time zone) on which it may be put into a run."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))
    """The actor, as the audit trail writes it."""
    blocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    blocked_reason: Mapped[BlockedReason | None] = mapped_column(enum_column(BlockedReason))
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its owner took this change back by the mailed link; a later version holds the account of before."""

    @property
    def has_structured_address(self) -> bool:
        """Whether a transfer outside the EEA can name the creditor's town and country."""
        return bool(self.town and self.address_country)
