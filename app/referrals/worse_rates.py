"""Whom a rate version pays less than they would have had without it, and whether they hear of it in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.referrals.domain.rates import Rate, choose_bonus, choose_rate
from app.referrals.domain.worse import NOTICE_DAYS, pays_less
from app.referrals.models import Referrer, ReferrerStatus
from app.referrals.rulebook import read_rulebook
from app.referrals.words import CommissionKind, RateScope

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.referrals.models import Program, RateVersion

_NOTICE: Final = timedelta(days=NOTICE_DAYS)
_ANYBODY: Final = 0
"""No referrer has this id: what is chosen for it holds for all who have no rates of their own."""

TAKES_PART: Final = (ReferrerStatus.ACTIVE, ReferrerStatus.SUSPENDED)
"""Whom news of rates and terms concerns; who has left earns nothing more."""


def comes_in_time(version: RateVersion) -> bool:
    """Whether there are 30 days from its being set until it holds."""
    return version.valid_from >= version.created_at + _NOTICE


def is_worse_for(
    session: Session, program: Program, version: RateVersion, *, after: int = 0, limit: int | None = None
) -> list[int]:
    """The ids, rising and above ``after``, of referrers who take part and whom the stored version pays less."""
    book = read_rulebook(session, program)
    new = replace(book.all_rates[version.id], valid_from=matters_from(version))
    others = [rate for rate in book.all_rates.values() if rate.id != new.id]
    products = [new.product_id] if new.product_id is not None else sorted(book.products.values())
    own = {rate.referrer_id for rate in others if rate.referrer_id is not None}
    if new.referrer_id is not None:
        worse = {new.referrer_id} if _pays_less(new, others, new.referrer_id, products) else set()
        wanted = _who_takes_part(program).where(Referrer.id.in_(worse))
    elif _pays_less(new, others, _ANYBODY, products):
        spared = {each for each in own if not _pays_less(new, others, each, products)}
        wanted = _who_takes_part(program).where(Referrer.id.not_in(spared))
    else:
        worse = {each for each in own if _pays_less(new, others, each, products)}
        wanted = _who_takes_part(program).where(Referrer.id.in_(worse))
    return list(session.scalars(wanted.where(Referrer.id > after).order_by(Referrer.id).limit(limit)))


def matters_from(version: RateVersion) -> datetime:
    """The first instant at which a payment can find it: one that begins in the past changes nothing there."""
    return max(version.valid_from, version.created_at)


def short_notice(session: Session, program: Program, version: RateVersion) -> int:
    """How many referrers a version pays less without 30 days' notice."""
    return 0 if comes_in_time(version) else len(is_worse_for(session, program, version))


def taking_part(session: Session, program_id: int, *, after: int, limit: int) -> list[int]:
    """The ids, rising and above ``after``, of referrers whom news of rates and terms concerns."""
    wanted = select(Referrer.id).where(Referrer.program_id == program_id, Referrer.status.in_(TAKES_PART))
    return list(session.scalars(wanted.where(Referrer.id > after).order_by(Referrer.id).limit(limit)))


def taking_part_count(session: Session, program_id: int) -> int:
    """How many there are of them."""
    wanted = select(func.count()).where(Referrer.program_id == program_id, Referrer.status.in_(TAKES_PART))
    return session.scalar(wanted) or 0


def _who_takes_part(program: Program) -> Select[int]:
    return select(Referrer.id).where(Referrer.program_id == program.id, Referrer.status.in_(TAKES_PART))


def _pays_less(new: Rate, others: list[Rate], referrer_id: int, products: Iterable[int]) -> bool:
    """Whether some order from ``new.valid_from`` on brings this referrer less than it would without ``new``."""
    near = [rate for rate in others if rate.referrer_id in {None, referrer_id}]
    at = new.valid_from
    # Customers bound earlier keep the versions of their time; those change only where a version begins.
    bound = (
        {at}
        if new.scope is RateScope.NEW_CUSTOMERS
        else {at, *(r.valid_from for r in near if r.valid_from < at)}
    )
    for bound_from in bound:
        if new.pays is CommissionKind.BONUS:
            before = choose_bonus(_bonuses(near), referrer_id=referrer_id, paid_at=at, bound_from=bound_from)
            then = choose_bonus(
                _bonuses([*near, new]), referrer_id=referrer_id, paid_at=at, bound_from=bound_from
            )
            if pays_less(then, before):
                return True
            continue
        for product_id in products:
            before = choose_rate(
                near, product_id=product_id, referrer_id=referrer_id, paid_at=at, bound_from=bound_from
            )
            then = choose_rate(
                [*near, new],
                product_id=product_id,
                referrer_id=referrer_id,
                paid_at=at,
                bound_from=bound_from,
            )
            if pays_less(then, before):
                return True
    return False


def _bonuses(rates: Iterable[Rate]) -> list[Rate]:
    return [rate for rate in rates if rate.pays is CommissionKind.BONUS]
