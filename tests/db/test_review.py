"""What the review rules take aside or note, what staff do about it, and what stays as it was."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.kernel.db import finish
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.domain.review import RULE_VERSION
from app.referrals.domain.visitor import network_hash, network_of
from app.referrals.holds import HoldClosed, HoldNotFound, decide_hold, decide_holds, take_aside
from app.referrals.marks import REVIEW_CLICK
from app.referrals.models import Commission, Hold, HoldRule, HoldState, Order, Program, Referrer
from app.referrals.networks import note_login
from app.referrals.referrers import suspend
from app.referrals.reviewing import review_click, review_referrers
from app.referrals.visitor_keys import shared_key
from tests.builders import ACTOR, NOW, World, at, referral_deps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.kernel.queue import JobRequest

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    world = World.build(session)
    yield world
    finish(session)
    assert first_broken(session, CHECKS, None) is None


def found(session: Session) -> dict[str, list[tuple[HoldRule, HoldState]]]:
    """What was held or noted, by order."""
    wanted = (
        select(Order.order_id, Hold.rule, Hold.state)
        .select_from(Hold)
        .join(Commission, Commission.id == Hold.commission_id)
        .join(Order, Order.id == Commission.order_id)
        .order_by(Hold.id)
    )
    rules: dict[str, list[tuple[HoldRule, HoldState]]] = {}
    for order_id, rule, state in session.execute(wanted):
        rules.setdefault(order_id, []).append((rule, state))
    return rules


def holds(session: Session) -> list[Hold]:
    return list(session.scalars(select(Hold).order_by(Hold.id)))


def set_review(world: World, **settings: int | str) -> None:
    world.program.review = settings
    world.program.rules_key = f"changed by {settings}"[:32]
    world.session.flush()


def test_an_honest_order_is_neither_held_nor_noted(world: World) -> None:
    world.bind("ada")
    world.order()
    assert holds(world.session) == []


def test_a_payment_sooner_after_the_click_than_a_person_can_is_noted_and_moves_no_money(world: World) -> None:
    world.bind("ada", "c1", "2026-09-10 12:00")
    world.order("fast", customer="c1", placed="2026-09-10 12:00:05", paid="2026-09-10 12:00:09")
    world.bind("ada", "c2", "2026-09-10 12:00")
    world.order("slow", customer="c2", placed="2026-09-10 12:00:05", paid="2026-09-10 12:00:10")
    assert found(world.session) == {"fast": [(HoldRule.FAST_CONVERSION, HoldState.NOTED)]}
    (note,) = holds(world.session)
    assert (note.evidence, note.rule_version) == ({"order": "fast", "seconds": 9}, RULE_VERSION)
    assert (world.balance().held, world.balance().earned) == (0, 2_000)


def test_a_programme_decides_what_a_rule_does_and_from_when(world: World) -> None:
    set_review(world, fast_seconds=60, fast_conversion="hold")
    world.bind("ada", "c1", "2026-09-10 12:00")
    world.order("o1", placed="2026-09-10 12:00:30", paid="2026-09-10 12:00:30")
    assert world.balance().held == 1_000
    set_review(world, fast_conversion="off")
    world.bind("ada", "c2", "2026-09-10 12:00")
    world.order("o2", customer="c2", placed="2026-09-10 12:00", paid="2026-09-10 12:00")
    assert found(world.session) == {"o1": [(HoldRule.FAST_CONVERSION, HoldState.OPEN)]}


def test_a_click_after_the_signup_that_presents_it_holds_the_referrers_orders(world: World) -> None:
    late = at("2026-09-01 12:05:01")
    code = world.referrers["ada"].code
    world.signup("c1", when="2026-09-01 12:00", click_ids=(world.click("ada", late),), referrer_code=code)
    world.order("held", customer="c1")
    just = at("2026-09-01 12:05:00")
    world.signup("c2", when="2026-09-01 12:00", click_ids=(world.click("ada", just),), referrer_code=code)
    world.order("free", customer="c2")
    assert found(world.session) == {"held": [(HoldRule.LATE_CLICK, HoldState.OPEN)]}
    assert holds(world.session)[0].evidence["seconds_late"] == 301


def test_a_click_after_the_checkout_holds_also_what_was_ordered_before_and_only_that_referrers(
    world: World,
) -> None:
    world.bind("ada")
    world.order("first")
    world.order(
        "second", placed="2026-09-12", paid="2026-09-12", click_id=world.click("ada", at("2026-09-12 01:00"))
    )
    assert set(found(world.session)) == {"first", "second"}
    world.bind("bob", "c2")
    world.order(
        "other",
        customer="c2",
        placed="2026-09-12",
        paid="2026-09-12",
        click_id=world.click("ada", at("2026-09-12 01:00")),
    )
    assert "other" not in found(world.session)
    assert world.balance("bob").held == 0


class House:
    """A database to which several people's facts are committed, and its worker."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs: list[JobRequest] = []
        database.on_commit = self.jobs.extend
        with database.transaction() as session:
            World.build(session)

    def tell(self, *steps: Callable[[World], object]) -> None:
        for step in steps:
            with self.database.transaction() as session:
                program = session.scalars(select(Program)).one()
                people = session.scalars(select(Referrer).order_by(Referrer.id))
                step(
                    World(
                        session,
                        program,
                        referral_deps(),
                        {each.code.partition("-")[0]: each for each in people},
                    )
                )

    def work(self) -> None:
        while self.jobs:
            job = self.jobs.pop(0)
            assert job.name == REVIEW_CLICK
            review_click(referral_deps(), self.database, str(job.args[0]), NOW)

    def found(self) -> dict[str, list[tuple[HoldRule, HoldState]]]:
        with self.database.reading() as session:
            assert first_broken(session, CHECKS, None) is None
            return found(session)

    def night(self) -> int:
        return review_referrers(referral_deps(), self.database, NOW)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def customer_with(house: House, name: str, click_id: str) -> None:
    house.tell(
        lambda world: world.signup(name, click_ids=(click_id,)),
        lambda world: world.order(f"of {name}", customer=name),
    )


