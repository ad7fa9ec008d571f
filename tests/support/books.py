"""A programme under a Hypothesis state machine, and an independent reckoning of what its books must say.

The reckoning knows one rate, 10 % of ``web`` for life, and a clock that only goes forward, so it needs none of the
product's rules: it is a dozen lines of arithmetic to compare them with.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import event, select

from app.kernel.crypto import Keyring
from app.kernel.db import Database, finish, on_sqlite
from app.kernel.money import Money
from app.ledger.balances import balances
from app.ledger.check import LEDGER_CHECKS, Broken
from app.ledger.journal import write_balances
from app.payouts.approval import approve_run
from app.payouts.cancelling import cancel_run
from app.payouts.check import BooksDoNotAddUp, payouts_equal_their_entries, payouts_move_date_by_date
from app.payouts.deps import PayoutDeps
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.errors import SuspendedReferrers
from app.payouts.files import build_files, submit_run
from app.payouts.models import Payout, PayoutFile, PayoutRun
from app.payouts.reconcile import import_feedback
from app.payouts.runs import draft_run, freeze_run
from app.payouts.words import DestinationSource
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.facts import (
    CancellationFact,
    CorrectionFact,
    LineFact,
    OrderFact,
    PartnerChoiceFact,
    PaymentFact,
    RefundFact,
    RefundLine,
    SignupFact,
)
from app.referrals.holds import HeldBySuspension, decide_hold, hold_by_staff
from app.referrals.models import Commission, Hold, HoldRule, HoldState, Order
from app.referrals.referrers import reinstate, suspend
from app.referrals.words import OrderStatus, RefundKind
from tests.builders import ACTOR, ENCRYPTION_KEY, World, at
from tests.db.payouts_world import APPROVER, FREEZER, camt, detail, entry, pain002
from tests.support.histories import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.ledger.check import Check
    from app.referrals.facts import AnyFact

CHECKS = {
    **LEDGER_CHECKS,
    **REFERRAL_CHECKS,
    "payouts equal their entries": payouts_equal_their_entries,
    "payouts move date by date": payouts_move_date_by_date,
}
"""What must hold after every step; files and approvals have tests of their own."""

HOLD_DAYS = 7
DEBTOR_IBAN = "NL02ABNA0123456789"
IBANS = {"ada": "NL91ABNA0417164300", "bob": "DE89370400440532013000"}


class OneTransaction:
    """A stand-in for the database on which every "transaction" of a run is part of the test's own."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.is_sqlite = on_sqlite(session)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        yield self._session
        finish(self._session)
        self._session.flush()

    reading = transaction


def build_world(session: Session) -> World:
    """The programme; ada and bob have bank accounts, cem has none."""
    world = World.build(
        session,
        hold_days=HOLD_DAYS,
        minimum_payout="0",
        debtor_name="Shop B.V.",
        debtor_iban=DEBTOR_IBAN,
        timezone="UTC",
    )
    world.join("cem")
    for name, iban in IBANS.items():
        put_destination(
            _deps(session),
            session,
            world.referrers[name],
            GivenAccount(name.title(), iban),
            source=DestinationSource.MERCHANT,
            verified=True,
            by=ACTOR,
            now=at("2026-01-01"),
        )
    session.flush()
    return world


def _deps(session: Session) -> PayoutDeps:
    return PayoutDeps(cast("Database", OneTransaction(session)), Keyring((ENCRYPTION_KEY,)))


class StandingChecks:
    """The statements of all checks, made once: they run after every step, and making them costs more than running."""

    def __init__(
        self, session: Session, checks: dict[str, Check] = CHECKS, program_id: int | None = None
    ) -> None:
        self._program = program_id
        self._checks = [(name, check, self._said(session, check)) for name, check in checks.items()]

    def _said(self, session: Session, check: Check) -> list[tuple[str, Any]]:
        """The statements of a check, with their parameters, while nothing is broken."""
        said: list[tuple[str, Any]] = []
        connection = session.connection()

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            said.append((statement, parameters))

        session.flush()
        write_balances(session)
        event.listen(connection, "before_cursor_execute", note)
        assert list(check(session, self._program)) == []
        event.remove(connection, "before_cursor_execute", note)
        assert said
        return said

    def broken(self, session: Session) -> Broken | None:
        """The first invariant that does not hold. A check that finds no row finds nothing broken; else it is run."""
        session.flush()
        write_balances(session)
        connection = session.connection()
        for name, check, statements in self._checks:
            if any(connection.exec_driver_sql(*each).first() for each in statements):
                for detail in check(session, self._program):
                    return Broken(name, detail)
        return None

    def require(self, session: Session) -> None:
        """What ``require_sound_books`` does."""
        broken = self.broken(session)
        if broken is not None:
            raise BooksDoNotAddUp(broken)


