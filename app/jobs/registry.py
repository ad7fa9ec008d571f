"""Every job by its name. A job gets the services and the ids that its request carried; it opens its own
transactions.

A job must be safe to run late, twice and again: it asks the database what is due and does nothing where nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.jobs import documents, finance, housekeeping, payouts, referrals, sweeper
from app.kernel import clock
from app.mail.occasions import tell_of_the_books
from app.mail.outbox import SEND_JOB
from app.mail.trail import tell_of_events
from app.overview.reckoning import reckon_overviews
from app.payouts.background import ADVANCE_RUN
from app.payouts.documents.issuing import RENDER
from app.payouts.documents.profiles import CHECK_VAT_ID
from app.promo.views import drain_views
from app.referrals.click_report import make_reports
from app.referrals.marks import REVIEW_CLICK
from app.referrals.mergers import FOLLOW
from app.referrals.reviewing import review_click, review_referrers
from app.referrals.tiers import RECOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.services import Services

SWEEP: Final = "jobs.sweep"
KEEP_HOUSE: Final = "jobs.keep_house"
REPORT_CLICKS: Final = "clicks.report"
RECKON_OVERVIEWS: Final = "overview.reckon"
REVIEW_REFERRERS: Final = "review.referrers"
SETTLE_WAITING: Final = "referrals.settle_waiting"
LOOK_BACK_AT_CLICKS: Final = "referrals.look_back_at_clicks"
DRAIN_VIEWS: Final = "promo.drain_views"
TELL_OF_EVENTS: Final = "mail.tell_of_events"
TELL_OF_THE_BOOKS: Final = "mail.tell_of_the_books"


def _send_mail(services: Services, mail_id: int) -> None:
    services.mail.send(mail_id, now=clock.now())


def _tell_of_events(services: Services) -> None:
    tell_of_events(services.mail, services.db, clock.now())


def _tell_of_the_books(services: Services) -> None:
    tell_of_the_books(services.mail, services.db, clock.now())


def _sweep(services: Services) -> None:
    sweeper.sweep(services, clock.now())


def _keep_house(services: Services) -> None:
    housekeeping.keep_house(services, clock.now())


def _seal_days(services: Services) -> None:
    finance.seal_days(services, clock.now())


def _settle_waiting(services: Services) -> None:
    referrals.settle_what_waits(services, clock.now())


def _report_clicks(services: Services) -> None:
    make_reports(services.db, clock.now())


def _reckon_overviews(services: Services) -> None:
    reckon_overviews(services.db, clock.now())


def _drain_views(services: Services) -> None:
    drain_views(services.db, services.queue.redis, clock.now())


def _review_click(services: Services, click_id: str) -> None:
    review_click(services.referrals, services.db, click_id, clock.now())


def _review_referrers(services: Services) -> None:
    review_referrers(services.referrals, services.db, clock.now())


JOBS: Final[Mapping[str, Callable[..., Any]]] = {
    payouts.DRAFT_DUE: payouts.draft_due,
    ADVANCE_RUN: payouts.advance,
    payouts.APPLY_FEEDBACK: payouts.apply_stored_feedback,
    CHECK_VAT_ID: documents.check,
    documents.ISSUE: documents.issue,
    RENDER: documents.render,
    SEND_JOB: _send_mail,
    TELL_OF_EVENTS: _tell_of_events,
    TELL_OF_THE_BOOKS: _tell_of_the_books,
    SWEEP: _sweep,
    KEEP_HOUSE: _keep_house,
    REPORT_CLICKS: _report_clicks,
    RECKON_OVERVIEWS: _reckon_overviews,
    REVIEW_CLICK: _review_click,
    REVIEW_REFERRERS: _review_referrers,
    RECOUNT: referrals.recount,
    FOLLOW: referrals.follow_merger,
    SETTLE_WAITING: _settle_waiting,
    LOOK_BACK_AT_CLICKS: referrals.look_back_at_clicks,
    DRAIN_VIEWS: _drain_views,
    finance.SEAL_DAYS: _seal_days,
}
"""``name`` of a :class:`app.kernel.queue.JobRequest` to what it does."""
