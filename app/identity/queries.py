"""Reads of people, keys and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.identity.models import ApiKey, AuditEvent, User, UserSession

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

MAX_PAGE: Final = 200


def user_by_email(session: Session, email: str) -> User | None:
    """The account of an address, in any spelling of its case."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def user_by_public_id(session: Session, public_id: str) -> User | None:
    """The account with this random id."""
    return session.scalar(select(User).where(User.public_id == public_id))


def staff(session: Session) -> list[User]:
    """Everybody who is not a referrer, by address; disabled ones included."""
    return list(session.scalars(select(User).where(User.role != "referrer").order_by(User.email)))


def names_of_actors(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """What the audit trail's actors are called on a page: the person's address for ``user:...``, else the
    label.
    """
    labels = set(actors)
    found = {label: label for label in labels}
    people = [label.removeprefix("user:") for label in labels if label.startswith("user:")]
    for public_id, email in session.execute(
        select(User.public_id, User.email).where(User.public_id.in_(people))
    ):
        found[f"user:{public_id}"] = email
    return found


def session_by_token_hash(session: Session, token_hash: str) -> UserSession | None:
    """The session whose token has this SHA-256, with its person; also one that has ended."""
    return session.scalar(
        select(UserSession).where(UserSession.token_hash == token_hash).options(joinedload(UserSession.user))
    )


def open_sessions(session: Session, user_id: int, now: datetime) -> list[UserSession]:
    """Where a person is logged in now, last used first."""
    return list(
        session.scalars(
            select(UserSession)
            .where(
                UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > now
            )
            .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
        )
    )


def api_key_by_prefix(session: Session, prefix: str) -> ApiKey | None:
    """The key with this public first part; also a revoked one."""
    return session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))


def api_keys_of(session: Session, program_id: int) -> list[ApiKey]:
    """The keys of a programme, oldest first; revoked ones included."""
    return list(session.scalars(select(ApiKey).where(ApiKey.program_id == program_id).order_by(ApiKey.id)))


def audit_page(
    session: Session,
    *,
    before_id: int | None = None,
    limit: int = 50,
    subject: str | None = None,
    program_id: int | None = None,
) -> list[AuditEvent]:
    """The newest events older than the cursor ``before_id``, newest first, at most 200."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(min(limit, MAX_PAGE))
    if before_id is not None:
        query = query.where(AuditEvent.id < before_id)
    if subject is not None:
        query = query.where(AuditEvent.subject == subject)
    if program_id is not None:
        query = query.where(AuditEvent.program_id == program_id)
    return list(session.scalars(query))
