"""Worlds for tests: a programme with products and referrers, and short ways to tell its facts.

Everything goes through the use cases; nothing is written to a table directly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.identity.audit import Actor
from app.kernel.clock import local_day
from app.kernel.crypto import Keyring
from app.ledger.balances import Balance, balance
from app.referrals.assignments import Corrected, Wanted, correct_attribution
from app.referrals.choices import record_partner_choice
from app.referrals.facts import (
    CancellationFact,
    CorrectionFact,
    LeadFact,
    LineFact,
    OrderFact,
    PartnerChoiceFact,
    PaymentFact,
    RefundFact,
    RefundLine,
    SignupFact,
)
from app.referrals.intake import PartnerNews, ReferralDeps
from app.referrals.leads import record_lead
from app.referrals.links import LinkSigner
from app.referrals.models import Commission, Decision, Order, OrderLine, Program, Referrer
from app.referrals.orders import record_cancellation, record_correction, record_order, record_payment
from app.referrals.programs import ProgramSettings, create_program, set_product
from app.referrals.rates import RateTerms, set_rate
from app.referrals.referrers import Joining, join
from app.referrals.refunds import record_refund
from app.referrals.signups import record_signup
from app.referrals.words import LineKind, OrderStatus, RefundKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.outcome import Outcome

ACTOR = Actor.cli()
LINK_KEY = "link-key-for-tests-0123456789abcdef"
ENCRYPTION_KEY = "encryption-key-for-tests-0123456789"


def at(text: str) -> datetime:
    """An instant in UTC: "2026-09-10" or "2026-09-10 12:30" or with seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = at("2026-11-22 12:00")


def referral_deps(news: list[PartnerNews] | None = None) -> ReferralDeps:
    """What the use cases need, with news of partners kept in a list."""
    kept: list[PartnerNews] = [] if news is None else news
    return ReferralDeps(
        links=LinkSigner((LINK_KEY,)),
        keyring=Keyring((ENCRYPTION_KEY,)),
        referrer_iban_keys=lambda _session, _referrer: frozenset(),
        tell_partner=lambda _session, item: kept.append(item),
    )


