"""Before the curtain: programmes, products, rates, the people who log in, the shop's API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from app.demo.cast import DIRECTORY, PASSWORD, STAFF
from app.demo.looks import dress_programs, let_the_shop_frame
from app.demo.programmes import PROGRAMS, ProductPlan, ProgramPlan
from app.demo.scenes.businesses import MERCHANT
from app.demo.stage import ACTOR
from app.identity.api_keys import Scope, create_api_key
from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.kernel.money import Money
from app.payouts.documents.profiles import put_merchant
from app.referrals.programs import ProgramSettings, change_program, create_program, find_program, set_product
from app.referrals.rates import RateTerms, set_rate
from app.referrals.referrers import find_referrer
from app.referrals.words import Approval, LineKind

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

CURRENCY = "EUR"


def open_programs(session: Session, shop_url: str, now: datetime) -> None:
    """Create both programmes with their products and rates; landing pages are the shop's."""
    for plan in PROGRAMS:
        settings = ProgramSettings(
            name=plan.name,
            landing_url=urljoin(shop_url, plan.landing_path),
            hold_days=plan.hold_days,
            minimum_payout=Money(plan.minimum_minor, CURRENCY).decimal_string(),
            payout_day=plan.payout_day,
            approval=Approval(plan.approval),
            debtor_name=plan.debtor_name,
            debtor_iban=plan.debtor_iban,
        )
        program = create_program(
            session, slug=plan.slug, currency=CURRENCY, settings=settings, actor=ACTOR, now=now
        )
        if plan.slug == DIRECTORY:
            put_merchant(session, program, MERCHANT, by=ACTOR, now=now)
        _offer(session, program, plan, now)
    dress_programs(session, shop_url, now)


def _offer(session: Session, program: Program, plan: ProgramPlan, now: datetime) -> None:
    if plan.rate:
        _rate(session, program, ProductPlan("", "", plan.rate), now)
    for product in plan.products:
        set_product(session, program, sku=product.sku, name=product.name, now=now)
        if product.rate:
            _rate(session, program, product, now)


def _rate(session: Session, program: Program, plan: ProductPlan, now: datetime) -> None:
    product = set_product(session, program, sku=plan.sku, name=None, now=now) if plan.sku else None
    terms = RateTerms(plan.rate or "none", plan.duration, kinds=frozenset(map(LineKind, plan.kinds)))
    set_rate(session, program, terms, product=product, referrer=None, valid_from=None, actor=ACTOR, now=now)


def move_landing_pages(session: Session, shop_url: str, now: datetime) -> None:
    """Have both programmes land at another address."""
    for plan in PROGRAMS:
        settings = ProgramSettings(landing_url=urljoin(shop_url, plan.landing_path))
        change_program(session, find_program(session, plan.slug), settings, actor=ACTOR, now=now)
    let_the_shop_frame(session, shop_url, now)


def hire_staff(session: Session, now: datetime) -> None:
    """Make the staff's logins, all with the demo's password."""
    for email, role, name in STAFF:
        new = NewUser(email, Role(role), name, "en", PASSWORD)
        create_user(session, new, actor=ACTOR, now=now).email_verified_at = now


def give_logins(session: Session, logins: dict[str, str], now: datetime) -> None:
    """Let some referrers log in: ``logins`` maps programme to referrer code."""
    for slug, code in logins.items():
        referrer = find_referrer(session, find_program(session, slug), code)
        if referrer.user_id is not None:
            continue  # an interrupted demo came this far
        new = NewUser(referrer.email, Role.REFERRER, referrer.name, referrer.locale, PASSWORD)
        user = create_user(session, new, actor=ACTOR, now=now)
        user.email_verified_at = now
        referrer.user_id = user.id


def make_shop_keys(session: Session, now: datetime) -> dict[str, str]:
    """One API key for each programme, by slug; the shop may do all that the API offers."""
    keys = {}
    for plan in PROGRAMS:
        program = find_program(session, plan.slug)
        created = create_api_key(
            session, program_id=program.id, name="Demo shop", scopes=list(Scope), actor=ACTOR, now=now
        )
        keys[plan.slug] = created.key
    return keys
