"""The table of the slice."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.finance.words import Chart
from app.kernel.db import Base, Id, JsonValue, enum_column


class FinanceSettings(Base):
    """How a programme's books are handed to the merchant's bookkeeping. No row means the defaults."""

    __tablename__ = "finance_settings"
    __table_args__ = (
        CheckConstraint("adviser BETWEEN 1001 AND 9999999", name="adviser"),
        CheckConstraint("client BETWEEN 1 AND 99999", name="client"),
        CheckConstraint("year_begins BETWEEN 1 AND 12", name="year_begins"),
    )

    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"), primary_key=True)
    chart: Mapped[Chart] = mapped_column(enum_column(Chart))
    accounts: Mapped[dict[str, str]] = mapped_column(JsonValue)
    """Ledger account to account number, where it differs from the chart's."""
    adviser: Mapped[int | None]
    """DATEV's number of the tax adviser (Beraternummer)."""
    client: Mapped[int | None]
    """DATEV's number of the client (Mandantennummer)."""
    year_begins: Mapped[int]
    """The month in which the financial year begins."""
