"""Plausible histories of a shop: facts that each carry their own time, made from dice.

The dice are a :class:`random.Random`, or Hypothesis's stand-in for one, so that a failing history shrinks. A history
keeps DESIGN.md 4's terms for "arrival makes no difference": one body per key, refunds within the net, candidates
without conflict; rates, coupons and settings fixed before.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from app.kernel.errors import RefledgerError
from app.kernel.target_days import is_target_day
from app.referrals.choices import record_partner_choice
from app.referrals.errors import CustomerNotFound, NoPartner
from app.referrals.facts import (
    AnyFact,
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
from app.referrals.leads import record_lead
from app.referrals.models import ExchangeRate
from app.referrals.orders import record_cancellation, record_correction, record_order, record_payment
from app.referrals.programs import ProgramSettings, change_program
from app.referrals.rates import set_signup_bonus
from app.referrals.referrers import create_coupon, reinstate, suspend
from app.referrals.refunds import record_refund
from app.referrals.resettle import forget_recount, recount_of, recounts_due
from app.referrals.settle import settle_again
from app.referrals.signups import record_signup
from app.referrals.words import AttributionModel, LineKind, OrderStatus, RateScope, RefundKind, TierBasis
from tests.builders import ACTOR, World, at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from random import Random

    from sqlalchemy.orm import Session

    from app.referrals.outcome import Outcome

START = at("2026-02-01")
DAYS = 240
SKUS = ("web", "mail", "box", "vps", "card", "bounty", "never", "unheard-of")
SUSPENDED: Final = (at("2026-05-01"), at("2026-06-01"))
"""When cem took no part."""
_WAITS_FOR_PARTNER = (NoPartner, CustomerNotFound)


def build_world(session: Session, slug: str = "hosting") -> World:
    """Rates of every kind, terms that changed once, coupons, and cem, who was suspended for the month of May."""
    world = World.build(session, slug=slug)
    world.join("cem")
    world.product("box", "20%", duration="first_order")
    world.product("vps", "12.5%", duration="3m", kinds=frozenset({LineKind.NEW, LineKind.RENEWAL}))
    world.product("card", "5.00")
    world.product("bounty", "3.33", may_exceed_net=True)
    world.product("never", "none")
    world.rate("0.35%", sku="web", referrer="bob", valid_from=at("2026-01-02"))
    world.rate("15%", sku="web", valid_from=at("2026-05-01"))
    world.rate("7%", sku="box", valid_from=at("2026-06-15"), scope=RateScope.ALL)
    world.rate("1.5%", referrer="cem", duration="6m", valid_from=at("2026-01-02"))
    later = ProgramSettings(window_days=20, attribution=AttributionModel.FIRST_CLICK, hold_days=14)
    change_program(session, world.program, later, actor=ACTOR, now=at("2026-06-01"))
    for name in ("ada", "bob", "cem"):
        referrer = world.referrers[name]
        create_coupon(session, world.program, referrer, name.upper(), actor=ACTOR, now=at("2026-01-01"))
    cem = world.referrers["cem"]
    world.now = at("2027-12-01")  # later than any fact
    suspend(session, world.program, cem, reason="a doubt", actor=ACTOR, now=SUSPENDED[0])
    reinstate(session, world.program, cem, reason="cleared", actor=ACTOR, now=SUSPENDED[1])
    return world


FOREIGN = ("USD", "JPY", "KWD")


def build_rich_world(session: Session) -> World:
    """The same with performance tiers on both bases, caps of both kinds, sign-up bonuses and exchange rates.

    June's rates are missing.
    """
    world = build_world(session)
    month, total = TierBasis.MONTH, TierBasis.TOTAL
    early: dict[str, Any] = {"valid_from": at("2026-01-03"), "scope": RateScope.ALL}
    world.rate("10%", sku="web", tiers=((2, "12%"), (7, "15%")), tier_basis=month, **early)
    world.rate("4%", sku="mail", tiers=((3, "5%"), (9, "6%")), tier_basis=total, cap_customer="9.00", **early)
    world.rate("20%", sku="vps", cap_order="8.00", cap_customer="20.00", **early)
    world.rate("5.00", sku="card", tiers=((3, "6.00"),), tier_basis=total, cap_order="5.50", **early)
    bonus: dict[str, Any] = {"valid_from": at("2026-01-03"), "actor": ACTOR, "now": at("2026-01-03")}
    set_signup_bonus(session, world.program, "7.50", referrer=None, **bonus)
    set_signup_bonus(session, world.program, "3.33", referrer=world.referrers["bob"], **bonus)
    days = [(START + timedelta(days=number)).date() for number in range(-10, 500)]
    store_rates(session, [day for day in days if day.month != 6])
    return world


def store_rates(session: Session, days: Iterable[date]) -> None:
    """Rates of three currencies, other ones each day."""
    session.add_all(
        ExchangeRate(day=day, currency=code, per_euro=f"{base}.{day.toordinal() % 9973:04d}")
        for day in days
        for code, base in (("USD", 1), ("JPY", 160), ("KWD", 0))
        if is_target_day(day)
    )
    session.flush()


_SHORT = 100
"""A history of fewer facts is one of one or two customers."""


@dataclass
class History:
    """The facts of several customers; ``facts`` pairs each with its own time."""

    world: World
    dice: Random
    facts: list[tuple[datetime, AnyFact]] = field(default_factory=list)
    customers: int = 0
    foreign: int = 3
    """How many orders of a hundred are in another currency."""
    currencies: tuple[str, ...] = ("USD",)

    def grow(self, count: int) -> History:
        """Add whole customers until there are at least ``count`` facts."""
        while len(self.facts) < count:
            self.customer()
        return self

    def customer(self) -> None:
        """A customer who signs up or not, orders, pays, is refunded, chooses partners."""
        self.customers += 1
        name = f"c{self.customers}"
        seen = START + timedelta(days=self.dice.randint(0, DAYS), seconds=self.dice.randint(0, 86_399))
        if self._chance(85):
            self._signup(name, seen)
        for number in range(self.dice.randint(0, 4)):
            self._order(name, f"{name}/{number}", seen)
        if self._chance(20):
            self._choices(name, seen)

    def _chance(self, percent: int) -> bool:
        return self.dice.randint(1, 100) <= percent

    def _after(self, moment: datetime, days: int) -> datetime:
        """Some time within ``days``; now and then at exactly that instant, or a fraction of a second later."""
        if self._chance(10):
            return moment
        if self._chance(10):
            return moment + timedelta(microseconds=self.dice.randint(1, 999_999))
        return moment + timedelta(seconds=self.dice.randint(1, days * 86_400))

    def _add(self, moment: datetime, fact: AnyFact) -> None:
        self.facts.append((moment, fact))

    def _referrer(self) -> str:
        return self.dice.choice(("ada", "bob", "cem"))

    def _click(self, before: datetime) -> str:
        if self._chance(5):
            return "not-a-click-id"
        if self._chance(6):  # the shop's clock is behind, or it presents a click that came after
            return self.world.click(self._referrer(), before + timedelta(seconds=self.dice.randint(1, 900)))
        when = before - timedelta(seconds=self.dice.randint(0, 40 * 86_400))
        return self.world.click(self._referrer(), when)

    def _signup(self, name: str, seen: datetime) -> None:
        email = None
        if self._chance(40):
            email = f"{self._referrer()}+x@example.org" if self._chance(60) else f"{name}@example.org"
        fact = SignupFact(
            customer_id=name,
            click_ids=tuple(self._click(seen) for _ in range(self.dice.randint(0, 3))),
            coupon=self.dice.choice(("ADA", "bob", "GONE")) if self._chance(15) else None,
            referrer_code=f"{self._referrer()}-{self.world.program.slug}" if self._chance(15) else None,
            email=email,
            signed_up_at=seen,
        )
        self._add(seen, fact)
        # An address that hundreds have is seldom registered: it decides all of them anew.
        own = email == f"{name}@example.org" or len(self.facts) < _SHORT
        if email and self._chance(60 if own else 8):
            for number in range(self.dice.randint(1, 3)):
                self._lead(f"{name}/{number}", email, seen)

    def _lead(self, lead_id: str, email: str, seen: datetime) -> None:
        """A referrer registers the prospect, mostly in time; several customers may have the same address."""
        when = seen - timedelta(seconds=self.dice.randint(-86_400, 100 * 86_400))
        if self._chance(20):  # to the second, around the 90 days and around the signup
            when = seen - timedelta(days=self.dice.choice((0, 90)), seconds=self.dice.randint(-1, 1))
        referrer = self._referrer()
        if referrer == "cem" and SUSPENDED[0] <= when < SUSPENDED[1]:
            referrer = "bob"  # a suspended referrer can register nobody
        fact = LeadFact(lead_id, f"{referrer}-{self.world.program.slug}", email, when)
        self._add(when, fact)

    def _order(self, name: str, order_id: str, seen: datetime) -> None:
        placed = seen - timedelta(days=3) if self._chance(10) else self._after(seen, 90)
        lines = tuple(self._line(f"l{number}") for number in range(self.dice.randint(1, 3)))
        kind = self.dice.choice(("paid", "paid", "payment", "payment", "pending", "cancelled"))
        paid = self._after(placed, 20) if kind in {"paid", "payment"} else None
        method = self.dice.choice((None, "card", "direct_debit"))
        order = OrderFact(
            order_id=order_id,
            customer_id=name,
            currency=self._currency(),
            status=OrderStatus.PAID if kind == "paid" else OrderStatus.PENDING,
            placed_at=placed,
            paid_at=paid if kind == "paid" else None,
            method=method,
            lines=lines,
            click_id=self._click(placed) if self._chance(20) else None,
            coupon=self.dice.choice(("ADA", "BOB", "CEM")) if self._chance(10) else None,
        )
        self._add(placed, order)
        if kind == "cancelled":
            cancelled = self._after(placed, 10)
            self._add(cancelled, CancellationFact(order_id, cancelled))
            return
        if kind == "payment" and paid:
            self._add(paid, PaymentFact(order_id, paid, self.dice.choice((None, method))))
        refundable = {line.line_id: line.net_minor for line in lines}
        for number in range(self.dice.choice((0, 0, 0, 1, 2))):
            self._correction(order, f"{order_id}/k{number}", refundable)
        if paid:
            self._refunds(order_id, paid, refundable)

    def _currency(self) -> str:
        return self.dice.choice(self.currencies) if self._chance(self.foreign) else "EUR"

    def _line(self, line_id: str) -> LineFact:
        net = 0 if self._chance(5) else self.dice.randint(1, 30_000)
        return LineFact(
            line_id, self.dice.choice(SKUS), self.dice.randint(1, 3), net, self.dice.choice(list(LineKind))
        )

    def _correction(self, order: OrderFact, correction_id: str, refundable: dict[str, int]) -> None:
        """Other lines from then on; ``refundable`` keeps what every version has paid for."""
        when = self._after(order.placed_at, 30)
        lines = [self._line(line.line_id) for line in order.lines if not self._chance(15)]
        if self._chance(20) or not lines:
            lines.append(self._line("added"))
        nets = {line.line_id: line.net_minor for line in lines}
        refundable |= {line_id: min(left, nets.get(line_id, 0)) for line_id, left in refundable.items()}
        self._add(when, CorrectionFact(order.order_id, correction_id, tuple(lines), when))

    def _refunds(self, order_id: str, paid: datetime, refundable: dict[str, int]) -> None:
        if self._chance(8):
            when = self._after(paid, 60)
            self._add(when, RefundFact(order_id, f"{order_id}/full", RefundKind.REFUND, when, full=True))
        for number in range(self.dice.choice((0, 0, 1, 2))):
            lines = tuple(
                RefundLine(line_id, self._part(refundable, line_id))
                for line_id, left in refundable.items()
                if left > 0
            )
            if lines:
                self._refund(order_id, f"{order_id}/r{number}", self._after(paid, 60), lines)
        if self._chance(8):
            when = self._after(paid, 60)
            whole = f"{order_id}/whole"
            self._add(when, RefundFact(order_id, whole, RefundKind.CHARGEBACK, when, full=True))
            if self._chance(60):
                self._reversal(order_id, whole, when, ())

    def _refund(self, order_id: str, refund_id: str, when: datetime, lines: tuple[RefundLine, ...]) -> None:
        kind = RefundKind.CHARGEBACK if self._chance(30) else RefundKind.REFUND
        self._add(when, RefundFact(order_id, refund_id, kind, when, lines))
        if kind is RefundKind.CHARGEBACK and self._chance(60):
            self._reversal(order_id, refund_id, when, lines[:1] if self._chance(30) else ())

    def _part(self, refundable: dict[str, int], line_id: str) -> int:
        left = refundable[line_id]
        part = left if self._chance(30) else self.dice.randint(1, left)
        refundable[line_id] = left - part
        return part

    def _reversal(
        self, order_id: str, reverses: str, charged: datetime, lines: tuple[RefundLine, ...]
    ) -> None:
        when = self._after(charged, 30)
        kind = RefundKind.CHARGEBACK_REVERSAL
        self._add(when, RefundFact(order_id, f"{reverses}/back", kind, when, lines, reverses=reverses))

    def _choices(self, name: str, seen: datetime) -> None:
        """Chooses a partner, may end that one, may choose another."""
        when = self._after(seen, 60)
        for number in range(self.dice.randint(1, 3)):
            code = None if number == 1 else f"{self.dice.choice(('ada', 'bob'))}-{self.world.program.slug}"
            self._add(when, PartnerChoiceFact(name, code, when))
            when += timedelta(seconds=self.dice.randint(1, 30 * 86_400))

    def in_time(self) -> list[AnyFact]:
        """The facts in the order of their own times, as a shop that is never late would send them."""
        ranked = sorted(enumerate(self.facts), key=lambda item: (item[1][0], item[0]))
        return [fact for _, (_, fact) in ranked]

    def in_disorder(self, dice: Random) -> list[AnyFact]:
        """The facts shuffled, a third of them more than once."""
        facts = [fact for _, fact in self.facts]
        again = [fact for fact in facts if dice.randint(1, 3) == 1]
        mixed = [*facts, *again]
        dice.shuffle(mixed)
        return mixed


_USE_CASES: Final[dict[type, Callable[..., Outcome]]] = {
    SignupFact: record_signup,
    OrderFact: record_order,
    PaymentFact: record_payment,
    CorrectionFact: record_correction,
    CancellationFact: record_cancellation,
    RefundFact: record_refund,
    PartnerChoiceFact: record_partner_choice,
    LeadFact: record_lead,
}


def record(world: World, fact: AnyFact) -> Outcome:
    """Hand a fact to its use case."""
    return _USE_CASES[type(fact)](world.deps, world.session, world.program, fact, world.now)


def feed(world: World, facts: Sequence[AnyFact], record: Callable[[World, AnyFact], object] = record) -> None:
    """Record the facts one by one, each on a session that remembers nothing, as in a transaction of its own.

    A customer cannot end a partner that we have not heard of yet: the shop sends that again later.
    """
    later: list[AnyFact] = []
    for fact in facts:
        try:
            record(world, fact)
        except _WAITS_FOR_PARTNER:
            assert isinstance(fact, PartnerChoiceFact)
            later.append(fact)
        except RefledgerError as error:
            raise AssertionError(f"refused {fact}") from error
        forget(world.session)
    assert len(later) < len(facts) or not later
    if later:
        feed(world, later, record)


def drain(world: World) -> None:
    """What the jobs would do that the facts asked for, in this transaction."""
    for referrer_id in recounts_due(world.session):
        newest, customers = recount_of(world.session, referrer_id)
        for customer in customers:
            settle_again(world.deps, world.session, customer, world.now)
            forget(world.session)
        forget_recount(world.session, referrer_id, newest)


def forget(session: Session) -> None:
    """Write what is pending and drop every loaded row."""
    session.flush()
    session.expunge_all()


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """What the block does is rolled back at its end, whatever happened in it."""
    nested = session.begin_nested()
    try:
        yield
    finally:
        session.expunge_all()
        session.info.clear()
        nested.rollback()


def orders_of(facts: Iterable[AnyFact]) -> dict[str, set[str]]:
    """For each order, the lines that its latest correction (or itself) says it has."""
    lines: dict[str, tuple[tuple[datetime, str], set[str]]] = {}
    for fact in facts:
        if isinstance(fact, OrderFact):
            version = (START - timedelta(days=999), "")
            found = {line.line_id for line in fact.lines}
        elif isinstance(fact, CorrectionFact) and fact.corrected_at:
            version = (fact.corrected_at, fact.correction_id)
            found = {line.line_id for line in fact.lines}
        else:
            continue
        if fact.order_id not in lines or lines[fact.order_id][0] < version:
            lines[fact.order_id] = (version, found)
    return {order_id: found for order_id, (_, found) in lines.items()}
