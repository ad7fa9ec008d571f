"""What the merchant's people do: rates, referrers, reviews, and a payout run from draft to the bank."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.payouts.domain.calendar import Period
from app.payouts.models import PayoutFile, PayoutRun
from app.referrals.models import Commission, Order, Product, Program, ProgramTerms, RateVersion
from tests.builders import line
from tests.web.pages.conftest import IBAN, PASSWORD, Site

if TYPE_CHECKING:
    from flask import Flask

    from tests.web.pages.conftest import Browser

RUNS = "/staff/payouts"


def days_ago(count: float) -> str:
    return (clock.now() - timedelta(days=count)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def owner(site: Site) -> Browser:
    site.person("owner@example.org", Role.OWNER)
    return site.browser("owner@example.org")


@pytest.fixture
def finance(site: Site) -> Browser:
    site.person("finance@example.org", Role.FINANCE)
    return site.browser("finance@example.org")


def earn(site: Site, name: str = "zoe", net: int = 100_000) -> None:
    """An order of long ago, payable by now; 100.00 unless said otherwise."""
    with site.world() as world:
        world.bind(name, f"c-{name}", days_ago(120))
        when = days_ago(110)
        world.order(f"o-{name}", line(net=net), customer=f"c-{name}", placed=when, paid=when)


def last_month() -> str:
    return str(Period.of(clock.local_day(clock.now(), "Europe/Amsterdam")).previous())


def test_a_product_gets_a_rate_from_the_browser(site: Site, owner: Browser) -> None:
    sent = owner.post("/staff/products", {"sku": "vps", "name": "Virtual server"}, start="/staff/products")
    assert sent.headers["Location"] == "/staff/rates/new?sku=vps"
    form = {
        "rate": "12,5 %",
        "duration": "months",
        "months": "12",
        "kinds": ["new", "renewal"],
        "scope": "all",
    }
    assert owner.post("/staff/rates/new?sku=vps", form, start="/staff").status_code == 302
    page = owner.text("/staff/products")
    assert "12.5% of the paid amount, for 12 months, new orders, renewals" in page
    with site.services.db.reading() as session:
        product = session.scalars(select(Product).where(Product.sku == "vps")).one()
        version = session.scalars(select(RateVersion).where(RateVersion.product_id == product.id)).one()
        assert (version.rate_ppm, version.duration_months, version.line_kinds) == (
            125_000,
            12,
            ["new", "renewal"],
        )
        assert version.created_by.startswith("user:")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rate": "101%"}, "Write 10%, 5.00 or none."),
        ({"rate": "ten"}, "Write 10%, 5.00 or none."),
        ({"duration": "months"}, "Please fill in the number of months."),
        ({"duration": "months", "months": "500"}, "From 1 to 240 months."),
        ({"kinds": []}, "Choose at least one kind of order."),
    ],
)
def test_a_wrong_rate_is_told_beside_its_field(
    quick_site: Site, change: dict[str, object], sentence: str
) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    form = {"rate": "10%", "duration": "lifetime", "kinds": ["new"], "scope": "new_customers", **change}
    answer = quick_site.browser("owner@example.org").post("/staff/rates/new?sku=web", form, start="/staff")
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_rate_from_a_day_with_recorded_orders_is_refused(site: Site, owner: Browser) -> None:
    earn(site)
    form = {
        "rate": "20%",
        "duration": "lifetime",
        "kinds": ["new"],
        "scope": "all",
        "valid_from": "2026-01-01",
    }
    answer = owner.post("/staff/rates/new?sku=web", form, start="/staff")
    assert answer.status_code == 422
    assert "From that day on a recorded order would change." in answer.text


def test_settings_change_from_now_on_only(site: Site, owner: Browser) -> None:
    form = {
        "name": "Hosting",
        "landing_url": "https://shop.example/",
        "window_days": "60",
        "hold_days": "14",
        "attribution": "first_click",
        "minimum_payout": "10,00",
        "payout_day": "5",
        "approval": "one",
        "consent_mode": "required",
    }
    wrong = owner.post("/staff/settings", {**form, "window_days": "0", "landing_url": "x"}, start="/staff")
    assert "From 1 to 365 days." in wrong.text
    assert owner.post("/staff/settings", form, start="/staff").status_code == 302
    with site.services.db.reading() as session:
        program = session.scalars(select(Program)).one()
        versions = session.scalars(select(ProgramTerms).order_by(ProgramTerms.valid_from)).all()
        assert (program.minimum_payout_minor, program.payout_day) == (1000, 5)
        assert [version.window_days for version in versions] == [30, 60]


def test_a_referrer_is_found_suspended_and_reinstated_with_a_reason(site: Site, owner: Browser) -> None:
    earn(site)
    assert "Zoe" in owner.text("/staff/referrers?q=zo")
    assert "Eve" not in owner.text("/staff/referrers?q=zo")
    assert "Zoe" in owner.text("/staff/referrers?q=ZOE@example.org")
    assert "Nothing found" in owner.text("/staff/referrers?q=nobody")
    here = "/staff/referrers/zoe-1"
    assert "Please give a reason" in owner.post(f"{here}/suspend", {}, start=here).text
    owner.post(f"{here}/suspend", {"reason": "looks odd"}, start=here)
    page = owner.text(here)
    assert "suspended" in page
    assert "Under review €100.00" in page
    assert "Your participation is suspended." in site.browser("zoe@example.org").text("/dashboard")
    owner.post(f"{here}/reinstate", {"reason": "all is well"}, start=here)
    assert "Available €100.00" in owner.text(here)
    trail = owner.text("/staff/audit")
    assert "referrer.suspended" in trail
    assert "owner@example.org" in trail
    assert "looks odd" in trail


def test_a_held_order_is_released_with_a_reason_and_audited(site: Site, owner: Browser) -> None:
    with site.world() as world:
        click = world.click("zoe", clock.now() - timedelta(days=50))
        world.signup("own", when=days_ago(50), click_ids=(click,), email="zoe@example.org")
        when = days_ago(49)
        world.order("o1", customer="own", placed=when, paid=when)
    page = owner.text("/staff/review")
    assert "€10.00 for Zoe" in page
    assert "The customer has the referrer's e-mail address" in page
    number = re.search(r"/staff/review/(\d+)/release", owner.get("/staff/review").text)
    assert number is not None
    release = f"/staff/review/{number[1]}/release"
    assert owner.post(release, {}, start="/staff/review").status_code == 422
    assert owner.post(release, {"reason": "a family member"}, start="/staff").status_code == 302
    assert "Nothing to review" in owner.text("/staff/review")
    again = owner.post(release, {"reason": "again"}, start="/staff")
    assert again.status_code == 302
    assert "That was refused" in owner.text("/staff/review")
    with site.services.db.reading() as session:
        assert session.scalars(select(Commission.held_minor)).one() == 0
        actions = session.scalars(select(AuditEvent.action)).all()
        assert actions.count("hold.released") == 1


def crowd(site: Site, how_many: int) -> None:
    """Customers who all came with one click of zoe's, within the same two days."""
    with site.world() as world:
        click = world.click("zoe", clock.now() - timedelta(days=50))
        for number in range(how_many):
            world.signup(f"c{number}", when=days_ago(50), click_ids=(click,))
            when = days_ago(49)
            world.order(f"o{number}", customer=f"c{number}", placed=when, paid=when)


