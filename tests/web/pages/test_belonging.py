"""Leads on the referrer's pages, and corrections by staff on the customer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.referrals.models import Customer, Lead
from app.referrals.referrers import suspend
from tests.builders import ACTOR, line

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

LEADS = "/dashboard/leads"
FORM = {"email": "Prospect@example.com", "agreed": "y"}


@pytest.fixture
def zoe(site: Site) -> Browser:
    return site.browser("zoe@example.org")


def register(browser: Browser, **form: str) -> int:
    return browser.post(LEADS, {**FORM, **form}, start=LEADS).status_code


def customer(site: Site) -> int:
    """Customer c1 of eve, with an order of 100.00."""
    with site.world() as world:
        world.bind("eve", "c1", "2026-09-01")
        world.order("o1", line(), customer="c1", placed="2026-09-02", paid="2026-09-02")
        return world.session.scalars(select(Customer.id)).one()


def test_a_referrer_registers_a_prospect_and_sees_the_customer_it_became(site: Site, zoe: Browser) -> None:
    assert "No leads yet" in zoe.text(LEADS)
    assert register(zoe) == 302
    page = zoe.text(LEADS)
    assert "counts" in page
    assert "prospect" not in page.lower().replace("address of the prospect", "")
    with site.world() as world:
        world.signup("c1", when=None, email="prospect@example.com")
    assert "became your customer C-00001" in zoe.text(LEADS)


def test_the_same_prospect_again_is_the_same_lead(site: Site, zoe: Browser) -> None:
    assert (register(zoe), register(zoe)) == (302, 302)
    with site.world() as world:
        assert len(world.session.scalars(select(Lead)).all()) == 1


def test_whoever_comes_second_reads_the_same_words_and_nothing_of_the_first(site: Site, zoe: Browser) -> None:
    eve = site.browser("eve@example.org")
    answers = []
    for browser in (zoe, eve):
        assert register(browser) == 302
        answers.append(browser.text(LEADS))
    with site.world() as world:
        world.signup("c1", when=None, email="prospect@example.com")
    assert answers[0].replace("Zoe", "") == answers[1].replace("Eve", "")
    assert "became your customer" in zoe.text(LEADS)
    lost = eve.text(LEADS)
    assert "counts" in lost
    assert "became" not in lost


def test_a_lead_needs_an_address_and_that_the_person_knows(site: Site, zoe: Browser) -> None:
    assert register(zoe, email="") == register(zoe, email="nobody") == register(zoe, agreed="") == 422
    with site.world() as world:
        assert world.session.scalars(select(Lead)).all() == []


def test_a_suspended_referrer_registers_nobody(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        who = world.referrers["zoe"]
        suspend(world.session, world.program, who, reason="doubt", actor=ACTOR, now=clock.now())
    assert register(zoe) == 422


def test_staff_correct_whom_a_customer_belongs_to_with_a_reason(site: Site) -> None:
    number = customer(site)
    site.person("finance@example.org", Role.FINANCE)
    finance = site.browser("finance@example.org")
    page = f"/staff/customers/{number}"
    assert "Belongs to Eve." in finance.text(page)
    form = {"code": "ZOE-1", "also_earlier": "y", "reason": "eve's link stood on zoe's page"}
    assert finance.post(f"{page}/referrer", form, start=page).status_code == 302
    shown = finance.text(page)
    assert "Belongs to Zoe." in shown
    assert "zoe-1 +€10.00" in shown
    assert "eve's link stood on zoe's page" in shown
    with site.world() as world:
        assert world.balance("zoe").earned == 1_000
        event = world.session.scalars(
            select(AuditEvent).where(AuditEvent.action == "attribution.corrected")
        ).one()
        assert event.actor.startswith("user:")
    order = finance.get("/staff/orders/1").text
    assert page in order


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"reason": "x"}, "Fill in a code, or say that the customer belongs to nobody."),
        (
            {"code": "zoe-1", "nobody": "y", "reason": "x"},
            "Fill in a code, or say that the customer belongs to nobody.",
        ),
        ({"code": "zoe-1", "reason": ""}, "Please give a reason; it is kept."),
        ({"code": "nobody-1", "reason": "x"}, "There is no referrer with this code in the programme."),
        ({"code": "eve-1", "reason": "x"}, "The customer belongs there already."),
        ({"code": "zoe-1", "reason": "x", "from_on": "2999-01-01"}, "This day lies in the future."),
    ],
)
def test_a_correction_that_cannot_be_says_why_and_changes_nothing(
    site: Site, form: dict[str, str], words: str
) -> None:
    number = customer(site)
    site.person("owner@example.org", Role.OWNER)
    page = f"/staff/customers/{number}"
    answer = site.browser("owner@example.org").post(f"{page}/referrer", form, start=page)
    assert answer.status_code == 422
    assert words in answer.text
    with site.world() as world:
        assert world.balance("eve").earned == 1_000


def test_staff_take_a_customer_from_everybody(site: Site) -> None:
    number = customer(site)
    site.person("owner@example.org", Role.OWNER)
    page = f"/staff/customers/{number}"
    owner = site.browser("owner@example.org")
    form = {"nobody": "y", "also_earlier": "y", "reason": "an employee"}
    assert owner.post(f"{page}/referrer", form, start=page).status_code == 302
    assert "Belongs to nobody." in owner.text(page)
    with site.world() as world:
        assert world.balance("eve").earned == 0


def test_support_sees_the_customer_and_corrects_nothing(site: Site) -> None:
    number = customer(site)
    site.person("support@example.org", Role.SUPPORT)
    support = site.browser("support@example.org")
    assert "Correct whom" not in support.text(f"/staff/customers/{number}")
    assert support.post(f"/staff/customers/{number}/referrer", {}, start="/staff").status_code == 403
    assert support.get("/staff/customers/999").status_code == 404
