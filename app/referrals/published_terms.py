"""New terms: staff publish them with a day from which they hold, referrers accept them.

Until a referrer accepts, their commissions go on under what they accepted before, also after that day; whoever joins
accepts the newest version at once. Nothing that was earned depends on an acceptance.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.identity.audit import Actor, record_event
from app.kernel.clock import local_day
from app.kernel.db import insert_or_ignore
from app.kernel.errors import Conflict, InvalidInput
from app.referrals.domain.worse import NOTICE_DAYS
from app.referrals.models import PublishedTerms, TermsAcceptance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program, Referrer

MAX_TEXT: Final = 20_000


class TooSoon(InvalidInput):
    """New terms are told at least 30 days ahead; the first version of a programme takes nothing from anybody."""

    def __init__(self, first_day: date) -> None:
        super().__init__(f"effective: expected {first_day.isoformat()} or later", pointer="/effective_on")
        self.first_day = first_day


class NewerTerms(Conflict):
    """Another version was published since the page was opened: the text that was read is not the newest."""

    def __init__(self) -> None:
        super().__init__("a newer version of the terms has been published; read and accept that one")


def publish_terms(
    session: Session, program: Program, text: str, *, effective_on: date, actor: Actor, now: datetime
) -> PublishedTerms:
    """Publish the next version (1 to 20,000 characters). Raises :class:`TooSoon`, and ``InvalidInput`` for the text."""
    said = text.replace("\r\n", "\n").strip()
    if not 1 <= len(said) <= MAX_TEXT:
        raise InvalidInput(f"text: expected 1 to {MAX_TEXT} characters", pointer="/text")
    latest = newest_terms(session, program.id)
    today = local_day(now, program.timezone)
    earliest = today if latest is None else today + timedelta(days=NOTICE_DAYS)
    if effective_on < earliest:
        raise TooSoon(earliest)
    number = 1 if latest is None else latest.number + 1
    row = {
        "program_id": program.id,
        "number": number,
        "text": said,
        "effective_on": effective_on,
        "published_at": now,
        "published_by": actor.label,
    }
    # Two people publish at the same instant: the unique number lets one of them, the other reads that one first.
    if not insert_or_ignore(session, PublishedTerms, [row], key=("program_id", "number")):
        raise NewerTerms
    details = {"number": number, "effective_on": effective_on.isoformat()}
    subject = f"program:{program.slug}"
    record_event(session, actor, "terms.published", subject, details, now=now, program_id=program.id)
    published = newest_terms(session, program.id)
    assert published is not None
    return published


def accept_terms(session: Session, referrer: Referrer, number: int, *, actor: Actor, now: datetime) -> bool:
    """Keep that the referrer accepts the newest version, ``number``; whether they had not before.

    Raises :class:`NewerTerms` where that is no longer the newest.
    """
    latest = newest_terms(session, referrer.program_id)
    if latest is None or latest.number != number:
        raise NewerTerms
    row = {"referrer_id": referrer.id, "terms_id": latest.id, "accepted_at": now}
    if not insert_or_ignore(session, TermsAcceptance, [row], key=("referrer_id", "terms_id")):
        return False
    subject, details = f"referrer:{referrer.code}", {"number": number}
    record_event(session, actor, "terms.accepted", subject, details, now=now, program_id=referrer.program_id)
    return True


def newest_terms(session: Session, program_id: int) -> PublishedTerms | None:
    """The last version published, whether it holds already or not."""
    return next(iter(all_terms(session, program_id, limit=1)), None)


def all_terms(session: Session, program_id: int, *, limit: int) -> Sequence[PublishedTerms]:
    """The versions, newest first."""
    wanted = select(PublishedTerms).where(PublishedTerms.program_id == program_id)
    return session.scalars(wanted.order_by(PublishedTerms.number.desc()).limit(limit)).all()


def acceptances_of(session: Session, referrer_id: int) -> dict[int, datetime]:
    """Id of a version to when the referrer accepted it."""
    wanted = select(TermsAcceptance).where(TermsAcceptance.referrer_id == referrer_id)
    return {each.terms_id: each.accepted_at for each in session.scalars(wanted)}


def accepted_by(session: Session, program_id: int) -> dict[int, int]:
    """Id of a version to how many referrers accepted it."""
    wanted = (
        select(TermsAcceptance.terms_id, func.count())
        .join(PublishedTerms, PublishedTerms.id == TermsAcceptance.terms_id)
        .where(PublishedTerms.program_id == program_id)
        .group_by(TermsAcceptance.terms_id)
    )
    return {row[0]: row[1] for row in session.execute(wanted)}
