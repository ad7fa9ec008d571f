"""A referrer's team: invited by mail, as owner or to read along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for
from limits import RateLimitItemPerDay
from sqlalchemy import select, update

from app.dashboard.access import ACCESS
from app.dashboard.teams import HOLDER_ONLY
from app.identity.models import AuditEvent, User
from app.identity.roles import Action, Role
from app.kernel import clock
from app.mail.accounts import signed_path
from app.mail.models import Mail, MailKind
from app.privacy.erasure import erase_referrer
from app.referrals.leaving import leave
from app.referrals.models import Link, Program, Referrer, TeamInvitation, TeamMember
from tests.builders import ACTOR, World
from tests.web.pages.conftest import PASSWORD
from tests.web.pages.test_access import routes
from tests.web.pages.test_directory import ABOUT, opened, publish, rated

if TYPE_CHECKING:
    import pytest

    from tests.web.pages.conftest import Browser, Site

ZOE, EVE, ANN = "zoe@example.org", "eve@example.org", "ann@example.org"
TEAM = "/dashboard/team"


def invite(site: Site, browser: Browser, email: str, level: str = "viewer") -> str:
    """Invite somebody; the path of the link that they get."""
    with site.services.db.transaction() as session:
        session.execute(update(User).values(email_verified_at=clock.now()))
    form = {"email": email, "level": level, "password": PASSWORD}
    assert browser.post(TEAM, form, start=TEAM).status_code == 302
    with site.services.db.reading() as session:
        mail = session.scalars(
            select(Mail)
            .where(Mail.recipient == email, Mail.kind == MailKind.TEAM_INVITED)
            .order_by(Mail.id.desc())
        ).first()
        assert mail is not None
        return signed_path(site.services.mail_links, mail.context["signed"], mail.created_at)


def viewer(site: Site) -> Browser:
    """Eve, who reads along in Zoe's account, looks at it."""
    path = invite(site, site.browser(ZOE), EVE)
    eve = site.browser(EVE)
    answer = eve.post(path, start=path)
    assert answer.headers["Location"] == "/dashboard?program=hosting&referrer=zoe-1"
    assert eve.get("/dashboard/security").status_code == 200
    assert "Zoe" in eve.text(f"{TEAM}?program=hosting&referrer=zoe-1")
    return eve


def public_id(site: Site, email: str) -> str:
    with site.services.db.reading() as session:
        return session.scalars(select(User.public_id).where(User.email == email)).one()


def test_somebody_new_is_invited_makes_an_account_and_reads_along(site: Site) -> None:
    zoe = site.browser(ZOE)
    refused = zoe.post(TEAM, {"email": ANN, "level": "owner", "password": "wrong"}, start=TEAM)
    assert refused.status_code == 422
    early = zoe.post(TEAM, {"email": ANN, "level": "owner", "password": PASSWORD}, start=TEAM)
    assert "First confirm your own e-mail address" in early.text
    path = invite(site, zoe, ANN)
    stranger = site.browser()
    stranger.get(path)
    assert "Zoe asks you to the pages of Zoe" in stranger.text(path), "a look uses nothing up"
    form = {"name": "Ann", "password": "seven green bottles"}
    assert stranger.post(path, {**form, "password": "short"}, start=path).status_code == 422
    done = stranger.post(path, form, start=path)
    assert done.headers["Location"] == "/dashboard?program=hosting&referrer=zoe-1"
    page = stranger.text("/dashboard/bank-account")
    assert "Save the bank account" not in page
    assert "Ann · ann@example.org" in zoe.text(TEAM)
    assert site.browser().get(path).status_code == 410, "it works once"
    with site.services.db.reading() as session:
        ann = session.scalars(select(User).where(User.email == ANN)).one()
        assert (ann.role, ann.email_verified_at is not None) == (Role.REFERRER, True)
        told = session.scalars(select(Mail.recipient).where(Mail.kind == MailKind.TEAM_JOINED)).all()
        assert told == [ZOE]
        actions = session.scalars(select(AuditEvent.action).where(AuditEvent.subject == "referrer:zoe-1"))
        assert {"team.invited", "team.joined"} <= set(actions)
        trail = repr([event.details for event in session.scalars(select(AuditEvent))])
        assert "@" not in trail