def one_click(house: House) -> str:
    made: list[str] = []
    house.tell(lambda world: made.append(world.click("ada", at("2026-09-01"))))
    return made[0]


def test_a_second_customer_on_a_click_is_noted_and_the_third_holds_all_of_them(house: House) -> None:
    click_id = one_click(house)
    customer_with(house, "c1", click_id)
    assert house.found() == {}
    customer_with(house, "c2", click_id)
    house.work()
    shared = (HoldRule.SHARED_CLICK, HoldState.NOTED)
    assert house.found() == {"of c1": [shared], "of c2": [shared]}
    customer_with(house, "c3", click_id)
    house.work()
    crowded = (HoldRule.CROWDED_CLICK, HoldState.OPEN)
    assert house.found() == {"of c1": [shared, crowded], "of c2": [shared, crowded], "of c3": [crowded]}
    with house.database.reading() as session:
        assert sum(session.scalars(select(Commission.held_minor))) == 3_000


def test_a_crowd_is_found_at_night_when_its_jobs_were_lost(house: House) -> None:
    click_id = one_click(house)
    for name in ("c1", "c2", "c3"):
        customer_with(house, name, click_id)
    house.jobs.clear()
    house.night()
    assert {order: rules[-1][0] for order, rules in house.found().items()} == dict.fromkeys(
        ("of c1", "of c2", "of c3"), HoldRule.CROWDED_CLICK
    )
    assert house.night() == 0


def test_one_customer_on_several_own_clicks_is_no_crowd(house: House) -> None:
    clicks = (one_click(house), one_click(house), one_click(house))
    house.tell(
        lambda world: world.signup("c1", click_ids=clicks),
        lambda world: world.order("o1", placed="2026-09-10", paid="2026-09-10", click_id=clicks[0]),
        lambda world: world.order("o2", placed="2026-09-11", paid="2026-09-11", click_id=clicks[0]),
    )
    assert (house.found(), house.jobs) == ({}, [])


