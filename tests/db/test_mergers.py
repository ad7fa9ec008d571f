"""Two referrers who are one person: the one that goes is closed, the other stands for it from then on."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.kernel.errors import InvalidInput, RefledgerError
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.landing import Landings
from app.referrals.leaving import come_back
from app.referrals.mergers import MergedElsewhere, SameReferrer, follow, merge, unfollowed
from app.referrals.models import Binding, Customer, Merger, Order, Program, Referrer, ReferrerStatus
from app.referrals.referrers import NotActive, create_coupon, suspend
from tests.builders import ACTOR, World, at, referral_deps

if TYPE_CHECKING:
    from datetime import datetime

    from app.services import Services

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS
BEFORE, MERGED, LATER = "2026-09-20", "2026-10-01", "2026-10-05"


class Place:
    """A programme with bob and ada; c1 is bob's by a click and ordered for 100.00 before the merge."""

    def __init__(self, services: Services) -> None:
        self.db, self.deps = services.db, referral_deps()
        with self.db.transaction() as session:
            world = World.build(session)
            world.bind("bob")
            world.order()
            self.program_id = world.program.id
            self.ids = {name: row.id for name, row in world.referrers.items()}
            create_coupon(
                session, world.program, world.referrers["bob"], "BOB10", actor=ACTOR, now=at(BEFORE)
            )

    def world(self, session: object, now: str = "2026-11-01") -> World:
        program = session.get_one(Program, self.program_id)  # type: ignore[attr-defined]
        found = World(session, program, self.deps, now=at(now))  # type: ignore[arg-type]
        rows = found.session.scalars(select(Referrer).where(Referrer.program_id == program.id))
        found.referrers = {row.code.partition("-")[0]: row for row in rows}
        return found

    def merge(self, gone: str, survivor: str, now: datetime | None = None) -> None:
        with self.db.transaction() as session:
            program = session.get_one(Program, self.program_id)
            pair = [session.get_one(Referrer, self.ids[name]) for name in (gone, survivor)]
            merge(session, program, *pair, reason="one person", actor=ACTOR, now=now or at(MERGED))

    def follow(self, name: str = "bob") -> int:
        return follow(self.deps, self.db, self.ids[name], at(LATER))

    def earned(self, name: str) -> int:
        with self.db.reading() as session:
            money = self.world(session).balance(name)
            return money.earned - money.clawed_back

    def owner_of(self, order_id: str) -> str:
        with self.db.reading() as session:
            wanted = select(Referrer.code).join(Order, Order.referrer_id == Referrer.id)
            return session.scalars(wanted.where(Order.order_id == order_id)).one().partition("-")[0]

    def close(self) -> None:
        with self.db.reading() as session:
            assert first_broken(session, CHECKS) is None


@pytest.fixture
def place(services: Services) -> Place:
    return Place(services)


def test_later_orders_earn_for_the_survivor_and_what_was_earned_stays(place: Place) -> None:
    place.merge("bob", "ada")
    assert place.follow() == 1
    assert place.follow() == 0
    with place.db.transaction() as session:
        world = place.world(session)
        # Placed before the merge and paid after it: it was bob who brought it.
        world.order("o2", placed=BEFORE, paid=LATER)
        world.order("o3", placed=LATER, paid=LATER)
    assert [place.owner_of(each) for each in ("o1", "o2", "o3")] == ["bob", "bob", "ada"]
    assert (place.earned("bob"), place.earned("ada")) == (2_000, 1_000)
    with place.db.reading() as session:
        bob = session.get_one(Referrer, place.ids["bob"])
        assert bob.status is ReferrerStatus.LEFT
        events = session.scalars(select(AuditEvent.details).where(AuditEvent.action == "referrer.merged"))
        assert [each["into"] for each in events] == ["ada-hosting"]
    place.close()