def test_who_reads_along_is_refused_every_change_and_sees_no_button_for_one(quick_site: Site) -> None:
    eve = viewer(quick_site)
    for endpoint, method, path in routes(quick_site):
        if method == "POST" and ACCESS[endpoint] is Action.CHANGE_OWN:
            assert eve.post(path, start="/dashboard/security").status_code == 403, endpoint
    for page, button in (
        ("/dashboard/bank-account", "Save the bank account"),
        ("/dashboard/links", "Make the link"),
        ("/dashboard/leads", "Register a lead"),
        ("/dashboard/mails", "Save the choice"),
        ("/dashboard/your-data", "Save the name"),
        ("/dashboard/your-data", "Leave the programme"),
        ("/dashboard/documents", "Save"),
        (TEAM, "Send the invitation"),
    ):
        assert button not in eve.text(page), page
    mine = quick_site.browser(EVE)
    form = {"campaign": "mine", "to": ""}
    assert (
        mine.post("/dashboard/links?program=hosting&referrer=eve-1", form, start="/login").status_code < 400
    )
    assert eve.post("/dashboard/links?referrer=zoe-1", form, start="/login").status_code == 403
    with quick_site.services.db.reading() as session:
        codes = session.scalars(select(Referrer.code).join(Link, Link.referrer_id == Referrer.id)).all()
        assert codes == ["eve-1"]


def test_who_reads_along_reads_profile_and_ratings_without_a_form(quick_site: Site) -> None:
    with opened(quick_site) as world:
        publish(world, "zoe")
        rated(world, "c1", 4, "They wrote well.")
    pages = {
        "/dashboard/profile": ("Save and preview", "Take my profile out of the directory"),
        "/dashboard/profile/preview": ("Change it",),
        "/dashboard/ratings": ("Keep the answer", "You can answer each rating once"),
    }
    zoe, eve = quick_site.browser(ZOE), viewer(quick_site)
    for path, offered in pages.items():
        for words in offered:
            assert words in zoe.text(path)
            assert words not in eve.text(f"{path}?referrer=zoe-1"), path
    assert 'href="/dashboard/profile/preview"' in eve.get("/dashboard/profile").text
    assert ABOUT.tagline.replace("&", "&amp;") in eve.text("/dashboard/profile/preview")
    assert "They wrote well." in eve.text("/dashboard/ratings")


def test_somebody_of_one_team_finds_nothing_of_another(site: Site) -> None:
    site.referrer("bob")
    path = invite(site, site.browser(ZOE), ANN, "owner")
    bobs = invite(site, site.browser("bob@example.org"), EVE)
    ann = site.browser()
    ann.post(path, {"name": "Ann", "password": "seven green bottles"}, start=path)
    assert "Zoe" in ann.text(f"{TEAM}?referrer=bob-1"), "another's code is nobody's"
    assert "Bob" not in ann.text(f"{TEAM}?referrer=bob-1")
    with site.services.db.reading() as session:
        invitation = session.scalars(select(TeamInvitation.public_id)).one()
    for target in (
        f"{TEAM}/invitations/{invitation}/withdraw",
        f"{TEAM}/people/{public_id(site, EVE)}/remove",
        f"{TEAM}/people/{public_id(site, 'bob@example.org')}/remove",
        f"{TEAM}/people/{public_id(site, ZOE)}/remove",
    ):
        assert ann.post(target, start=TEAM).status_code == 404, "not of this team; and the holder stays"
    assert ann.post(bobs, start=TEAM).status_code == 422, "for another address"
    with site.services.db.reading() as session:
        assert len(session.scalars(select(TeamMember.id)).all()) == 1


def test_an_owner_of_the_team_changes_what_is_the_referrers_and_not_what_is_the_holders(
    quick_site: Site,
) -> None:
    path = invite(quick_site, quick_site.browser(ZOE), ANN, "owner")
    ann = quick_site.browser()
    ann.post(path, {"name": "Ann", "password": "seven green bottles"}, start=path)
    assert "Save the bank account" in ann.text("/dashboard/bank-account")
    form = {"holder": "Zoe", "iban": "NL91ABNA0417164300", "password": "seven green bottles"}
    assert ann.post("/dashboard/bank-account", form, start="/dashboard/bank-account").status_code == 302
    page = ann.text("/dashboard/your-data")
    assert "Download my data" not in page
    with quick_site.app.test_request_context():
        paths = [url_for(endpoint) for endpoint in HOLDER_ONLY]
    for target in paths:
        assert ann.post(target, start=TEAM).status_code == 403


def test_a_member_leaves_or_is_removed_and_an_invitation_is_withdrawn(site: Site) -> None:
    eve = viewer(site)
    zoe = site.browser(ZOE)
    here = f"{TEAM}?program=hosting&referrer=zoe-1"
    assert zoe.post(f"{TEAM}/leave", start=TEAM).status_code == 404, "the holder stays"
    assert eve.post(f"{TEAM}/leave?referrer=zoe-1", start=here).status_code == 302
    assert "Bank account" in eve.text("/dashboard/bank-account")
    eve = viewer(site)
    assert zoe.post(f"{TEAM}/people/{public_id(site, EVE)}/remove", start=TEAM).status_code == 302
    assert "eve@example.org" not in zoe.text(TEAM).partition("is no longer")[2]
    assert "Zoe" not in eve.text(here), "from the next request on"
    path = invite(site, zoe, ANN)
    second = invite(site, zoe, ANN, "owner")
    assert site.browser().get(path).status_code == 410, "asked anew: the older link is void"
    with site.services.db.reading() as session:
        waiting = session.scalars(select(TeamInvitation.public_id)).one()
    assert zoe.post(f"{TEAM}/invitations/{waiting}/withdraw", start=TEAM).status_code == 302
    assert site.browser().get(second).status_code == 410
    with site.services.db.reading() as session:
        assert MailKind.TEAM_REMOVED in session.scalars(select(Mail.kind).where(Mail.recipient == EVE)).all()


