"""What a referrer's own order does to performance tiers, and which order of a customer brings the sign-up bonus."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.ledger.check import LEDGER_CHECKS, first_broken
from app.privacy.unattributed import total_orders
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.customers import erase_personal_data
from app.referrals.holds import decide_hold, hold_by_staff
from app.referrals.models import Commission, CommissionKind, Customer, Hold, HoldState, Order
from app.referrals.rates import RateChangesRecordedOrders
from app.referrals.words import TierBasis
from tests.builders import NOW, World, at, line
from tests.db.test_rates_in_use import bonus, earned, sell, tiered
from tests.db.test_replay import replayed
from tests.support.histories import drain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.kernel.db import Database


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    built = World.build(session)
    yield built
    assert first_broken(session, LEDGER_CHECKS | REFERRAL_CHECKS) is None


EARLY = at("2026-01-02")


def decide(world: World, order: str, *, release: bool) -> None:
    """Staff decide every review of the order that waits, and the jobs run."""
    wanted = select(Hold.id).join(Commission, Commission.id == Hold.commission_id).join(Order)
    waiting = (HoldState.OPEN, HoldState.NOTED)
    for hold in world.session.scalars(wanted.where(Order.order_id == order, Hold.state.in_(waiting))).all():
        decide_hold(world.session, world.program, hold, release=release, reason="asked", by="eve", now=NOW)
    drain(world)


def two_and_an_own_order_between(world: World) -> None:
    """Tiers begin at three: with the own order of 2 September, zoe is ada's third customer, else the second."""
    tiered(world, valid_from=EARLY)
    sell(world, "yan", "2026-09-01")
    world.signup(
        "me", when="2026-01-10", click_ids=(world.click("ada", at("2026-01-10")),), email="ada@example.org"
    )
    world.order("o-me", customer="me", placed="2026-09-02", paid="2026-09-02")
    sell(world, "zoe", "2026-09-03")
    drain(world)


def test_an_own_order_lifts_nobody_while_it_is_held_and_from_its_release_on_the_later_orders(
    world: World,
) -> None:
    two_and_an_own_order_between(world)
    assert earned(world) == {"o-yan": 1_000, "o-me": 1_000, "o-zoe": 1_000}
    decide(world, "o-me", release=True)
    assert earned(world) == {"o-yan": 1_000, "o-me": 1_000, "o-zoe": 1_200}
    # What comes later counts it too, and settling again changes nothing.
    sell(world, "wim", "2026-09-04")
    world.refund("r1", order_id="o-me", l1=100)
    drain(world)
    assert earned(world) == {"o-yan": 1_000, "o-me": 1_000, "o-zoe": 1_200, "o-wim": 1_200}


def test_a_rejected_own_order_lifts_nobody_ever(world: World) -> None:
    two_and_an_own_order_between(world)
    decide(world, "o-me", release=False)
    sell(world, "wim", "2026-09-04")
    drain(world)
    assert earned(world) == {"o-yan": 1_000, "o-me": 1_000, "o-zoe": 1_000, "o-wim": 1_200}


def test_an_own_order_reaches_a_tier_itself_only_once_it_is_released(world: World) -> None:
    tiered(world, valid_from=EARLY)
    for name in ("yan", "zoe"):
        sell(world, name, "2026-09-01")
    world.signup(
        "me", when="2026-01-10", click_ids=(world.click("ada", at("2026-01-10")),), email="ada@example.org"
    )
    world.order("o-me", customer="me", placed="2026-09-02", paid="2026-09-02")
    assert earned(world)["o-me"] == 1_000
    decide(world, "o-me", release=True)
    assert earned(world)["o-me"] == 1_200


def test_an_address_that_comes_late_takes_the_own_orders_out_of_the_count(world: World) -> None:
    tiered(world, valid_from=EARLY)
    for name, day in (("yan", "2026-09-01"), ("zoe", "2026-09-03")):
        sell(world, name, day)
    click = world.click("ada", at("2026-09-01 12:00"))
    world.order("o-me", customer="me", placed="2026-09-02", paid="2026-09-02", click_id=click)
    drain(world)
    assert earned(world)["o-zoe"] == 1_200
    world.signup("me", when="2026-09-04", email="ada@example.org")
    drain(world)
    assert earned(world) == {"o-yan": 1_000, "o-me": 1_000, "o-zoe": 1_000}
    assert world.balance().held == 1_000


def test_an_own_account_counts_for_nobody_even_where_the_order_earned_nothing(world: World) -> None:
    tiered(world, valid_from=EARLY)
    keyring = world.deps.keyring
    key = keyring.index("iban", "NL91ABNA0417164300")
    world.deps = replace(world.deps, referrer_iban_keys=lambda _session, _referrer: frozenset({key}))
    sell(world, "yan", "2026-09-01")
    world.bind("ada", "me", "2026-01-10")
    paid = {"placed": "2026-09-02", "paid": "2026-09-02", "payer_iban": "NL91ABNA0417164300"}
    world.order("o-me", line(product="mail"), customer="me", **paid)
    sell(world, "zoe", "2026-09-03")
    drain(world)
    assert earned(world) == {"o-yan": 1_000, "o-zoe": 1_000}
    erase_personal_data(world.session, world.program, "me", NOW)
    world.refund("r1", order_id="o-me", l1=100)
    sell(world, "wim", "2026-09-04")
    assert earned(world) == {"o-yan": 1_000, "o-zoe": 1_000, "o-wim": 1_200}


