"""The directory's pages: what a visitor sees, what a customer may do, and what nobody gets to see."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.directory import keeping, profiles, ratings
from app.directory.domain.profile import Case, Content
from app.directory.models import Expertise, Profile, Rating, RatingReport
from app.directory.ratings import Said
from app.kernel import clock
from app.mail.models import Mail, MailKind
from app.referrals.models import Binding, Customer, Referrer
from app.referrals.referrers import suspend
from app.shopfront.handover import hand_over_customer
from app.shopfront.words import Opens
from tests.builders import ACTOR, World
from tests.web.pages.conftest import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.pages.conftest import Browser, Site

LIST = "/programs/hosting/partners"
ZOE = f"{LIST}/zoe-1"
ABOUT = Content(
    name="Zoë <b>Letters</b>",
    tagline="We write & send",
    about="First.\n\n<script>alert(1)</script>",
    languages=("nl", "de"),
    country="NL",
    price_band="low",
    prices="75 an hour",
    website="https://letters.example/work",
    cases=(Case("A shop", "More readers."),),
)


@contextmanager
def opened(site: Site) -> Iterator[World]:
    """The programme in a transaction, its directory open."""
    with site.world() as world:
        keeping.set_directory(world.session, world.program, is_open=True, actor=ACTOR, now=clock.now())
        yield world


def publish(world: World, code: str, **fields: Any) -> None:
    session, now = world.session, clock.now()
    if session.scalar(select(func.count()).select_from(Expertise)) == 0:
        names = keeping.Names("Copywriting", "Tekstschrijven", "Texten")
        keeping.add_expertise(session, world.program, names, actor=ACTOR, now=now)
    text = session.scalars(select(Expertise.id)).first()
    assert text is not None
    content = replace(ABOUT, **{"expertise": (text,), **fields})
    who = world.referrers[code]
    profiles.save_profile(session, who, content, actor=ACTOR, now=now)
    profiles.submit_profile(session, who, actor=ACTOR, now=now)
    revision = session.get_one(Profile, who.id).revision
    profiles.publish_profile(session, world.program, who.code, revision, actor=ACTOR, now=now)


def rated(world: World, customer: str, stars: int, words: str = "Good.", signature: str = "") -> Rating:
    """What a customer of zoe's says, let through."""
    world.bind("zoe", customer)
    row = world.session.scalars(select(Customer).where(Customer.customer_id == customer)).one()
    said, now = Said(stars, words, signature), clock.now()
    ratings.record_rating(world.session, world.program, row, "zoe-1", said, now=now)
    found = ratings.rating_by(world.session, row.id, world.referrers["zoe"].id)
    assert found is not None
    return ratings.show_rating(
        world.session, world.program, found.rating_id, found.revision, actor=ACTOR, now=now
    )


def customer(site: Site, customer_id: str = "c1") -> Browser:
    """A browser that came from the merchant's site with this customer."""
    with site.world() as world:
        row = world.session.scalars(select(Customer).where(Customer.customer_id == customer_id)).one()
        token = hand_over_customer(world.session, row, Opens.DIRECTORY, clock.now())
    browser = site.browser()
    answer = browser.post(f"/hand-over/{token}", start=f"/hand-over/{token}")
    assert answer.headers["Location"] == LIST
    return browser


def count(site: Site, model: type) -> int:
    with site.services.db.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_visitor_finds_partners_and_reads_what_they_say(site: Site) -> None:
    with opened(site) as world:
        publish(world, "zoe")
        publish(world, "eve", name="Eve", country="DE", languages=("en",), price_band="high")
        rated(world, "c1", 5, "<img src=x onerror=alert(1)>", "Bäcker \u202eevil 🥐")
        rated(world, "c2", 4)
    browser = site.browser()
    text = browser.text(LIST)
    assert "2 partners" in text
    assert text.index("Zoë") < text.index("Eve")
    assert "4.5 of 5 · 2 ratings" in text
    assert "Zoë" not in browser.text(f"{LIST}?country=DE&language=en&price=high&q=eve")
    assert "Nobody fits all of that" in browser.text(f"{LIST}?country=NL&language=en")
    assert browser.text(f"{LIST}?sort=name").index("Eve") < browser.text(f"{LIST}?sort=name").index("Zoë")
    page = browser.get(ZOE).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="https://letters.example/work" rel="nofollow noopener noreferrer"' in re.sub(
        r"\s+", " ", page
    )
    shown = words_of(page)
    for words in (
        "We write &amp; send",
        "A shop",
        "75 an hour",
        "Bäcker evil 🥐",
        "a customer",
        "below the usual",
    ):
        assert words in shown
    assert "example.org" not in page


