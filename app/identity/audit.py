"""The audit trail: one append-only row for every change of a rate, status, destination, run,
person or key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.identity.models import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.models import User

_NAME: Final = re.compile(r"[a-z0-9_.-]{1,60}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as the audit trail writes it down. Holds no personal data."""

    label: str

    @classmethod
    def user(cls, user: User) -> Actor:
        """A person, by their random id."""
        return cls(f"user:{user.public_id}")

    @classmethod
    def person(cls, public_id: str) -> Actor:
        """A person whose random id is at hand (a signed-in session)."""
        return cls(f"user:{public_id}")

    @classmethod
    def api_key(cls, prefix: str) -> Actor:
        """A programme's key, by its public first part."""
        return cls(f"key:{prefix}")

    @classmethod
    def system(cls, name: str) -> Actor:
        """A job or a rule of the house: ``scheduler``, ``demo``."""
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not the name of a part of the house")
        return cls(f"system:{name}")

    @classmethod
    def cli(cls) -> Actor:
        """Whoever has a shell on the machine."""
        return cls("cli")


def record_event(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
    *,
    now: datetime,
    program_id: int | None = None,
) -> None:
    """Write down that ``actor`` did ``action`` ("rate.set", "referrer.suspended") to ``subject``
    ("referrer:ada").

    ``details`` is JSON: the facts that explain the change, before and after. No names, addresses or bank
    accounts: the row can never be erased.
    """
    session.add(
        AuditEvent(
            at=now,
            actor=actor.label,
            action=action,
            subject=subject,
            program_id=program_id,
            details=dict(details or {}),
        )
    )
