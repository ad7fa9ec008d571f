"""The directory behind the scenes: partners write and answer, staff let through, send back and take down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.directory.domain.states import ReportedPart
from app.directory.keeping import set_directory
from app.directory.models import Listing, Profile, Rating, RatingReport
from app.directory.ratings import Said, record_rating
from app.directory.reports import report_rating
from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.referrals.models import Customer
from tests.builders import ACTOR, World
from tests.web.pages.test_directory import LIST, ZOE, opened, publish, rated

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

PROFILE = "/dashboard/profile"
FORM: dict[str, Any] = {
    "name": "Zoë Letters",
    "tagline": "We write",
    "about": "First.\r\n\r\nSecond.",
    "expertise": ["1"],
    "languages": ["nl", "de"],
    "country": "NL",
    "price_band": "low",
    "website": "https://letters.example",
    "case_2_title": "A shop",
    "case_2_text": "More readers.",
}


def zoe(site: Site) -> Browser:
    return site.browser("zoe@example.org")


def staff(site: Site, role: Role = Role.SUPPORT) -> Browser:
    email = f"{role.value}@example.org"
    site.person(email, role)
    return site.browser(email)


def press(browser: Browser, path: str, page: str, **form: str) -> int:
    """Press a button of a page, with the version that the page shows."""
    shown = re.search(r'name="revision"\s+value="(\d+)"', browser.get(page).text)
    data = {"revision": shown[1] if shown else "", **form}
    return browser.post(path, data, start=page).status_code


def test_a_partner_writes_staff_look_and_the_public_sees_it(site: Site) -> None:
    browser = zoe(site)
    assert browser.get(PROFILE).status_code == 404
    assert "Profile" not in browser.text("/dashboard")
    owner = staff(site, Role.OWNER)
    settings = "/staff/directory/settings"
    names = {"name_en": "Copywriting", "name_nl": "Tekstschrijven", "name_de": "Texten"}
    assert owner.post(f"{settings}/expertise", names, start=settings).status_code == 302
    again = owner.post(f"{settings}/expertise", names, start=settings)
    assert (again.status_code, "It is on the list already." in again.text) == (422, True)
    assert owner.post(f"{settings}/open", {"open": "yes"}, start=settings).status_code == 302
    assert "not written yet" in browser.text(PROFILE)
    assert "Profile" in browser.text("/dashboard")
    answer = browser.post(PROFILE, FORM, start=PROFILE)
    assert answer.headers["Location"] == f"{PROFILE}/preview"
    assert "This is how customers will see it." in browser.text(f"{PROFILE}/preview")
    assert browser.get(f"{PROFILE}/preview").text.count("Second.") == 1
    assert site.browser().get(ZOE).status_code == 404
    browser.post(f"{PROFILE}/submit", start=f"{PROFILE}/preview")
    assert "waits for staff" in browser.text(PROFILE)
    page = "/staff/directory/partners/zoe-1"
    assert "Zoë Letters" in owner.text("/staff/directory")
    assert press(owner, f"{page}/return", page) == 422
    assert press(owner, f"{page}/return", page, reason="Please add a price") == 302
    assert "Staff wrote: Please add a price" in browser.text(PROFILE)
    browser.post(f"{PROFILE}/submit", start=PROFILE)
    assert press(owner, f"{page}/publish", page) == 302
    assert "More readers." in site.browser().text(ZOE)
    assert browser.get(PROFILE).text.count('value="A shop"') == 1
    assert press(owner, f"{page}/take-down", page, reason="Untrue") == 302
    assert site.browser().get(ZOE).status_code == 404
    with site.services.db.reading() as session:
        actions = session.scalars(
            select(AuditEvent.action).where(AuditEvent.subject == "referrer:zoe-1").order_by(AuditEvent.id)
        ).all()
    assert actions[-6:] == [
        "profile.saved",
        "profile.submitted",
        "profile.returned",
        "profile.submitted",
        "profile.published",
        "profile.taken_down",
    ]


def test_a_form_that_is_wrong_keeps_what_was_written_and_changes_nothing(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
    browser = zoe(quick_site)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"website": "javascript:alert(1)"}, "Only an https address"),
        ({"name": "x" * 200}, "At most 80 characters."),
        ({"name": "\u200b\u202e"}, "Please write something that can be read here."),
        ({"case_3_title": "Half"}, "Please write something that can be read here."),
        ({"languages": []}, "Please choose from the list."),
        ({"country": "US"}, "Not a valid choice"),
    ]
    for wrong, words in refused:
        answer = browser.post(PROFILE, {**FORM, **wrong}, start=PROFILE)
        assert (answer.status_code, words in answer.text) == (422, True), wrong
        assert 'aria-invalid="true"' in answer.text or "languages" in wrong
        assert "More readers." in answer.text
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(Profile)).one().content["name"] == "Zoë <b>Letters</b>"
    assert browser.post(PROFILE, {**FORM, "about": "x" * 2_000_000}, start=PROFILE).status_code == 413
    longest = {"name": "🦊" * 80, "tagline": "مرحبا" * 20, "about": "a\r\n" * 1_000}
    assert browser.post(PROFILE, {**FORM, **longest}, start=PROFILE).status_code == 302
    browser.post(f"{PROFILE}/hide", start=PROFILE)
    assert quick_site.browser().get(ZOE).status_code == 404


def test_staff_show_and_refuse_the_version_that_they_read(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
        world.bind("zoe", "c1")
        who = world.session.scalars(select(Customer)).one()
        record_rating(world.session, world.program, who, "zoe-1", Said(5, "Fine"), now=clock.now())
    browser, page = staff(quick_site), "/staff/directory"
    with quick_site.services.db.reading() as session:
        rating = session.scalars(select(Rating)).one()
    path = f"{page}/ratings/{rating.rating_id}"
    assert "A rating of Zoe" in browser.text(page)
    token = {"revision": str(rating.revision)}
    with quick_site.world() as world:
        who = world.session.scalars(select(Customer)).one()
        record_rating(world.session, world.program, who, "zoe-1", Said(1, "Rude words"), now=clock.now())
    browser.post(f"{path}/show", token, start=page)
    assert "read it again" in browser.text(page)
    assert "Rude words" not in quick_site.browser().text(ZOE)
    assert browser.post(f"{path}/refuse", {"revision": "2"}, start=page).status_code == 422
    assert press(browser, f"{path}/refuse", page, reason="Rude") == 302
    assert "Nothing waits" in browser.text(page)
    assert browser.post(f"{path}x/show", token, start=page).status_code == 404
    auditor = staff(quick_site, Role.AUDITOR)
    assert auditor.get(page).status_code == 200
    assert auditor.post(f"{path}/show", token, start=page).status_code == 403
    assert zoe(quick_site).get(page).status_code == 404
    assert browser.post("/staff/directory/settings/open", {"open": "no"}, start=page).status_code == 403


def test_a_partner_answers_their_own_ratings_and_staff_decide_reports(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
        publish(world, "eve")
        rating = rated(world, "c1", 2, "So so")
        zoe_row = world.referrers["zoe"]
    page = "/dashboard/ratings"
    browser, path = zoe(quick_site), f"{page}/{rating.rating_id}/answer"
    assert quick_site.browser("eve@example.org").post(path, {"answer": "Ha"}, start=page).status_code == 404
    answer = browser.post(path, {"answer": "x" * 1_001}, start=page)
    assert (answer.status_code, "At most 1000 characters." in answer.text) == (422, True)
    assert browser.post(path, {"answer": "Sorry <i>"}, start=page).status_code == 302
    assert "Sorry &lt;i&gt;" in quick_site.browser().get(ZOE).text
    with quick_site.world() as world:
        for part in (ReportedPart.ANSWER, ReportedPart.RATING):
            report_rating(world.session, zoe_row, rating.rating_id, part, f"Bad {part}", now=clock.now())
        first, second = world.session.scalars(select(RatingReport).order_by(RatingReport.id)).all()
    desk, queue = staff(quick_site), "/staff/directory"
    assert "Bad answer" in desk.text(queue)
    assert desk.post(f"{queue}/reports/{first.report_id}/uphold", start=queue).status_code == 422
    desk.post(f"{queue}/reports/{first.report_id}/uphold", {"reason": "An insult"}, start=queue)
    desk.post(f"{queue}/reports/{second.report_id}/dismiss", start=queue)
    assert "Nothing waits" in desk.text(queue)
    shown = quick_site.browser().text(ZOE)
    assert ("So so" in shown, "Sorry" in shown) == (True, False)
    assert "Staff took your answer down" in browser.text(page)
    assert browser.post(path, {"answer": "Again"}, start=page).status_code == 409


def test_a_directory_in_a_frame_is_that_of_the_frame(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
        books = World.build(world.session, slug="books").program
        set_directory(world.session, books, is_open=True, actor=ACTOR, now=clock.now())
    browser = quick_site.browser()
    assert browser.get("/programs/books/partners").status_code == 200
    page = browser.get(f"/framed/hosting{LIST}")
    assert page.status_code == 200
    assert f'href="/framed/hosting{ZOE}"' in page.text
    assert browser.get(f"/framed/hosting{LIST.replace('hosting', 'books')}").status_code == 404
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(Listing)).one().rating_count == 0
