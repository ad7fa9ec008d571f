"""Owners let colleagues in, change what they may do, and hand out API keys; one owner always stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.api_keys import authenticate_api_key
from app.identity.models import ApiKey, AuditEvent, User
from app.identity.roles import Role
from app.identity.users import password_token
from app.kernel import clock
from app.mail.models import Mail, MailKind
from tests.web.pages.conftest import PASSWORD, words_of

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

PEOPLE, KEYS = "/staff/settings/people", "/staff/settings/api-keys"


def owner_of(site: Site) -> Browser:
    site.person("owner@example.org", Role.OWNER)
    return site.browser("owner@example.org")


def public_id(site: Site, email: str) -> str:
    with site.services.db.reading() as session:
        return session.scalars(select(User.public_id).where(User.email == email)).one()


def trail(site: Site) -> list[str]:
    with site.services.db.reading() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def mails(site: Site) -> list[tuple[MailKind, str]]:
    with site.services.db.reading() as session:
        return [(mail.kind, mail.recipient) for mail in session.scalars(select(Mail).order_by(Mail.id))]


def test_a_colleague_is_invited_by_mail_and_chooses_a_password(site: Site) -> None:
    owner = owner_of(site)
    form = {"email": "Fin@example.org", "name": "Fin", "role": "finance", "locale": "nl"}
    for given in ({}, {"password": "not mine"}):
        assert owner.post(PEOPLE, {**form, **given}, start=PEOPLE).status_code == 422, (
            "whoever found the browser open"
        )
    assert mails(site) == []
    form["password"] = PASSWORD
    assert owner.post(PEOPLE, form, start=PEOPLE).status_code == 302
    assert "Fin fin@example.org Finance" in owner.text(PEOPLE)
    assert mails(site) == [(MailKind.STAFF_INVITED, "fin@example.org")]
    with site.services.db.reading() as session:
        fin = session.scalars(select(User).where(User.email == "fin@example.org")).one()
    link = "/password/" + password_token(site.services.mail_links, fin, clock.now())
    new = site.browser()
    assert new.post(link, {"password": PASSWORD, "again": PASSWORD}, start=link).status_code == 302
    assert site.browser("fin@example.org").get("/staff/payouts").status_code == 200
    again = owner.post(PEOPLE, form, start=PEOPLE)
    assert again.status_code == 422
    assert "This address has an account already." in words_of(again.text)
    assert 'value="Fin"' in again.text


def test_a_role_is_changed_and_access_ended_but_never_ones_own(site: Site) -> None:
    owner = owner_of(site)
    site.person("sue@example.org", Role.SUPPORT)
    sue, me = public_id(site, "sue@example.org"), public_id(site, "owner@example.org")
    page = f"{PEOPLE}/{sue}"
    assert owner.post(f"{page}/role", {"role": "owner"}, start=page).status_code == 422
    assert owner.post(f"{page}/role", {"role": "owner", "password": PASSWORD}, start=page).status_code == 302
    second = site.browser("sue@example.org")
    # Nobody changes themselves.
    assert (
        owner.post(f"{PEOPLE}/{me}/role", {"role": "support", "password": PASSWORD}, start=page).status_code
        == 422
    )
    assert second.post(f"{PEOPLE}/{me}/shut-out", start=page).status_code == 302
    assert owner.get("/staff").status_code == 302
    assert "shut out" in second.text(f"{PEOPLE}/{me}")
    assert second.post(f"{PEOPLE}/{me}/let-in", start=page).status_code == 302
    owner = site.browser("owner@example.org")
    assert (
        owner.post(f"{page}/role", {"role": "auditor", "password": PASSWORD}, start=page).status_code == 302
    )
    assert owner.post(f"{page}/link", start=page).status_code == 302
    assert mails(site)[-1] == (MailKind.PASSWORD_RESET, "sue@example.org")
    assert trail(site)[-5:] == [
        "user.role_changed",
        "user.disabled",
        "user.enabled",
        "user.role_changed",
        "user.link_mailed",
    ]


def test_an_api_key_is_shown_once_and_ends_when_it_is_revoked(site: Site) -> None:
    owner = owner_of(site)
    wrong = owner.post(KEYS, {"name": "Shop"}, start=KEYS)
    assert wrong.status_code == 422
    assert "Choose at least one." in words_of(wrong.text)
    form = {"name": "Shop", "scopes": ["orders:write", "signups:write"]}
    assert owner.post(KEYS, form, start=KEYS).status_code == 422
    made = owner.post(KEYS, {**form, "password": PASSWORD}, start=KEYS)
    assert made.status_code == 200
    key = re.search(r"rfl_[0-9a-z]{10}_[0-9a-z]{40}", made.text)
    assert key is not None
    assert made.headers["Cache-Control"] == "no-store"
    with site.services.db.reading() as session:
        access = authenticate_api_key(session, key[0])
        assert access is not None
        assert access.scopes == {"orders:write", "signups:write"}
    assert key[0] not in owner.get(KEYS).text
    revoke = f"{KEYS}/{access.prefix}/revoke"
    assert "Revoke this key" in owner.text(revoke)
    assert owner.post(revoke, start=revoke).status_code == 302
    assert owner.get(revoke).status_code == 404
    with site.services.db.reading() as session:
        assert authenticate_api_key(session, key[0]) is None
        assert session.scalars(select(ApiKey)).one().revoked_at is not None
    assert trail(site)[-2:] == ["api_key.created", "api_key.revoked"]


def test_only_owners_see_people_and_keys(quick_site: Site) -> None:
    for role in (Role.FINANCE, Role.SUPPORT, Role.AUDITOR):
        quick_site.person(f"{role}@example.org", role)
        browser = quick_site.browser(f"{role}@example.org")
        assert [browser.get(path).status_code for path in (PEOPLE, KEYS)] == [403, 403]
        assert "API keys" not in browser.text("/staff/settings")
