"""Every night: what is past its time goes (``privacy/rules.py`` says what, and after how long)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.identity.audit import Actor
from app.privacy.retain import retain

if TYPE_CHECKING:
    from datetime import datetime

    from app.services import Services


def keep_house(services: Services, now: datetime) -> None:
    """Run the retention job; ``flask privacy report`` shows what it did."""
    retain(services, now, actor=Actor.system("retention"))
