"""The audit trail as people look through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.identity.models import AuditEvent
from app.kernel.keyset import ALWAYS, Between, Way

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.kernel.keyset import Part

AUDIT_WAYS: Final = {"when": Way(AuditEvent.at, AuditEvent.id, descending=True)}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """``subject`` ("referrer:ada") and ``action`` ("rate.set") are whole."""

    subject: str = ""
    action: str = ""
    at: Between = ALWAYS


def audit_events(session: Session, wanted: AuditFilter, part: Part) -> list[AuditEvent]:
    """What was done, of the whole installation: people and keys belong to no programme."""
    found = select(AuditEvent).where(*wanted.at.holds(AuditEvent.at))
    if wanted.subject:
        found = found.where(AuditEvent.subject == wanted.subject)
    if wanted.action:
        found = found.where(AuditEvent.action == wanted.action)
    return list(session.scalars(part.of(found)))
