"""``flask ledger check`` finds every alteration made behind its back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kernel.append_only import drop_statements
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.words import RefundKind
from tests.builders import World, line

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS


@pytest.fixture
def world(session: Session) -> World:
    world = World.build(session)
    world.bind("ada")
    world.order("o1", line("l1", net=11_000), line("l2", net=500))
    world.refund("r1", l1=3_000)
    world.refund("r2", kind=RefundKind.CHARGEBACK, full=True)
    world.order("o2")
    world.signup("c2", click_ids=(world.click("ada", world.now),), email="ada@example.org", when=None)
    world.order("o3", customer="c2", placed="2026-11-22 12:00", paid="2026-11-22 12:00")
    return world


def test_a_sound_ledger_holds(world: World) -> None:
    assert first_broken(world.session, CHECKS) is None
    assert first_broken(world.session, CHECKS, world.program.id) is None
    assert world.balance(today=date(2027, 1, 1)).adds_up


@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        (
            "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE id = {one}",
            "every transaction sums to zero",
        ),
        ("DELETE FROM ledger_entries WHERE id = {one}", "every transaction sums to zero"),
        (
            "UPDATE ledger_entries SET account = 'bank' WHERE id = {one}",
            "entries agree with their transaction",
        ),
        ("UPDATE ledger_entries SET account = 'held' WHERE id = {one}", "balances equal the entries"),
        (
            "UPDATE ledger_entries SET available_on = '2030-01-01' WHERE id = {one}",
            "balances equal the entries",
        ),
        (
            "UPDATE ledger_entries SET posted_at = '2030-01-01 00:00:00.000000' WHERE id = {one}",
            "entries agree with their transaction",
        ),
        (
            "UPDATE ledger_entries SET currency = 'USD' WHERE id = {one}",
            "entries agree with their transaction",
        ),
        ("UPDATE ledger_balances SET amount_minor = amount_minor + 1", "balances equal the entries"),
        ("UPDATE commissions SET earned_minor = earned_minor + 1", "commissions equal their entries"),
        ("UPDATE commissions SET held_minor = held_minor + 1", "commissions equal their entries"),
        ("UPDATE commissions SET available_on = '2030-01-01'", "entries carry their commission's date"),
        ("UPDATE holds SET state = 'released'", "only what is under review is held"),
    ],
)
def test_an_alteration_is_named(world: World, change: str, invariant: str) -> None:
    session = world.session
    dialect = session.get_bind().dialect.name
    first_broken(session, CHECKS)
    for statement in drop_statements(dialect, "ledger_entries"):
        session.execute(text(statement))
    wanted = "SELECT min(id) FROM ledger_entries WHERE account = 'payable'"
    session.execute(text(change.format(one=session.scalar(text(wanted)))))
    session.expire_all()
    broken = first_broken(session, CHECKS)
    assert broken is not None
    assert broken.invariant == invariant


@pytest.mark.parametrize("verb", ["UPDATE ledger_entries SET amount_minor = 1", "DELETE FROM ledger_entries"])
def test_the_journal_refuses_changes(world: World, verb: str) -> None:
    first_broken(world.session, CHECKS)
    with pytest.raises(DBAPIError, match="append-only"), world.session.begin_nested():
        world.session.execute(text(verb))
