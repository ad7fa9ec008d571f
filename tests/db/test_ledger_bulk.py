"""Postings of a whole batch of payouts: the same entries and balances as one by one, once for ever."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.ledger.models import LedgerBalance, LedgerEntry, LedgerTransaction
from app.payouts.domain.state import PayoutState
from app.payouts.models import Payout
from app.payouts.settling import reserve
from tests.builders import NOW
from tests.db.payouts_world import Payday

if TYPE_CHECKING:
    from app.kernel.db import Database


@pytest.fixture
def payday(database: Database) -> Payday:
    """Ada has money of two dates, one reduced by a refund; Bob has some of October and some that comes later."""
    payday = Payday.build(database)
    payday.earn("ada", 5000, "2026-10-03")
    payday.refund(payday.earn("ada", 3000, "2026-10-07"), 1000, "2026-10-08")
    payday.earn("bob", 4000, "2026-10-20")
    payday.earn("bob", 9000, "2026-11-02")
    return payday


def entries(payday: Payday, run_id: int, name: str) -> list[tuple[str, date, int]]:
    payout = payday.payouts(run_id)[name]
    with payday.db.reading() as session:
        wanted = select(LedgerEntry.account, LedgerEntry.available_on, LedgerEntry.amount_minor)
        rows = session.execute(wanted.where(LedgerEntry.payout_id == payout.id))
        return sorted((account.value, on, amount) for account, on, amount in rows)


def test_each_date_moves_by_itself_and_what_matures_later_stays(payday: Payday) -> None:
    run_id = payday.freeze()
    assert entries(payday, run_id, "ada") == [
        ("in_flight", date(2026, 10, 3), -5000),
        ("in_flight", date(2026, 10, 7), -2000),
        ("payable", date(2026, 10, 3), 5000),
        ("payable", date(2026, 10, 7), 2000),
    ]
    assert entries(payday, run_id, "bob") == [
        ("in_flight", date(2026, 10, 20), -4000),
        ("payable", date(2026, 10, 20), 4000),
    ]
    ada, bob = payday.balance("ada"), payday.balance("bob")
    assert (ada.available, ada.in_flight) == (0, 7000)
    assert (bob.available + bob.pending, bob.in_flight) == (9000, 4000)
    with payday.db.reading() as session:
        posted = session.scalars(
            select(LedgerTransaction).where(LedgerTransaction.kind == "payout_reserved")
        ).all()
        numbers = {payout.id for payout in payday.payouts(run_id).values()}
        assert {each.idempotency_key for each in posted} == {f"payout-reserve:{each}" for each in numbers}
        assert {(each.memo, each.currency, each.posted_at) for each in posted} == {
            (payday.run(run_id).name, "EUR", NOW)
        }
    payday.assert_sound()


def test_a_reservation_that_is_posted_a_second_time_fails_and_changes_nothing(payday: Payday) -> None:
    run_id = payday.freeze()
    payday.earn("ada", 700, "2026-10-09")
    before = books(payday)
    people = [payout.referrer_id for payout in payday.payouts(run_id).values()]
    run = payday.run(run_id)
    with pytest.raises(IntegrityError), payday.db.transaction() as session:
        reserve(session, run, min(people), max(people), NOW)
    assert books(payday) == before
    payday.assert_sound()


def books(payday: Payday) -> tuple[list[int], list[tuple[int, int]]]:
    with payday.db.reading() as session:
        numbers = session.scalars(select(LedgerEntry.id).order_by(LedgerEntry.id)).all()
        wanted = select(LedgerBalance.referrer_id, LedgerBalance.amount_minor)
        return list(numbers), sorted((row[0], row[1]) for row in session.execute(wanted))


def test_a_run_takes_only_its_own_payouts_along(payday: Payday) -> None:
    first = payday.freeze()
    payday.earn("ada", 6000, "2026-10-11")
    second = payday.freeze(again=True)
    assert entries(payday, second, "ada") == [
        ("in_flight", date(2026, 10, 11), -6000),
        ("payable", date(2026, 10, 11), 6000),
    ]
    assert len(entries(payday, first, "ada")) == 4
    with payday.db.reading() as session:
        states = session.scalars(select(Payout.state)).all()
    assert set(states) == {PayoutState.RESERVED}
    payday.assert_sound()
