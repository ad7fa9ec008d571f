"""Exchange rates."""

from __future__ import annotations

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class ExchangeRate(Base):
    """A euro reference rate of the European Central Bank: one euro bought ``per_euro`` units that day.

    Kept as the decimal that was published; never changed once it is stored.
    """

    __tablename__ = "exchange_rates"

    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    per_euro: Mapped[str] = mapped_column(String(24))
