"""Joining, logging in and out, passwords by mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.identity.models import User
from app.identity.roles import Role
from app.identity.users import password_token, verification_token
from app.kernel import clock
from app.mail.models import Mail
from app.referrals.models import Referrer
from app.referrals.referrers import Joining, join
from tests.builders import ACTOR, World, at
from tests.web.pages.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

FORM = {
    "program": "hosting",
    "name": "Ria Nieuw",
    "email": "ria@example.org",
    "password": "seven green bottles",
    "accept": "y",
}


def count(site: Site, model: type[User | Referrer | Mail]) -> int:
    with site.services.db.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_joining_makes_an_account_and_a_referrer_with_the_accepted_terms(site: Site) -> None:
    browser = site.browser()
    page = browser.text("/join?program=hosting")
    assert "Taking part is free and without obligation." in page
    assert "within 30 days of following your link" in page

    answer = browser.post("/join?program=hosting", FORM, start="/join?program=hosting")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard?program=hosting")
    assert "Welcome! This is your link" in browser.text("/dashboard")
    with site.services.db.reading() as session:
        user = session.scalars(select(User).where(User.email == "ria@example.org")).one()
        referrer = session.scalars(select(Referrer).where(Referrer.user_id == user.id)).one()
        assert user.role is Role.REFERRER
        assert referrer.name == "Ria Nieuw"
        assert (referrer.terms_version or "").startswith("t-")
        assert referrer.terms_accepted_at is not None
        assert session.scalars(select(Mail.kind)).all() == ["verify_email"]


def test_the_terms_have_one_version_in_every_language(site: Site) -> None:
    versions = set()
    for number, language in enumerate(("nl", "de", "en")):
        browser = site.browser()
        browser.post("/preferences", {"language": language})
        answer = browser.post("/join", {**FORM, "email": f"p{number}@example.org", "name": f"P {number}"})
        assert answer.status_code == 302
    with site.services.db.reading() as session:
        versions = set(session.scalars(select(Referrer.terms_version).where(Referrer.user_id > 2)))
    assert len(versions - {None}) == 1


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_kept(site: Site) -> None:
    before = count(site, User)
    browser = site.browser()
    for change, sentence in (
        ({"accept": ""}, "Please accept the terms to take part."),
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"password": "short"}, "Please choose a longer password"),
        ({"password": "password1234"}, "Please choose a longer password"),
        ({"name": " "}, "Please fill in a name."),
        ({"code": "No Good"}, "Use 3 to 32 small letters, digits and dashes."),
        ({"code": "zoe-1"}, "This name is taken. Please choose another one."),
        ({"email": "zoe@example.org"}, "There is an account for this address already."),
    ):
        answer = browser.post("/join", {**FORM, **change}, start="/join")
        assert answer.status_code == 422
        assert sentence in answer.text, change
        assert 'aria-invalid="true"' in answer.text
    assert count(site, User) == before


def test_somebody_who_takes_part_joins_a_second_programme_without_a_new_password(site: Site) -> None:
    with site.services.db.transaction() as session:
        World.build(session, slug="directory", name="Partner directory")
    browser = site.browser("zoe@example.org")
    form = {"program": "directory", "name": "Zoe", "code": "zoe-two", "accept": "y"}
    assert "Password" not in browser.text("/join?program=directory")
    answer = browser.post("/join?program=directory", form, start="/join?program=directory")
    assert "zoe-two" in browser.get(answer.headers["Location"]).text


def test_nobody_takes_over_a_referrer_that_the_shop_entered_for_another_mailbox(site: Site) -> None:
    with site.world() as world:
        joining = Joining(name="Karel", email="karel@example.org", code="karel")
        join(world.session, site.services.keyring, world.program, joining, actor=ACTOR, now=at("2026-02-01"))
    answer = site.browser().post("/join", {**FORM, "email": "karel@example.org", "name": "Karel"})
    assert answer.status_code == 422
    assert "This address takes part already." in answer.text
    with site.services.db.reading() as session:
        assert session.scalars(select(Referrer.user_id).where(Referrer.code == "karel")).one() is None


def test_logging_out_ends_the_session_for_good(quick_site: Site) -> None:
    browser = quick_site.browser("zoe@example.org")
    with browser.client.session_transaction() as cookie:
        token = cookie["_user_id"]
    browser.post("/logout", start="/dashboard")
    with browser.client.session_transaction() as cookie:
        cookie["_user_id"] = token
    assert browser.get("/dashboard").status_code == 302


def test_a_forgotten_password_is_set_by_a_link_that_works_once(site: Site) -> None:
    browser = site.browser()
    known = browser.post("/password", {"email": "zoe@example.org"}).text
    unknown = browser.post("/password", {"email": "nobody@example.org"}).text
    assert "If there is an account for this address" in known
    assert "If there is an account for this address" in unknown
    with site.services.db.reading() as session:
        assert session.scalars(select(Mail.recipient)).all() == ["zoe@example.org"]
        user = session.scalars(select(User).where(User.email == "zoe@example.org")).one()
        path = "/password/" + password_token(site.services.mail_links, user, clock.now())
    assert browser.post(path, {"password": "short"}, start=path).status_code == 422
    assert browser.post(path, {"password": "a new long sentence"}, start=path).status_code == 302
    again = browser.get(path)
    assert again.status_code == 410
    assert "This link has been used or has expired." in again.text
    fresh = site.browser()
    assert fresh.post("/login", {"email": "zoe@example.org", "password": PASSWORD}).status_code == 422
    assert (
        fresh.post("/login", {"email": "zoe@example.org", "password": "a new long sentence"}).status_code
        == 302
    )


def test_an_address_is_confirmed_by_its_link(site: Site) -> None:
    with site.services.db.reading() as session:
        user = session.scalars(select(User).where(User.email == "zoe@example.org")).one()
        path = "/verify/" + verification_token(site.services.mail_links, user, clock.now())
    browser = site.browser("zoe@example.org")
    assert "Please confirm your e-mail address" in browser.text("/dashboard")
    browser.get(path)
    page = browser.text("/dashboard")
    assert "Your e-mail address is confirmed." in page
    assert "Please confirm your e-mail address" not in page
    browser.get(path)
    assert "This link has been used or has expired." in browser.text("/dashboard")


def test_somebody_without_a_programme_is_shown_the_way_to_join(quick_site: Site) -> None:
    quick_site.person("late@example.org", Role.REFERRER)
    answer = quick_site.browser("late@example.org").get("/dashboard")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/join")
