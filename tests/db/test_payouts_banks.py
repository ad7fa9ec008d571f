"""A run's files as the programme's bank and rail want them, from the setting to the stored bytes."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from app.payouts.domain.state import PayoutState
from app.payouts.files import build_files
from app.referrals.programs import ProgramSettings, change_program
from tests.builders import NOW
from tests.db.payouts_world import APPROVER, FREEZER, Payday, camt, detail, entry

if TYPE_CHECKING:
    from app.kernel.db import Database


def test_instant_payments_are_asked_for_as_the_run_was_frozen(database: Database) -> None:
    payday = Payday.build(database, bank_profile="german", instant=True)
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    with payday.world() as world:
        settings = ProgramSettings(instant=False, bank_profile="bunq")
        change_program(world.session, world.program, settings, actor=FREEZER, now=NOW)
    payday.approve(run_id)
    build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    (content,) = payday.files(run_id)
    assert b"<LclInstrm><Cd>INST</Cd></LclInstrm>" in content
    assert b"<BtchBookg>true</BtchBookg>" in content


def test_a_run_over_wise_is_its_template_and_settled_by_the_accounts_statement(database: Database) -> None:
    payday = Payday.build(database, rail="wise")
    payday.earn("ada", 5000)
    run_id = payday.submit()
    (content,) = payday.files(run_id)
    (line,) = csv.DictReader(StringIO(content.decode(), newline=""))
    reference = payday.payouts()["ada"].end_to_end_id
    assert (line["name"], line["amount"], line["paymentReference"]) == ("Ada Uenal", "50.00", reference)
    payday.feed(camt(entry("50.00", detail(reference, "50.00"))))
    assert payday.payouts()["ada"].state is PayoutState.PAID
    payday.assert_sound()