def sell(world: World, name: str, count: int, refunded: int) -> None:
    world.bind(name, f"of {name}", "2026-09-01")
    for number in range(count):
        order_id = f"{name}-{number}"
        world.order(order_id, customer=f"of {name}", placed="2026-10-10", paid="2026-10-10")
        if number < refunded:
            world.refund(f"r-{order_id}", order_id, l1=5_000)


def test_what_is_not_paid_out_of_a_referrer_with_too_many_refunds_is_held_at_night(house: House) -> None:
    house.tell(
        lambda world: sell(world, "ada", 10, refunded=4), lambda world: sell(world, "bob", 10, refunded=3)
    )
    assert house.night() == 10
    assert {order.partition("-")[0] for order in house.found()} == {"ada"}
    with house.database.reading() as session:
        evidence = session.scalars(select(Hold.evidence)).all()
        assert evidence[0] == {"orders": 10, "refunded": 4}
        assert sum(session.scalars(select(Commission.held_minor))) == 8_000
    assert house.night() == 0


def test_a_nightly_rule_that_staff_overruled_is_silent_for_a_month_and_never_returns_to_a_commission(
    house: House,
) -> None:
    house.tell(lambda world: sell(world, "ada", 10, refunded=4))
    house.night()

    def release(world: World) -> None:
        waiting = [hold.id for hold in holds(world.session)]
        decided = decide_holds(
            world.session, world.program, waiting, release=True, reason="a bad batch", by="eve", now=NOW
        )
        assert len(decided) == 10

    house.tell(
        release, lambda world: world.order("new", customer="of ada", placed="2026-10-11", paid="2026-10-11")
    )
    assert review_referrers(referral_deps(), house.database, NOW + timedelta(days=29)) == 0
    assert review_referrers(referral_deps(), house.database, NOW + timedelta(days=31)) == 1
    assert house.found()["new"] == [(HoldRule.REFUND_RATE, HoldState.OPEN)]
    assert house.found()["ada-0"] == [(HoldRule.REFUND_RATE, HoldState.RELEASED)]


def click_often(world: World, name: str, count: int) -> None:
    referrer = world.referrers[name]
    noon = int(at("2026-10-20 12:00").timestamp() * 1000)
    records = [
        ClickRecord(f"{name}{n}", noon + n, world.program.id, referrer.id, "", "v", "", "", "counted", "")
        for n in range(count)
    ]
    write_clicks(world.session, records)


def test_a_referrer_who_converts_far_better_than_the_others_is_noted_once(house: House) -> None:
    def busy(world: World) -> None:
        click_often(world, "ada", 70)
        click_often(world, "bob", 995)
        for number in range(30):
            world.bind("ada", f"a{number}", "2026-10-20 12:00")
        for number in range(5):
            world.bind("bob", f"b{number}", "2026-10-20 12:00")
        for order_id, customer in (("o1", "a1"), ("o2", "a2"), ("o3", "b1")):
            world.order(order_id, customer=customer, placed="2026-10-21", paid="2026-10-21")

    house.tell(busy)
    assert house.night() == 1
    assert house.found() == {"o2": [(HoldRule.CONVERSION_OUTLIER, HoldState.NOTED)]}
    assert house.night() == 0
    with house.database.reading() as session:
        assert session.scalars(select(Hold.evidence)).one() == {
            "signups": 30,
            "clicks": 100,
            "others_signups": 5,
            "others_clicks": 1_000,
        }
        assert sum(session.scalars(select(Commission.held_minor))) == 0


def test_referrers_who_are_each_others_customers_are_held_for_those_orders_only(house: House) -> None:
    def swap(world: World) -> None:
        for referrer, customer in (("ada", "bob"), ("bob", "ada")):
            click = world.click(referrer, at("2026-10-01"))
            world.signup(customer, when="2026-10-01", click_ids=(click,), email=f"{customer}@example.org")
            world.order(f"of {customer}", customer=customer, placed="2026-10-02", paid="2026-10-02")
        world.bind("ada", "stranger", "2026-10-01")
        world.order("honest", customer="stranger", placed="2026-10-02", paid="2026-10-02")

    house.tell(swap)
    assert house.night() == 2
    ring = [(HoldRule.REFERRAL_RING, HoldState.OPEN)]
    assert house.found() == {"of ada": ring, "of bob": ring}
    with house.database.reading() as session:
        shown = session.scalars(select(Hold.evidence)).all()[0]["ring"]
        assert shown == "ada-hosting > bob-hosting > ada-hosting"


