"""Tax documents without a person: VIES is asked, what waits is written, and every document gets its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import select

from app.kernel import clock
from app.kernel.queue import JobRequest, collect
from app.payouts.documents.issuing import RENDER
from app.payouts.documents.outstanding import issue_outstanding
from app.payouts.documents.profiles import CHECK_VAT_ID
from app.payouts.documents.rendering import documents_wait, render_waiting
from app.payouts.documents.vies import Vies, check_vat_id, unanswered
from app.referrals.models import Program

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.services import Services

_log = structlog.get_logger(__name__)

ISSUE: Final = "documents.issue"


def check(services: Services, referrer_id: int) -> None:
    """Ask VIES about one referrer's VAT id."""
    answer = check_vat_id(services.db, Vies(services.settings.vies_url).ask, referrer_id, clock.now())
    _log.info("vat_id_checked", referrer=referrer_id, answer=answer.value if answer else "none")


def issue(services: Services) -> None:
    """Every day: ask VIES again where it did not answer, and write what payouts leave."""
    now = clock.now()
    with services.db.transaction() as session:
        for referrer_id in unanswered(session):
            collect(session, CHECK_VAT_ID, referrer_id)
        programs = session.scalars(select(Program).order_by(Program.id)).all()
    for program in programs:
        count = issue_outstanding(services.db, program, now)
        if count:
            _log.info("documents_issued", program=program.slug, documents=count)


def render(services: Services) -> None:
    """Make the bytes of every document that has none."""
    count = render_waiting(services.db, clock.now())
    _log.info("documents_rendered", documents=count)


def due_jobs(session: Session) -> list[JobRequest]:
    """The job that renders, where a document has no bytes."""
    return [JobRequest(RENDER)] if documents_wait(session) else []
