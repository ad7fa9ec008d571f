"""``flask ledger check`` finds what was altered behind the back of payouts, files and approvals; runs stop over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.kernel.append_only import drop_statements
from app.ledger.check import first_broken
from app.payouts.check import PAYOUT_CHECKS, BooksDoNotAddUp
from app.payouts.domain.state import RunState
from app.payouts.queries import feedback_waits
from app.payouts.runs import freeze_run
from tests.builders import NOW
from tests.db.payouts_world import FREEZER, Payday, camt, detail, entry

if TYPE_CHECKING:
    from app.kernel.db import Database


def with_the_bank(database: Database) -> Payday:
    """Ada's 50.00 was booked, Bob's 60.00 is with the bank, a second run of 30.00 is frozen, Eve is left out."""
    payday = Payday.build(database)
    payday.join("eve")
    for name, minor in (("ada", 5000), ("bob", 6000), ("eve", 7000)):
        payday.earn(name, minor)
    payday.submit()
    payday.feed(camt(entry("50.00", detail(payday.payouts()["ada"].end_to_end_id, "50.00"))))
    payday.earn("ada", 3000)
    payday.freeze(again=True)
    payday.assert_sound()
    return payday


PLANTED = {
    "payouts equal their entries": [
        "UPDATE payouts SET state = 'submitted' WHERE state = 'paid'",
        "UPDATE payouts SET state = 'rejected' WHERE state = 'submitted'",
        "UPDATE payouts SET amount_minor = amount_minor + 1 WHERE id = 2",
        "UPDATE ledger_entries SET payout_id = 2 WHERE payout_id = 1 AND account = 'bank'",
    ],
    "payouts move date by date": [
        "UPDATE ledger_entries SET available_on = '2026-10-09' WHERE payout_id = 2 AND account = 'in_flight'"
    ],
    "paid payouts have their booking": [
        "UPDATE bank_events SET amount_minor = 5001",
        "UPDATE payouts SET settled_by_event_id = NULL",
        "UPDATE payouts SET settled_by_event_id = 1 WHERE id = 3",
    ],
    "runs equal their payouts": [
        "UPDATE payout_runs SET total_minor = total_minor + 1 WHERE id = 1",
        "UPDATE payout_runs SET payout_count = payout_count + 1 WHERE id = 1",
        "UPDATE payout_runs SET state = 'closed', closed_at = created_at WHERE id = 1",
    ],
    "files equal their payouts": [
        "UPDATE payout_files SET payment_count = 3",
        "UPDATE payout_files SET control_sum_minor = 1",
        "UPDATE payout_files SET content = {bytes}",
    ],
    "approvals stand under what was approved": [
        "UPDATE payouts SET end_to_end_id = 'PO2' WHERE id = 2",
        "UPDATE payouts SET destination_id = 1 WHERE id = 2",
        "UPDATE payout_destinations SET iban_key = 'x' WHERE id = 2",
        "DELETE FROM payout_approvals",
    ],
    "nobody is both paid and left out": [
        "UPDATE payout_omissions SET referrer_id = (SELECT referrer_id FROM payouts WHERE id = 2) WHERE run_id = 1"
    ],
}


def test_every_alteration_breaks_the_invariant_that_names_it(database: Database) -> None:
    payday = with_the_bank(database)
    with database.transaction() as session:
        for statement in drop_statements(session.get_bind().dialect.name, "ledger_entries"):
            session.execute(text(statement))
        for invariant, alterations in PLANTED.items():
            for alteration in alterations:
                planted = session.begin_nested()
                altered = alteration.format(bytes="x'00'" if database.is_sqlite else "'x'::bytea")
                session.execute(text(altered))
                broken = first_broken(session, {invariant: PAYOUT_CHECKS[invariant]}, payday.program_id)
                assert broken is not None, alteration
                assert broken.invariant == invariant
                planted.rollback()
                session.expire_all()
        assert first_broken(session, PAYOUT_CHECKS) is None


def test_no_run_begins_over_broken_books(database: Database) -> None:
    payday = with_the_bank(database)
    with database.transaction() as session:
        session.execute(text("UPDATE payout_files SET payment_count = 3"))
    run_id = payday.draft(again=True)
    with pytest.raises(BooksDoNotAddUp, match="files equal their payouts"):
        freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)
    assert payday.run(run_id).state is RunState.DRAFT
    assert payday.run(run_id).underway is None


def test_an_import_that_died_is_known_to_the_sweeper(database: Database) -> None:
    payday = with_the_bank(database)
    with database.reading() as session:
        assert not feedback_waits(session)
    with database.transaction() as session:
        session.execute(text("UPDATE bank_files SET state = 'recorded'"))
    with database.reading() as session:
        assert feedback_waits(session)
    payday.feed(camt(entry("1.00"), statement="S9"))
    with database.reading() as session:
        assert not feedback_waits(session)
