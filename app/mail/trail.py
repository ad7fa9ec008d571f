"""What the audit trail tells referrers: a few of its actions are mailed to whom they concern.

Every such move is written down there whoever makes it (a page, a command, a job), so that this is the one place that
knows of it. An event is marked once all of its mails are in the outbox; killed before that, the next look begins it
again, and the outbox takes no mail twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, cast, literal, select

from app.identity.models import AuditEvent
from app.kernel.clock import local_day
from app.kernel.db import insert_or_ignore
from app.mail.models import MailKind, MailMark
from app.payouts.matching import BANK
from app.payouts.models import TaxDocument
from app.referrals.models import (
    Commission,
    Hold,
    HoldState,
    Product,
    Program,
    PublishedTerms,
    RateVersion,
    Referrer,
)
from app.referrals.words import CommissionKind, RateScope
from app.referrals.worse_rates import is_worse_for, matters_from, taking_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.mail.office import PostOffice

LOOK_BACK: Final = timedelta(days=3)
"""How old an event may be and still be told: longer than any stop of the worker, shorter than what would surprise."""

BATCH: Final = 500
"""The most mails that one transaction queues."""


def tell_of_events(office: PostOffice, database: Database, now: datetime) -> int:
    """Queue the mails of the events that are not told yet; how many events that were."""
    with database.reading() as session:
        waiting = _untold(session, now)
    for event_id in waiting:
        after: int | None = 0
        while after is not None:
            with database.transaction() as session:
                event = session.get_one(AuditEvent, event_id)
                after = _TOLD[event.action](office, session, event, after, now)
                if after is None:
                    mark(session, f"event:{event.id}", now)
    return len(waiting)


def is_marked(session: Session, key: str) -> bool:
    """Whether every mail of that event is in the outbox, or was."""
    return session.get(MailMark, key) is not None


def mark(session: Session, key: str, now: datetime) -> None:
    """Say so."""
    insert_or_ignore(session, MailMark, [{"key": key, "at": now}], key=["key"])


def _untold(session: Session, now: datetime) -> list[int]:
    marked = select(MailMark.key).where(MailMark.key == literal("event:") + cast(AuditEvent.id, String))
    wanted = select(AuditEvent.id).where(
        AuditEvent.action.in_(_TOLD), AuditEvent.at >= now - LOOK_BACK, ~marked.exists()
    )
    return list(session.scalars(wanted.order_by(AuditEvent.id)))


def _suspended(office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime) -> None:
    # The bank said that the referrer died: staff speak with the heirs, a mail does not.
    if event.actor != BANK.label:
        _of_referrer(office, session, event, MailKind.SUSPENDED, now)


def _reinstated(office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime) -> None:
    _of_referrer(office, session, event, MailKind.REINSTATED, now)


def _of_referrer(
    office: PostOffice, session: Session, event: AuditEvent, kind: MailKind, now: datetime
) -> None:
    code = event.subject.partition(":")[2]
    referrer = session.scalars(select(Referrer).where(Referrer.code == code)).one()
    program = session.get_one(Program, referrer.program_id)
    if referrer.erased_at is None:
        office.tell(session, referrer, kind, f"{kind.value}:{event.id}", {"program": program.name}, now=now)


def _decided(office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime) -> None:
    """A commission is told of when nothing holds it any more, once, however many rules held it."""
    hold = session.get_one(Hold, int(event.subject.partition(":")[2]))
    if hold.state not in {HoldState.RELEASED, HoldState.REJECTED}:
        return
    holds = session.scalars(select(Hold).where(Hold.commission_id == hold.commission_id, Hold.told())).all()
    if any(each.state is HoldState.OPEN for each in holds):
        return
    commission = session.get_one(Commission, hold.commission_id)
    referrer = session.get_one(Referrer, commission.referrer_id)
    program = session.get_one(Program, commission.program_id)
    if referrer.erased_at is not None:
        return
    minor = commission.earned_minor if commission.rejected else commission.target_minor
    context = {
        "program": program.name,
        "amount": {"minor": minor, "currency": program.currency},
        "released": not commission.rejected,
        "path": f"/dashboard/commissions/{commission.id}",
    }
    key = f"review-decided:{commission.id}:{max(each.id for each in holds)}"
    office.tell(session, referrer, MailKind.REVIEW_DECIDED, key, context, now=now)


def _rate_set(
    office: PostOffice, session: Session, event: AuditEvent, after: int, now: datetime
) -> int | None:
    """Tell those whom the version pays less; those whom it pays more find it on their page."""
    program = session.get_one(Program, event.program_id)
    version = _version_of(session, event)
    if version is None:
        return None
    found = is_worse_for(session, program, version, after=after, limit=BATCH)
    product = session.get_one(Product, version.product_id).name if version.product_id else None
    context = {
        "program": program.name,
        "slug": program.slug,
        "product": product,
        "bonus": version.pays is CommissionKind.BONUS,
        "from_on": local_day(matters_from(version), program.timezone).isoformat(),
        "everybody": version.scope is RateScope.ALL,
    }
    return _tell_each(office, session, found, MailKind.RATES_WORSE, f"rates-worse:{version.id}", context, now)


def _version_of(session: Session, event: AuditEvent) -> RateVersion | None:
    """The rate version that an event set: the trail names its level and its instants, not its number."""
    wanted = select(RateVersion).where(
        RateVersion.program_id == event.program_id, RateVersion.created_at == event.at
    )
    found = [
        version
        for version in session.scalars(wanted.order_by(RateVersion.id))
        if version.valid_from.isoformat() == event.details["from"]
        and (version.pays is CommissionKind.BONUS) == (event.action == "bonus.set")
        and _level(session, version) == (event.subject, event.details.get("referrer"))
    ]
    return found[-1] if found else None


def _level(session: Session, version: RateVersion) -> tuple[str, str | None]:
    if version.product_id:
        subject = f"product:{session.get_one(Product, version.product_id).sku}"
    else:
        subject = f"program:{session.get_one(Program, version.program_id).slug}"
    return subject, session.get_one(Referrer, version.referrer_id).code if version.referrer_id else None


def _terms(office: PostOffice, session: Session, event: AuditEvent, after: int, now: datetime) -> int | None:
    program = session.get_one(Program, event.program_id)
    number = event.details["number"]
    terms = session.scalars(
        select(PublishedTerms).where(PublishedTerms.program_id == program.id, PublishedTerms.number == number)
    ).one()
    found = taking_part(session, program.id, after=after, limit=BATCH)
    context = {
        "program": program.name,
        "slug": program.slug,
        "effective_on": terms.effective_on.isoformat(),
    }
    return _tell_each(office, session, found, MailKind.TERMS_PUBLISHED, f"terms:{terms.id}", context, now)


def _tell_each(
    office: PostOffice,
    session: Session,
    referrer_ids: list[int],
    kind: MailKind,
    key: str,
    context: Mapping[str, Any],
    now: datetime,
) -> int | None:
    """Queue for each; after whom to go on, or ``None`` when all have it."""
    for referrer in session.scalars(
        select(Referrer).where(Referrer.id.in_(referrer_ids)).order_by(Referrer.id)
    ):
        office.tell(session, referrer, kind, f"{key}:{referrer.id}", context, now=now)
    return referrer_ids[-1] if len(referrer_ids) == BATCH else None


def _settled(office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime) -> None:
    number = event.subject.partition(":")[2]
    document = session.scalars(select(TaxDocument).where(TaxDocument.number == number)).one()
    referrer = session.get_one(Referrer, document.referrer_id)
    program = session.get_one(Program, document.program_id)
    if referrer.erased_at is None:
        context = {"program": program.name, "number": number}
        key = f"objection-settled:{event.id}"
        office.tell(session, referrer, MailKind.OBJECTION_SETTLED, key, context, now=now)


def _profile_published(
    office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime
) -> None:
    _of_referrer(office, session, event, MailKind.PROFILE_PUBLISHED, now)


def _profile_returned(
    office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime
) -> None:
    _of_referrer(office, session, event, MailKind.PROFILE_RETURNED, now)


def _rating_shown(
    office: PostOffice, session: Session, event: AuditEvent, _after: int, now: datetime
) -> None:
    code = event.details["referrer"]
    referrer = session.scalars(select(Referrer).where(Referrer.code == code)).one()
    program = session.get_one(Program, referrer.program_id)
    if referrer.erased_at is None:
        context = {"program": program.name, "stars": event.details["stars"]}
        key = f"rating-shown:{event.id}"
        office.tell(session, referrer, MailKind.RATING_SHOWN, key, context, now=now)


_TOLD: Final[Mapping[str, Callable[[PostOffice, Session, AuditEvent, int, datetime], int | None]]] = {
    "referrer.suspended": _suspended,
    "referrer.reinstated": _reinstated,
    "hold.released": _decided,
    "hold.rejected": _decided,
    "rate.set": _rate_set,
    "bonus.set": _rate_set,
    "terms.published": _terms,
    "document.issued_again": _settled,
    "profile.published": _profile_published,
    "profile.returned": _profile_returned,
    "profile.taken_down": _profile_returned,
    "rating.shown": _rating_shown,
}
"""Action to what tells it. Each gets the referrer id after which to go on, and returns the next one, or ``None``."""
