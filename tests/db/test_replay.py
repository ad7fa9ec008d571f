"""Replay: everything decided again from the facts alone equals what stands, and every alteration is found (B.18)."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, text, update

from app.kernel.db import table_of
from app.referrals.assignments import Wanted, correct_attribution
from app.referrals.customers import erase_personal_data
from app.referrals.facts import LeadFact
from app.referrals.holds import decide_hold, hold_by_staff
from app.referrals.leads import forget_prospects, record_lead
from app.referrals.models import Binding, Commission, Decision, Fact, Hold, HoldRule, Order, OrderLine
from app.referrals.referrers import suspend
from app.referrals.replay import Replayed, replay, scratch_database
from app.referrals.replay_compare import Difference, compare
from tests.builders import ACTOR, World, at, line, referral_deps
from tests.support.histories import History, build_world, feed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Update
    from sqlalchemy.sql.dml import Delete

    from app.kernel.db import Database


def replayed(database: Database, folder: Path) -> tuple[Replayed, list[Difference]]:
    with database.snapshot() as live, scratch_database(folder) as scratch:
        done = replay(referral_deps(), live, scratch)
        with scratch.reading() as again:
            return done, list(compare(live, again))


def tell(database: Database, count: int, seed: int) -> None:
    """A random history in disorder and with repetitions; a review that rejects, and a suspension at its end."""
    dice = Random(seed)
    with database.transaction() as session:
        world = build_world(session)
    with database.transaction() as session:
        world.session = session
        feed(world, History(world, dice).grow(count).in_disorder(dice))
    with database.transaction() as session:
        world.session = session
        commission = session.scalars(
            select(Commission).where(Commission.target_minor > 0).order_by(Commission.id)
        ).first()
        assert commission is not None
        hold_by_staff(session, world.program, commission, reason="odd", by="x", now=world.now)
        hold = session.scalars(select(Hold).where(Hold.rule == HoldRule.STAFF)).one()
        decide_hold(session, world.program, hold.id, release=False, reason="no", by="x", now=world.now)
        suspend(session, world.program, world.referrers["ada"], reason="odd", actor=ACTOR, now=world.now)


@pytest.mark.parametrize("seed", range(3))
def test_a_random_history_replayed_is_the_same_to_the_cent_and_the_reason(
    database: Database, tmp_path: Path, seed: int
) -> None:
    tell(database, 400, seed)
    done, differences = replayed(database, tmp_path)
    assert done.refused == []
    assert differences == []
    with database.reading() as session:
        assert done.told == len(session.scalars(select(Fact.id)).all()) > 350
        for model in (Decision, Binding, Order, OrderLine, Commission):
            assert session.scalars(select(model).limit(1)).first() is not None
    assert list(tmp_path.iterdir()) == []


def test_a_product_or_a_coupon_that_came_after_its_fact_is_not_found_by_it(
    database: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.now = at("2026-09-11")
        world.bind("ada")
        world.order("o1", line("l1", "later"))
        world.now = at("2026-09-12")
    with database.transaction() as session:
        world.session = session
        world.product("later", "10%")
        session.execute(text("UPDATE products SET created_at = '2026-09-12' WHERE sku = 'later'"))
        world.now = at("2026-09-13")
        world.order("o2", line("l1", "later"), paid="2026-09-13")
        assert world.outcomes("o1") == {"l1": "unknown_product"}
        assert world.outcomes("o2") == {"l1": "earns"}
    assert replayed(database, tmp_path)[1] == []


def _alter(model: type, **values: object) -> Callable[[int], Update]:
    table = table_of(model)
    return lambda number: update(table).where(table.c.id == number).values(**values)


def _remove(model: type) -> Callable[[int], Delete]:
    table = table_of(model)
    return lambda number: delete(table).where(table.c.id == number)


@pytest.mark.parametrize(
    ("model", "change", "kind"),
    [
        (Commission, _alter(Commission, earned_minor=999_999), "commission"),
        (Commission, _alter(Commission, available_on=at("2031-01-01").date()), "commission"),
        (Decision, _alter(Decision, candidates=[]), "decision"),
        (Decision, _remove(Decision), "decision"),
        (Binding, _remove(Binding), "binding"),
        (OrderLine, _alter(OrderLine, outcome="excluded"), "line"),
        (Order, _alter(Order, paid_at=at("2026-09-10 00:00:01")), "order"),
    ],
    ids=["amount", "date", "reason", "decision", "binding", "outcome", "payment"],
)
def test_a_row_altered_behind_our_back_is_named(
    database: Database,
    tmp_path: Path,
    model: type,
    change: Callable[[int], Update | Delete],
    kind: str,
) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada")
        world.order("o1", line("l1"), line("l2", "mail"))
    assert replayed(database, tmp_path)[1] == []
    with database.transaction() as session:
        number = session.scalars(select(table_of(model).c.id)).first()
        assert number is not None
        session.execute(change(number))
    (difference,) = replayed(database, tmp_path)[1]
    assert difference.kind == kind
    assert str(difference).startswith(kind)


def test_a_fact_that_was_removed_leaves_what_it_made_unexplained(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada")
        world.order("o1")
        session.execute(delete(Fact).where(Fact.key == "o1"))
    differences = replayed(database, tmp_path)[1]
    assert {difference.kind for difference in differences} == {
        "order",
        "line",
        "commission",
        "balance",
        "binding",
    }
    assert all(difference.replayed is None or difference.kind == "binding" for difference in differences)


def test_what_people_decided_is_taken_over(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada")
        world.order("o1")
        wanted = Wanted(world.referrers["bob"], "a misunderstanding", at("2026-09-05"))
        correct_attribution(
            world.deps, session, world.program, "c1", wanted, actor=ACTOR, now=at("2026-11-01")
        )
    with database.reading() as session:
        owners = session.scalars(select(Commission.referrer_id).where(Commission.target_minor > 0)).all()
        assert owners == [world.referrers["bob"].id]
    assert replayed(database, tmp_path)[1] == []


@pytest.mark.parametrize("whose", ["customer", "prospect"])
def test_a_prospect_whose_address_is_gone_stays_one(database: Database, tmp_path: Path, whose: str) -> None:
    with database.transaction() as session:
        world = World.build(session)
        lead = LeadFact("lead-1", world.referrers["ada"].code, "prospect@example.org", at("2026-08-20"))
        record_lead(world.deps, session, world.program, lead, world.now)
        world.signup(email="prospect@example.org")
        world.order("o1")
    with database.transaction() as session:
        if whose == "customer":
            erase_personal_data(session, world.program, "c1", world.now)
        else:
            assert forget_prospects(session, at("2027-12-01")) == 1
    with database.reading() as session:
        assert session.scalars(select(Commission.target_minor)).all() == [1_000]
    assert replayed(database, tmp_path)[1] == []