def test_what_is_not_published_suspended_or_of_another_programme_is_not_there(site: Site) -> None:
    with opened(site) as world:
        publish(world, "zoe")
        rating = rated(world, "c1", 5).rating_id
        World.build(world.session, slug="books")
    browser = site.browser()
    report = f"{ZOE}/ratings/{rating}/report"
    for path in ("", "/message", f"/ratings/{rating}/report"):
        assert browser.get(ZOE + path).status_code == 200
        assert browser.get(f"{LIST}/eve-1{path}").status_code == 404
    for path in (
        "/programs/books/partners",
        "/programs/books/partners/zoe-1",
        f"{LIST}/ada-books",
        f"{LIST}/x",
    ):
        assert browser.get(path).status_code == 404
    assert browser.get(report.replace(rating, "rat_nothing")).status_code == 404
    with site.world() as world:
        suspend(
            world.session, world.program, world.referrers["zoe"], reason="x", actor=ACTOR, now=clock.now()
        )
    for path in ("", "/message", "/choose", "/rating", f"/ratings/{rating}/report"):
        assert browser.get(ZOE + path).status_code == 404
    assert "No partners yet" in browser.text(LIST)
    with site.world() as world:
        keeping.set_directory(world.session, world.program, is_open=False, actor=ACTOR, now=clock.now())
    assert browser.get(LIST).status_code == 404