@dataclass
class World:
    """One programme ("hosting", EUR) with product ``web`` at 10 %, ``mail`` without a rate, referrers ada and bob."""

    session: Session
    program: Program
    deps: ReferralDeps
    referrers: dict[str, Referrer] = field(default_factory=dict)
    now: datetime = NOW

    @classmethod
    def build(
        cls,
        session: Session,
        slug: str = "hosting",
        currency: str = "EUR",
        **settings: Any,
    ) -> World:
        wanted = ProgramSettings(
            **{"name": slug.title(), "landing_url": "https://shop.example/", "hold_days": 30, **settings}
        )
        program = create_program(
            session, slug=slug, currency=currency, settings=wanted, actor=ACTOR, now=at("2026-01-01")
        )
        world = cls(session, program, referral_deps())
        world.product("web", "10%")
        world.product("mail")
        for name in ("ada", "bob"):
            world.join(name)
        return world

    def product(self, sku: str, rate: str | None = None, **terms: Any) -> None:
        product = set_product(self.session, self.program, sku=sku, name=sku.title(), now=at("2026-01-01"))
        if rate:
            self.rate(rate, sku=product.sku, **terms)

    def rate(
        self,
        text: str,
        *,
        sku: str | None = None,
        referrer: str | None = None,
        valid_from: datetime | None = None,
        **terms: Any,
    ) -> None:
        product = (
            None if sku is None else set_product(self.session, self.program, sku=sku, name=None, now=NOW)
        )
        set_rate(
            self.session,
            self.program,
            RateTerms(text, **terms),
            product=product,
            referrer=self.referrers[referrer] if referrer else None,
            valid_from=valid_from,
            actor=ACTOR,
            now=self.now,
        )

    def join(self, name: str) -> Referrer:
        joining = Joining(
            name=name.title(), email=f"{name}@example.org", code=f"{name}-{self.program.slug}"[:32]
        )
        referrer, _ = join(
            self.session, self.deps.keyring, self.program, joining, actor=ACTOR, now=at("2026-01-01")
        )
        self.referrers[name] = referrer
        return referrer

    def click(self, name: str, when: datetime) -> str:
        return self.deps.links.new_click_id(when, self.program.id, self.referrers[name].id)

    def signup(self, customer: str = "c1", *, when: str | None = "2026-09-01", **fact: Any) -> Outcome:
        body = SignupFact(customer, signed_up_at=at(when) if when else None, **fact)
        return record_signup(self.deps, self.session, self.program, body, self.now)

    def bind(self, name: str, customer: str = "c1", when: str = "2026-09-01") -> None:
        """The customer follows the referrer's link and signs up at once."""
        self.signup(customer, when=when, click_ids=(self.click(name, at(when)),))

    def order(
        self,
        order_id: str = "o1",
        *lines: LineFact,
        customer: str = "c1",
        placed: str = "2026-09-10",
        paid: str | None = "2026-09-10",
        **fact: Any,
    ) -> Outcome:
        body = OrderFact(
            order_id=order_id,
            customer_id=customer,
            currency=fact.pop("currency", self.program.currency),
            status=OrderStatus.PAID if paid else OrderStatus.PENDING,
            placed_at=at(placed),
            paid_at=at(paid) if paid else None,
            lines=lines or (line(),),
            **fact,
        )
        return record_order(self.deps, self.session, self.program, body, self.now)

    def pay(self, order_id: str = "o1", paid: str = "2026-09-10", method: str | None = None) -> Outcome:
        body = PaymentFact(order_id, at(paid), method)
        return record_payment(self.deps, self.session, self.program, body, self.now)

    def correct(
        self, correction_id: str, *lines: LineFact, order_id: str = "o1", when: str = "2026-09-11"
    ) -> Outcome:
        body = CorrectionFact(order_id, correction_id, lines, at(when))
        return record_correction(self.deps, self.session, self.program, body, self.now)

    def cancel(self, order_id: str = "o1", when: str = "2026-09-11") -> Outcome:
        return record_cancellation(
            self.deps, self.session, self.program, CancellationFact(order_id, at(when)), self.now
        )

    def refund(
        self,
        refund_id: str,
        order_id: str = "o1",
        *,
        kind: RefundKind = RefundKind.REFUND,
        when: str = "2026-09-20",
        reverses: str | None = None,
        full: bool = False,
        **nets: int,
    ) -> Outcome:
        """Give back ``l1=500`` minor units of line l1, or the whole order with ``full``."""
        body = RefundFact(
            order_id=order_id,
            refund_id=refund_id,
            kind=kind,
            refunded_at=at(when),
            lines=tuple(RefundLine(line_id, net) for line_id, net in nets.items()),
            full=full,
            reverses=reverses,
        )
        return record_refund(self.deps, self.session, self.program, body, self.now)

    def choose(self, name: str | None, customer: str = "c1", when: str | None = "2026-10-01") -> Outcome:
        code = self.referrers[name].code if name else None
        body = PartnerChoiceFact(customer, code, at(when) if when else None)
        return record_partner_choice(self.deps, self.session, self.program, body, self.now)

    def lead(
        self,
        name: str,
        email: str = "prospect@example.com",
        *,
        when: str | None = "2026-08-20",
        lead_id: str = "",
    ) -> Outcome:
        """The referrer registers a prospect."""
        body = LeadFact(
            lead_id or f"{name}-{when}", self.referrers[name].code, email, at(when) if when else None
        )
        return record_lead(self.deps, self.session, self.program, body, self.now)

    def assign(
        self,
        name: str | None,
        customer: str = "c1",
        *,
        when: str | None = None,
        reason: str = "agreed by telephone",
        also_earlier: bool = False,
    ) -> Corrected:
        """Staff say whom the customer belongs to."""
        wanted = Wanted(
            self.referrers[name] if name else None, reason, at(when) if when else None, also_earlier
        )
        return correct_attribution(
            self.deps, self.session, self.program, customer, wanted, actor=ACTOR, now=self.now
        )

    def balance(self, name: str = "ada", today: date | None = None) -> Balance:
        day = today or local_day(self.now, self.program.timezone)
        return balance(
            self.session, referrer_id=self.referrers[name].id, currency=self.program.currency, today=day
        )

    def commissions(self, order_id: str = "o1") -> list[Commission]:
        wanted = (
            select(Commission)
            .join(Order, Order.id == Commission.order_id)
            .where(Order.program_id == self.program.id, Order.order_id == order_id)
            .order_by(Commission.id)
        )
        return list(self.session.scalars(wanted))

    def outcomes(self, order_id: str = "o1") -> dict[str, str]:
        wanted = (
            select(OrderLine)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.program_id == self.program.id, Order.order_id == order_id)
        )
        return {each.line_id: each.outcome for each in self.session.scalars(wanted)}

    def decisions(self) -> list[Decision]:
        return list(self.session.scalars(select(Decision).where(Decision.superseded_at.is_(None))))


def line(
    line_id: str = "l1",
    product: str = "web",
    net: int = 10_000,
    quantity: int = 1,
    kind: LineKind = LineKind.NEW,
) -> LineFact:
    """One line; 100.00 of ``web`` unless said otherwise."""
    return LineFact(line_id, product, quantity, net, kind)
