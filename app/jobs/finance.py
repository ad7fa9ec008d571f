"""Every night: the days that are over are sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from app.finance.sealing import seal_what_is_due, seals_are_due
from app.kernel.queue import JobRequest

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.services import Services

_log = structlog.get_logger(__name__)

SEAL_DAYS: Final = "finance.seal_days"


def seal_days(services: Services, now: datetime) -> None:
    """Seal what is due. The log keeps where each chain ends: whoever has it can tell a chain that was made anew."""
    for sealed in seal_what_is_due(services.db, now):
        if sealed.days:
            _log.info(
                "days_sealed",
                book=sealed.book.value,
                days=len(sealed.days),
                until=sealed.days[-1].isoformat(),
                seal=sealed.head.number,
                digest=sealed.head.digest,
            )


def due_jobs(session: Session, now: datetime) -> list[JobRequest]:
    """One job where a finished day is not sealed: the tick of the night was lost, or a job died."""
    return [JobRequest(SEAL_DAYS)] if seals_are_due(session, now) else []
