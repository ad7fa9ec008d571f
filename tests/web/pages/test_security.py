"""A person's own login: the second step, recovery codes, sessions."""

from __future__ import annotations

import html
import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pyotp import TOTP
from sqlalchemy import select, update

from app.identity.models import AuditEvent, Authenticator, RecoveryCode, User, UserSession
from app.identity.roles import Role
from app.identity.sessions import start_session
from app.identity.users import password_token
from app.kernel import clock
from app.mail.models import Mail, MailKind
from tests.web.pages.conftest import PASSWORD, Browser, open_site, words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from werkzeug.test import TestResponse

    from config import Settings
    from tests.web.pages.conftest import Site

ZOE = "zoe@example.org"
HOME = "/dashboard/security"
STEP = timedelta(seconds=30)
CODE = re.compile(r"\b[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}\b")


def enrol(site: Site, browser: Browser, at: datetime) -> tuple[TOTP, list[str]]:
    """Set up an app as a person does; what the app knows, and the recovery codes."""
    with clock.frozen(at):
        new = "/account/authenticator/new"
        assert (
            browser.post(new, {"password": PASSWORD}, start=new).headers["Location"]
            == "/account/authenticator"
        )
        page = browser.get("/account/authenticator").text
        secret = html.unescape(page).split("secret=", 1)[1].split("&", 1)[0]
        assert "<svg role=" in page, "the QR code"
        assert secret in words_of(page).replace(" ", ""), "in words, too"
        app = TOTP(secret)
        wrong = {"code": "000000" if app.at(at) != "000000" else "111111"}
        assert (
            browser.post("/account/authenticator", wrong, start="/account/authenticator").status_code == 422
        )
        done = browser.post("/account/authenticator", {"code": app.at(at)}, start="/account/authenticator")
        assert done.status_code == 200
    return app, CODE.findall(done.text)


def log_in(site: Site, at: datetime, code: str | None, email: str = ZOE) -> tuple[Browser, TestResponse]:
    browser = site.browser()
    with clock.frozen(at):
        answer = browser.post("/login", {"email": email, "password": PASSWORD})
        assert answer.headers["Location"].startswith("/login/code")
        assert browser.get(HOME).status_code == 302, "the password alone opens nothing"
        if code is not None:
            answer = browser.post("/login/code", {"code": code}, start="/login/code")
    return browser, answer


def test_an_app_that_was_not_confirmed_is_not_shown_to_whoever_finds_the_browser_open(
    quick_site: Site,
) -> None:
    now, browser = clock.now(), quick_site.browser(ZOE)
    new, shown = "/account/authenticator/new", "/account/authenticator"
    browser.post(new, {"password": PASSWORD}, start=new)
    assert "secret=" in browser.get(shown).text
    with clock.frozen(now + timedelta(hours=2)):
        assert browser.get(shown).status_code == 302
        again = browser.post(new, {"password": PASSWORD}, start=new)
        assert again.headers["Location"] == shown
        assert "secret=" in browser.get(shown).text


def test_logging_in_with_an_app_takes_its_code_and_no_code_works_twice(site: Site) -> None:
    at = clock.now()
    browser, elsewhere = site.browser(ZOE), site.browser(ZOE)
    app, codes = enrol(site, browser, at)
    assert len(set(codes)) == 10
    assert browser.get(HOME).status_code == 200
    assert elsewhere.get(HOME).status_code == 302, "whoever was in with the password alone is out"

    assert log_in(site, at, app.at(at))[1].status_code == 422, "it was used to confirm the app"
    late = at + 4 * STEP
    code = app.at(late)
    assert log_in(site, late + STEP, code)[1].headers["Location"] == "/dashboard", (
        "a step late is not too late"
    )
    assert log_in(site, late + STEP, code)[1].status_code == 422, "but it was used"
    assert log_in(site, late + STEP, app.at(late - STEP))[1].status_code == 422, (
        "an earlier one is over with it"
    )
    assert log_in(site, late + 6 * STEP, app.at(late + 4 * STEP))[1].status_code == 422, "two steps late"
    assert log_in(site, late + 6 * STEP, app.at(late + 7 * STEP))[1].status_code == 302, "a step early"
    with site.services.db.reading() as session:
        row = session.scalars(select(Authenticator)).one()
        assert app.secret.encode() not in row.secret_sealed
        kept = repr([event.details for event in session.scalars(select(AuditEvent))])
        assert app.secret not in kept
        assert not any(code in kept for code in codes)
        assert MailKind.FACTOR_CHANGED in session.scalars(select(Mail.kind)).all()


