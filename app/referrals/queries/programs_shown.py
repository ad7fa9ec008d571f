"""Programmes as pages show them: the public list, one by its name, and the rates that a new customer would bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.referrals.domain.rates import Rate, choose_bonus, choose_rate
from app.referrals.models import Product, Program, ProgramTerms, RateVersion
from app.referrals.rulebook import rate_of
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

NOBODY = 0
"""No referrer has this id: rates chosen for it are those of a newcomer."""


@dataclass(frozen=True, slots=True)
class ShownProgram:
    """A programme with the terms in force and what each of its products pays; ``None`` pays nothing."""

    program: Program
    terms: ProgramTerms
    rates: tuple[tuple[Product, Rate | None], ...]
    everything_else: Rate | None = None
    """The rate of products that have none of their own."""
    bonus: Rate | None = None
    """The sign-up bonus."""


def programs(session: Session) -> list[Program]:
    """Every programme, by name."""
    return list(session.scalars(select(Program).order_by(Program.name, Program.id)))


def program_by_slug(session: Session, slug: str) -> Program | None:
    """The programme of that name."""
    return session.scalar(select(Program).where(Program.slug == slug))


def shown_programs(session: Session, wanted: Sequence[Program], now: datetime) -> list[ShownProgram]:
    """Several programmes with their terms and a newcomer's rates, in three queries."""
    keys = [program.id for program in wanted]
    newest = (
        select(ProgramTerms)
        .where(ProgramTerms.program_id.in_(keys), ProgramTerms.valid_from <= now)
        .order_by(ProgramTerms.valid_from)
    )
    terms = {row.program_id: row for row in session.scalars(newest)}
    products = list(
        session.scalars(
            select(Product).where(Product.program_id.in_(keys)).order_by(Product.name, Product.id)
        )
    )
    versions = session.scalars(
        select(RateVersion).where(RateVersion.program_id.in_(keys), RateVersion.referrer_id.is_(None))
    )
    rates = [(row.program_id, rate_of(row)) for row in versions]
    shown = []
    for program in wanted:
        own_rates = [rate for key, rate in rates if key == program.id]
        own_products = [product for product in products if product.program_id == program.id]
        if program.id in terms:
            shown.append(_shown(program, terms[program.id], own_products, own_rates, NOBODY, now))
    return shown


def shown_to(session: Session, program: Program, referrer_id: int, now: datetime) -> ShownProgram:
    """One programme with the rates that this referrer's next new customer would bring."""
    terms = session.scalars(
        select(ProgramTerms)
        .where(ProgramTerms.program_id == program.id, ProgramTerms.valid_from <= now)
        .order_by(ProgramTerms.valid_from.desc())
        .limit(1)
    ).one()
    products = session.scalars(
        select(Product).where(Product.program_id == program.id).order_by(Product.name, Product.id)
    ).all()
    versions = session.scalars(
        select(RateVersion).where(
            RateVersion.program_id == program.id,
            or_(RateVersion.referrer_id.is_(None), RateVersion.referrer_id == referrer_id),
        )
    )
    return _shown(program, terms, products, [rate_of(row) for row in versions], referrer_id, now)


def _shown(
    program: Program,
    terms: ProgramTerms,
    products: Sequence[Product],
    rates: Sequence[Rate],
    referrer_id: int,
    now: datetime,
) -> ShownProgram:
    def chosen(product_id: int) -> Rate | None:
        return choose_rate(rates, product_id=product_id, referrer_id=referrer_id, paid_at=now, bound_from=now)

    bonuses = [rate for rate in rates if rate.pays is CommissionKind.BONUS]
    return ShownProgram(
        program,
        terms,
        tuple((product, chosen(product.id)) for product in products),
        chosen(NOBODY),
        choose_bonus(bonuses, referrer_id=referrer_id, paid_at=now, bound_from=now),
    )


def rate_history(session: Session, program_id: int, limit: int = 200) -> list[RateVersion]:
    """The programme's rate versions that belong to no single referrer, newest first."""
    return list(
        session.scalars(
            select(RateVersion)
            .where(
                RateVersion.program_id == program_id,
                RateVersion.referrer_id.is_(None),
                RateVersion.pays == CommissionKind.KICKBACK,
            )
            .order_by(RateVersion.valid_from.desc(), RateVersion.id.desc())
            .limit(limit)
        )
    )


def rates_of_referrer(session: Session, program_id: int, referrer_id: int) -> list[RateVersion]:
    """The rate versions of one referrer, newest first."""
    return list(
        session.scalars(
            select(RateVersion)
            .where(
                RateVersion.program_id == program_id,
                RateVersion.referrer_id == referrer_id,
                RateVersion.pays == CommissionKind.KICKBACK,
            )
            .order_by(RateVersion.valid_from.desc(), RateVersion.id.desc())
        )
    )