@dataclass
class Sale:
    """What the reckoning knows of an order."""

    customer: str
    net: int
    owner: str | None
    paid: bool = False
    cancelled: bool = False
    refunded: int = 0
    chargebacks: dict[str, int] = field(default_factory=dict)
    rejected: bool = False

    @property
    def back(self) -> int:
        return min(self.net, self.refunded + sum(self.chargebacks.values()))

    @property
    def earned(self) -> int:
        return (self.net + 5) // 10 if self.paid and self.owner else 0

    @property
    def target(self) -> int:
        return (self.net - self.back + 5) // 10 if self.paid and self.owner and not self.rejected else 0


@dataclass
class Books:
    """The steps, each through its use case, and the reckoning beside them."""

    world: World
    checks: StandingChecks
    now: datetime = field(default_factory=lambda: at("2026-03-01"))
    sales: dict[str, Sale] = field(default_factory=dict)
    partner: dict[str, str | None] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    facts: list[AnyFact] = field(default_factory=list)
    reserved_ever: bool = False
    released_ever: bool = False
    numbers: int = 0

    @property
    def session(self) -> Session:
        return self.world.session

    def pass_time(self, hours: int = 1) -> datetime:
        self.now += timedelta(hours=hours)
        self.world.now = self.now
        return self.now

    def number(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}{self.numbers}"

    def tell(self, fact: AnyFact) -> None:
        self.facts.append(fact)
        record(self.world, fact)

    def repeat(self, index: int) -> None:
        """Send an earlier fact once more."""
        if self.facts:
            record(self.world, self.facts[index % len(self.facts)])

    def sign_up(self, customer: str, referrer: str, *, own: bool) -> None:
        """The customer follows a link and signs up; its own referrer's e-mail makes a self-referral.

        Who has ordered before is nobody's new customer.
        """
        if customer in self.partner:
            return
        now, is_new = self.pass_time(), all(sale.customer != customer for sale in self.sales.values())
        email = f"{referrer}+me@example.org" if own else None
        self.tell(SignupFact(customer, (self.world.click(referrer, now),), email=email, signed_up_at=now))
        self.partner[customer] = referrer if is_new and referrer not in self.suspended else None

    def choose(self, customer: str, referrer: str | None) -> None:
        current = self.partner.get(customer)
        if referrer in self.suspended or (referrer is None and current is None):
            return
        now = self.pass_time()
        code = self.world.referrers[referrer].code if referrer else None
        self.tell(PartnerChoiceFact(customer, code, now))
        self.partner[customer] = referrer

    def order(self, customer: str, net: int, *, paid: bool) -> None:
        now = self.pass_time()
        order_id = self.number("o")
        status = OrderStatus.PAID if paid else OrderStatus.PENDING
        lines = (LineFact("l1", "web", 1, net), LineFact("l2", "mail", 1, 500))
        self.tell(OrderFact(order_id, customer, "EUR", status, now, lines, now if paid else None))
        self.sales[order_id] = Sale(customer, net, self.partner.get(customer), paid=paid)

    def pay(self, order_id: str) -> None:
        self.tell(PaymentFact(order_id, self.pass_time()))
        self.sales[order_id].paid = True

    def cancel(self, order_id: str) -> None:
        self.tell(CancellationFact(order_id, self.pass_time()))
        self.sales[order_id].cancelled = True

    def correct(self, order_id: str, net: int) -> None:
        """The line was really this much, at least what was given back of it."""
        now, sale = self.pass_time(), self.sales[order_id]
        net = max(net, sale.back)
        lines = (LineFact("l1", "web", 1, net), LineFact("l2", "mail", 1, 500))
        self.tell(CorrectionFact(order_id, self.number("k"), lines, now))
        sale.net = net

    def refund(self, order_id: str, percent: int) -> None:
        sale = self.sales[order_id]
        part = (sale.net - sale.back) * percent // 100
        if part:
            lines = (RefundLine("l1", part),)
            self.tell(RefundFact(order_id, self.number("r"), RefundKind.REFUND, self.pass_time(), lines))
            sale.refunded += part

    def charge_back(self, order_id: str) -> None:
        sale, name = self.sales[order_id], self.number("cb")
        part = sale.net - sale.back
        if part:
            lines = (RefundLine("l1", part),)
            self.tell(RefundFact(order_id, name, RefundKind.CHARGEBACK, self.pass_time(), lines))
            sale.chargebacks[name] = part

    def reverse(self, order_id: str) -> None:
        sale = self.sales[order_id]
        for name in list(sale.chargebacks)[:1]:
            kind = RefundKind.CHARGEBACK_REVERSAL
            self.tell(RefundFact(order_id, self.number("rv"), kind, self.pass_time(), reverses=name))
            del sale.chargebacks[name]

    def suspend(self, name: str) -> None:
        referrer = self.world.referrers[name]
        change = reinstate if name in self.suspended else suspend
        change(self.session, self.world.program, referrer, reason="odd", actor=ACTOR, now=self.pass_time())
        self.suspended ^= {name}

    def hold(self, order_id: str) -> None:
        for commission in self.world.commissions(order_id):
            hold_by_staff(
                self.session, self.world.program, commission, reason="odd", by="x", now=self.pass_time()
            )

    def decide(self, index: int, *, release: bool) -> None:
        wanted = (
            select(Hold.id, Hold.rule, Order.order_id)
            .join(Commission, Commission.id == Hold.commission_id)
            .join(Order, Order.id == Commission.order_id)
            .where(Hold.state == HoldState.OPEN)
        )
        waiting = self.session.execute(wanted.order_by(Hold.id)).all()
        if waiting:
            hold_id, rule, order_id = waiting[index % len(waiting)]
            program, now = self.world.program, self.pass_time()
            if release and rule is HoldRule.REFERRER_SUSPENDED:
                with pytest.raises(HeldBySuspension):
                    decide_hold(self.session, program, hold_id, release=True, reason="ok", by="x", now=now)
                return
            decide_hold(self.session, program, hold_id, release=release, reason="ok", by="x", now=now)
            self.released_ever = self.released_ever or release
            if not release:
                self.sales[order_id].rejected = True

    def reserve(self) -> None:
        """A payout run takes what is available now."""
        self.pass_time()
        deps, as_of = _deps(self.session), self.now + timedelta(days=31)
        month = self.now.strftime("%Y-%m")
        run = draft_run(
            self.session, self.world.program, period=month, by=FREEZER, now=self.now, as_of=as_of, again=True
        )
        assert freeze_run(deps, run.id, by=FREEZER, now=self.now) is RunState.FROZEN
        self.reserved_ever = True

    def cancel_run(self, index: int) -> None:
        unseen = (
            select(PayoutRun.id)
            .where(PayoutRun.state == RunState.FROZEN)
            .where(
                ~select(Payout.id)
                .where(Payout.run_id == PayoutRun.id, Payout.state != PayoutState.RESERVED)
                .exists()
            )
        )
        runs = self.session.scalars(unseen.order_by(PayoutRun.id)).all()
        if runs:
            cancel_run(_deps(self.session), runs[index % len(runs)], by=ACTOR, now=self.pass_time())

    def bank(self, index: int, word: str) -> None:
        """The bank speaks of a payout: it "book"s, "reject"s or "return"s it. What it has not seen goes to it first."""
        states = [PayoutState.PAID] if word == "return" else [PayoutState.RESERVED, PayoutState.SUBMITTED]
        wanted = select(Payout).where(Payout.state.in_(states)).order_by(Payout.id)
        found = self.session.scalars(wanted).all()
        if not found:
            return
        payout = found[index % len(found)]
        if not self._submit(self.session.get_one(PayoutRun, payout.run_id)):
            return
        amount, on = Money(payout.amount_minor, "EUR").decimal_string(), self.now.date().isoformat()
        name, end_to_end_id = self.number("B"), payout.end_to_end_id
        if word == "reject":
            message = self.session.scalars(
                select(PayoutFile.message_id).where(PayoutFile.run_id == payout.run_id)
            ).one()
            said = pain002((end_to_end_id, "MS03"), message_id=message)
        else:
            reason = "MS03" if word == "return" else None
            line = detail(end_to_end_id, amount, reason=reason, reference=name)
            said = camt(
                entry(amount, line, credit=word == "return", reference=name, on=on),
                statement=name,
                on=(on, on),
            )
        file = BytesIO(said.encode())
        import_feedback(_deps(self.session), file, name, by=ACTOR, now=self.pass_time())

    def _submit(self, run: PayoutRun) -> bool:
        """Whether the bank has it now: a run that pays somebody suspended meanwhile is refused, and cancelled."""
        if run.state is RunState.FROZEN:
            deps = _deps(self.session)
            try:
                approve_run(self.session, run.id, by=APPROVER, now=self.pass_time())
            except SuspendedReferrers:
                cancel_run(deps, run.id, by=ACTOR, now=self.pass_time())
                return False
            build_files(deps, run.id, by=APPROVER, now=self.now)
            assert submit_run(deps, run.id, by=ACTOR, now=self.now) is RunState.SUBMITTED
        return True

    def check(self) -> None:
        """Every invariant from the entries themselves, and every figure against the reckoning."""
        broken = self.checks.broken(self.session)
        assert broken is None, broken
        names = {referrer.id: name for name, referrer in self.world.referrers.items()}
        found = balances(self.session, referrer_ids=list(names), currency="EUR", today=self.now.date())
        for referrer_id, is_now in found.items():
            sales = [sale for sale in self.sales.values() if sale.owner == names[referrer_id]]
            assert is_now.adds_up
            assert is_now.earned == sum(sale.earned for sale in sales), "earned"
            assert is_now.earned - is_now.clawed_back == sum(sale.target for sale in sales), "what is left"
            assert is_now.held >= 0
            assert is_now.in_flight >= 0
            if not self.reserved_ever:
                self._check_untouched(names[referrer_id], is_now.pending + is_now.available, is_now.held)

    def _check_untouched(self, name: str, payable: int, held: int) -> None:
        """While no run has taken anything: nothing is below zero, and what a suspended referrer has is held."""
        assert payable >= 0
        if name in self.suspended and not self.released_ever:
            assert payable == 0
            assert held == sum(sale.target for sale in self.sales.values() if sale.owner == name)