def ticked(owner: Browser, state: str) -> list[str]:
    return re.findall(r'name="hold"\s+value="(\d+)"', owner.get(f"/staff/review?state={state}").text)


def test_several_held_orders_are_decided_together_with_one_reason_and_each_is_audited(
    site: Site, owner: Browser
) -> None:
    crowd(site, 5)
    held = ticked(owner, "open")
    assert len(held) == 3
    page = owner.text("/staff/review")
    assert "Under review (3)" in page
    assert "Noted (1)" in page
    assert "Several customers came with the same click" in page
    many, here = "/staff/review/decide?state=open", "/staff/review"
    form = {"hold": held[:2], "decision": "release", "reason": "a school class"}
    assert "Please give a reason" in owner.post(many, form | {"reason": ""}, start=here).text
    nothing = owner.post(many, form | {"hold": ["x"]}, start=here)
    assert nothing.status_code == 422
    assert "Please tick at least one." in nothing.text
    assert owner.post(many, form | {"decision": "burn"}, start=here).status_code == 422
    assert owner.post(many, form, start=here).status_code == 302
    assert "2 released." in owner.text(here)
    assert owner.post(many, form | {"hold": held, "decision": "reject"}, start=here).status_code == 302
    page = owner.text(here)
    assert "1 rejected." in page
    assert "2 were left" in page
    with site.services.db.reading() as session:
        wanted = select(AuditEvent).where(AuditEvent.action.startswith("hold.")).order_by(AuditEvent.id)
        events = session.scalars(wanted).all()
        assert [event.action for event in events] == ["hold.released", "hold.released", "hold.rejected"]
        assert {event.details["reason"] for event in events} == {"a school class"}
        assert sum(session.scalars(select(Commission.held_minor))) == 0