def test_with_whoever_is_removed_go_the_invitations_that_they_sent(quick_site: Site) -> None:
    zoe, ann = quick_site.browser(ZOE), quick_site.browser()
    path = invite(quick_site, zoe, ANN, "owner")
    ann.post(path, {"name": "Ann", "password": PASSWORD}, start=path)
    anns, zoes = (
        invite(quick_site, ann, "other@example.org", "owner"),
        invite(quick_site, zoe, "third@example.org"),
    )
    assert zoe.post(f"{TEAM}/people/{public_id(quick_site, ANN)}/remove", start=TEAM).status_code == 302
    assert quick_site.browser().get(anns).status_code == 410, "or they come in again by another name"
    assert quick_site.browser().get(zoes).status_code == 200


def test_nobody_has_us_mail_invitations_without_end(
    quick_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.dashboard.views.team._INVITATIONS", RateLimitItemPerDay(2, namespace="test"))
    zoe = quick_site.browser(ZOE)
    for _time in range(2):
        invite(quick_site, zoe, ANN)
    again = {"email": ANN, "level": "viewer", "password": PASSWORD}
    assert zoe.post(TEAM, again, start=TEAM).status_code == 429
    with quick_site.services.db.reading() as session:
        assert len(session.scalars(select(Mail.id).where(Mail.recipient == ANN)).all()) == 2


def test_staff_are_not_in_teams_and_a_team_has_an_end(quick_site: Site) -> None:
    quick_site.person("staff@example.org", Role.SUPPORT)
    zoe = quick_site.browser(ZOE)
    path = invite(quick_site, zoe, "staff@example.org")
    answer = quick_site.browser("staff@example.org").post(path, start="/staff/security")
    assert answer.status_code == 422
    assert "An account of the staff cannot be in a team." in answer.text
    twice = zoe.post(TEAM, {"email": ZOE, "level": "viewer", "password": PASSWORD}, start=TEAM)
    assert "This person is in the team already." in twice.text
    for number in range(19):
        invite(quick_site, zoe, f"p{number}@example.org")
    full = zoe.post(TEAM, {"email": ANN, "level": "viewer", "password": PASSWORD}, start=TEAM)
    assert "A team has at most 20 people." in full.text


def test_with_the_referrer_goes_the_team_and_whose_account_is_needed_nowhere_else(site: Site) -> None:
    viewer(site)
    ann = site.browser()
    path = invite(site, site.browser(ZOE), ANN)
    ann.post(path, {"name": "Ann", "password": "seven green bottles"}, start=path)
    invite(site, site.browser(ZOE), "late@example.org")
    now = clock.now()
    with site.services.db.transaction() as session:
        zoe = session.scalars(select(Referrer).where(Referrer.code == "zoe-1")).one()
        leave(session, session.get_one(Program, zoe.program_id), zoe, actor=ACTOR, now=now)
        erase_referrer(site.services, session, zoe, actor=ACTOR, now=now)
    with site.services.db.reading() as session:
        assert session.scalars(select(TeamMember.id)).all() == []
        assert session.scalars(select(TeamInvitation.id)).all() == []
        addresses = set(session.scalars(select(User.email)))
        assert EVE in addresses, "she has a referrer of her own"
        assert not {ZOE, ANN} & addresses
        kept = session.scalars(select(Mail.recipient)).all()
        assert not {ZOE, ANN} & set(kept)


def test_who_is_in_two_programmes_changes_only_the_one_that_is_looked_at(quick_site: Site) -> None:
    with quick_site.services.db.transaction() as session:
        World.build(session, slug="directory", name="Partner directory")
    quick_site.referrer("eve", "directory")
    eve = viewer(quick_site)
    tabs = eve.get("/dashboard/links").text
    assert "Hosting partner programme · Zoe" in tabs
    assert "Hosting partner programme · Eve" in tabs
    assert "program=directory" in tabs
    form = {"campaign": "spring", "to": ""}
    assert eve.post("/dashboard/links", form, start="/dashboard/security").status_code == 403, "zoe's is open"
    assert eve.get("/dashboard/links?program=directory").status_code == 200
    assert eve.post("/dashboard/links", form, start="/dashboard/security").status_code == 302
    with quick_site.services.db.reading() as session:
        codes = session.scalars(select(Referrer.code).join(Link, Link.referrer_id == Referrer.id)).all()
        assert codes == ["eve-directory"]
