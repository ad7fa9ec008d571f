"""Which mails a referrer gets, the link that stops some, and terms that want to be accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.dashboard.forms.mails import MailsForm
from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.identity.tokens import LinkPurpose
from app.kernel import clock
from app.mail.models import OPTIONAL, Mail, MailKind, MailRefusal
from app.mail.office import AccountNotice, Recipient
from app.referrals.leaving import leave
from app.referrals.models import PublishedTerms, ReferrerStatus, TermsAcceptance
from tests.builders import ACTOR

if TYPE_CHECKING:
    from pathlib import Path

    from app.mail.office import PostOffice
    from tests.web.pages.conftest import Site

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ZOE = "zoe@example.org"


def sent_to_zoe(site: Site, kind: MailKind = MailKind.PARTNER_CHOSEN, locale: str = "de") -> list[str]:
    """Tell her once more, as a worker would; the lines of what went out."""
    post: PostOffice = site.services.mail
    now = clock.now()
    with site.world() as world:
        zoe = world.referrers["zoe"]
        zoe.locale = locale
        count = len(world.session.scalars(select(Mail)).all())
        post.tell(
            world.session,
            zoe,
            kind,
            f"{kind.value}:{count}",
            {"program": "Hosting", "since_on": "2026-11-22"},
            now=now,
        )
        mail_id = world.session.scalars(select(Mail.id).order_by(Mail.id.desc())).first()
    assert mail_id is not None
    post.send(mail_id, now=now)
    with site.services.db.reading() as session:
        mail = session.get_one(Mail, mail_id)
        assert (mail.sent_at is None) == (mail.failed_at is not None)
        if mail.sent_at is None:
            return []
        folder: Path = site.services.settings.var_dir / "mail"
        return (folder / f"{mail.created_at:%Y%m%d-%H%M%S}-{mail.id:06d}.eml").read_text().splitlines()


def refusals(site: Site) -> list[MailKind]:
    with site.services.db.reading() as session:
        return list(session.scalars(select(MailRefusal.kind)))


def choices_in_the_trail(site: Site) -> list[tuple[str, list[str]]]:
    with site.services.db.reading() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "mails.chosen"))
        return [(event.actor, event.details["off"]) for event in events]


def token_for(site: Site, subject: str = "zoe-1:partner_chosen", days: int = 0) -> str:
    at = clock.now() - timedelta(days=days)
    return site.services.mail_links.sign(LinkPurpose.UNSUBSCRIBE, subject, "a kind of mail", at)


def test_one_click_stops_a_kind_without_login_or_token_and_looking_stops_nothing(site: Site) -> None:
    lines = sent_to_zoe(site)
    header = "".join(lines[lines.index(next(x for x in lines if x.startswith("List-Unsubscribe:"))) :][:3])
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert "/unsubscribe/" in header
    path, browser = f"/unsubscribe/{token_for(site)}", site.browser()
    shown = browser.get(path)
    assert '<html lang="de"' in shown.text
    assert "Diese E-Mails abbestellen?" in shown.text
    assert browser.client.post(path, data={"something": "else"}).status_code == 200
    assert refusals(site) == []
    for _ in range(2):
        done = browser.client.post(path, data=ONE_CLICK)
        assert done.status_code == 200
        assert "Diese E-Mails sind abbestellt" in done.text
    assert refusals(site) == [MailKind.PARTNER_CHOSEN]
    assert choices_in_the_trail(site) == [("system:unsubscribe_link", ["partner_chosen"])]
    assert sent_to_zoe(site) == []
    assert sent_to_zoe(site, MailKind.REINSTATED) != []


@pytest.mark.parametrize(
    "subject", ["zoe-1:payout_failed", "zoe-1:bank_account_changed", "zoe-1:", "nobody:partner_chosen"]
)
def test_no_link_stops_what_must_be_told(quick_site: Site, subject: str) -> None:
    path = f"/unsubscribe/{token_for(quick_site, subject)}"
    assert quick_site.browser().client.post(path, data=ONE_CLICK).status_code == 410
    assert refusals(quick_site) == []


def test_an_altered_or_old_link_says_so_and_changes_nothing(quick_site: Site) -> None:
    good = token_for(quick_site)
    other_door = quick_site.services.mail_links.sign(
        LinkPurpose.UNDO_ACCOUNT, "zoe-1:partner_chosen", "a kind of mail", clock.now()
    )
    for token in (good[:-3] + "abc", "x" + good, other_door, token_for(quick_site, days=366)):
        for answer in (
            quick_site.browser().get(f"/unsubscribe/{token}"),
            quick_site.browser().client.post(f"/unsubscribe/{token}", data=ONE_CLICK),
        ):
            assert answer.status_code == 410, token
            assert "Nothing was changed" in answer.text
    assert refusals(quick_site) == []
    assert quick_site.browser().get(f"/unsubscribe/{token_for(quick_site, days=365)}").status_code == 200


def test_who_has_left_can_still_stop_mails_and_is_told_what_still_comes(quick_site: Site) -> None:
    with quick_site.world() as world:
        leave(world.session, world.program, world.referrers["zoe"], actor=ACTOR, now=clock.now())
    answer = quick_site.browser().client.post(f"/unsubscribe/{token_for(quick_site)}", data=ONE_CLICK)
    assert "You have left this programme" in answer.text
    assert refusals(quick_site) == [MailKind.PARTNER_CHOSEN]


def test_a_referrer_chooses_and_what_is_mandatory_comes_all_the_same(quick_site: Site) -> None:
    assert {choice.value for choice in MailsForm.kinds.kwargs["choices"]} == OPTIONAL
    zoe = quick_site.browser(ZOE)
    assert zoe.get("/dashboard/mails").text.count(" checked") == len(OPTIONAL)
    kept = ["payout_sent", "statement_ready"]
    answer = zoe.post("/dashboard/mails", {"kinds": kept}, start="/dashboard/mails")
    assert answer.status_code == 302
    assert set(refusals(quick_site)) == OPTIONAL - set(kept)
    assert zoe.get("/dashboard/mails").text.count(" checked") == len(kept)
    assert (
        zoe.post("/dashboard/mails", {"kinds": ["payout_failed"]}, start="/dashboard/mails").status_code
        == 422
    )
    assert set(refusals(quick_site)) == OPTIONAL - set(kept)
    zoe.post("/dashboard/mails", {"kinds": [kind.value for kind in OPTIONAL]}, start="/dashboard/mails")
    assert refusals(quick_site) == []
    assert [len(off) for _, off in choices_in_the_trail(quick_site)] == [len(OPTIONAL) - len(kept), 0]
    zoe.post("/dashboard/mails", start="/dashboard/mails")
    assert set(refusals(quick_site)) == OPTIONAL
    with quick_site.world() as world:
        referrer = world.referrers["zoe"]
        notice = AccountNotice("dst_1", "Hosting", "0300", clock.now().date(), can_undo=False)
        quick_site.services.mail.bank_account_changed(
            world.session, Recipient.of(referrer), notice, now=clock.now()
        )
        mail = world.session.scalars(select(Mail).where(Mail.kind == MailKind.BANK_ACCOUNT_CHANGED)).one()
    quick_site.services.mail.send(mail.id, now=clock.now())
    with quick_site.services.db.reading() as session:
        assert session.get_one(Mail, mail.id).sent_at is not None


def test_staff_publish_terms_and_a_referrer_accepts_them_once_and_in_their_newest_version(
    quick_site: Site,
) -> None:
    quick_site.person("boss@shop.example", Role.OWNER)
    boss, zoe = quick_site.browser("boss@shop.example"), quick_site.browser(ZOE)
    assert "Nothing has changed" in zoe.text("/dashboard/terms")
    today = clock.now().date()
    first = {"text": "We pay on the first.\n\nYou send no spam.", "effective_on": today.isoformat()}
    assert boss.post("/staff/terms", first, start="/staff/terms").status_code == 302
    assert "There are new terms" in zoe.text("/dashboard")
    assert "You send no spam." in zoe.text("/dashboard/terms")
    soon = {"text": "Two.", "effective_on": (today + timedelta(days=28)).isoformat()}
    assert boss.post("/staff/terms", soon, start="/staff/terms").status_code == 422
    later = soon | {"effective_on": (today + timedelta(days=31)).isoformat()}
    assert boss.post("/staff/terms", later, start="/staff/terms").status_code == 302

    zoe.post("/dashboard/terms", {"number": "1"}, start="/dashboard/terms")
    zoe.post("/dashboard/terms", {"number": "²"}, start="/dashboard/terms")
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(TermsAcceptance)).all() == []
    for _ in range(2):
        zoe.post("/dashboard/terms", {"number": "2"}, start="/dashboard/terms")
    with quick_site.services.db.reading() as session:
        accepted = session.scalars(select(TermsAcceptance)).one()
        assert session.get_one(PublishedTerms, accepted.terms_id).number == 2
        trail = session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("terms.%")))
        assert sorted(trail) == ["terms.accepted", "terms.published", "terms.published"]
    assert "There are new terms" not in zoe.text("/dashboard")
    assert "You accepted them on" in zoe.text("/dashboard/terms")
    assert boss.text("/staff/terms").count(" 1 ") >= 1


def test_who_joins_reads_and_accepts_the_newest_terms_at_once(quick_site: Site) -> None:
    quick_site.person("boss@shop.example", Role.OWNER)
    day = clock.now().date().isoformat()
    boss = quick_site.browser("boss@shop.example")
    boss.post("/staff/terms", {"text": "You send no spam.", "effective_on": day}, start="/staff/terms")
    browser = quick_site.browser()
    assert "You send no spam." in browser.text("/join")
    form = {"name": "Kim", "email": "kim@example.org", "password": "three brown foxes", "accept": "y"}
    form |= {"program": "hosting", "code": ""}
    old = browser.post("/join", {**form, "terms_number": "0"}, start="/join")
    assert old.status_code == 422
    assert "New terms have just been published" in old.text
    assert browser.post("/join", {**form, "terms_number": "1"}, start="/join").status_code == 302
    with quick_site.world() as world:
        kim = next(each for each in world.session.scalars(select(TermsAcceptance)))
        assert kim.referrer_id not in {
            each.id for name, each in world.referrers.items() if name in {"zoe", "eve"}
        }
        assert world.referrers["zoe"].status is ReferrerStatus.ACTIVE


def test_a_worse_rate_at_short_notice_warns_staff_and_one_in_time_does_not(quick_site: Site) -> None:
    quick_site.person("boss@shop.example", Role.OWNER)
    boss, today = quick_site.browser("boss@shop.example"), clock.now().date()
    page = "/staff/rates/new?sku=web"
    body: dict[str, object] = {"rate": "5%", "duration": "lifetime", "scope": "new_customers", "referrer": ""}
    body |= {"kinds": ["new", "renewal", "upgrade", "addon"]}
    for days, warned in ((60, False), (20, True)):
        day = (today + timedelta(days=days)).isoformat()
        answer = boss.post(page, {**body, "rate": f"{days // 10}%", "valid_from": day}, start=page)
        assert answer.status_code == 302, answer.text
        assert ("less than 30 days ahead" in boss.text("/staff/products")) is warned