def test_an_order_under_another_review_counts_until_it_is_rejected(world: World) -> None:
    tiered(world, valid_from=EARLY)
    for name, day in (("vic", "2026-09-01"), ("yan", "2026-09-02"), ("zoe", "2026-09-03")):
        sell(world, name, day)
    (commission,) = world.commissions("o-yan")
    hold_by_staff(world.session, world.program, commission, reason="odd", by="eve", now=NOW)
    drain(world)
    assert earned(world)["o-zoe"] == 1_200
    decide(world, "o-yan", release=False)
    assert earned(world)["o-zoe"] == 1_000


def test_a_release_moves_nothing_in_a_programme_without_tiers(world: World) -> None:
    world.signup(click_ids=(world.click("ada", at("2026-09-01")),), email="ada@example.org")
    world.order()
    decide(world, "o1", release=True)
    assert world.session.scalars(select(Order.counted)).all() == [True]
    tiered(world, TierBasis.TOTAL, valid_from=NOW)
    sell(world, "yan", "2026-11-22 12:01")
    assert earned(world) == {"o1": 1_000, "o-yan": 1_000}


@pytest.mark.parametrize("release", [True, False])
def test_a_replay_takes_over_what_staff_said_of_an_own_order(
    database: Database, tmp_path: Path, *, release: bool
) -> None:
    with database.transaction() as session:
        world = World.build(session)
        two_and_an_own_order_between(world)
        decide(world, "o-me", release=release)
        assert earned(world)["o-zoe"] == (1_200 if release else 1_000)
        erase_personal_data(session, world.program, "me", NOW)
    done, differences = replayed(database, tmp_path)
    assert (done.refused, differences) == ([], [])


# The sign-up bonus is for the first order a customer ever paid.


def bonuses(world: World) -> dict[str, int]:
    return earned(world, CommissionKind.BONUS)


def test_a_customer_who_chooses_another_partner_after_a_first_order_brings_no_second_bonus(
    world: World,
) -> None:
    bonus(world, valid_from=EARLY)
    world.bind("ada")
    world.order("o1", placed="2026-09-10", paid="2026-09-10")
    world.choose("bob", when="2026-10-01")
    world.order("o2", placed="2026-10-02", paid="2026-10-02")
    assert bonuses(world) == {"o1": 1_000}


def test_a_customer_who_chooses_before_the_first_order_brings_the_bonus_to_the_one_chosen(
    world: World,
) -> None:
    bonus(world, valid_from=EARLY)
    world.bind("ada")
    world.choose("bob", when="2026-10-01")
    world.order("o1", placed="2026-10-02", paid="2026-10-02")
    assert bonuses(world) == {"o1": 1_000}
    assert world.balance("bob").earned == 2_000
    # An earlier order, that comes late, was the first: the bonus goes to whom that one belongs to.
    world.order("o0", placed="2026-09-10", paid="2026-09-10")
    assert bonuses(world) == {"o1": 0, "o0": 1_000}
    assert (world.balance("ada").earned, world.balance("bob").clawed_back) == (2_000, 0)


def test_somebody_who_had_bought_before_anybody_brought_them_brings_no_bonus(world: World) -> None:
    bonus(world, valid_from=EARLY)
    world.order("o1", placed="2024-01-10", paid="2024-01-10")
    world.order("unpaid", placed="2024-01-11", paid=None)
    world.choose("bob", when="2026-09-01")
    world.order("o2", placed="2026-09-10", paid="2026-09-10")
    assert bonuses(world) == {}
    assert world.balance("bob").earned == 1_000
    # A bonus from then on would change nothing that is recorded: no order there could bring it.
    bonus(world, "20.00", valid_from=at("2026-08-01"))
    world.bind("ada", "new")
    world.order("o3", customer="new")
    with pytest.raises(RateChangesRecordedOrders):
        bonus(world, "30.00", valid_from=at("2026-08-02"))


def test_an_old_first_order_that_became_a_total_still_was_the_first(
    database: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        world = World.build(session)
        bonus(world, valid_from=EARLY)
        world.order("o1", placed="2024-01-10", paid="2024-01-10")
        world.choose("bob", when="2026-09-01")
        world.order("o2", placed="2026-09-10", paid="2026-09-10")
        assert total_orders(session, NOW - timedelta(days=730), 10) == 1
        assert session.scalars(select(Customer.forgotten_paid_at)).all() == [at("2024-01-10")]
        session.expire_all()
        world.refund("r1", order_id="o2", l1=100)
        assert bonuses(world) == {}
    done, differences = replayed(database, tmp_path)
    assert (done.refused, differences) == ([], [])