def test_what_a_payout_has_taken_is_not_held_at_night(house: House) -> None:
    """Money that matured and is not reserved yet is; nothing is left to find where a refund took it all."""
    house.tell(lambda world: sell(world, "ada", 10, refunded=0))

    def take_back(world: World) -> None:
        for number in range(10):
            world.refund(f"f{number}", f"ada-{number}", full=True)

    house.tell(take_back)
    assert house.night() == 0
    assert house.found() == {}


def noted(world: World) -> Hold:
    world.bind("ada", "c1", "2026-09-10 12:00")
    world.order("o1", placed="2026-09-10 12:00:05", paid="2026-09-10 12:00:05")
    (note,) = holds(world.session)
    return note


def test_a_note_that_staff_leave_as_it_is_is_closed_without_moving_money(world: World) -> None:
    note = noted(world)
    decide_hold(world.session, world.program, note.id, release=True, reason="a test", by="eve", now=NOW)
    assert (note.state, note.closed_by, note.reason) == (HoldState.SEEN, "eve", "a test")
    assert (world.balance().held, world.balance().available) == (0, 1_000)
    world.refund("r1", l1=5_000)
    assert len(holds(world.session)) == 1


def test_a_note_can_be_taken_aside_and_then_rejected(world: World) -> None:
    note = noted(world)
    take_aside(world.session, world.program, note.id, now=NOW)
    assert (note.state, world.balance().held) == (HoldState.OPEN, 1_000)
    with pytest.raises(HoldClosed):
        take_aside(world.session, world.program, note.id, now=NOW)
    decide_hold(world.session, world.program, note.id, release=False, reason="a robot", by="eve", now=NOW)
    assert (world.balance().held, world.balance().available) == (0, 0)


def test_a_noted_commission_can_be_rejected_at_once(world: World) -> None:
    note = noted(world)
    decide_hold(world.session, world.program, note.id, release=False, reason="a robot", by="eve", now=NOW)
    assert note.state is HoldState.REJECTED
    assert (world.balance().available, world.balance().clawed_back) == (0, 1_000)


def own_orders(world: World) -> list[int]:
    """Three orders of the referrer's own, by e-mail."""
    for number in range(3):
        click = world.click("ada", at("2026-09-01"))
        mail = f"ada+{number}@example.org"
        world.signup(f"c{number}", click_ids=(click,), email=mail)
        world.order(f"o{number}", customer=f"c{number}")
    return [hold.id for hold in holds(world.session)]


def test_several_are_decided_at_once_and_what_was_decided_meanwhile_is_left(world: World) -> None:
    first, second, third = own_orders(world)
    decide_hold(world.session, world.program, second, release=False, reason="own", by="eve", now=NOW)
    later = NOW + timedelta(minutes=1)
    decided = decide_holds(
        world.session, world.program, [third, first, second], release=True, reason="ok", by="bea", now=later
    )
    assert [hold.id for hold in decided] == [first, third]
    assert world.balance(today=date(2026, 11, 1)).available == 2_000
    assert world.balance().held == 0
    with pytest.raises(HoldNotFound):
        decide_holds(world.session, world.program, [9_999], release=True, reason="ok", by="bea", now=later)


def test_rejecting_both_holds_of_a_commission_at_once_counts_both(world: World) -> None:
    set_review(world, fast_conversion="hold")
    click = world.click("ada", at("2026-09-10"))
    world.signup("c1", when="2026-09-10", click_ids=(click,), email="ada@example.org")
    world.order(placed="2026-09-10", paid="2026-09-10")
    both = [hold.id for hold in holds(world.session)]
    assert len(both) == 2
    decided = decide_holds(world.session, world.program, both, release=False, reason="own", by="eve", now=NOW)
    assert len(decided) == 2
    assert world.balance().earned == world.balance().clawed_back == 1_000


