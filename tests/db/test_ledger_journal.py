"""Posting and reading the journal: once per key, balanced or not at all, as of any instant."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.ledger.balances import Balance, Bucket, balance, balances, holdings, referrer_buckets
from app.ledger.check import every_referrer_adds_up, first_broken, nothing_held_or_in_flight_is_negative
from app.ledger.journal import Entry, Posting, UnbalancedPosting, post, post_many, write_balances
from app.ledger.models import LedgerAccount, LedgerBalance, LedgerTransaction, TransactionKind
from tests.builders import World, at

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAY = date(2026, 9, 1)
SEPTEMBER, OCTOBER = date(2026, 9, 30), date(2026, 10, 31)


@pytest.fixture
def world(session: Session) -> World:
    return World.build(session)


def earned(
    world: World, key: str, amount: int, on: date, *, who: str = "ada", other_side: int | None = None
) -> Posting:
    """A commission of ``amount`` minor units that can be paid from ``on``; the other side differs if one says so."""
    referrer_id = world.referrers[who].id
    return Posting(
        world.program.id,
        "EUR",
        TransactionKind.COMMISSION,
        key,
        (
            Entry(LedgerAccount.COMMISSION_EXPENSE, amount, on, referrer_id),
            Entry(LedgerAccount.PAYABLE, -(other_side or amount), on, referrer_id),
        ),
        effective_on=DAY,
    )


def money(world: World, who: str = "ada", **when: Any) -> Balance:
    return balance(
        world.session,
        referrer_id=world.referrers[who].id,
        currency="EUR",
        **{"today": SEPTEMBER, **when},
    )


def test_a_posting_whose_sides_differ_is_refused_before_anything_is_written(world: World) -> None:
    with pytest.raises(UnbalancedPosting, match="k1"):
        earned(world, "k1", 500, SEPTEMBER, other_side=499)


def test_a_posting_of_one_side_is_refused(world: World) -> None:
    entry = Entry(LedgerAccount.PAYABLE, 0, SEPTEMBER, world.referrers["ada"].id)
    with pytest.raises(UnbalancedPosting):
        Posting(world.program.id, "EUR", TransactionKind.COMMISSION, "k1", (entry,), effective_on=DAY)


def test_a_key_is_posted_once_for_ever(world: World) -> None:
    assert post(world.session, earned(world, "k1", 500, SEPTEMBER), posted_at=at("2026-09-01")) is not None
    assert post(world.session, earned(world, "k1", 500, SEPTEMBER), posted_at=at("2026-09-02")) is None
    assert money(world).available == 500


def test_of_several_postings_only_the_new_ones_count(world: World) -> None:
    post(world.session, earned(world, "k1", 500, SEPTEMBER), posted_at=at("2026-09-01"))
    postings = [earned(world, key, 100, SEPTEMBER) for key in ("k1", "k2")]
    numbers = post_many(world.session, postings, posted_at=at("2026-09-02"))
    assert numbers[0] is None
    assert numbers[1] is not None
    assert money(world).available == 600
    assert post_many(world.session, [], posted_at=at("2026-09-02")) == []


def test_money_matures_by_its_date_alone(world: World) -> None:
    post(world.session, earned(world, "k1", 500, OCTOBER), posted_at=at("2026-09-01"))
    assert (money(world).pending, money(world).available) == (500, 0)
    matured = money(world, today=OCTOBER)
    assert (matured.pending, matured.available) == (0, 500)


def test_a_balance_as_of_an_instant_knows_nothing_posted_later(world: World) -> None:
    post(world.session, earned(world, "k1", 500, SEPTEMBER), posted_at=at("2026-09-01"))
    post(world.session, earned(world, "k2", 70, OCTOBER), posted_at=at("2026-09-02"))
    post(world.session, earned(world, "k3", 9, SEPTEMBER), posted_at=at("2026-09-20"))
    write_balances(world.session)
    then = money(world, as_of=at("2026-09-02"))
    assert (then.available, then.pending, then.earned) == (500, 70, 570)
    assert money(world, as_of=at("2026-09-01") - timedelta(seconds=1)) == Balance("EUR")
    assert money(world, as_of=at("2026-09-20")) == money(world)


def test_the_balances_of_several_referrers_are_read_at_once(world: World) -> None:
    post(world.session, earned(world, "k1", 500, SEPTEMBER), posted_at=at("2026-09-01"))
    ada, bob = world.referrers["ada"].id, world.referrers["bob"].id
    read = balances(world.session, referrer_ids=[ada, bob], currency="EUR", today=SEPTEMBER)
    assert read == {ada: money(world), bob: Balance("EUR")}
    assert read[ada].available == 500


def test_payable_money_is_told_apart_by_its_day(world: World) -> None:
    for key, amount, on in (
        ("k1", 500, OCTOBER),
        ("k2", 70, SEPTEMBER),
        ("k3", -70, SEPTEMBER),
        ("k4", 5, OCTOBER),
    ):
        post(world.session, earned(world, key, amount, on), posted_at=at("2026-09-01"))
    ada = world.referrers["ada"].id
    assert referrer_buckets(world.session, referrer_id=ada) == [Bucket(ada, OCTOBER, 505)]


def test_negative_held_money_is_named_by_its_commission(world: World) -> None:
    world.bind("ada")
    world.order("o1")
    (commission,) = world.commissions("o1")
    ada = commission.referrer_id
    entries = (
        Entry(LedgerAccount.HELD, 500, SEPTEMBER, ada, commission.id),
        Entry(LedgerAccount.PAYABLE, -500, SEPTEMBER, ada, commission.id),
    )
    posting = Posting(
        world.program.id, "EUR", TransactionKind.RELEASE, "never held", entries, effective_on=DAY
    )
    post(world.session, posting, posted_at=at("2026-09-01"))
    broken = first_broken(world.session, {"never negative": nothing_held_or_in_flight_is_negative})
    assert str(broken) == f"never negative: held of commission {commission.id} is -500"


def test_a_balance_that_does_not_add_up_is_named_by_its_referrer(world: World) -> None:
    post(world.session, earned(world, "k1", 500, SEPTEMBER), posted_at=at("2026-09-01"))
    write_balances(world.session)
    row = world.session.query(LedgerBalance).filter_by(figure="payable").one()
    row.amount_minor += 1
    world.session.flush()
    ada = world.referrers["ada"].id
    assert list(every_referrer_adds_up(world.session, None)) == [
        f"referrer {ada}: what was earned and what became of it differ by -1"
    ]


def test_an_entry_of_no_referrer_is_in_no_balance(world: World) -> None:
    entries = (Entry(LedgerAccount.BANK, 500, SEPTEMBER), Entry(LedgerAccount.OPENING, -500, SEPTEMBER))
    posting = Posting(
        world.program.id, "EUR", TransactionKind.OPENING_BALANCE, "the bank's own", entries, effective_on=DAY
    )
    post(world.session, posting, posted_at=at("2026-09-01"))
    write_balances(world.session)
    assert world.session.query(LedgerBalance).count() == 0


def test_a_late_fact_keeps_the_day_on_which_it_happened(world: World) -> None:
    world.bind("ada")
    world.order("o1", placed="2026-09-30 21:00", paid="2026-09-30 22:30")
    world.refund("r2", when="2026-10-20", l1=1_000)
    world.refund("r1", when="2026-10-05", l1=1_000)
    write_balances(world.session)
    dated = select(LedgerTransaction.kind, LedgerTransaction.effective_on).order_by(LedgerTransaction.id)
    # The order was paid after midnight in the programme's time zone.
    assert [tuple(row) for row in world.session.execute(dated)] == [
        (TransactionKind.COMMISSION, date(2026, 10, 1)),
        (TransactionKind.CLAWBACK, date(2026, 10, 20)),
        (TransactionKind.CLAWBACK, date(2026, 10, 5)),
    ]


def test_what_a_home_reads_of_the_ledger_at_once_is_what_is_read_apart(world: World) -> None:
    ada, bob = world.referrers["ada"].id, world.referrers["bob"].id
    opening = Posting(
        world.program.id,
        "EUR",
        TransactionKind.OPENING_BALANCE,
        "opening",
        (
            Entry(LedgerAccount.OPENING, 700, SEPTEMBER, ada),
            Entry(LedgerAccount.PAYABLE, -700, SEPTEMBER, ada),
        ),
        effective_on=DAY,
    )
    for posting in (earned(world, "k1", 500, OCTOBER), opening, earned(world, "k2", 300, SEPTEMBER)):
        post(world.session, posting, posted_at=at("2026-09-01"))
    found = holdings(world.session, referrer_id=ada, currency="EUR", today=SEPTEMBER)
    assert found.balance == money(world)
    assert found.balance.adds_up
    assert list(found.buckets) == referrer_buckets(world.session, referrer_id=ada)
    assert found.buckets == (Bucket(ada, SEPTEMBER, 1_000), Bucket(ada, OCTOBER, 500))
    assert found.opening_minor == 700
    nothing = holdings(world.session, referrer_id=bob, currency="EUR", today=SEPTEMBER)
    assert (nothing.balance.earned, nothing.buckets, nothing.opening_minor) == (0, (), 0)
