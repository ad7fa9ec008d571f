"""Logging in over server-side sessions, in the real application."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.identity import sessions, users
from app.identity.audit import Actor
from app.identity.models import User, UserSession
from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.kernel import clock
from tests.web.api.kit import open_shop

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from app.services import Services

PASSWORD = "three brown foxes"
EMAIL = "fin@shop.example"
STAFF_PAGE = "/staff/payouts"


@pytest.fixture
def wired(app: Flask) -> Services:
    found: Services = app.extensions["refledger"]
    with found.db.transaction() as session:
        create_user(session, NewUser(EMAIL, Role.FINANCE, password=PASSWORD), now=clock.now())
    open_shop(found, app.test_client())
    return found


def token_in(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def log_in(client: FlaskClient, password: str = PASSWORD) -> TestResponse:
    form = {"csrf_token": token_in(client.get("/login")), "email": EMAIL, "password": password}
    return client.post("/login", data=form)


def inside(client: FlaskClient) -> bool:
    """Whether the browser is logged in."""
    return client.get("/staff").status_code != 302 or "/login" not in client.get("/staff").headers["Location"]


def finance(session: Session) -> User:
    return session.scalars(select(User).where(User.email == EMAIL)).one()


def test_the_right_password_opens_the_house_and_the_wrong_one_does_not(app: Flask, wired: Services) -> None:
    stranger, person = app.test_client(), app.test_client()
    assert log_in(stranger, "three brown foxeS").status_code == 422
    assert not inside(stranger)
    assert log_in(person).status_code == 302
    assert inside(person)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_session_planted_before_the_login_is_not_the_one_after(app: Flask, wired: Services) -> None:
    client = app.test_client()
    client.get("/login")
    with client.session_transaction() as browser:
        browser["planted"] = "by somebody else"
        token_before = browser["csrf_token"]
    before = client.get_cookie("session")
    log_in(client)
    with client.session_transaction() as browser:
        assert "planted" not in browser
        assert browser.get("csrf_token") != token_before
    after = client.get_cookie("session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    thief = app.test_client()
    thief.set_cookie("session", before.value)
    assert not inside(thief)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_cookie_of_a_logged_out_browser_opens_nothing(app: Flask, wired: Services) -> None:
    client = app.test_client()
    log_in(client)
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert client.post("/logout", data={"csrf_token": token_in(client.get("/"))}).status_code == 302
    thief = app.test_client()
    thief.set_cookie("session", cookie.value)
    assert not inside(thief)


def test_a_revoked_session_is_out_at_its_next_request(app: Flask, wired: Services) -> None:
    here, elsewhere = app.test_client(), app.test_client()
    log_in(here)
    log_in(elsewhere)
    with wired.db.transaction() as session:
        newest = session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
        assert newest is not None
        sessions.revoke(session, newest.id, user_id=newest.user_id, now=clock.now())
    assert inside(here)
    assert not inside(elsewhere)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disabled_person_and_one_with_a_new_password_are_out_at_once(app: Flask, wired: Services) -> None:
    client = app.test_client()
    log_in(client)
    with wired.db.transaction() as session:
        users.set_password(session, finance(session), PASSWORD, now=clock.now())
    assert not inside(client)
    log_in(client)
    with wired.db.transaction() as session:
        users.disable_user(session, finance(session), actor=Actor.cli(), now=clock.now())
    assert not inside(client)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_use_moves_the_end_of_the_session_whatever_the_request(
    app: Flask, wired: Services, method: str
) -> None:
    client = app.test_client()
    log_in(client)
    page = client.get("/")
    with wired.db.transaction() as session:
        earlier = clock.now() - timedelta(hours=6)
        session.execute(update(UserSession).values(seen_at=earlier, expires_at=earlier + timedelta(hours=12)))
    if method == "GET":
        client.get("/staff")
    else:
        form = {"csrf_token": token_in(page), "language": "de", "next": "/"}
        assert client.post("/preferences", data=form).status_code in {302, 303}
        client.get("/staff")
    with wired.db.reading() as session:
        row = session.scalars(select(UserSession)).one()
        assert row.expires_at > clock.now() + timedelta(hours=11)
        assert row.agent.startswith("Werkzeug")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_unused_session_is_over(app: Flask, wired: Services) -> None:
    client = app.test_client()
    log_in(client)
    with clock.frozen(clock.now() + timedelta(hours=12, minutes=1)):
        assert not inside(client)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("token", ["", "x", "1", "a" * 5000, "\u20ac"])
def test_a_made_up_token_is_nobody(app: Flask, wired: Services, token: str) -> None:
    client = app.test_client()
    with client.session_transaction() as browser:
        browser["_user_id"] = token
    assert not inside(client)
    with client.session_transaction() as browser:
        browser["_user_id"] = "1"
    assert not inside(client), "the number of a person is not a session"


def test_somebody_the_shop_joins_is_mailed_a_way_in(app: Flask, wired: Services) -> None:
    shop = open_shop(wired, app.test_client(), slug="directory")
    body = {"name": "Zoë Vries", "email": "zoe@mail.example", "locale": "nl", "code": "zoe-1"}
    assert shop.post("/referrers", body).status_code == 201
    assert shop.post("/referrers", body).status_code == 200
    with wired.db.reading() as session:
        due = wired.mail.due(session, clock.now() + timedelta(minutes=2))
    assert len(due) == 1
    wired.mail.send(due[0], now=clock.now())
    (kept,) = (wired.settings.var_dir / "mail").glob("*.eml")
    listed = app.test_client().get("/dev/mail")
    assert "Welkom bij Directory" in listed.text
    shown = app.test_client().get(f"/dev/mail/{kept.stem}")
    link = re.search(r'href="[^"]*(/password/[^"]+)"', shown.text)
    assert link is not None
    client = app.test_client()
    form = {"csrf_token": token_in(client.get(link[1])), "password": PASSWORD, "again": PASSWORD}
    assert client.post(link[1], data=form).status_code == 302
    assert "zoe-1" in client.get("/dashboard", follow_redirects=True).text
    assert app.test_client().get(link[1]).status_code == 410


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_typed_an_address_first_does_not_get_what_the_shop_gives_its_owner(
    app: Flask, wired: Services
) -> None:
    with wired.db.transaction() as session:
        squatter = NewUser("zoe@mail.example", Role.REFERRER, password=PASSWORD)
        squatter_id = create_user(session, squatter, now=clock.now()).id
    shop = open_shop(wired, app.test_client(), slug="directory")
    body = {"name": "Zoë Vries", "email": "Zoe@mail.example"}
    assert shop.post("/referrers", body).status_code == 201
    with wired.db.transaction() as session:
        user = session.get_one(User, squatter_id)
        proven, is_new = users.invite_user(
            session, NewUser(user.email, Role.REFERRER), actor=Actor.cli(), now=clock.now()
        )
        assert (proven, is_new) == (None, False)
        user.email_verified_at = clock.now()
        proven, is_new = users.invite_user(
            session, NewUser(user.email, Role.REFERRER), actor=Actor.cli(), now=clock.now()
        )
        assert (proven, is_new) == (user, False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_kept_mail_shows_its_html_form_and_nothing_of_other_files(app: Flask, wired: Services) -> None:
    with wired.db.transaction() as session:
        wired.mail.password_reset(session, finance(session), now=clock.now())
    with wired.db.reading() as session:
        (mail_id,) = wired.mail.due(session, clock.now() + timedelta(minutes=2))
    wired.mail.send(mail_id, now=clock.now())
    folder = wired.settings.var_dir / "mail"
    (kept,) = folder.glob("*.eml")
    html = app.test_client().get(f"/dev/mail/{kept.stem}/html")
    assert "Choose a new password" in html.text
    assert html.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for name in ("none", "..%2f..%2fkeys%2fsecret_keys", kept.name):
        assert app.test_client().get(f"/dev/mail/{name}").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_in_production_nobody_reads_kept_mail(
    database_url: str, valkey_url: str, make_settings: object
) -> None:
    from app.factory import create_app

    made = make_settings(APP_ENV="production", DATABASE_URL=database_url, REDIS_URL=valkey_url)  # type: ignore[operator]
    app = create_app(made)
    assert not [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/dev")]
    assert app.test_client().get("/dev/mail").status_code == 404
    assert app.test_client().get("/dev/components").status_code == 404
    app.extensions["refledger"].db.dispose()
    app.extensions["refledger"].queue.close()
