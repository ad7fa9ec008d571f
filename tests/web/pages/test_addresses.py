"""The e-mail address of a login: confirmed, mailed again, changed, taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.models import AuditEvent, User
from app.identity.roles import Role
from app.identity.users import verification_token
from app.kernel import clock
from app.mail.accounts import signed_path
from app.mail.models import Mail, MailKind
from app.referrals.models import Referrer
from tests.web.pages.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

ZOE, NEW = "zoe@example.org", "zoe.new@example.org"
CHANGE = "/account/address"


def user_of(site: Site, email: str) -> User | None:
    with site.services.db.reading() as session:
        return session.scalar(select(User).where(User.email == email))


def mailed(site: Site, kind: MailKind) -> tuple[str, str]:
    """To whom the newest mail of a kind went, and the path of its link."""
    with site.services.db.reading() as session:
        mail = session.scalars(select(Mail).where(Mail.kind == kind).order_by(Mail.id.desc())).first()
        assert mail is not None
        return mail.recipient, signed_path(site.services.mail_links, mail.context["signed"], mail.created_at)


def ask(site: Site, browser: Browser, email: str = NEW) -> str:
    answer = browser.post(CHANGE, {"email": email, "password": PASSWORD}, start=CHANGE)
    assert answer.status_code == 302
    return mailed(site, MailKind.ADDRESS_ASKED)[1]


def test_a_scanner_that_follows_the_link_confirms_nothing_and_a_press_does(quick_site: Site) -> None:
    with quick_site.services.db.reading() as session:
        user = session.scalars(select(User).where(User.email == ZOE)).one()
        path = "/verify/" + verification_token(quick_site.services.mail_links, user, clock.now())
    scanner, other = quick_site.browser(), quick_site.browser("eve@example.org")
    for browser in (scanner, other):
        assert "Messages about your payouts" in browser.text(path)
    assert not getattr(user_of(quick_site, ZOE), "email_verified_at", None)
    assert scanner.post(path, start=path).headers["Location"] == "/login"
    assert getattr(user_of(quick_site, ZOE), "email_verified_at", None)
    assert scanner.get(path).headers["Location"] == "/login"
    assert "has been used or has expired" in scanner.text("/login")


def test_the_link_is_mailed_again_but_not_every_minute(quick_site: Site) -> None:
    browser = quick_site.browser(ZOE)
    page = browser.text("/dashboard/security")
    assert "not confirmed yet" in page
    with clock.frozen(clock.now()):
        for _time in range(3):
            assert browser.post("/account/address/mail-again", start="/dashboard/security").status_code == 302
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(Mail.recipient).where(Mail.kind == MailKind.VERIFY_EMAIL)).all() == [
            ZOE
        ]


def test_another_address_holds_once_it_was_confirmed_and_the_old_one_is_told(site: Site) -> None:
    browser = site.browser(ZOE)
    wrong = browser.post(CHANGE, {"email": NEW, "password": "not mine"}, start=CHANGE)
    assert wrong.status_code == 422
    path = ask(site, browser)
    assert mailed(site, MailKind.ADDRESS_ASKED)[0] == NEW
    reader = site.browser()
    assert f"You log in with {NEW}" in reader.text(path)
    assert user_of(site, ZOE) is not None, "a look changes nothing"
    assert reader.post(path, start=path).headers["Location"] == "/login"
    assert browser.get("/dashboard/security").status_code == 302, "logged out everywhere"
    assert reader.get(path).status_code == 410, "it works once"
    assert reader.post("/login", {"email": ZOE, "password": PASSWORD}).status_code == 422
    assert reader.post("/login", {"email": NEW, "password": PASSWORD}).status_code == 302
    with site.services.db.reading() as session:
        referrer = session.scalars(select(Referrer).where(Referrer.code == "zoe-1")).one()
        assert referrer.email == NEW, "the programme writes there, too"
        assert "@" not in repr([event.details for event in session.scalars(select(AuditEvent))])
    to, undo = mailed(site, MailKind.ADDRESS_MOVED)
    assert to == ZOE
    assert "opens your account again" in site.browser().text(undo)
    victim = site.browser()
    assert "Your old address holds again" in victim.post(undo, start=undo).text
    assert victim.get(undo).status_code == 410
    assert reader.get("/dashboard/security").status_code == 302
    assert reader.post("/login", {"email": ZOE, "password": PASSWORD}).status_code == 422, "somebody knows it"
    with site.services.db.reading() as session:
        assert (
            MailKind.PASSWORD_RESET in session.scalars(select(Mail.kind).where(Mail.recipient == ZOE)).all()
        )


def test_whoever_took_an_account_cannot_undo_its_owners_undoing(quick_site: Site) -> None:
    thief = quick_site.browser(ZOE)
    first = ask(quick_site, thief)
    quick_site.browser().post(first, start=first)
    owners = mailed(quick_site, MailKind.ADDRESS_MOVED)[1]
    second = ask(quick_site, quick_site.browser(NEW), "third@example.org")
    quick_site.browser().post(second, start=second)
    thiefs = mailed(quick_site, MailKind.ADDRESS_MOVED)[1]
    asked = ask(quick_site, quick_site.browser("third@example.org"), "fourth@example.org")
    assert quick_site.browser().post(owners, start=owners).status_code == 200
    assert user_of(quick_site, ZOE) is not None
    assert quick_site.browser().get(thiefs).status_code == 410
    assert quick_site.browser().get(asked).status_code == 410


def test_who_has_an_address_is_not_told_and_an_old_link_does_nothing(quick_site: Site) -> None:
    quick_site.person("staff@example.org", Role.OWNER)
    browser = quick_site.browser("staff@example.org")
    taken = browser.post(CHANGE, {"email": "eve@example.org", "password": PASSWORD}, start=CHANGE)
    assert taken.headers["Location"] == "/staff/security"
    assert "Follow the link that we mail to the new address." in browser.text("/staff/security")
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(Mail.id)).all() == []
    same = browser.post(CHANGE, {"email": "Staff@example.org", "password": PASSWORD}, start=CHANGE)
    assert "This is your address already." in same.text
    path = ask(quick_site, browser)
    again = ask(quick_site, browser, "other@example.org")
    assert quick_site.browser().get(path).status_code == 410, "asked anew"
    with clock.frozen(clock.now() + timedelta(days=3)):
        assert quick_site.browser().get(again).status_code == 410
    quick_site.browser().post(again, start=again)
    person = user_of(quick_site, "other@example.org")
    assert person is not None
    assert person.role is Role.OWNER
