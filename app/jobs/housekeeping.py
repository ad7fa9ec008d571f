"""Every night: what is past its time goes (``privacy/rules.py`` says what, and after how long)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.identity.audit import Actor
from app.privacy.retain import retain

if TYPE_CHECKING:
    from datetime import datetime

    from app.services import Services

_log = structlog.get_logger(__name__)


def keep_house(services: Services, now: datetime) -> None:
    """Run the retention job; ``flask privacy report`` shows what it did."""
    report = retain(services, now, actor=Actor.system("retention"))
    _log.info("retention_finished", run=report.run, rows=report.rows)