def test_coupon_code_and_old_click_of_the_one_that_went_speak_for_the_survivor(place: Place) -> None:
    with place.db.transaction() as session:
        clicked = place.world(session).click("bob", at(BEFORE))
    place.merge("bob", "ada")
    with place.db.transaction() as session:
        world = place.world(session)
        world.signup("s1", click_ids=(clicked,), when=LATER)
        world.signup("s2", when=LATER, referrer_code="bob-hosting")
        world.order("o9", customer="s3", placed=LATER, paid=LATER, coupon="BOB10")
        # Told late, of a time before the merge: then it was bob's, and from the merge on it is not.
        world.signup("s4", click_ids=(clicked,), when="2026-09-25")
    with place.db.reading() as session:
        assert unfollowed(session) == [place.ids["bob"]]
    assert place.follow() == 2
    with place.db.reading() as session:
        assert unfollowed(session) == []
        rows = session.execute(
            select(Customer.customer_id, Referrer.code)
            .join(Binding, Binding.customer_id == Customer.id)
            .join(Referrer, Referrer.id == Binding.referrer_id)
            .where(Customer.customer_id.in_(("s1", "s2", "s3", "s4")))
            .order_by(Customer.customer_id, Binding.from_at)
        ).all()
    assert [(customer, code.partition("-")[0]) for customer, code in rows] == [
        ("s1", "ada"),
        ("s2", "ada"),
        ("s3", "ada"),
        ("s4", "bob"),
        ("s4", "ada"),
    ]
    place.close()


def test_a_printed_link_lands_for_whoever_stands_at_the_end_of_the_line(place: Place) -> None:
    with place.db.transaction() as session:
        place.ids["cal"] = place.world(session).join("cal").id
    place.merge("bob", "ada")
    place.merge("ada", "cal", at(LATER))
    landing = Landings(place.db).find("bob-hosting")
    assert landing is not None
    assert (landing.referrer_id, landing.active, landing.code) == (place.ids["cal"], True, "bob-hosting")
    assert place.follow() == 1
    with place.db.reading() as session:
        bound = session.scalars(select(Binding.referrer_id).where(Binding.until_at.is_(None))).all()
        assert set(bound) == {place.ids["cal"]}


def test_what_cannot_be_merged_is_refused_and_the_same_again_changes_nothing(place: Place) -> None:
    with pytest.raises(SameReferrer):
        place.merge("bob", "bob")
    with place.db.transaction() as session:
        world = place.world(session)
        place.ids["cal"] = world.join("cal").id
        suspend(session, world.program, world.referrers["cal"], reason="x", actor=ACTOR, now=at(BEFORE))
    for pair in (("cal", "ada"), ("ada", "cal")):
        with pytest.raises(NotActive):
            place.merge(*pair)
    with place.db.transaction() as session:
        world = place.world(session)
        bob, ada = world.referrers["bob"], world.referrers["ada"]
        with pytest.raises(InvalidInput):
            merge(session, world.program, bob, ada, reason=" ", actor=ACTOR, now=at(MERGED))
    place.merge("bob", "ada")
    place.merge("bob", "ada", at(LATER))
    with pytest.raises(MergedElsewhere):
        place.merge("bob", "cal")
    with pytest.raises(NotActive):
        place.merge("ada", "bob")
    with place.db.transaction() as session:
        (merger,) = session.scalars(select(Merger)).all()
        assert merger.made_at == at(MERGED)
        bob = session.get_one(Referrer, place.ids["bob"])
        program = session.get_one(Program, place.program_id)
        with pytest.raises(NotActive):
            come_back(session, program, bob, "v2", actor=ACTOR, now=at(LATER))


def test_two_who_merge_the_same_two_at_once_the_other_way_round_close_one(place: Place) -> None:
    start = Barrier(2)
    outcomes: list[type[RefledgerError] | None] = []

    def work(gone: str, survivor: str) -> None:
        start.wait(timeout=10)
        try:
            place.merge(gone, survivor)
        except RefledgerError as error:
            outcomes.append(type(error))
        else:
            outcomes.append(None)

    threads = [Thread(target=work, args=pair) for pair in (("bob", "ada"), ("ada", "bob"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(map(str, outcomes)) == sorted(map(str, (None, NotActive)))
    with place.db.reading() as session:
        assert len(session.scalars(select(Merger)).all()) == 1
