"""What a referrer owes carries forward; staff may forgive it, and never more than is owed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.identity.models import AuditEvent
from app.kernel.errors import InvalidInput
from app.ledger.models import LedgerEntry, TransactionKind
from app.payouts.debts import debt_of, write_off
from app.payouts.domain.state import PayoutState
from app.payouts.errors import NoDebt, WriteOffTooLarge
from app.referrals.leaving import leave
from app.referrals.models import Program, Referrer
from tests.builders import ACTOR, NOW, at
from tests.db.payouts_world import FREEZER, Payday, camt, detail, entry

if TYPE_CHECKING:
    from app.kernel.db import Database


@pytest.fixture
def payday(database: Database) -> Payday:
    return Payday.build(database)


def owing(payday: Payday, minor: int = 3000) -> None:
    """Ada was paid 50.00 and owes ``minor`` of it."""
    order = payday.earn("ada", 5000)
    run_id = payday.submit()
    payday.feed(camt(entry("50.00", detail(payday.payouts(run_id)["ada"].end_to_end_id, "50.00"))))
    payday.refund(order, minor, "2026-11-20")


def forgive(payday: Payday, minor: int | None, reason: str = "closed for good") -> int:
    with payday.db.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        ada = session.scalars(select(Referrer).where(Referrer.code == "ada-hosting")).one()
        return write_off(session, program, ada, minor, reason, by=FREEZER, now=payday.now)


def test_a_debt_carries_forward_and_is_netted_by_the_next_earnings(payday: Payday) -> None:
    owing(payday)
    assert payday.left_out(payday.freeze(again=True)) == {"ada": (-3000, "negative")}
    payday.earn("ada", 8000, paid="2026-11-15")
    payday.now = at("2026-12-02")
    assert payday.states(payday.freeze("2026-11")) == {"ada": (5000, PayoutState.RESERVED)}
    payday.assert_sound()


def test_a_debt_is_forgiven_in_part_or_whole_and_never_beyond(payday: Payday) -> None:
    with pytest.raises(NoDebt):
        forgive(payday, None)
    owing(payday)
    for minor in (0, -1):
        with pytest.raises(InvalidInput):
            forgive(payday, minor)
    with pytest.raises(InvalidInput):
        forgive(payday, 1000, " ")
    with pytest.raises(WriteOffTooLarge, match=r"30\.00 EUR"):
        forgive(payday, 3001)
    assert forgive(payday, 1000) == 1000
    assert (payday.balance().available, payday.balance().earned) == (-2000, 5000)
    assert forgive(payday, None) == 2000
    assert payday.balance().available == 0
    with pytest.raises(NoDebt):
        forgive(payday, None)
    payday.assert_sound()
    with payday.db.reading() as session:
        kinds = select(LedgerEntry.account, func.sum(LedgerEntry.amount_minor)).where(
            LedgerEntry.kind == TransactionKind.WRITE_OFF
        )
        sums = {
            account.value: total for account, total in session.execute(kinds.group_by(LedgerEntry.account))
        }
        assert sums == {"commission_expense": 3000, "payable": -3000}
        wanted = (
            select(AuditEvent.details).where(AuditEvent.action == "debt.written_off").order_by(AuditEvent.id)
        )
        assert session.scalars(wanted).first() == {
            "amount_minor": 1000,
            "debt_minor": 3000,
            "reason": "closed for good",
        }


def test_two_who_forgive_the_same_debt_forgive_it_once(payday: Payday) -> None:
    owing(payday)

    def press() -> int:
        try:
            return forgive(payday, None)
        except NoDebt:
            return 0

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: press(), range(2))) == [0, 3000]
    assert payday.balance().available == 0
    payday.assert_sound()


def test_money_that_is_pending_still_does_not_lower_what_is_owed_today(payday: Payday) -> None:
    owing(payday)
    with payday.db.transaction() as session:
        ada = session.scalars(select(Referrer.id).where(Referrer.code == "ada-hosting")).one()
        assert debt_of(session, ada, NOW.date()) == 3000
        assert debt_of(session, ada, at("2026-10-01").date()) == 0


@pytest.mark.parametrize("pays", [False, True])
def test_who_left_is_paid_below_the_minimum_where_the_programme_says_so(
    database: Database, *, pays: bool
) -> None:
    payday = Payday.build(database, pays_leavers=pays)
    for name in ("ada", "bob"):
        payday.earn(name, 700)
    with payday.world() as world:
        leave(world.session, world.program, world.referrers["ada"], actor=ACTOR, now=NOW)
    run_id = payday.freeze()
    short = {"bob": (700, "below_minimum")}
    assert payday.left_out(run_id) == (short if pays else {"ada": (700, "below_minimum"), **short})
    assert payday.states(run_id) == ({"ada": (700, PayoutState.RESERVED)} if pays else {})
    payday.assert_sound()