def test_a_recovery_code_works_once_and_new_ones_end_the_old(site: Site) -> None:
    at = clock.now()
    app, codes = enrol(site, site.browser(ZOE), at)
    assert log_in(site, at, codes[0].upper())[1].status_code == 302
    browser, again = log_in(site, at, codes[0])
    assert again.status_code == 422
    assert "was used already" in again.text
    with clock.frozen(at + 2 * STEP):
        assert browser.post("/login/code", {"code": codes[1]}, start="/login/code").status_code == 302
        assert "8 recovery codes are left." in browser.text(HOME)
        proof = {"password": PASSWORD, "code": app.at(clock.now())}
        made = browser.post("/account/recovery-codes", proof, start="/account/recovery-codes")
    fresh = CODE.findall(made.text)
    assert len(fresh) == 10
    assert log_in(site, at + 3 * STEP, codes[2])[1].status_code == 422
    assert log_in(site, at + 3 * STEP, fresh[0])[1].status_code == 302
    with site.services.db.reading() as session:
        assert not set(session.scalars(select(RecoveryCode.code_key))) & {*codes, *fresh}


def test_a_mailed_link_that_sets_the_password_does_not_go_round_the_second_step(quick_site: Site) -> None:
    at = clock.now()
    app, _codes = enrol(quick_site, quick_site.browser(ZOE), at)
    with quick_site.services.db.reading() as session:
        user = session.scalars(select(User).where(User.email == ZOE)).one()
        path = "/password/" + password_token(quick_site.services.mail_links, user, clock.now())
    browser = quick_site.browser()
    answer = browser.post(path, {"password": "a new long sentence"}, start=path)
    assert answer.headers["Location"].startswith("/login/code")
    assert browser.get(HOME).status_code == 302
    with clock.frozen(at + 2 * STEP):
        done = browser.post("/login/code", {"code": app.at(clock.now())}, start="/login/code")
    assert done.headers["Location"] == "/dashboard"


def test_the_second_step_ends_after_ten_minutes_and_with_another_password(quick_site: Site) -> None:
    at = clock.now()
    app, _codes = enrol(quick_site, quick_site.browser(ZOE), at)
    browser, _answer = log_in(quick_site, at, None)
    with clock.frozen(at + timedelta(minutes=11)):
        assert browser.get("/login/code").headers["Location"] == "/login"
    browser, _answer = log_in(quick_site, at, None)
    with quick_site.services.db.transaction() as session:
        session.execute(update(User).where(User.email == ZOE).values(password_hash="another"))
    with clock.frozen(at + 2 * STEP):
        form = {"code": app.at(clock.now())}
        assert browser.post("/login/code", form).headers["Location"] == "/login"
        assert browser.get(HOME).status_code == 302


def test_ten_codes_are_enough_wherever_they_come_from(quick_site: Site) -> None:
    at = clock.now()
    app, _codes = enrol(quick_site, quick_site.browser(ZOE), at)  # two codes were given here
    guesses = [f"{number:06d}" for number in range(8)]
    answers = []
    for number, guess in enumerate(guesses):
        browser, _answer = log_in(quick_site, at, None)
        browser.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        answers.append(browser.post("/login/code", {"code": guess}, start="/login/code").status_code)
    assert answers == [422] * 8
    browser, answer = log_in(quick_site, at + 4 * STEP, app.at(at + 4 * STEP))
    assert answer.status_code == 429, "also the right one: it might be the next guess"


def test_what_matters_asks_for_the_code_as_well(quick_site: Site) -> None:
    at = clock.now()
    browser = quick_site.browser(ZOE)
    page = "/dashboard/bank-account"
    form = {"holder": "Zoe", "iban": "NL91ABNA0417164300", "password": PASSWORD}
    assert "authenticator app" not in browser.text(page)
    app, _codes = enrol(quick_site, browser, at)
    assert "Six digits from your authenticator app" in browser.text(page)
    refused = browser.post(page, form, start=page)
    assert refused.status_code == 422
    assert "Please fill in a code." in refused.text
    with clock.frozen(at + 2 * STEP):
        assert browser.post(page, {**form, "code": "123"}, start=page).status_code == 422
        assert browser.post(page, {**form, "code": app.at(clock.now())}, start=page).status_code == 302


