"""The bank page: what staff read of records that matched nothing, and what they say of them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.audit import Actor
from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.payouts.approval import approve_run
from app.payouts.domain.state import PayoutState
from app.payouts.files import build_files, submit_run
from app.payouts.models import BankEvent, Payout
from app.payouts.runs import draft_run, freeze_run
from app.referrals.programs import find_program
from tests.db.payouts_world import camt, detail, entry, payee_answers
from tests.web.pages.test_staff import earn, last_month

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

BANK = "/staff/bank"


def payout_of(site: Site) -> Payout:
    with site.services.db.reading() as session:
        return session.scalars(select(Payout)).one()


@pytest.fixture
def finance(quick_site: Site) -> Browser:
    """Zoe's 100.00 is with the bank."""
    site, now = quick_site, clock.now()
    earn(site)
    site.account("zoe")
    deps, maker, approver = site.services.payouts, Actor("user:usr_a"), Actor("user:usr_b")
    with deps.db.transaction() as session:
        program = find_program(session, "hosting")
        run_id = draft_run(session, program, period=last_month(), by=maker, now=now).id
    freeze_run(deps, run_id, by=maker, now=now)
    with deps.db.transaction() as session:
        approve_run(session, run_id, by=approver, now=now)
    build_files(deps, run_id, by=approver, now=now)
    submit_run(deps, run_id, by=maker, now=now)
    site.person("finance@example.org", Role.FINANCE)
    return site.browser("finance@example.org")


def upload(finance: Browser, content: str) -> str:
    data = {"file": (BytesIO(content.encode()), "answer.xml")}
    finance.post(f"{BANK}/files", data, start=BANK)
    return finance.text(BANK)


def open_record(site: Site) -> str:
    with site.services.db.reading() as session:
        number = session.scalars(select(BankEvent.id).where(BankEvent.state == "exception")).one()
    return f"{BANK}/exceptions/{number}"


def test_a_held_payout_shows_the_proposed_name_and_is_taken_back_with_a_reason(
    quick_site: Site, finance: Browser
) -> None:
    reference = payout_of(quick_site).end_to_end_id
    page = upload(finance, payee_answers((reference, "RVMC", "Zoë &amp; Kravitz")))
    assert "The payee's bank has nearly this name. The payout is held" in page
    assert "Name at the payee's bank Zoë &amp; Kravitz" in page
    here = open_record(quick_site)
    for form, refusal in (
        ({"belongs": "1"}, "Please enter the reference of a payout, or the id of one of our files."),
        ({"belongs": "1", "reference": reference}, "Please say what it was; it is kept."),
        ({"belongs": "1", "reference": "PO1", "resolution": "x"}, "There is no payout and no file of ours"),
        ({"belongs": "1", "reference": "R1-01", "resolution": "x"}, "This record cannot be of it"),
    ):
        answer = finance.post(here, form, start=BANK)
        assert (answer.status_code, refusal in answer.text) == (422, True)
    assert payout_of(quick_site).state is PayoutState.SUBMITTED
    done = finance.post(here, {"belongs": "1", "reference": reference, "resolution": "not paid"}, start=BANK)
    assert done.status_code == 302
    page = finance.text(BANK)
    assert f"Applied to {reference}." in page
    assert "Nothing to look at" in page
    assert payout_of(quick_site).state is PayoutState.REJECTED
    assert "Available €100.00" in finance.text("/staff/referrers/zoe-1")
    with quick_site.services.db.reading() as session:
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "bank_event.assigned"))
    assert (event.details["reference"], event.details["reason"]) == (reference, "not paid")
    assert finance.post(here, {"resolution": "again"}, start=BANK).status_code == 404


def test_what_has_moved_its_money_already_can_only_be_noted(quick_site: Site, finance: Browser) -> None:
    reference = payout_of(quick_site).end_to_end_id
    rejected = payee_answers((reference, "RJCT", None)).replace(
        "<TxSts>RJCT</TxSts>", "<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>MD07</Cd></Rsn></StsRsnInf>"
    )
    page = upload(finance, rejected)
    assert "The bank says that the payee has died." in page
    assert "It belongs to this reference" not in page
    assert "suspended" in finance.text("/staff/referrers/zoe-1").lower()
    finance.post(open_record(quick_site), {"resolution": "spoke with the heirs"}, start=BANK)
    assert "Nothing to look at" in finance.text(BANK)


def test_a_debit_of_another_amount_is_noted_and_an_auditor_only_reads(
    quick_site: Site, finance: Browser
) -> None:
    reference = payout_of(quick_site).end_to_end_id
    page = upload(finance, camt(entry("99.99", detail(reference, "99.99"))).replace("NL02ABNA0123456789", ""))
    assert "The amount or the currency is not the payout's." in page
    quick_site.person("auditor@example.org", Role.AUDITOR)
    auditor = quick_site.browser("auditor@example.org")
    assert "Take it off the list" not in auditor.text(BANK)
    assert auditor.post(open_record(quick_site), {"resolution": "x"}, start=BANK).status_code == 403
    answer = finance.post(
        open_record(quick_site), {"belongs": "1", "reference": reference, "resolution": "x"}, start=BANK
    )
    assert "amount and currency have to be the same to the cent" in answer.text
