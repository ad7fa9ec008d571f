"""A fact's own time decides, never its arrival (DESIGN.md 4, ACCEPTANCE A.11).

Histories are fed once in the order of their own times and once shuffled, with repetitions; what is kept in the end
must be the same: decisions with their reasons, bindings, outcomes, commissions and balances.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.db import Database, finish
from app.ledger.balances import balance
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.ledger.models import LedgerBalance
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.facts import OrderFact
from app.referrals.models import (
    Binding,
    Commission,
    Customer,
    Decision,
    Fact,
    FactKind,
    Order,
    OrderLine,
    RateVersion,
    Referrer,
)
from tests.builders import World, line
from tests.support.books import StandingChecks
from tests.support.examples import examples
from tests.support.histories import History, build_world, drain, feed, orders_of, undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from app.referrals.facts import AnyFact

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS
DAYS = [date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 15), date(2027, 6, 1)]

Picture = dict[str, dict[Any, Any]]
"""Everything that the promise covers, by table, under names that do not depend on arrival."""


def picture(session: Session, world: World, facts: Sequence[AnyFact]) -> Picture:
    """What the facts came to."""
    finish(session)
    session.expunge_all()
    codes = dict(session.execute(select(Referrer.id, Referrer.code)).all())
    return {
        "decisions": _decisions(session, codes),
        "bindings": _bindings(session, codes),
        "lines": _lines(session, codes, orders_of(facts)),
        "commissions": _commissions(session, codes),
        "buckets": _buckets(session, codes),
        "balances": {
            (codes[key], day): balance(session, referrer_id=key, currency=world.program.currency, today=day)
            for key in codes
            for day in DAYS
        },
        "facts": {
            (kind, key): state
            for kind, key, state in session.execute(select(Fact.kind, Fact.key, Fact.state))
        },
    }


def _decisions(session: Session, codes: dict[int, str]) -> dict[Any, Any]:
    wanted = (
        select(Customer.customer_id, Decision)
        .join(Customer, Customer.id == Decision.customer_id)
        .where(Decision.superseded_at.is_(None))
    )
    return {
        (customer, each.occasion, each.occasion_ref): (
            codes.get(each.referrer_id or 0),
            each.method,
            each.bound_from,
            each.rule,
            each.candidates,
        )
        for customer, each in session.execute(wanted)
    }


def _bindings(session: Session, codes: dict[int, str]) -> dict[Any, Any]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    wanted = (
        select(Customer.customer_id, Binding)
        .join(Customer, Customer.id == Binding.customer_id)
        .order_by(Binding.from_at)
    )
    for customer, each in session.execute(wanted):
        span = (codes[each.referrer_id], each.method, each.from_at, each.until_at)
        found[customer].append((*span, each.first_paid_at, each.first_paid_order))
    return dict(found)


def _lines(session: Session, codes: dict[int, str], known: dict[str, set[str]]) -> dict[Any, Any]:
    wanted = select(OrderLine, Order).join(Order, Order.id == OrderLine.order_id)
    return {
        (order.order_id, line.line_id): (
            line.outcome,
            line.net_minor,
            line.refunded_minor,
            order.status,
            order.paid_at,
            order.exchange,
            codes.get(order.referrer_id or 0),
        )
        for line, order in session.execute(wanted)
        if line.line_id in known[order.order_id]
    }


def _commissions(session: Session, codes: dict[int, str]) -> dict[Any, Any]:
    """Those that are worth anything: whether a row was once made and emptied again is history, not money."""
    wanted = (
        select(Commission, Order.order_id, OrderLine.line_id, RateVersion.rate_ppm, RateVersion.flat_minor)
        .join(Order, Order.id == Commission.order_id)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .join(RateVersion, RateVersion.id == Commission.rate_version_id)
        .where(Commission.earned_minor != 0)
    )
    return {
        (order_id, line_id, codes[each.referrer_id], each.kind): (
            each.earned_minor,
            each.target_minor,
            each.held_minor,
            each.base_minor,
            each.available_on,
            each.paid_at,
            each.tier_from,
            each.uncapped_minor,
            ppm,
            flat,
        )
        for each, order_id, line_id, ppm, flat in session.execute(wanted)
    }


def _buckets(session: Session, codes: dict[int, str]) -> dict[Any, Any]:
    return {
        (codes[each.referrer_id], each.figure, each.available_on): each.amount_minor
        for each in session.scalars(select(LedgerBalance))
        if each.amount_minor
    }


def _broken(session: Session) -> object:
    return first_broken(session, CHECKS)


def compare(
    world: World,
    ordered: Sequence[AnyFact],
    mixed: Sequence[AnyFact],
    broken: Callable[[Session], object] = _broken,
) -> Picture:
    """Feed both on top of what is there, undoing each; the picture they have in common."""
    pictures = []
    for facts in (ordered, mixed):
        with undone(world.session):
            feed(world, facts)
            drain(world)
            pictures.append(picture(world.session, world, ordered))
            assert broken(world.session) is None
    first, second = pictures
    for name in first:
        different = {
            key: (first[name].get(key), second[name].get(key))
            for key in first[name].keys() | second[name].keys()
            if first[name].get(key) != second[name].get(key)
        }
        assert not different, f"{name} differ: {different}"
    return first


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.mark.parametrize("seed", [11, 12])
def test_facts_in_any_order_and_repeated_come_to_the_same(
    world: World, database: Database, seed: int
) -> None:
    """10,000 facts on SQLite and 2,000 on PostgreSQL, in two halves so that two workers share them."""
    history = History(world, Random(seed)).grow(5_000 if database.is_sqlite else 1_000)
    found = compare(world, history.in_time(), history.in_disorder(Random(seed)))
    # The history is worth comparing: everything that can happen did.
    outcomes = {line[0] for line in found["lines"].values()}
    assert outcomes >= {"earns", "unpaid", "cancelled", "before_binding", "after_binding", "duration_spent"}
    assert outcomes >= {"excluded", "kind_not_paid", "not_participating", "unknown_product", "waiting_rate"}
    lost = {each["lost"] for decision in found["decisions"].values() for each in decision[4]}
    assert lost >= {"outside_window", "existed_before", "already_bound", "after_signup", "unknown"}
    assert lost >= {"earlier_click", "later_click", "lower_precedence", "referrer_suspended"}
    assert lost >= {"later_lead", "lead_expired"}
    methods = {span[1].value for spans in found["bindings"].values() for span in spans}
    assert methods == {"click", "coupon", "lead", "code", "chosen"}
    assert {each[2] > 0 for each in found["commissions"].values()} == {True, False}
    assert {each[1] == 0 for each in found["commissions"].values()} == {True, False}


@pytest.fixture(scope="module")
def small_world(folder: Path, sqlite_template: Path) -> Iterator[World]:
    """A world on SQLite that every example starts from and leaves as it was."""
    path = folder / "any-order.db"
    shutil.copyfile(sqlite_template, path)
    opened = Database(f"sqlite:///{path}")
    with Session(opened.engine, expire_on_commit=False) as session:
        session.begin()
        yield build_world(session)
        session.rollback()
    opened.dispose()


@pytest.fixture(scope="module")
def standing(small_world: World) -> StandingChecks:
    return StandingChecks(small_world.session)


@pytest.mark.parametrize("_half", range(2))
@settings(max_examples=examples(1_000) // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False), data=st.data())
def test_a_small_history_in_any_order_comes_to_the_same(
    small_world: World, standing: StandingChecks, dice: Random, data: st.DataObject, _half: int
) -> None:
    history = History(small_world, dice)
    for _ in range(dice.randint(1, 2)):
        history.customer()
    facts = history.in_time()
    mixed = data.draw(st.permutations([*facts, *facts[: dice.randint(0, 3)]]))
    found = compare(small_world, facts, mixed, standing.broken)
    assert found["facts"].keys() >= {
        (FactKind.ORDER, each.order_id) for each in facts if isinstance(each, OrderFact)
    }


def test_a_line_that_a_correction_removed_earns_nothing_under_a_bounty_either(world: World) -> None:
    world.bind("ada")
    world.order("o1", line("l1", "bounty", 1_000), line("l2", "bounty", 1_000))
    assert world.balance().earned == 666
    world.correct("k1", line("l1", "bounty", 1_000))
    assert world.balance().earned == 333
    world.correct("k2", line("l2", "bounty", 0), when="2026-09-12")
    assert world.balance().earned == 333
    assert {each.order_line_id: each.earned_minor for each in world.commissions() if each.earned_minor}
