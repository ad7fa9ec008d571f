"""Fills the demo's directory as time goes by: partners are published, customers rate them, one answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.demo import profiles as words
from app.demo.cast import DIRECTORY, PARTNERS
from app.demo.stage import ACTOR
from app.directory import keeping, profiles, queries, ratings, reports
from app.directory.domain.profile import Content
from app.directory.domain.states import ReportedPart
from app.referrals.models import Binding, Customer, Referrer
from app.referrals.programs import find_program

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

_RATED_AFTER: Final = timedelta(days=10)
_EACH: Final = 4
"""Ratings that a partner gets in a month, at most."""


def open_directory(session: Session, now: datetime) -> None:
    """The directory opens with its list of expertises."""
    program = find_program(session, DIRECTORY)
    keeping.set_directory(session, program, is_open=True, actor=ACTOR, now=now)
    for names in words.EXPERTISES:
        keeping.add_expertise(session, program, names, actor=ACTOR, now=now)


def go_on(session: Session, now: datetime) -> None:
    """What happens in a month: whoever joined is published, some customers of each partner say how it was."""
    program = find_program(session, DIRECTORY)
    for partner in _partners(session, program):
        if queries.profile_of(session, partner.id) is None:
            _publish(session, program, partner, now)
    for place, (partner, customer) in enumerate(_who_rates(session, program, now)):
        said = words.SAID[(place + customer.id) % len(words.SAID)]
        ratings.record_rating(session, program, customer, partner.code, said, now=now)
        rating = ratings.rating_by(session, customer.id, partner.id)
        if rating is None:
            continue
        ratings.show_rating(session, program, rating.rating_id, rating.revision, actor=ACTOR, now=now)
        answer = words.ANSWERS.get(said.stars)
        if answer and partner.code == PARTNERS[0][0]:
            ratings.answer_rating(session, partner, rating.rating_id, answer, actor=ACTOR, now=now)


def leave_work(session: Session, now: datetime) -> None:
    """What waits for staff at the end: a changed profile, a new rating, a report. Again adds nothing."""
    program = find_program(session, DIRECTORY)
    first = _partners(session, program)[0]
    profile = queries.profile_of(session, first.id)
    if profile is None or Content.load(profile.content).tagline == words.CHANGED:
        return
    changed = replace(Content.load(profile.content), tagline=words.CHANGED)
    profiles.save_profile(session, first, changed, actor=ACTOR, now=now)
    profiles.submit_profile(session, first, actor=ACTOR, now=now)
    shown = queries.shown_ratings(session, first.id, limit=1)
    if shown:
        if shown[0].answer is None:
            ratings.answer_rating(session, first, shown[0].rating_id, words.THANKS, actor=ACTOR, now=now)
        part = ReportedPart.RATING
        reports.report_rating(session, first, shown[0].rating_id, part, words.REPORTED, now=now)
    for partner, customer in _who_rates(session, program, now, all_of=True)[:1]:
        ratings.record_rating(session, program, customer, partner.code, words.SAID[0], now=now)


def _partners(session: Session, program: Program) -> list[Referrer]:
    found = session.scalars(
        select(Referrer).where(Referrer.program_id == program.id, Referrer.code.in_(words.PROFILES))
    )
    order = [code for code, *_rest in PARTNERS]
    return sorted(found, key=lambda referrer: order.index(referrer.code))


def _publish(session: Session, program: Program, partner: Referrer, now: datetime) -> None:
    content, places = words.PROFILES[partner.code]
    keys = {row.name_en: row.id for row in queries.expertises(session, program.id)}
    own = tuple(keys[words.EXPERTISES[place].en] for place in places)
    profiles.save_profile(session, partner, replace(content, expertise=own), actor=ACTOR, now=now)
    profiles.submit_profile(session, partner, actor=ACTOR, now=now)
    written = queries.profile_of(session, partner.id)
    assert written is not None
    profiles.publish_profile(session, program, partner.code, written.revision, actor=ACTOR, now=now)


def _who_rates(
    session: Session, program: Program, now: datetime, *, all_of: bool = False
) -> list[tuple[Referrer, Customer]]:
    """Customers who chose their partner a while ago and have said nothing yet: a few of each partner's, or all."""
    found = []
    for partner in _partners(session, program):
        theirs = select(Binding.customer_id).where(
            Binding.referrer_id == partner.id, Binding.from_at < now - _RATED_AFTER
        )
        silent = [
            customer
            for customer in session.scalars(
                select(Customer).where(Customer.id.in_(theirs)).order_by(Customer.id)
            )
            if ratings.rating_by(session, customer.id, partner.id) is None
            # Every other one is not the kind of person who rates.
            and (all_of or customer.id % 2)
        ]
        found += [(partner, customer) for customer in (silent if all_of else silent[:_EACH])]
    return found
