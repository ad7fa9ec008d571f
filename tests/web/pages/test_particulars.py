"""Staff correct a referrer's name and address: who may, what follows from it, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent, User
from app.identity.roles import Role
from app.identity.tokens import MailLinkRefused
from app.identity.users import authenticate, change_role, password_token, user_of_password_token
from app.kernel import clock
from app.mail.models import Mail, MailKind
from app.referrals.address import Erased, correct_address
from app.referrals.models import Referrer
from tests.builders import ACTOR, World
from tests.web.pages.conftest import PASSWORD, words_of

if TYPE_CHECKING:
    from tests.web.pages.conftest import Site

HERE = "/staff/referrers/zoe-1/correct"
OLD, NEW = "zoe@example.org", "zon@example.net"


def told(site: Site) -> dict[str, bool]:
    """Who was mailed of a changed address, and whether as the new one."""
    with site.services.db.reading() as session:
        mails = session.scalars(select(Mail).where(Mail.kind == MailKind.ADDRESS_CHANGED)).all()
        assert not any("@" in json.dumps(mail.context) for mail in mails), (
            "neither mail names the other address"
        )
        return {mail.recipient: mail.context["is_new"] for mail in mails}


def trail(site: Site) -> list[tuple[str, str]]:
    with site.services.db.reading() as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        kept = " ".join(f"{event.subject} {json.dumps(event.details)}" for event in events)
        assert "@" not in kept, "the sealed trail holds no address"
        assert "Zon" not in kept
        return [
            (event.action, event.subject.partition(":")[2]) for event in events if "correct" in event.action
        ]


def test_another_address_holds_everywhere_logs_out_and_is_told_to_both(site: Site) -> None:
    with site.services.db.transaction() as session:
        World.build(session, slug="directory")
    site.referrer("zoe", "directory")
    site.person("finance@example.org", Role.FINANCE)
    finance, zoe = site.browser("finance@example.org"), site.browser(OLD)
    assert f'href="{HERE}"' in finance.get("/staff/referrers/zoe-1").text
    assert OLD in finance.get(HERE).text
    assert zoe.get("/dashboard").status_code == 200
    links, now = site.services.mail_links, clock.now()
    with site.services.db.reading() as session:
        mailed = password_token(links, session.scalars(select(User).where(User.email == OLD)).one(), now)

    saved = finance.post(HERE, {"name": " Zoe  Zon ", "email": f" {NEW.title()} "}, start=HERE)
    assert (saved.status_code, saved.headers["Location"]) == (302, "/staff/referrers/zoe-1")
    finance.post(HERE, {"name": "Zoe Zon", "email": NEW}, start=HERE)  # pressed twice

    assert zoe.get("/dashboard").status_code == 302, "logged out"
    assert told(site) == {OLD: False, NEW: True}
    assert trail(site) == [
        ("referrer.name_corrected", "zoe-1"),
        ("referrer.email_corrected", "zoe-1"),
        ("referrer.email_corrected", "zoe-directory"),
    ]
    assert "Zoe Zon" in finance.text(f"/staff/referrers?program=hosting&q={NEW}")
    assert "Search for something else" in finance.text(f"/staff/referrers?program=hosting&q={OLD}")
    with site.services.db.transaction() as session:
        person = authenticate(session, email=NEW, password=PASSWORD)
        assert person is not None
        assert person.email_verified_at is None
        assert authenticate(session, email=OLD, password=PASSWORD) is None
        rows = session.scalars(select(Referrer).where(Referrer.user_id == person.id))
        assert {row.email for row in rows} == {NEW}
        with pytest.raises(MailLinkRefused):  # mailed to the old address before
            user_of_password_token(session, links, mailed, now)


@pytest.mark.parametrize(
    ("name", "email", "words"),
    [
        (" ", NEW, "Please fill in a name."),
        ("Zoe\u200bB", NEW, "This cannot be used."),
        ("Zon", "", "Please fill in an e-mail address."),
        ("Zon", "zon(at)example.net", "This is not an e-mail address."),
        ("Zon", "z" * 250 + "@example.net", "This is not an e-mail address."),
        ("Zon", "EVE@example.org", "Somebody else has this address."),
        ("Zon", "eve+second@example.org", "Somebody else has this address."),
        ("Zon", "finance@example.org", "Somebody else has this address."),
    ],
)
def test_what_cannot_be_an_address_or_is_anothers_changes_nothing(
    quick_site: Site, name: str, email: str, words: str
) -> None:
    quick_site.person("finance@example.org", Role.FINANCE)
    finance, zoe = quick_site.browser("finance@example.org"), quick_site.browser(OLD)
    answer = finance.post(HERE, {"name": name, "email": email}, start=HERE)
    assert (answer.status_code, words in words_of(answer.text)) == (422, True)
    assert told(quick_site) == {}
    assert trail(quick_site) == []
    assert zoe.get("/dashboard").status_code == 200, "still logged in"
    with quick_site.world() as world:
        row = world.referrers["zoe"]
        assert (row.name, row.email) == ("Zoe", OLD)


def test_an_address_that_takes_part_in_another_programme_is_taken(quick_site: Site) -> None:
    with quick_site.services.db.transaction() as session:
        World.build(session, slug="directory")
    with quick_site.world("directory") as other:
        email = other.join("noor").email
    quick_site.person("finance@example.org", Role.FINANCE)
    finance = quick_site.browser("finance@example.org")
    answer = finance.post(HERE, {"name": "Zoe", "email": email}, start=HERE)
    assert (answer.status_code, "Somebody else has this address." in answer.text) == (422, True)
    assert told(quick_site) == {}


def test_only_those_who_handle_money_may_and_nobody_takes_over_staff(quick_site: Site) -> None:
    refused = {"auditor@example.org": Role.AUDITOR, "support@example.org": Role.SUPPORT}
    for email, role in {**refused, "finance@example.org": Role.FINANCE}.items():
        quick_site.person(email, role)
    wanted = {"name": "Zon", "email": NEW}
    for one in map(quick_site.browser, refused):
        assert HERE not in one.get("/staff/referrers/zoe-1").text
        assert one.get(HERE).status_code == one.post(HERE, wanted, start="/staff").status_code == 403
    eve = quick_site.browser("eve@example.org")
    assert (
        eve.get(HERE).status_code == eve.post(HERE, wanted, start="/dashboard/your-data").status_code == 404
    )
    assert quick_site.browser().get(HERE).status_code == 302
    finance = quick_site.browser("finance@example.org")
    assert finance.get(HERE.replace("zoe", "nobody")).status_code == 404

    with quick_site.services.db.transaction() as session:
        zoe = session.scalars(select(User).where(User.email == OLD)).one()
        change_role(session, zoe, Role.OWNER, actor=ACTOR, now=clock.now())
    assert finance.post(HERE, wanted, start=HERE).status_code == 302
    assert "one of the staff" in finance.text("/staff/referrers/zoe-1")
    with quick_site.world() as world:
        row = world.referrers["zoe"]
        assert (row.name, row.email) == ("Zoe", OLD)
        row.erased_at = clock.now()
        with pytest.raises(Erased):
            correct_address(
                world.session, quick_site.services.keyring, row, NEW, actor=ACTOR, now=clock.now()
            )
    assert HERE not in finance.get("/staff/referrers/zoe-1").text
    assert told(quick_site) == {}
