"""``flask ledger check`` finds what was altered behind the back of documents and their VAT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from app.kernel.append_only import drop_statements
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.payouts.documents.check import DOCUMENT_CHECKS
from app.payouts.documents.profiles import current_profile
from app.payouts.documents.rendering import render_waiting
from app.payouts.domain.vat import TaxStatus
from app.payouts.models import VatCheck
from app.privacy.erasure import erase_referrer
from app.privacy.referrer_export import referrer_sections
from app.referrals.leaving import leave
from tests.builders import at
from tests.db.documents_world import NL_VAT, TaxDay
from tests.db.payouts_world import FREEZER, camt, detail, entry

if TYPE_CHECKING:
    from app.kernel.db import Database
    from app.services import Services

CHECKS = {**LEDGER_CHECKS, **DOCUMENT_CHECKS}
PLANTED = {
    "the VAT of every referrer adds up": [
        "UPDATE ledger_balances SET amount_minor = amount_minor + 1 WHERE figure = 'vat_paid'",
        "UPDATE ledger_balances SET amount_minor = amount_minor - 1 WHERE figure = 'vat_payable'",
    ],
    "entries agree with their transaction": [
        "UPDATE ledger_entries SET account = 'payable' WHERE account = 'payable_vat'",
    ],
    "input VAT is that of the documents": [
        "UPDATE tax_documents SET vat_minor = vat_minor + 1 WHERE id = 1",
        "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE account = 'input_vat'",
        "DELETE FROM ledger_entries WHERE account = 'input_vat'",
    ],
    "document numbers have no gap": [
        "UPDATE document_series SET last_number = 4",
        "UPDATE tax_documents SET sequence = 9 WHERE id = 2",
    ],
    "documents are what was stored": [
        "UPDATE tax_documents SET net_minor = net_minor + 1 WHERE id = 1",
        "UPDATE tax_documents SET number = 'HOSTING-NL-2026-000009' WHERE id = 1",
        "UPDATE tax_documents SET sha256 = 'x' WHERE id = 1",
    ],
    "documents show their entries": [
        "UPDATE document_lines SET document_id = NULL WHERE document_id = 1",
        "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE account = 'payable' AND kind = 'clawback'",
    ],
    "payouts carry their VAT": [
        "UPDATE payouts SET vat_minor = vat_minor + 1",
    ],
}


def test_every_alteration_breaks_the_invariant_that_names_it(database: Database) -> None:
    day = TaxDay.start(database)
    day.business()
    order = day.earn("ada", 10000)
    payout = day.payouts(day.submit())["ada"]
    day.feed(camt(entry("121.00", detail(payout.end_to_end_id, "121.00"))))
    day.refund(order, 3000, "2026-11-01")
    day.issue()
    render_waiting(database, day.now)
    day.assert_sound()
    with database.transaction() as session:
        for statement in drop_statements(session.get_bind().dialect.name, "ledger_entries"):
            session.execute(text(statement))
        for invariant, alterations in PLANTED.items():
            for alteration in alterations:
                planted = session.begin_nested()
                session.execute(text(alteration))
                broken = first_broken(session, {invariant: CHECKS[invariant]}, day.program_id)
                assert broken is not None, alteration
                assert broken.invariant == invariant
                planted.rollback()
                session.expire_all()
        assert first_broken(session, CHECKS) is None


def test_a_referrer_who_is_erased_leaves_documents_and_no_tax_details(services: Services) -> None:
    day = TaxDay.start(services.db)
    day.business()
    day.earn("ada", 10000)
    payout = day.payouts(day.submit())["ada"]
    day.feed(camt(entry("121.00", detail(payout.end_to_end_id, "121.00"))))
    day.now = at("2027-01-10")
    with day.world() as world:
        ada = world.referrers["ada"]
        rows = {each.name: list(each.rows()) for each in referrer_sections(services, world.session, ada)}
        assert [row["vat_id"] for row in rows["tax_details"]] == [NL_VAT]
        assert [row["number"] for row in rows["documents"]] == ["HOSTING-NL-2026-000001"]
        leave(world.session, world.program, ada, actor=FREEZER, now=day.now)
        erase_referrer(services, world.session, ada, actor=FREEZER, now=day.now)
    with day.world() as world:
        profile = current_profile(world.session, world.referrers["ada"].id)
        assert profile is not None
        assert (profile.vat_id, profile.town, profile.status) == (None, "", TaxStatus.PRIVATE)
        assert world.session.scalars(select(VatCheck)).all() == []
    assert day.documents()[0].facts["seller"]["town"] == "Utrecht"
    day.assert_sound()
