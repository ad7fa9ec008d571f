"""What happens at the same instant, on real connections: nothing is missed and nothing is paid twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, event, func, select
from sqlalchemy.exc import DBAPIError

from app.api.operations import in_transaction
from app.kernel.db import Database
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.referrals import locks
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.errors import OtherBody
from app.referrals.models import Commission, Customer, Fact, FactKind, FactState, Order, Program, Referrer
from app.referrals.outcome import OutcomeStatus
from app.referrals.referrers import reinstate, suspend
from tests.builders import ACTOR, NOW, World, at, referral_deps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from app.ledger.balances import Balance

    Step = Callable[[World], object]

CHECKS = LEDGER_CHECKS | REFERRAL_CHECKS
ROUNDS = 12


def world_in(session: Session) -> World:
    """The world that is there, for one transaction."""
    program = session.scalars(select(Program)).one()
    found = session.scalars(select(Referrer).order_by(Referrer.id))
    return World(session, program, referral_deps(), {each.code.partition("-")[0]: each for each in found})


def calling(method: str, *arguments: Any, **named: Any) -> Step:
    """A step that calls one of the world's methods."""
    return lambda world: getattr(world, method)(*arguments, **named)


class Crowd:
    """Several people at once, each on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.transaction() as session:
            World.build(session)

    @contextmanager
    def world(self) -> Iterator[World]:
        with self.database.transaction() as session:
            yield world_in(session)

    def alone(self, step: Step) -> object:
        """One transaction, run again where the database gave up on it."""
        return in_transaction(self.database, lambda session: step(world_in(session)))  # type: ignore[arg-type, return-value]

    def together(self, *steps: Step) -> list[object]:
        """Run the steps at the same instant; what each came to, its exception where it was refused."""
        start = Barrier(len(steps))

        def one(step: Step) -> object:
            start.wait(30)
            try:
                return self.alone(step)
            except OtherBody as refusal:
                return refusal

        with ThreadPoolExecutor(len(steps)) as pool:
            return list(pool.map(one, steps))

    def balance(self, name: str = "ada") -> Balance:
        with self.world() as world:
            return world.balance(name)

    def count(self, model: type[Commission | Order | Customer]) -> int:
        with self.database.reading() as session:
            return session.scalars(select(func.count()).select_from(model)).one()


@pytest.fixture
def crowd(database: Database) -> Iterator[Crowd]:
    yield Crowd(database)
    with database.reading() as session:
        assert first_broken(session, CHECKS) is None


def statuses(outcomes: list[object]) -> list[OutcomeStatus | None]:
    return sorted((getattr(each, "status", None) for each in outcomes), key=str)


def test_the_same_order_twenty_times_at_once_is_one_order_and_one_commission(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.bind("ada")
    outcomes = crowd.together(*[lambda world: world.order("o1")] * 20)
    assert statuses(outcomes) == [OutcomeStatus.CREATED] + [OutcomeStatus.REPEATED] * 19
    assert (crowd.count(Order), crowd.count(Commission), crowd.balance().earned) == (1, 1, 1_000)


def test_an_order_and_its_signup_at_the_same_instant_do_not_miss_each_other(crowd: Crowd) -> None:
    for number in range(ROUNDS):
        name = f"c{number}"
        crowd.together(
            calling("bind", "ada", name),
            calling("order", f"o-{name}", customer=name),
        )
        assert crowd.balance().earned == 1_000 * (number + 1)
    assert crowd.count(Customer) == ROUNDS


def test_a_lead_and_the_signup_of_its_prospect_at_the_same_instant_do_not_miss_each_other(
    crowd: Crowd,
) -> None:
    for number in range(ROUNDS):
        name, email = f"c{number}", f"p{number}@example.com"
        with crowd.world() as world:
            world.order(f"o-{name}", customer=name)
        crowd.together(
            calling("lead", "ada", email, lead_id=name),
            calling("signup", name, email=email),
        )
        assert crowd.balance().earned == 1_000 * (number + 1)


def test_two_refunds_at_the_same_instant_both_count(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.bind("ada")
    for number in range(ROUNDS):
        order_id = f"o{number}"
        with crowd.world() as world:
            world.order(order_id)
        crowd.together(
            calling("refund", f"{order_id}-a", order_id, l1=3_000),
            calling("refund", f"{order_id}-b", order_id, l1=4_000),
            calling("refund", f"{order_id}-b", order_id, l1=4_000),
        )
        assert crowd.balance().clawed_back == 700 * (number + 1)


def test_a_payment_and_its_order_at_the_same_instant_make_one_commission(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.bind("ada")
    for number in range(ROUNDS):
        order_id = f"o{number}"
        crowd.together(
            calling("pay", order_id),
            calling("order", order_id, paid=None),
            calling("refund", f"{order_id}-r", order_id, l1=1_000),
        )
        assert crowd.balance().earned == 1_000 * (number + 1)
        assert crowd.balance().clawed_back == 100 * (number + 1)
    with crowd.database.reading() as session:
        assert session.scalars(select(Fact.key).where(Fact.state != FactState.RECORDED)).all() == []
        assert session.scalars(select(func.count()).where(Fact.kind == FactKind.PAYMENT)).one() == ROUNDS


def test_two_signups_of_one_customer_at_the_same_instant_bind_it_once(crowd: Crowd) -> None:
    for number in range(ROUNDS):
        name = f"c{number}"
        outcomes = crowd.together(
            calling("signup", name, referrer_code="ada-hosting"),
            calling("signup", name, referrer_code="bob-hosting"),
        )
        assert statuses(outcomes) == [None, OutcomeStatus.CREATED]
        crowd.together(calling("order", f"o-{name}", customer=name))
    assert crowd.balance("ada").earned + crowd.balance("bob").earned == 1_000 * ROUNDS


def test_a_suspension_leaves_no_order_of_the_same_instant_payable(crowd: Crowd) -> None:
    with crowd.world() as world:
        world.bind("ada")

    def turn(change: Callable[..., int]) -> Step:
        return lambda world: change(
            world.session, world.program, world.referrers["ada"], reason="odd", actor=ACTOR, now=NOW
        )

    for number in range(ROUNDS // 2):
        crowd.together(
            turn(suspend),
            calling("order", f"a{number}"),
            calling("order", f"b{number}"),
        )
        held = crowd.balance()
        assert (held.held, held.available, held.pending) == (2_000 * (number + 1), 0, 0)
        crowd.together(turn(reinstate))
        assert crowd.balance().held == 0


def test_batches_that_meet_in_opposite_order_both_get_through(crowd: Crowd) -> None:
    """Each takes its customers' locks one after the other; where two wait for each other, one is taken back whole and
    goes on line by line, as ``POST /batch`` does.
    """
    people = [f"c{number}" for number in range(6)]
    with crowd.world() as world:
        for number, name in enumerate(people):
            world.bind("ada" if number % 2 else "bob", name)
    start = Barrier(2)

    def batch(mark: str, names: list[str]) -> None:
        steps = [calling("order", f"{mark}-{name}", customer=name) for name in names]
        start.wait(30)
        try:
            with crowd.world() as world:
                for step in steps:
                    step(world)
        except DBAPIError:
            for step in steps:
                crowd.alone(step)

    for number in range(3):
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(batch, f"x{number}", people), pool.submit(batch, f"y{number}", people[::-1])]
            for each in both:
                each.result()
    assert crowd.count(Order) == 3 * 2 * len(people)
    assert crowd.balance("ada").earned == crowd.balance("bob").earned == 1_000 * 3 * len(people)


def test_choices_and_orders_of_one_customer_at_the_same_instant_agree(crowd: Crowd) -> None:
    for number in range(ROUNDS // 2):
        name = f"c{number}"
        crowd.together(
            calling("bind", "ada", name),
            calling("choose", "bob", name, when="2026-09-05"),
            calling("order", f"a-{name}", customer=name, placed="2026-09-02"),
            calling("order", f"b-{name}", customer=name, placed="2026-09-06"),
        )
        assert (crowd.balance("ada").earned, crowd.balance("bob").earned) == (
            1_000 * (number + 1),
            1_000 * (number + 1),
        )
    assert at("2026-09-05") < NOW


def test_a_chunk_of_a_batch_holds_the_keys_of_all_its_orders_and_asks_for_none_again(
    postgres_url: str,
) -> None:
    database = Database(postgres_url)
    with database.transaction() as session:
        World.build(session)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    held = select(
        func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)),
    )
    with database.transaction() as chunk, database.transaction() as other:
        program = chunk.scalars(select(Program)).one()
        locks.lock_order_keys(chunk, program, ["o2", "o1", "o2"])
        begun = len(statements)
        locks.lock_order_key(chunk, program, "o1")
        assert len(statements) == begun
        free = {
            name: other.scalar(held, {"key": f"order:{program.id}:{name}"}) for name in ("o1", "o2", "o3")
        }
        assert free == {"o1": False, "o2": False, "o3": True}
        locks.lock_order_key(chunk, program, "o4")
        assert other.scalar(held, {"key": f"order:{program.id}:o4"}) is False
    database.dispose()
