"""The one table of this edge: answers kept for ``Idempotency-Key``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Id, JsonValue, UtcDateTime


class StoredAnswer(Base):
    """The answer given to the first request under an ``Idempotency-Key``; written in that request's transaction."""

    __tablename__ = "api_stored_answers"
    __table_args__ = (UniqueConstraint("program_id", "key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    program_id: Mapped[int] = mapped_column(Id, ForeignKey("programs.id"))
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 over method, path and body: what the key stands for."""
    status: Mapped[int]
    """HTTP status; 0 while the first request is still being answered."""
    body: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
