"""A referrer's own data on its page, and a customer's page about their partner."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent, User
from app.kernel import clock
from app.privacy.partner_links import PATH, PartnerLinkRefused, PartnerLinks, Whose
from app.referrals.models import Binding, Customer, Hold, Order, Program, Referrer, ReferrerStatus
from tests.builders import at, line
from tests.web.pages.conftest import IBAN, PASSWORD, Browser

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

COPY, LEAVE, ERASE = (f"/dashboard/your-data/{step}" for step in ("copy", "leave", "erase"))
PAGE = "/dashboard/your-data"


def bound(site: Site, name: str = "zoe", customer: str = "c1") -> Whose:
    """A customer that belongs to the referrer by a click, with one paid order."""
    with site.world() as world:
        world.bind(name, customer)
        world.order("o1", line(), customer=customer)
        row = world.session.scalars(select(Customer).where(Customer.customer_id == customer)).one()
        return Whose(row.program_id, row.id)


def link(site: Site, whose: Whose) -> str:
    return PATH + site.services.partner_links.sign(whose, clock.now())


def test_the_customer_sees_who_is_rewarded_and_what_they_see(site: Site) -> None:
    whose = bound(site)
    text = site.browser().text(link(site, whose))
    assert "Zoe is rewarded for your orders." in text
    assert "you came to the shop by their link" in text
    assert "1 September 2026" in text
    assert f"C-{whose.customer_id:05d}" in text
    # The same number stands on the referrer's own pages.
    with site.world() as world:
        path = f"/dashboard/commissions/{world.commissions()[0].id}"
    assert f"C-{whose.customer_id:05d}" in site.browser("zoe@example.org").text(path)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", "Zoe wordt beloond voor jouw bestellingen."),
        ("de", "Zoe erhält eine Provision für Ihre Bestellungen."),
    ],
)
def test_the_customers_page_speaks_their_language(quick_site: Site, language: str, words: str) -> None:
    answer = quick_site.browser().get(
        link(quick_site, bound(quick_site)), headers={"Accept-Language": language}
    )
    assert words in answer.text


def test_the_customer_ends_it_with_one_press_and_later_orders_earn_nothing(site: Site) -> None:
    whose = bound(site)
    browser, page = site.browser(), link(site, whose)
    assert browser.post(f"{page}/end", start=page).status_code == 302
    text = browser.text(page)
    assert "It is ended." in text
    assert "Nobody is rewarded for your orders." in text
    assert "End the reward" not in text
    assert browser.post(f"{page}/end", start="/login").status_code == 302
    with site.world() as world:
        later = f"{clock.now() + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
        world.order("o2", line(), customer="c1", placed=later, paid=later)
        referrers = dict(world.session.execute(select(Order.order_id, Order.referrer_id)).all())
        assert referrers == {"o1": world.referrers["zoe"].id, "o2": None}
        events = world.session.scalars(
            select(AuditEvent.subject).where(AuditEvent.actor == "system:partner_page")
        )
        assert events.all() == [f"customer:{whose.customer_id}"]


def test_ending_needs_the_forms_token(quick_site: Site) -> None:
    page = link(quick_site, bound(quick_site))
    assert quick_site.browser().client.post(f"{page}/end").status_code == 400
    with quick_site.world() as world:
        assert world.session.scalars(select(Binding.until_at)).one() is None


def test_a_link_works_for_an_hour(quick_site: Site) -> None:
    whose, now = bound(quick_site), clock.now()
    page = link(quick_site, whose)
    with clock.frozen(now + timedelta(minutes=59)):
        assert quick_site.browser().get(page).status_code == 200
    with clock.frozen(now + timedelta(minutes=61)):
        late = quick_site.browser()
        assert late.get(page).status_code == 410
        assert late.post(f"{page}/end").status_code == 410
    with quick_site.world() as world:
        assert world.session.scalars(select(Binding.until_at)).one() is None


def test_a_link_opens_one_customer_of_one_programme(quick_site: Site) -> None:
    whose = bound(quick_site)
    signer = quick_site.services.partner_links
    for wrong in (
        signer.sign(Whose(whose.program_id + 1, whose.customer_id), clock.now()),
        signer.sign(Whose(whose.program_id, whose.customer_id + 1), clock.now()),
        signer.sign(whose, clock.now())[:-3] + "AAA",
        "x",
    ):
        assert quick_site.browser().get(PATH + wrong).status_code == 410, wrong


def test_a_partner_link_is_signed_with_a_salt_of_its_own() -> None:
    now, whose = at("2026-11-22"), Whose(1, 2)
    old, new = PartnerLinks(("a" * 32,)), PartnerLinks(("a" * 32, "b" * 32))
    assert new.read(old.sign(whose, now), now) == whose
    with pytest.raises(PartnerLinkRefused):
        old.read(new.sign(whose, now), now)
    from app.identity.tokens import LinkPurpose, MailLinks

    mailed = MailLinks(("a" * 32,)).sign(LinkPurpose.VERIFY_EMAIL, "usr_1", "state", now)
    with pytest.raises(PartnerLinkRefused):
        old.read(mailed, now)
    assert "carla" not in old.sign(whose, now)


def test_a_customer_of_nobody_reads_just_that(quick_site: Site) -> None:
    with quick_site.world() as world:
        world.signup("c9")
        row = world.session.scalars(select(Customer)).one()
        whose = Whose(row.program_id, row.id)
    text = quick_site.browser().text(link(quick_site, whose))
    assert "Nobody is rewarded for your orders." in text
    assert "No order of yours has ever earned anybody a commission here." in text


def test_a_referrer_downloads_everything_after_giving_the_password(site: Site) -> None:
    bound(site)
    site.account("zoe")
    browser = site.browser("zoe@example.org")
    refused = browser.post(COPY, {"copy-password": "not my password"}, start=PAGE)
    assert (refused.status_code, "This is not your password." in refused.text) == (422, True)
    answer = browser.post(COPY, {"copy-password": PASSWORD}, start=PAGE)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "filename=refledger-zoe-1-" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        told = json.loads(archive.read("data.json"))
        page = archive.read("your-data.html").decode()
    answer.close()
    assert told["account"][0]["email"] == "zoe@example.org"
    assert [each["target"] for each in told["commissions"]] == [1_000]
    assert "zoe@example.org" in page
    assert "€10.00" in page
    assert IBAN not in page + json.dumps(told)
    assert "http" not in page.replace("http-equiv", "")
    with site.world() as world:
        exports = world.session.scalars(
            select(AuditEvent).where(AuditEvent.action == "privacy.exported")
        ).all()
        assert [event.subject for event in exports] == ["referrer:zoe-1"]


def test_wrong_passwords_are_counted_here_too(quick_site: Site) -> None:
    browser = quick_site.browser("zoe@example.org")
    wrong = {"copy-password": "not my password"}
    assert [browser.post(COPY, wrong, start=PAGE).status_code for _ in range(11)] == [*[422] * 10, 429]


def test_a_referrer_leaves_and_is_erased_when_nothing_is_left_to_pay(site: Site) -> None:
    browser = site.browser("zoe@example.org")
    assert "You still take part in the programme. Leave it first." in browser.text(PAGE)
    early = browser.post(ERASE, {"erase-password": PASSWORD, "erase-sure": "y"}, start=PAGE)
    assert early.status_code == 409
    assert browser.post(LEAVE, {"leave-password": PASSWORD}, start=PAGE).status_code == 302
    assert "You have left the programme." in browser.text(PAGE)
    unsure = browser.post(ERASE, {"erase-password": PASSWORD}, start=PAGE)
    assert (unsure.status_code, "Please confirm this first." in unsure.text) == (422, True)
    done = browser.post(ERASE, {"erase-password": PASSWORD, "erase-sure": "y"}, start=PAGE)
    assert (done.status_code, done.headers["Location"]) == (302, "/")
    assert "Your data is erased." in browser.text("/")
    assert browser.get("/dashboard").headers["Location"].startswith("/login")
    with site.world() as world:
        zoe = world.session.scalars(select(Referrer).where(Referrer.code == "zoe-1")).one()
        assert (zoe.name, zoe.user_id) == ("\u2013", None)
        assert not world.session.scalars(select(User).where(User.email == "zoe@example.org")).all()


def test_who_left_joins_again_and_gets_the_same_link_with_the_terms_accepted_anew(quick_site: Site) -> None:
    browser = quick_site.browser("zoe@example.org")
    browser.post(LEAVE, {"leave-password": PASSWORD}, start=PAGE)
    path = "/join?program=hosting"
    form = {"program": "hosting", "name": "Zoe", "code": ""}
    assert browser.post(path, form, start=path).status_code != 302, "the terms must be accepted"
    answer = browser.post(path, {**form, "accept": "y"}, start=path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard?program=hosting")
    assert "/r/zoe-1/" in browser.get("/dashboard?program=hosting").text
    with quick_site.world() as world:
        zoe = world.referrers["zoe"]
        assert zoe.status is ReferrerStatus.ACTIVE
        assert (zoe.terms_version or "").startswith("t-")
        assert zoe.suspensions[0][1] is not None


def test_a_referrer_corrects_their_name_and_the_trail_does_not_repeat_it(quick_site: Site) -> None:
    browser = quick_site.browser("zoe@example.org")
    path = f"{PAGE}/name"
    assert browser.post(path, {"name-name": "  "}, start=PAGE).status_code == 422
    strange = browser.post(path, {"name-name": "Zoe\u200bB"}, start=PAGE)
    assert (strange.status_code, "This cannot be used." in strange.text) == (422, True)
    assert browser.post(path, {"name-name": " Zoe  Zonnebloem "}, start=PAGE).status_code == 302
    assert "Zoe Zonnebloem" in browser.text(PAGE)
    browser.post(path, {"name-name": "Zoe Zonnebloem"}, start=PAGE)
    with quick_site.world() as world:
        events = world.session.scalars(
            select(AuditEvent).where(AuditEvent.action == "referrer.name_corrected")
        )
        (event,) = events
        assert (event.subject, event.details) == ("referrer:zoe-1", {})


def test_money_that_waits_is_named_on_the_page(quick_site: Site) -> None:
    bound(quick_site)
    browser = quick_site.browser("zoe@example.org")
    browser.post(LEAVE, {"leave-password": PASSWORD}, start=PAGE)
    text = browser.text(PAGE)
    assert "€10.00 is payable to you and comes with the next payout." in text
    assert "Erase my data" not in text
    refused = browser.post(ERASE, {"erase-password": PASSWORD, "erase-sure": "y"}, start=PAGE)
    assert refused.status_code == 409


def test_the_links_of_who_left_land_unattributed(quick_site: Site) -> None:
    from app.referrals.links import referral_path

    browser = quick_site.browser("zoe@example.org")
    path = referral_path(quick_site.services.links, "hosting", "zoe-1")
    browser.post(LEAVE, {"leave-password": PASSWORD}, start=PAGE)
    answer = Browser(quick_site.app.test_client()).get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://shop.example/")


def test_the_why_page_of_an_own_purchase_shows_nothing_of_the_customer(site: Site) -> None:
    site.account("zoe")
    email, network = "zoe+own@example.org", "198.51.100.0/24"
    with site.world() as world:
        world.signup("Customer-Zoe-77", email=email, referrer_code="zoe-1")
        world.order("order-77", customer="Customer-Zoe-77", payer_iban=IBAN)
        holds = world.session.scalars(select(Hold)).all()
        assert {hold.rule.value for hold in holds} == {"self_referral_email", "self_referral_iban"}
        for hold in holds:
            hold.evidence = {
                **hold.evidence,
                "email": email,
                "iban": IBAN,
                "network": network,
                "name": "Carla",
            }
        commission = world.commissions("order-77")[0].id
        order = world.session.scalars(select(Order.id)).one()
    browser = site.browser("zoe@example.org")
    for path in (
        f"/dashboard/commissions/{commission}",
        f"/dashboard/orders/{order}",
        "/dashboard/orders",
        "/dashboard",
    ):
        html = browser.get(path).text
        # The home names the referrer's own account by its last four, and here it is the customer's, too.
        last_four = {IBAN[-4:]} if path != "/dashboard" else set()
        for secret in {"Customer-Zoe-77", "zoe+own", IBAN, "198.51.100", "Carla"} | last_four:
            assert secret not in html, (path, secret)
    assert "Under review" in browser.text(f"/dashboard/commissions/{commission}")
    with site.world() as world:
        program = world.session.scalars(select(Program)).one()
        assert program.consent_mode == "required"
