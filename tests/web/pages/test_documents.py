"""Statements and tax documents as pages: a referrer's own, and what staff do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.roles import Role
from app.jobs.registry import JOBS
from app.kernel import clock
from app.payouts.documents.issuing import RENDER
from app.payouts.documents.profiles import CHECK_VAT_ID
from app.payouts.documents.vies import Consultation, check_vat_id
from app.payouts.domain.vat import VatAnswer
from app.payouts.models import Payout, TaxDocument, VatCheck
from app.payouts.runs import draft_run, freeze_run
from app.referrals.models import Program, Referrer
from tests.builders import ACTOR, at, line

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

MERCHANT = {
    "legal_name": "Hosting B.V.",
    "street": "Kade 1",
    "postcode": "1011 AB",
    "town": "Amsterdam",
    "country": "nl",
    "vat_id": "NL002342672B42",
}
ZOE = MERCHANT | {"legal_name": "Zoë Webbouw", "status": "business", "vat_id": "NL 004495445 B01"}


def _pay_zoe(site: Site) -> None:
    """VIES says yes, zoe earns 100.00, and a run is frozen."""
    with clock.frozen(at("2026-11-15 12:00")), site.world() as world:
        world.now = clock.now()
        world.bind("zoe")
        world.order("o1", line(net=100000), placed="2026-09-20", paid="2026-09-20")
        referrer_id = world.referrers["zoe"].id
    said = Consultation(VatAnswer.VALID, "WAPIAAAAabc")
    assert check_vat_id(site.services.db, lambda *_: said, referrer_id, clock.now()) is VatAnswer.VALID
    with site.services.db.reading() as session:
        check = session.scalars(select(VatCheck).order_by(VatCheck.id.desc())).first()
        assert check is not None
        assert (check.answer, check.consultation_number) == (VatAnswer.VALID, "WAPIAAAAabc")
    with clock.frozen(at("2026-11-20 12:00")):
        with site.services.db.transaction() as session:
            program = session.scalars(select(Program)).one()
            run_id = draft_run(session, program, period="2026-10", by=ACTOR, now=clock.now()).id
        freeze_run(site.services.payouts, run_id, by=ACTOR, now=clock.now())


def test_a_business_fills_in_its_details_agrees_is_invoiced_and_objects(quick_site: Site) -> None:
    site = quick_site
    site.account("zoe")
    site.person("olga@example.org", Role.OWNER)
    zoe, eve, olga = (site.browser(f"{name}@example.org") for name in ("zoe", "eve", "olga"))
    assert "private person" in zoe.text("/dashboard/documents")
    assert "No statement yet" in zoe.text("/dashboard/statements")
    saved = olga.post("/staff/documents/merchant", MERCHANT, start="/staff/documents")
    assert saved.status_code == 302
    assert "NL002342672B42" in olga.text("/staff/documents")
    wrong = zoe.post(
        "/dashboard/documents/tax-profile", ZOE | {"vat_id": "NL123"}, start="/dashboard/documents"
    )
    assert wrong.status_code == 422
    assert "This is not a VAT id of that country." in wrong.text
    zoe.post("/dashboard/documents/tax-profile", ZOE, start="/dashboard/documents")
    assert "Please agree to self-billing" in zoe.text("/dashboard/documents")
    assert zoe.post("/dashboard/documents/agreement", start="/dashboard/documents").status_code == 422
    zoe.post("/dashboard/documents/agreement", {"agree": "y"}, start="/dashboard/documents")
    assert "Your VAT id is being checked." in zoe.text("/dashboard/documents")

    _pay_zoe(site)
    assert "HOSTING-NL-2026-000001" not in zoe.text("/dashboard/documents")
    assert "HOSTING-NL-2026-000001" in olga.text("/staff/documents")
    assert "The file is being made." in olga.text("/staff/documents/1")
    JOBS[RENDER](site.services)
    with site.services.db.transaction() as session:
        session.scalars(select(Payout)).one()
        document = session.scalars(select(TaxDocument)).one()
        document.payout_id = None  # as after the run was built: the referrer may see it
    page = zoe.text("/dashboard/documents/1")
    assert "Self-billing invoice" in page
    assert "€121.00" in page
    assert zoe.get("/dashboard/documents/1/file").data == olga.get("/staff/documents/1/file").data
    assert zoe.get("/dashboard/documents/1/file").data[:7] == b"%PDF-1."
    assert eve.get("/dashboard/documents/1").status_code == 404
    assert eve.get("/dashboard/documents/1/file").status_code == 404
    assert eve.post("/dashboard/documents/1/objection", {"reason": "x"}).status_code == 404

    assert zoe.post("/dashboard/documents/1/objection", start="/dashboard/documents/1").status_code == 422
    zoe.post("/dashboard/documents/1/objection", {"reason": "wrong town"}, start="/dashboard/documents/1")
    assert "void" in zoe.text("/dashboard/documents/1")
    again = zoe.post(
        "/dashboard/documents/1/objection", {"reason": "wrong town"}, start="/dashboard/documents"
    )
    assert again.status_code == 302
    assert "wrong town" in olga.text("/staff/documents/1")
    issued = olga.post("/staff/documents/1/issue-again", start="/staff/documents/1")
    assert issued.headers["Location"].endswith("/staff/documents/3")
    assert olga.post("/staff/documents/1/issue-again", start="/staff/documents").status_code == 302
    zoe.post("/dashboard/documents/agreement/withdrawal", start="/dashboard/documents")
    assert "Please agree to self-billing" in zoe.text("/dashboard/documents")


def test_a_statement_is_a_page_and_a_file_and_belongs_to_one_referrer(quick_site: Site) -> None:
    site = quick_site
    with clock.frozen(at("2026-09-20 12:00")), site.world() as world:
        world.now = clock.now()
        world.bind("zoe")
        world.order("o1", line(net=10000), placed="2026-09-20", paid="2026-09-20")
    zoe, eve = site.browser("zoe@example.org"), site.browser("eve@example.org")
    assert "September 2026" in zoe.text("/dashboard/statements")
    page = zoe.text("/dashboard/statements/2026-09")
    assert "Commission statement" in page
    assert "C-00001" in page
    assert page.count("€10.00") >= 3
    file = zoe.get("/dashboard/statements/2026-09/file")
    assert file.headers["Content-Disposition"] == "attachment; filename=zoe-1-2026-09.pdf"
    assert file.data[:5] == b"%PDF-"
    assert "C-00001" not in eve.text("/dashboard/statements/2026-09")
    for missing in ("2026-13", "2999-01", "2999-01/file"):
        assert zoe.get(f"/dashboard/statements/{missing}").status_code == 404
    assert (
        zoe.client.get("/dashboard/statements/2026-09", headers={"Accept-Language": "de"}).status_code == 200
    )


def test_a_register_that_does_not_answer_leaves_the_vat_waiting(quick_site: Site) -> None:
    zoe = quick_site.browser("zoe@example.org")
    quick_site.person("olga@example.org", Role.OWNER)
    quick_site.browser("olga@example.org").post(
        "/staff/documents/merchant", MERCHANT, start="/staff/documents"
    )
    zoe.post("/dashboard/documents/tax-profile", ZOE, start="/dashboard/documents")
    with quick_site.services.db.reading() as session:
        referrer_id = session.scalars(select(Referrer.id).where(Referrer.code == "zoe-1")).one()
    JOBS[CHECK_VAT_ID](quick_site.services, referrer_id)
    with quick_site.services.db.reading() as session:
        assert [each.answer for each in session.scalars(select(VatCheck))] == [VatAnswer.UNAVAILABLE]
