"""Performance tiers, caps, the sign-up bonus and other currencies in orders that are really settled.

ACCEPTANCE B.7, B.8, B.10, B.16 and B.20; each threshold on both sides, on both databases.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from app.jobs.referrals import due_jobs
from app.kernel.errors import InvalidInput
from app.kernel.queue import JobRequest, collected
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.models import Commission, CommissionKind, ExchangeRate, Order, TierRecount
from app.referrals.rates import RateChangesRecordedOrders, set_signup_bonus
from app.referrals.resettle import recount_tiers, recounts_due, settle_waiting
from app.referrals.tiers import RECOUNT
from app.referrals.words import LineKind, RateScope, TierBasis
from tests.builders import ACTOR, World, at, line
from tests.db.test_races import Crowd, calling
from tests.support.histories import drain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS
EVERY: dict[str, Any] = {"scope": RateScope.ALL}


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    built = World.build(session)
    yield built
    assert first_broken(session, CHECKS) is None


@pytest.fixture
def crowd(database: Database) -> Iterator[Crowd]:
    people = Crowd(database)
    yield people
    with database.transaction() as session:
        assert first_broken(session, CHECKS) is None


def sell(world: World, customer: str, paid: str, *, order: str = "", net: int = 10_000, **fact: Any) -> str:
    """One order of 100.00 of a customer whom ada brought long before; its id."""
    world.bind("ada", customer, "2026-01-10")
    order_id = order or f"o-{customer}"
    world.order(order_id, line(net=net), customer=customer, placed=paid, paid=paid, **fact)
    return order_id


def earned(world: World, kind: CommissionKind = CommissionKind.KICKBACK) -> dict[str, int]:
    wanted = (
        select(Order.order_id, Commission.earned_minor)
        .join(Commission, Commission.order_id == Order.id)
        .where(Commission.kind == kind)
    )
    return dict(world.session.execute(wanted).all())


def tiered(world: World, basis: TierBasis = TierBasis.MONTH, **more: Any) -> None:
    world.rate("10%", sku="web", tiers=((3, "12%"), (5, "15%")), tier_basis=basis, **EVERY, **more)


# Tiers


def test_the_step_at_three_counts_from_the_third_customer_of_the_month_on(world: World) -> None:
    tiered(world, valid_from=at("2026-01-02"))
    for number in range(1, 7):
        sell(world, f"c{number}", f"2026-09-1{number}")
    assert earned(world) == {
        "o-c1": 1_000,
        "o-c2": 1_000,
        "o-c3": 1_200,
        "o-c4": 1_200,
        "o-c5": 1_500,
        "o-c6": 1_500,
    }
    # An early customer's later order has the tier of its own time; a new month begins anew.
    world.order("again", line(net=10_000), customer="c1", placed="2026-09-20", paid="2026-09-20")
    world.order("october", line(net=10_000), customer="c6", placed="2026-10-02", paid="2026-10-02")
    assert (earned(world)["again"], earned(world)["october"]) == (1_500, 1_000)


def test_in_total_the_months_do_not_matter_and_a_customer_counts_once(world: World) -> None:
    tiered(world, TierBasis.TOTAL, valid_from=at("2026-01-02"))
    sell(world, "c1", "2026-07-01")
    world.order("second", line(net=10_000), customer="c1", placed="2026-07-02", paid="2026-07-02")
    sell(world, "c2", "2026-08-01")
    sell(world, "c3", "2026-09-01")
    assert earned(world) == {"o-c1": 1_000, "second": 1_000, "o-c2": 1_000, "o-c3": 1_200}


def test_the_month_ends_at_midnight_where_the_programme_is(world: World) -> None:
    tiered(world, valid_from=at("2026-01-02"))
    for number, paid in enumerate(("2026-03-01", "2026-03-30"), start=1):
        sell(world, f"c{number}", paid)
    sell(world, "c3", "2026-03-31 21:59:59")  # still March in Amsterdam, in summer time
    sell(world, "c4", "2026-03-31 22:00:00")  # April
    assert earned(world) == {"o-c1": 1_000, "o-c2": 1_000, "o-c3": 1_200, "o-c4": 1_000}


def test_a_refund_never_lowers_the_number(world: World) -> None:
    tiered(world, valid_from=at("2026-01-02"))
    for number in (1, 2, 3):
        sell(world, f"c{number}", f"2026-09-1{number}")
    world.refund("r1", "o-c1", full=True)
    sell(world, "c4", "2026-09-15")
    drain(world)
    assert (earned(world)["o-c3"], earned(world)["o-c4"]) == (1_200, 1_200)


def test_another_referrers_customers_do_not_count_and_unpaid_orders_neither(world: World) -> None:
    tiered(world, valid_from=at("2026-01-02"))
    world.bind("bob", "b1", "2026-01-10")
    world.order("bobs", line(net=10_000), customer="b1", placed="2026-09-01", paid="2026-09-01")
    world.bind("ada", "p1", "2026-01-10")
    world.order("pending", line(net=10_000), customer="p1", placed="2026-09-01", paid=None)
    for number in (1, 2):
        sell(world, f"c{number}", f"2026-09-1{number}")
    assert set(earned(world).values()) == {1_000}


def test_a_late_order_of_another_customer_moves_the_later_ones_a_step(world: World) -> None:
    tiered(world, valid_from=at("2026-01-02"))
    for number in (2, 3):
        sell(world, f"c{number}", f"2026-09-1{number}")
    assert earned(world) == {"o-c2": 1_000, "o-c3": 1_000}
    assert recounts_due(world.session) == []
    sell(world, "c1", "2026-09-01")
    assert len(recounts_due(world.session)) == 1
    drain(world)
    assert recounts_due(world.session) == []
    assert earned(world) == {"o-c1": 1_000, "o-c2": 1_000, "o-c3": 1_200}
    commission = world.commissions("o-c3")[0]
    assert (commission.tier_from, commission.target_minor) == (3, 1_200)


def test_of_two_orders_at_the_same_instant_the_smaller_id_comes_first(world: World) -> None:
    world.rate("10%", sku="web", tiers=((2, "12%"),), **EVERY, valid_from=at("2026-01-02"))
    sell(world, "c1", "2026-09-01", order="b", net=10_000)
    world.bind("ada", "c2", "2026-01-10")
    world.order("a", line(net=10_000), customer="c2", placed="2026-09-01", paid="2026-09-01")
    drain(world)
    assert earned(world) == {"a": 1_000, "b": 1_200}
    # By code points, as they are sent: "Z" comes before "a", whatever the database's language.
    world.bind("ada", "c3", "2026-01-10")
    world.order("Z", line(net=10_000), customer="c3", placed="2026-09-01", paid="2026-09-01")
    drain(world)
    assert earned(world) == {"Z": 1_000, "a": 1_200, "b": 1_200}


def test_a_customer_who_moves_to_another_referrer_is_counted_there(world: World) -> None:
    tiered(world, valid_from=at("2026-01-02"))
    for number in (1, 2, 3):
        sell(world, f"c{number}", f"2026-09-1{number}")
    assert earned(world)["o-c3"] == 1_200
    world.choose("bob", "c1", "2026-08-01")
    drain(world)
    assert earned(world)["o-c3"] == 1_000


def test_two_customers_at_once_are_counted_one_after_the_other(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.rate("10%", sku="web", tiers=((2, "12%"),), **EVERY, valid_from=at("2026-01-02"))
        for name in ("c0", "c1", "c2", "c3"):
            world.bind("ada", name, "2026-01-10")
    days = ("2026-09-04", "2026-09-03", "2026-09-02", "2026-09-01")
    crowd.together(
        *(
            calling("order", f"o{number}", customer=f"c{number}", placed=day, paid=day)
            for number, day in enumerate(days)
        )
    )
    with crowd.database.reading() as session:
        due = recounts_due(session)
    with crowd.world() as world:
        deps, now = world.deps, world.now
    for referrer_id in due:
        recount_tiers(deps, crowd.database, referrer_id, now)
    with crowd.world() as world:
        assert earned(world) == {"o3": 1_000, "o2": 1_200, "o1": 1_200, "o0": 1_200}
        assert world.session.scalar(select(TierRecount.id)) is None


def test_an_order_waits_for_one_that_counts_for_the_same_referrer_and_is_not_committed(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.rate("10%", sku="web", tiers=((2, "12%"),), **EVERY, valid_from=at("2026-01-02"))
        for name in ("c0", "c1"):
            world.bind("ada", name, "2026-01-10")
    later = calling("order", "o1", customer="c1", placed="2026-09-02", paid="2026-09-02")
    with ThreadPoolExecutor(1) as pool:
        with crowd.world() as world:
            world.order("o0", customer="c0", placed="2026-09-01", paid="2026-09-01")
            waiting = pool.submit(crowd.alone, later)
            with pytest.raises(TimeoutError):
                waiting.result(1)
        waiting.result(30)
    with crowd.world() as world:
        assert earned(world) == {"o0": 1_000, "o1": 1_200}


def test_a_lost_job_is_made_again_from_what_is_stored(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.rate("10%", sku="web", tiers=((2, "12%"),), **EVERY, valid_from=at("2026-01-02"))
        sell(world, "c2", "2026-09-02")
    with crowd.world() as world:
        sell(world, "c1", "2026-09-01")
        assert collected(world.session) == [JobRequest(RECOUNT, (world.referrers["ada"].id,))]  # and lost
    with crowd.database.reading() as session:
        jobs = due_jobs(session)
    with crowd.world() as world:
        referrer, deps, now = world.referrers["ada"].id, world.deps, world.now
    assert [job.args for job in jobs] == [(referrer,)]
    assert recount_tiers(deps, crowd.database, referrer, now) == 2
    assert recount_tiers(deps, crowd.database, referrer, now) == 0
    with crowd.world() as world:
        assert earned(world) == {"o-c1": 1_000, "o-c2": 1_200}


# Caps


def test_a_cap_per_order_and_per_customer_cut_what_comes_last(world: World) -> None:
    world.rate(
        "10%", sku="web", cap_order="15.00", cap_customer="20.00", **EVERY, valid_from=at("2026-01-02")
    )
    world.bind("ada")
    world.order("o1", line("l1"), line("l2"), placed="2026-09-10", paid="2026-09-10")
    world.order("o2", line("l1"), placed="2026-09-11", paid="2026-09-11")
    world.order("o3", line("l1"), placed="2026-09-12", paid="2026-09-12")
    made = [each for order in ("o1", "o2", "o3") for each in world.commissions(order)]
    found = [(each.earned_minor, each.uncapped_minor) for each in made]
    assert found == [(1_000, None), (500, 1_000), (500, 1_000), (0, 1_000)]
    assert world.balance().earned == 2_000


def test_a_late_earlier_order_takes_its_share_of_the_cap_and_a_refund_frees_none(world: World) -> None:
    world.rate("10%", sku="web", cap_customer="15.00", **EVERY, valid_from=at("2026-01-02"))
    world.bind("ada")
    world.order("o2", placed="2026-09-11", paid="2026-09-11")
    world.order("o3", placed="2026-09-12", paid="2026-09-12")
    assert earned(world) == {"o2": 1_000, "o3": 500}
    world.order("o1", line(net=7_000), placed="2026-09-10", paid="2026-09-10")
    assert earned(world) == {"o1": 700, "o2": 800, "o3": 0}
    world.refund("r1", "o1", full=True)
    assert earned(world) == {"o1": 700, "o2": 800, "o3": 0}
    assert world.balance().clawed_back == 700
    world.refund("r2", "o2", l1=5_000)
    assert world.commissions("o2")[0].target_minor == 500


def test_another_binding_of_the_customer_has_a_cap_of_its_own(world: World) -> None:
    world.rate("10%", sku="web", cap_customer="10.00", **EVERY, valid_from=at("2026-01-02"))
    world.bind("ada")
    world.order("o1", placed="2026-09-11", paid="2026-09-11")
    world.choose("bob", when="2026-10-01")
    world.order("o2", placed="2026-10-11", paid="2026-10-11")
    assert earned(world) == {"o1": 1_000, "o2": 1_000}


# The sign-up bonus


def bonus(world: World, text: str = "10.00", **more: Any) -> None:
    wanted: dict[str, Any] = {"referrer": None, "valid_from": None, "actor": ACTOR, "now": world.now, **more}
    set_signup_bonus(world.session, world.program, text, **wanted)


def test_the_bonus_is_paid_once_when_the_first_order_is_paid_and_shrinks_with_it(world: World) -> None:
    bonus(world)
    world.bind("ada")
    world.order("o1", line("l1", net=6_000), line("l2", "mail", net=4_000), paid=None)
    assert earned(world, CommissionKind.BONUS) == {}
    world.pay("o1", "2026-09-12")
    world.order("o2", placed="2026-09-20", paid="2026-09-20")
    assert earned(world, CommissionKind.BONUS) == {"o1": 1_000}
    world.refund("r1", l2=2_500)
    found = {each.kind: each.target_minor for each in world.commissions()}
    assert found == {CommissionKind.KICKBACK: 600, CommissionKind.BONUS: 750}
    assert world.balance().earned == 600 + 1_000 + 1_000


def test_a_late_earlier_order_takes_the_bonus_over(world: World) -> None:
    bonus(world)
    world.bind("ada")
    world.order("o2", placed="2026-09-11", paid="2026-09-11")
    assert earned(world, CommissionKind.BONUS) == {"o2": 1_000}
    world.order("o1", placed="2026-09-10", paid="2026-09-10")
    assert earned(world, CommissionKind.BONUS) == {"o1": 1_000, "o2": 0}


def test_a_bonus_needs_no_participating_product_and_stays_with_a_line_that_is_left(world: World) -> None:
    bonus(world)
    world.bind("ada")
    world.order("o1", line("l1", "mail"), line("l2", "mail"))
    assert earned(world, CommissionKind.BONUS) == {"o1": 1_000}
    world.correct("k1", line("l2", "mail"))
    assert world.balance().earned - world.balance().clawed_back == 1_000


def test_a_bonus_concerns_customers_bound_from_then_on_and_none_ends_it(world: World) -> None:
    world.bind("ada", "old", "2026-08-01")
    bonus(world, valid_from=at("2026-09-01"))
    bonus(world, "none", valid_from=at("2026-10-01"))
    world.order("o-old", customer="old", placed="2026-09-10", paid="2026-09-10")
    for name, when in (("new", "2026-09-02"), ("newer", "2026-10-02")):
        world.bind("ada", name, when)
        world.order(f"o-{name}", customer=name, placed="2026-11-01", paid="2026-11-01")
    assert earned(world, CommissionKind.BONUS) == {"o-new": 1_000}
    with pytest.raises(RateChangesRecordedOrders):
        bonus(world, "20.00", valid_from=at("2026-09-02"))
    with pytest.raises(InvalidInput, match="signup_bonus"):
        bonus(world, "10%")


# Other currencies


def store(world: World, day: str, **per_euro: str) -> None:
    on = date.fromisoformat(day)
    world.session.add_all(
        ExchangeRate(day=on, currency=code, per_euro=rate) for code, rate in per_euro.items()
    )
    world.session.flush()


def test_an_order_waits_for_its_days_rate_and_only_that_and_earns_once_when_it_comes(crowd: Crowd) -> None:
    with crowd.world() as world:
        store(world, "2026-09-08", USD="1.0900")
        store(world, "2026-09-10", USD="1.0700")
        world.bind("ada")
        world.order("o1", line(net=10_850), currency="USD", placed="2026-09-10", paid="2026-09-10")
        assert world.outcomes() == {"l1": "waiting_rate"}
        deps, now = world.deps, world.now
    assert settle_waiting(deps, crowd.database, now) == (0, 1)
    with crowd.world() as world:
        store(world, "2026-09-09", USD="1.0850")
    for expected in ((1, 0), (0, 0)):
        assert settle_waiting(deps, crowd.database, now) == expected
    with crowd.world() as world:
        assert world.outcomes() == {"l1": "earns"}
        assert earned(world) == {"o1": 1_000}
        assert world.commissions()[0].base_minor == 10_000
        order = world.session.scalars(select(Order)).one()
        assert order.exchange == {"on": "2026-09-09", "per_euro": {"USD": "1.0850"}}
        # A refund uses the order's rate, however the rate has moved since.
        world.refund("r1", when="2026-11-01", l1=5_425)
        assert world.commissions()[0].target_minor == 500


@pytest.mark.parametrize(
    ("programme", "currency", "net", "amount"),
    [
        ("JPY", "EUR", 10_000, 1_633),  # 100.00 EUR are 16,327 yen
        ("EUR", "JPY", 1_580, 97),  # 1,580 yen are 9.6772 EUR
        ("KWD", "USD", 10_850, 3_319),  # 108.50 USD are 33.190 dinars
        ("EUR", "KWD", 3_319, 100),
        ("USD", "JPY", 163_270, 10_850),
    ],
)
def test_yen_have_no_cents_and_dinars_have_a_thousand(
    session: Session, programme: str, currency: str, net: int, amount: int
) -> None:
    world = World.build(session, currency=programme)
    store(world, "2026-09-09", USD="1.0850", JPY="163.27", KWD="0.33190")
    world.bind("ada")
    world.order("o1", line(net=net), currency=currency)
    assert earned(world) == {"o1": amount}


# What was there before


def test_a_renewal_under_a_rate_for_new_orders_earns_nothing_and_says_so(world: World) -> None:
    world.product("vps", "10%", kinds=frozenset({LineKind.NEW}))
    world.bind("ada")
    world.order("o1", line("l1", "vps"), line("l2", "vps", kind=LineKind.RENEWAL))
    assert world.outcomes() == {"l1": "earns", "l2": "kind_not_paid"}


def test_a_direct_debit_reversed_on_day_55_had_not_been_payable(world: World) -> None:
    world.bind("ada")
    world.order("o1", method="direct_debit", placed="2026-09-01", paid="2026-09-01")
    reversal_day = date(2026, 10, 26)
    assert world.balance(today=reversal_day).available == 0
    assert world.balance(today=date(2026, 10, 30)).available == 0
    assert world.balance(today=date(2026, 10, 31)).available == 1_000
    world.refund("r1", when="2026-10-26", full=True)
    assert world.balance(today=date(2026, 10, 31)).available == 0


def test_an_earlier_order_edited_later_keeps_its_own_version(world: World) -> None:
    world.bind("ada", "c1", "2026-03-01")
    world.order("before", customer="c1", placed="2026-03-10", paid="2026-03-10")
    world.rate("20%", sku="web", valid_from=at("2026-06-01"), scope=RateScope.ALL)
    world.order("after", customer="c1", placed="2026-06-01", paid="2026-06-01")
    assert earned(world) == {"before": 1_000, "after": 2_000}
    world.correct("k1", line(net=20_000), order_id="before", when="2026-07-01")
    world.refund("r1", "before", when="2026-07-02", l1=5_000)
    assert earned(world)["before"] == 2_000
    assert world.commissions("before")[0].target_minor == 1_500


@contextmanager
def counting(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_an_order_asks_nothing_more_where_a_programme_uses_none_of_this(world: World) -> None:
    world.bind("ada")
    world.order("o1")
    with counting(world.session) as plain:
        world.order("o2", placed="2026-09-11", paid="2026-09-11")
    assert not [each for each in plain if "exchange_rates" in each or "tier_recounts" in each]
    world.rate("10%", sku="web", cap_order="500.00", **EVERY)
    world.order("o3", placed="2026-11-22 11:00", paid="2026-11-22 11:00")
    with counting(world.session) as capped:
        world.order("o4", placed="2026-11-22 11:30", paid="2026-11-22 11:30")
    assert len(capped) == len(plain)