def test_taking_the_app_away_needs_password_and_code_and_ends_the_recovery_codes(quick_site: Site) -> None:
    at = clock.now()
    browser = quick_site.browser(ZOE)
    app, _codes = enrol(quick_site, browser, at)
    new = "/account/authenticator/new"
    with clock.frozen(at + 2 * STEP):
        twice = browser.post(new, {"password": PASSWORD, "code": app.at(clock.now())}, start=new)
        assert twice.headers["Location"] == HOME, "there is one already"
    remove = "/account/authenticator/remove"
    assert browser.post(remove, {"password": PASSWORD}, start=remove).status_code == 422
    with clock.frozen(at + 4 * STEP):
        done = browser.post(remove, {"password": PASSWORD, "code": app.at(clock.now())}, start=remove)
    assert done.status_code == 302
    page = browser.text(HOME)
    assert "The app is removed." in page
    assert "recovery codes are left" not in page
    answer = quick_site.browser().post("/login", {"email": ZOE, "password": PASSWORD})
    assert answer.headers["Location"] == "/dashboard"
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(RecoveryCode.id)).all() == []


AGENTS = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Firefox 144, Windows",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Safari/604.1",
        "Safari 18, iPhone",
    ),
]


def test_sessions_are_listed_in_words_and_ended_one_by_one_or_all_at_once(site: Site) -> None:
    browser, other, third = site.browser(ZOE), site.browser(ZOE), site.browser(ZOE)
    with site.services.db.transaction() as session:
        mine = session.scalars(select(UserSession).order_by(UserSession.id)).all()
        for row, (agent, _words) in zip(mine[1:], AGENTS, strict=True):
            row.agent = agent
        eve = session.scalars(select(User).where(User.email == "eve@example.org")).one()
        start_session(session, eve, now=clock.now())
        ids = [row.id for row in mine]
        session.flush()
        hers = session.scalars(select(UserSession.id).where(UserSession.user_id == eve.id)).one()
    page = browser.text(HOME)
    for _agent, words in AGENTS:
        assert words in page
    assert page.count("this browser") == 1
    end = f"/account/sessions/{ids[1]}/end"
    assert browser.post(f"/account/sessions/{hers}/end", start=HOME).status_code == 404
    assert browser.post(end, start=HOME).status_code == 302
    assert other.get(HOME).status_code == 302
    assert third.get(HOME).status_code == 200
    assert browser.post("/account/sessions/end-others", start=HOME).status_code == 302
    assert "1 other browser is logged out." in browser.text(HOME)
    assert third.get(HOME).status_code == 302
    with site.services.db.reading() as session:
        assert session.get_one(UserSession, hers).revoked_at is None


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OWNER])
def test_staff_have_the_page_in_their_own_part_of_the_house(quick_site: Site, role: Role) -> None:
    quick_site.person("staff@example.org", role)
    browser = quick_site.browser("staff@example.org")
    assert "Where you are logged in" in browser.text("/staff/security")
    assert browser.get(HOME).status_code == 404
    assert quick_site.browser(ZOE).get("/staff/security").status_code == 404


def test_where_it_is_required_staff_set_up_a_second_step_before_anything_else(
    make_settings: Callable[..., Settings], sqlite_url: str, valkey_url: str
) -> None:
    settings = make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url, REQUIRE_STAFF_SECOND_FACTOR="yes")
    with contextmanager(open_site)(settings) as site:
        site.person("staff@example.org", Role.FINANCE)
        browser = site.browser("staff@example.org")
        for path in ("/staff", "/staff/payouts", "/staff/bank"):
            assert browser.get(path).headers["Location"] == "/staff/security"
        assert (
            browser.post("/staff/payouts", start="/staff/security").headers["Location"] == "/staff/security"
        )
        assert "Everybody who works here needs a second step." in browser.text("/staff/security")
        enrol(site, browser, clock.now())
        assert browser.get("/staff/payouts").status_code == 200
        assert site.browser(ZOE).get(HOME).status_code == 200, "referrers are free"