def test_a_message_reaches_the_partner_once_and_is_forgotten(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
    browser, path = quick_site.browser(), f"{ZOE}/message"
    form = {"name": "Bea\r\nBcc: all@example.net", "email": "bea@example.net", "message": "Hi\r\n\r\nthere"}
    for _twice in range(2):
        answer = browser.post(path, form, start=path)
        assert (answer.status_code, answer.headers["Location"]) == (302, ZOE)
    trapped = browser.post(path, {**form, "message": "Buy now", "company_size": "12"}, start=path)
    assert trapped.headers["Location"] == ZOE
    for wrong in ({"email": "bea@example.net\r\nBcc: x@y.zz"}, {"email": "nobody"}, {"message": " "}):
        answer = browser.post(path, {**form, **wrong}, start=path)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    with quick_site.services.db.reading() as session:
        mail = session.scalars(select(Mail)).one()
    assert (mail.kind, mail.recipient, mail.context["reply_to"]) == (
        MailKind.PARTNER_ASKED,
        "zoe@example.org",
        "bea@example.net",
    )
    quick_site.services.mail.send(mail.id, now=clock.now())
    sent = next((quick_site.services.settings.var_dir / "mail").glob("*.eml")).read_text()
    assert "Reply-To: bea@example.net" in sent
    assert "\nBcc" not in sent
    with quick_site.services.db.reading() as session:
        mail = session.scalars(select(Mail)).one()
    assert (mail.context, mail.sent_at is not None) == ({}, True)


def test_a_network_sends_ten_messages_an_hour(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
    browser, path = quick_site.browser(), f"{ZOE}/message"
    answers = [
        browser.post(
            path, {"name": "B", "email": "b@example.net", "message": f"Hi {number}"}, start=path
        ).status_code
        for number in range(11)
    ]
    assert answers == [302] * 10 + [429]


def test_a_customer_chooses_a_partner_and_a_stranger_is_sent_to_the_shop(site: Site) -> None:
    with opened(site) as world:
        publish(world, "zoe")
        world.bind("eve", "c1")
    stranger = site.browser()
    assert "Choose this partner" not in stranger.text(ZOE)
    for path in ("/choose", "/rating"):
        assert stranger.get(ZOE + path).status_code == 403
        assert stranger.post(ZOE + path).status_code == 403
    browser = customer(site)
    assert "Choose this partner" in browser.text(ZOE)
    assert "It ends with Eve" in browser.text(f"{ZOE}/choose")
    for _twice in range(2):
        answer = browser.post(f"{ZOE}/choose", start=f"{ZOE}/message")
        assert answer.headers["Location"] == "/programs/hosting/my-partner"
    assert "is rewarded for your orders" in browser.text("/programs/hosting/my-partner")
    assert "is your partner since" in browser.text(f"{ZOE}/choose")
    with site.services.db.reading() as session:
        wanted = select(Referrer.code).join(Binding).where(Binding.until_at.is_(None))
        assert session.scalars(wanted).all() == ["zoe-1"]


def test_a_customer_rates_the_partner_they_had_and_nobody_else(site: Site) -> None:
    with opened(site) as world:
        publish(world, "zoe")
        publish(world, "eve", name="Eve")
        world.bind("zoe", "c1")
    browser, path = customer(site), f"{ZOE}/rating"
    said = {"stars": "4", "words": "Nice\r\nwork", "signature": "x" * 61}
    answer = browser.post(path, said, start=path)
    assert (answer.status_code, "At most 60 characters." in answer.text) == (422, True)
    assert browser.post(path, {"words": "Nice"}, start=path).status_code == 422
    assert browser.post(path, {**said, "stars": "6", "signature": ""}, start=path).status_code == 422
    assert count(site, Rating) == 0
    for _twice in range(2):
        answer = browser.post(path, {**said, "signature": ""}, start=path)
        assert answer.headers["Location"] == ZOE
    assert count(site, Rating) == 1
    assert "Nice" not in browser.text(ZOE)
    page = browser.get(path).text
    assert ("waits for the staff" in page, "Nice\nwork" in page) == (True, True)
    assert "Only customers who chose this partner" in browser.text(f"{LIST}/eve-1/rating")
    assert browser.post(f"{LIST}/eve-1/rating", {**said, "signature": ""}, start=path).status_code == 403


def test_anybody_reports_a_rating_and_it_stays_until_staff_decide(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
        rating = rated(world, "c1", 1, "Rude words").rating_id
    browser, path = quick_site.browser(), f"{ZOE}/ratings/{rating}/report"
    assert browser.post(path, {"part": "answer", "reason": "x"}, start=path).status_code == 422
    assert browser.post(path, {"part": "rating", "reason": ""}, start=path).status_code == 422
    trapped = {"part": "rating", "reason": "x", "company_size": "1"}
    for form in ({"part": "rating", "reason": "An insult"}, trapped):
        assert browser.post(path, form, start=path).headers["Location"] == ZOE
    assert count(quick_site, RatingReport) == 1
    assert "Rude words" in browser.text(ZOE)
    answers = [
        browser.post(path, {"part": "rating", "reason": f"r{number}"}, start=path).status_code
        for number in range(9)
    ]
    assert answers[-2:] == [302, 429]


@pytest.mark.parametrize(
    "query", ["expertise=9999999999", "expertise=-1", "after=%00", "q=%00%F0%9F%A5%90", "sort=x"]
)
def test_a_filter_that_makes_no_sense_is_no_error(quick_site: Site, query: str) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
    assert quick_site.browser().get(f"{LIST}?{query}").status_code == 200


@pytest.mark.parametrize("cursor", ["0-" + "f" * 20, "f" * 40 + "-1", "-" * 3, "0--" + "f" * 20])
def test_a_cursor_that_somebody_made_up_is_the_first_page(quick_site: Site, cursor: str) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
        rated(world, "c1", 4, "They wrote well.")
    assert "They wrote well." in quick_site.browser().text(f"{LIST}/zoe-1?after={cursor}")
