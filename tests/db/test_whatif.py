"""What if: past orders under another rate, window, hold period or model; nothing is posted (B.17)."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.ledger.models import LedgerTransaction
from app.referrals.models import Commission, RateVersion
from app.referrals.rates import RateTerms, supposed_rate
from app.referrals.whatif import Shift, Supposed, count_customers, simulate
from app.referrals.words import AttributionModel
from tests.builders import World, at, line, referral_deps
from tests.support.histories import History, build_world, feed

if TYPE_CHECKING:
    from datetime import datetime

    from app.kernel.db import Database

RANGE = at("2026-09-01"), at("2026-10-01")


def study(
    database: Database, world: World, supposed: Supposed, *, within: tuple[datetime, datetime] = RANGE
) -> dict[str, Shift]:
    with database.snapshot() as session:
        return simulate(referral_deps(), session, world.program, supposed, *within)


def rate_of(world: World, text: str) -> Supposed:
    terms = RateTerms(text)
    return Supposed(supposed_rate(world.program, terms, product=None, referrer=None, now=world.now))


def test_a_rate_on_paper_shows_the_difference_per_referrer_and_posts_nothing(database: Database) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada")
        world.bind("bob", "c2")
        world.order("o1", line("l1", "mail", 10_000))
        world.order("o2", line("l1", "web", 20_000), customer="c2")
        world.order("late", line("l1", "mail", 10_000), placed="2026-10-01", paid="2026-10-01")
    with database.reading() as session:
        before = session.scalars(select(func.count()).select_from(LedgerTransaction)).one()
        assert count_customers(session, world.program, *RANGE) == 2
    found = study(database, world, rate_of(world, "5%"))
    # The product's own rate of web (10 %) still wins over a programme-wide one.
    assert found == {
        "ada-hosting": Shift(would_be=500),
        "bob-hosting": Shift(was=2_000, would_be=2_000),
    }
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(LedgerTransaction)).one() == before
        assert session.scalars(select(func.count()).select_from(RateVersion)).one() == 1
        assert session.scalars(select(func.count()).select_from(Commission)).one() == 1


def test_a_refund_counts_in_both_columns(database: Database) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada")
        world.order("o1", line("l1", "mail", 10_000), line("l2", "web", 10_000))
        world.refund("r1", l1=5_000, l2=2_000)
    found = study(database, world, rate_of(world, "5%"))
    assert found == {"ada-hosting": Shift(was=800, would_be=1_050)}


def test_a_longer_window_finds_the_click_that_was_too_old(database: Database) -> None:
    with database.transaction() as session:
        world = World.build(session)
        click = world.click("ada", at("2026-07-15"))
        world.signup(click_ids=(click,))
        world.order("o1", line("l1", "web", 10_000))
    assert study(database, world, Supposed(window_days=48)) == {}
    assert study(database, world, Supposed(window_days=49)) == {"ada-hosting": Shift(would_be=1_000)}


def test_another_model_gives_the_order_to_the_other_referrer(database: Database) -> None:
    with database.transaction() as session:
        world = World.build(session)
        clicks = world.click("ada", at("2026-08-20")), world.click("bob", at("2026-08-25"))
        world.signup(click_ids=clicks)
        world.order("o1", line("l1", "web", 10_000))
    found = study(database, world, Supposed(attribution=AttributionModel.FIRST_CLICK))
    assert found == {"ada-hosting": Shift(would_be=1_000), "bob-hosting": Shift(was=1_000)}


def test_another_hold_period_moves_what_is_payable_by_the_end(database: Database) -> None:
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada")
        world.order("o1", line("l1", "web", 10_000))
    assert study(database, world, Supposed(hold_days=21)) == {
        "ada-hosting": Shift(was=1_000, would_be=1_000, payable_would_be=1_000)
    }
    assert study(database, world, Supposed(hold_days=22))["ada-hosting"].payable_would_be == 0


@pytest.mark.parametrize("seed", range(2))
def test_terms_that_change_nothing_show_no_difference(database: Database, seed: int) -> None:
    dice = Random(seed)
    with database.transaction() as session:
        world = build_world(session)
    with database.transaction() as session:
        world.session = session
        feed(world, History(world, dice).grow(300).in_disorder(dice))
    whole = at("2026-01-01"), at("2027-12-01")
    found = study(database, world, Supposed(), within=whole)
    assert found
    assert all(shift.difference == 0 for shift in found.values())
    assert all(shift.payable_was == shift.payable_would_be for shift in found.values())