def test_a_note_is_left_or_taken_aside_and_the_referrer_never_sees_it(site: Site, owner: Browser) -> None:
    crowd(site, 2)
    (note,) = ticked(owner, "noted")
    zoe = site.browser("zoe@example.org")
    with site.services.db.reading() as session:
        keys = session.scalars(select(Commission.id).order_by(Commission.id)).all()
    whys = [f"/dashboard/commissions/{key}" for key in keys]
    assert all("review" not in zoe.text(why).lower() for why in whys)
    here = "/staff/review?state=noted"
    assert "A second customer came with the same click" in owner.text(here)
    owner.post(f"/staff/review/{note}/aside?state=noted", {"reason": "asks for a look"}, start=here)
    assert "Nothing noted" in owner.text(here)
    assert any("How this customer came to you is unusual." in zoe.text(why) for why in whys)
    owner.post(f"/staff/review/{note}/release", {"reason": "a couple"}, start=here)
    assert "Nothing to review" in owner.text("/staff/review")
    owner_page = owner.text("/staff/audit")
    assert "hold.taken_aside" in owner_page


def test_a_note_that_was_left_is_gone_from_the_list_and_stays_hidden(site: Site, owner: Browser) -> None:
    crowd(site, 2)
    (note,) = ticked(owner, "noted")
    here = "/staff/review?state=noted"
    owner.post(f"/staff/review/{note}/release?state=noted", {"reason": "a couple"}, start=here)
    assert "Left as it is." in owner.text(here)
    with site.services.db.reading() as session:
        order = session.scalars(select(Order.id).order_by(Order.id.desc())).first()
        key = session.scalars(select(Commission.id).where(Commission.order_id == order)).one()
    assert "seen and left" in owner.text(f"/staff/orders/{order}")
    zoe = site.browser("zoe@example.org")
    assert "unusual" not in zoe.text(f"/dashboard/commissions/{key}")
    assert "Under review" not in zoe.text(f"/dashboard/commissions/{key}")


def test_an_order_is_explained_with_every_candidate(site: Site, owner: Browser) -> None:
    with site.world() as world:
        first, second = (
            world.click(name, clock.now() - timedelta(days=age)) for name, age in (("eve", 9), ("zoe", 8))
        )
        world.signup("c1", when=days_ago(7), click_ids=(first, second))
        when = days_ago(6)
        world.order("2026/0012", line("l1"), line("l2", "mail", 500), customer="c1", placed=when, paid=when)
        world.order("nobodys", customer="c2", placed=when, paid=when)
        keys = dict(world.session.execute(select(Order.order_id, Order.id)).all())
    page = owner.text(f"/staff/orders/{keys['2026/0012']}")
    assert "There was a later click, and the last one counts." in page
    assert "won This one counts." in page
    assert "This product does not participate in the programme." in page
    assert "The customer belongs to no referrer." in owner.text(f"/staff/orders/{keys['nobodys']}")
    assert "2026/0012" in owner.text("/staff/orders?q=2026/0012")
    assert "nobodys" not in owner.text("/staff/orders?q=2026/0012")
    assert owner.get("/staff/orders/999999").status_code == 404