def test_what_a_suspension_holds_is_left_out_of_a_release_of_many(world: World) -> None:
    world.bind("ada")
    world.order()
    suspend(world.session, world.program, world.referrers["ada"], reason="odd", actor=ACTOR, now=NOW)
    ids = [hold.id for hold in holds(world.session)]
    assert decide_holds(world.session, world.program, ids, release=True, reason="ok", by="eve", now=NOW) == []
    assert world.balance().held == 1_000


def test_the_rules_ask_the_database_nothing_for_an_order_without_a_click(world: World) -> None:
    world.bind("ada")
    world.order("warm")
    statements: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(world.session.get_bind(), "before_cursor_execute", note)
    world.order("counted", placed="2026-09-11", paid="2026-09-11")
    event.remove(world.session.get_bind(), "before_cursor_execute", note)
    assert statements
    assert not [each for each in statements if "holds" in each or "click_uses" in each]


HOME, OFFICE = "203.0.113.7", "198.51.100.7"


def from_networks(house: House, clicked_from: str, logged_in_from: str, days_later: int = 0) -> None:
    """The referrer logs in on 2026-11-20, and a relative follows the link and buys under another e-mail."""
    on = at("2026-11-20 08:00")

    def log_in(world: World) -> None:
        new = NewUser(email="ada@example.org", name="Ada", role=Role.REFERRER, password=None)
        user = create_user(world.session, new, now=on)
        world.referrers["ada"].user_id = user.id
        world.session.flush()
        note_login(world.session, user.id, logged_in_from, on)
        note_login(world.session, user.id, logged_in_from, on)

    def buy(world: World) -> None:
        when = on + timedelta(hours=1, days=days_later)
        click_id = world.click("ada", when)
        key = shared_key(world.session, when.date())
        network = network_hash(key, network_of(clicked_from))
        record = ClickRecord(
            "e1", int(when.timestamp() * 1000), world.program.id, world.referrers["ada"].id, "", "v", "", "",
            "counted", click_id, network,
        )  # fmt: skip
        write_clicks(world.session, [record])
        world.signup("c1", when="2026-11-22 10:00", click_ids=(click_id,), email="someone@example.net")
        world.order("o1", placed="2026-11-22 10:05", paid="2026-11-22 10:06")

    house.tell(log_in, buy)


def test_a_family_member_with_another_e_mail_on_the_same_network_is_noted_and_not_held(house: House) -> None:
    from_networks(house, clicked_from="203.0.113.99", logged_in_from=HOME)
    assert house.found() == {}
    house.night()
    assert house.found() == {"o1": [(HoldRule.SAME_NETWORK, HoldState.NOTED)]}
    with house.database.reading() as session:
        assert session.scalars(select(Commission.held_minor)).one() == 0
        assert HOME not in str(session.scalars(select(Hold.evidence)).all())
    house.night()
    assert len(house.found()["o1"]) == 1


def test_another_network_says_nothing(house: House) -> None:
    from_networks(house, clicked_from=OFFICE, logged_in_from=HOME)
    house.night()
    assert house.found() == {}


def test_the_same_network_on_another_day_cannot_be_told(house: House) -> None:
    from_networks(house, clicked_from=HOME, logged_in_from=HOME, days_later=1)
    house.night()
    assert house.found() == {}


@pytest.mark.parametrize(
    "turn", [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (3, 0, 4, 5, 1, 2), (1, 3, 5, 0, 2, 4)]
)
def test_in_any_order_of_arrival_the_same_orders_of_a_crowd_are_held(
    house: House, turn: tuple[int, ...]
) -> None:
    click_id = one_click(house)
    steps: list[Callable[[World], object]] = []
    for name in ("c1", "c2", "c3"):
        steps.append(partial(World.signup, customer=name, click_ids=(click_id,)))
        steps.append(partial(World.order, order_id=f"of {name}", customer=name))
    for number in turn:
        house.tell(steps[number])
        house.work()
    held = {
        order for order, rules in house.found().items() if (HoldRule.CROWDED_CLICK, HoldState.OPEN) in rules
    }
    assert held == {"of c1", "of c2", "of c3"}
    with house.database.reading() as session:
        assert session.scalars(select(Commission.held_minor)).all() == [1_000] * 3
