"""The reviews that no single order decides: everybody who came with one click, and referrers as a whole, at night.

Each finding is a transaction of its own. Run again, or killed and run again, they find the same and add nothing.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import select

from app.kernel.clock import local_day
from app.referrals import locks
from app.referrals.domain.review import (
    Action,
    Share,
    converts_too_well,
    read_settings,
    refunded_too_often,
    rings,
)
from app.referrals.holds import Finding, hold_found
from app.referrals.marks import add_marks, mark_shared, network_mark
from app.referrals.models import Program, Referrer
from app.referrals.queries import review as figures
from app.referrals.settle import Touched, settle
from app.referrals.visitor_keys import KEPT_DAYS
from app.referrals.words import HoldRule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.domain.review import Limits
    from app.referrals.intake import ReferralDeps
    from app.referrals.marks import Mark

_log = structlog.get_logger(__name__)

LOOK_BACK: Final = timedelta(days=90)
"""How far clicks, signups and orders are looked at for a referrer as a whole; raw clicks live as long."""


def review_click(deps: ReferralDeps, db: Database, click_id: str, now: datetime) -> int:
    """Judge everybody who came with a click, now that others did too; how many customers that was news of."""
    click = deps.links.read_click_id(click_id)
    if click is None:
        return 0
    with db.reading() as session:
        customers = figures.came_with(session, click_id)
    news = 0
    for customer_pk in customers:
        with db.transaction() as session:
            customer = locks.lock_known_customer(session, customer_pk)
            program = session.get_one(Program, click.program_id)
            if mark_shared(session, program, customer, click_id, click.referrer_id):
                settle(deps, session, program, customer, Touched(everything=True), now)
                news += 1
    return news


def review_referrers(deps: ReferralDeps, db: Database, now: datetime) -> int:
    """The nightly review of all programmes; how many commissions it held or noted."""
    with db.reading() as session:
        programs = session.scalars(select(Program).order_by(Program.id)).all()
        clicks = figures.crowded_clicks(session)
    for click_id in clicks:  # a job may have been lost, or two of them may have missed each other
        review_click(deps, db, click_id, now)
    for customer_pk, program_id, mark in _from_the_referrers_network(db, now):
        with db.transaction() as session:
            customer = locks.lock_known_customer(session, customer_pk)
            if add_marks(session, customer, [mark]):
                program = session.get_one(Program, program_id)
                settle(deps, session, program, customer, Touched(everything=True), now)
    judged = 0
    for program in programs:
        with db.reading() as session:
            findings = list(_findings(session, program, now))
        for finding in findings:
            with db.transaction() as session:
                judged += hold_found(session, session.get_one(Program, program.id), finding, now=now)
    _log.info("referrers_reviewed", programs=len(programs), clicks=len(clicks), commissions=judged)
    return judged


def _from_the_referrers_network(db: Database, now: datetime) -> list[tuple[int, int, Mark]]:
    """(customer, programme, mark) of each who came by a click out of a network that its referrer logged in from."""
    today = now.astimezone(UTC).date()
    with db.reading() as session:
        return [
            (customer, program_id, network_mark(click_id, referrer_id))
            for days in range(KEPT_DAYS)
            for click_id, referrer_id, program_id, customer in figures.same_network(
                session, today - timedelta(days=days)
            )
        ]


def _findings(session: Session, program: Program, now: datetime) -> Iterator[Finding]:
    settings = read_settings(program.review)
    since = now - LOOK_BACK
    if settings.action(HoldRule.CONVERSION_OUTLIER) is not Action.OFF:
        shares = figures.conversions(session, program.id, since, local_day(since, program.timezone))
        yield from _outliers(shares, settings.limits)
    if settings.action(HoldRule.REFUND_RATE) is not Action.OFF:
        for referrer_id, share in figures.refunded(session, program.id, since).items():
            if refunded_too_often(share, settings.limits):
                evidence = {"orders": share.whole, "refunded": share.part}
                yield Finding(referrer_id, HoldRule.REFUND_RATE, evidence)
    if settings.action(HoldRule.REFERRAL_RING) is not Action.OFF:
        yield from _in_rings(session, program)


def _outliers(shares: dict[int, Share], limits: Limits) -> Iterator[Finding]:
    program = sum(shares.values(), Share(0, 0))
    for referrer_id, share in sorted(shares.items()):
        if converts_too_well(share, program, limits):
            others = program - share
            evidence = {
                "signups": share.part,
                "clicks": share.whole,
                "others_signups": others.part,
                "others_clicks": others.whole,
            }
            yield Finding(referrer_id, HoldRule.CONVERSION_OUTLIER, evidence)


def _in_rings(session: Session, program: Program) -> Iterator[Finding]:
    brought: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for referrer_id, customer_as_referrer, customer in figures.brought_referrers(session, program.id):
        brought[referrer_id, customer_as_referrer].add(customer)
    for ring in sorted(rings(brought)):
        wanted = select(Referrer.id, Referrer.code).where(Referrer.id.in_(ring))
        codes = dict(session.execute(wanted).all())
        shown = " > ".join(codes[each] for each in (*ring, ring[0]))
        for pair in pairwise((*ring, ring[0])):
            yield Finding(pair[0], HoldRule.REFERRAL_RING, {"ring": shown}, frozenset(brought[pair]))