def test_four_eyes_take_a_run_from_draft_to_the_bank(site: Site, owner: Browser, finance: Browser) -> None:
    earn(site)
    earn(site, "eve", 10_000)
    site.account("zoe")
    month = last_month()
    now = str(Period.of(clock.local_day(clock.now(), "Europe/Amsterdam")))
    assert "This month is not finished yet." in finance.post(RUNS, {"period": now}, start=RUNS).text
    assert "Write the month as 2026-10." in finance.post(RUNS, {"period": "2026-13"}, start=RUNS).text
    run = finance.post(RUNS, {"period": month}, start=RUNS).headers["Location"]
    draft = finance.text(run)
    assert "Zoe €100.00 would be paid" in draft
    assert "Eve €10.00 left out Below the minimum payout; carried forward" in draft

    finance.post(f"{run}/freeze", start=run)
    site.work()
    assert "waits for approval" in finance.text(run)
    assert finance.post(f"{run}/approve", {"password": PASSWORD}, start=run).status_code == 403
    wrong = owner.post(f"{run}/approve", {"password": "not mine"}, start=run)
    assert (wrong.status_code, "This is not your password." in wrong.text) == (422, True)
    owner.post(f"{run}/approve", {"password": PASSWORD}, start=run)
    site.work()
    built = owner.text(run)
    assert "The run is approved." in built
    assert "Download each file" in built
    assert IBAN not in owner.get(run).text

    path = re.search(rf'href="({re.escape(run)}/files/\d+)"', owner.get(run).text)
    assert path is not None
    files = [finance.get(path[1]) for _ in range(3)]
    with site.services.db.reading() as session:
        stored = session.scalars(select(PayoutFile.sha256)).one()
    assert {hashlib.sha256(file.data).hexdigest() for file in files} == {stored}
    assert IBAN.encode() in files[0].data
    assert "attachment" in files[0].headers["Content-Disposition"]

    finance.post(f"{run}/submit", start=run)
    site.work()
    assert "at the bank" in finance.text(run)
    home = site.browser("zoe@example.org").text("/dashboard")
    assert "€100.00 is on its way to you" in home
    assert finance.post(f"{run}/cancel", start=run).status_code == 302
    with site.services.db.reading() as session:
        assert session.scalars(select(PayoutRun.state)).one() == "submitted"


def test_a_cancelled_run_gives_the_money_back(site: Site, finance: Browser) -> None:
    earn(site)
    site.account("zoe")
    run = finance.post(RUNS, {"period": last_month()}, start=RUNS).headers["Location"]
    finance.post(f"{run}/freeze", start=run)
    site.work()
    assert "Available €0.00" in finance.text("/staff/referrers/zoe-1")
    finance.post(f"{run}/cancel", start=run)
    site.work()
    assert "Available €100.00" in finance.text("/staff/referrers/zoe-1")


@pytest.mark.parametrize(
    "content", [b"", b"no xml", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><Document>&b;</Document>"]
)
def test_a_file_that_is_not_the_banks_is_refused_beside_its_field(quick_site: Site, content: bytes) -> None:
    quick_site.person("finance@example.org", Role.FINANCE)
    finance = quick_site.browser("finance@example.org")
    data = {"file": (BytesIO(content), "answer.xml")}
    answer = finance.post("/staff/bank/files", data, start="/staff/bank")
    assert answer.status_code == 422
    assert "This file cannot be read" in answer.text
    assert "Please choose a file." in finance.post("/staff/bank/files", {}, start="/staff/bank").text


def test_a_bank_file_may_be_larger_than_other_forms(quick_site: Site) -> None:
    quick_site.person("finance@example.org", Role.FINANCE)
    finance = quick_site.browser("finance@example.org")
    large = b"<" + b"x" * (2 * 1024 * 1024)
    answer = finance.post("/staff/bank/files", {"file": (BytesIO(large), "a.xml")}, start="/staff/bank")
    assert answer.status_code == 422
    # The test client keeps a large form in a temporary file of its own and leaves it open.
    answer.request.environ["wsgi.input"].close()
    too_large = finance.client.post("/staff/review/1/release", data={"reason": "x" * (2 * 1024 * 1024)})
    assert too_large.status_code == 413
    for stranger in (quick_site.browser(), quick_site.browser("zoe@example.org")):
        answer = stranger.client.post("/staff/bank/files", data={"reason": "x" * (2 * 1024 * 1024)})
        assert answer.status_code == 413, "nobody else has us read so much"


def test_the_office_before_the_first_programme_says_how_to_make_one(app: Flask) -> None:
    site = Site(app, app.extensions["refledger"])
    site.person("owner@example.org", Role.OWNER)
    assert "flask programs create" in site.browser("owner@example.org").text("/staff")
    assert "No programme yet" in site.browser().text("/")
    assert "No programme yet" in site.browser().text("/join")
