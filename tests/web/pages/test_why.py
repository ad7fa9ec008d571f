"""Why this, why nothing: plain sentences for the referrer, and contests that staff answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.audit import Actor
from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.mail.models import Mail, MailKind
from app.referrals import contests
from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.contests import Contested
from app.referrals.models import Commission, Contest, ContestSubject, Customer, Order
from app.referrals.referrers import create_coupon
from app.referrals.words import LineKind
from tests.builders import ACTOR, at, line

if TYPE_CHECKING:
    from tests.builders import World
    from tests.web.pages.conftest import Browser, Site

WORDS = {"words": "I spoke to this customer myself."}


@pytest.fixture
def zoe(site: Site) -> Browser:
    return site.browser("zoe@example.org")


def commission(site: Site, name: str = "zoe", net: int = 11_005) -> int:
    with site.world() as world:
        world.bind(name)
        world.order("o1", line(net=net))
        return world.session.scalars(select(Commission.id)).one()


def number(world: World, order_id: str = "o1") -> int:
    return world.session.scalars(select(Order.id).where(Order.order_id == order_id)).one()


def test_the_why_page_says_whose_how_much_and_when(site: Site, zoe: Browser) -> None:
    shown = zoe.text(f"/dashboard/commissions/{commission(site)}")
    assert "The customer followed your link on 1 Sept 2026, 02:00 and registered afterwards." in shown
    assert "The rule: the last click counts, if it is less than 30 days old at the registration" in shown
    assert "10% of €110.05 is exactly €11.005, rounded half up once: €11.01." in shown
    assert "This rate holds for this product, from the beginning." in shown
    assert "The customer paid on 10 September 2026. The hold period was 30 days and ended on" in shown


def test_a_refund_is_said_with_what_is_left_exactly(site: Site, zoe: Browser) -> None:
    path = f"/dashboard/commissions/{commission(site)}"
    with site.world() as world:
        world.refund("r1", l1=3_000)
    shown = zoe.text(path)
    assert "The customer got money back on 20 September 2026: €30.00." in shown
    assert "What is left: 10% of €80.05 is exactly €8.005, rounded half up once: €8.01." in shown


@pytest.mark.parametrize("language", ["nl", "de"])
def test_the_sentences_are_there_in_every_language(site: Site, zoe: Browser, language: str) -> None:
    path = f"/dashboard/commissions/{commission(site)}"
    zoe.post("/preferences", {"language": language, "next": path}, start=path)
    said = {"nl": "De klant volgde je link op", "de": "Der Kunde ist am"}
    rounded = {"nl": "één keer afgerond", "de": "einmal kaufmännisch gerundet"}
    shown = zoe.text(path)
    assert said[language] in shown
    assert rounded[language] in shown


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("coupon", "The customer used your coupon ZOE."),
        ("lead", "You had registered the customer as a lead on"),
        ("code", "The customer typed your code when registering."),
        ("chosen", "The customer chose you as partner on"),
        ("staff", "Staff of the programme decided that the customer belongs to you from"),
    ],
)
def test_every_way_to_belong_to_somebody_has_its_sentence(
    site: Site, zoe: Browser, how: str, said: str
) -> None:
    with site.world() as world:
        create_coupon(
            world.session, world.program, world.referrers["zoe"], "ZOE", actor=ACTOR, now=clock.now()
        )
        world.lead("zoe", "c1@example.com", when="2026-08-20")
        presented = {
            "coupon": {"coupon": "ZOE"},
            "lead": {"email": "c1@example.com"},
            "code": {"referrer_code": "zoe-1"},
        }
        world.signup(**presented.get(how, {}))
        if how == "chosen":
            world.choose("zoe", when="2026-09-02")
        if how == "staff":
            world.assign("zoe", when="2026-09-02", reason="for staff only")
        world.order()
        found = world.session.scalars(select(Commission.id)).one()
    shown = zoe.text(f"/dashboard/commissions/{found}")
    assert said in shown
    assert "for staff only" not in shown


def test_ones_own_purchase_is_said_to_be_checked_without_what_was_looked_at(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        world.signup(
            email="zoe+shop@example.org",
            click_ids=(world.click("zoe", clock.as_utc(world.now).replace(year=2026, month=8, day=31)),),
        )
        world.order()
        found = world.session.scalars(select(Commission.id)).one()
    shown = zoe.text(f"/dashboard/commissions/{found}")
    assert "Taken under review on" in shown
    assert "It looks like an order of your own." in shown
    assert "zoe+shop" not in shown
    assert "self_referral" not in shown


def test_an_order_page_says_for_each_line_why_it_earns_or_not(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        world.product("once", "25%", kinds=frozenset({LineKind.NEW}))
        world.bind("zoe")
        world.order(
            "o1",
            line("l1"),
            line("l2", "mail"),
            line("l3", "once", kind=LineKind.RENEWAL),
            line("l4", "what"),
        )
        world.refund("r1", l1=4_000)
        order = number(world)
    shown = zoe.text(f"/dashboard/orders/{order}")
    assert "Web: 10% of €100.00 is €10.00. €6.00 remains." in shown
    assert "Mail: This product does not participate in the programme." in shown
    assert "Once: The commission rate does not cover this kind of order, such as renewals." in shown
    assert "This rate holds for this product, from the beginning." in shown
    assert "what: This product does not participate in the programme." in shown


def test_an_order_page_asks_as_much_for_twenty_lines_as_for_one(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        world.bind("zoe")
        world.order("o1", line())
        world.order("o20", *(line(f"l{each}") for each in range(20)))
        paths = [f"/dashboard/orders/{number(world, each)}" for each in ("o1", "o20")]
    asked = []
    for path in paths:
        zoe.get(path)
        with site.statements() as seen:
            zoe.get(path)
        asked.append(len([each for each, _ in seen if each.startswith(("SELECT", "WITH"))]))
    assert asked[0] == asked[1]
    assert asked[0] <= 12


def ask(browser: Browser, what: str) -> str:
    return browser.text(f"/dashboard/why?q={what}")


def test_a_click_that_lost_says_why_and_not_to_whom(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        mine = world.click("zoe", clock.as_utc(world.now).replace(year=2026, month=8, day=20))
        other = world.click("eve", clock.as_utc(world.now).replace(year=2026, month=8, day=30))
        world.signup(click_ids=(mine, other))
    shown = ask(zoe, mine)
    assert "This click earns you nothing." in shown
    assert "Somebody registered with it 1 Sept 2026, 02:00 It did not count" in shown
    assert "There was a later click, and the last one counts." in shown
    assert "eve" not in shown.lower().replace("every", "").replace("never", "")
    assert "There was a later click" in ask(zoe, f"https%3A%2F%2Fshop.example%2F%3Fref%3D{mine}")
    # The click of somebody else is none of the reader's.
    assert "Nothing of yours" in ask(zoe, other)
    won = ask(site.browser("eve@example.org"), other)
    assert "It won: the customer is yours." in won


def test_a_click_of_which_nothing_came_says_that(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        mine = world.click("zoe", world.now)
    assert "Nobody has registered or ordered with it" in ask(zoe, mine)


def test_an_order_lost_to_another_says_why_and_one_without_anything_of_mine_is_not_there(
    site: Site, zoe: Browser
) -> None:
    with site.world() as world:
        mine = world.click("zoe", clock.as_utc(world.now).replace(year=2026, month=8, day=20))
        other = world.click("eve", clock.as_utc(world.now).replace(year=2026, month=8, day=30))
        world.signup(click_ids=(mine, other))
        world.order("lost-1")
        world.bind("eve", "c2")
        world.order("eves-1", customer="c2")
    shown = ask(zoe, "lost-1")
    assert "did not count. There was a later click, and the last one counts." in shown
    assert "Eve" not in shown
    unrelated = ask(zoe, "eves-1").replace("eves-1", "")
    unknown = ask(zoe, "no-such-order").replace("no-such-order", "")
    assert unrelated == unknown
    assert "Nothing of yours" in unknown


def test_an_order_after_the_customer_left_and_one_before_it_came_say_so(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        world.signup(referrer_code="zoe-1")
        world.choose(None, when="2026-10-01")
        world.order("early", placed="2026-08-01", paid="2026-08-01")
        world.order("late", placed="2026-10-02", paid="2026-10-02")
        world.order("mine", placed="2026-09-02", paid="2026-09-02")
    assert "this order was placed before that" in ask(zoe, "early")
    assert "this order came after that" in ask(zoe, "late")
    assert "This order is yours." in ask(zoe, "mine")


def test_a_contest_and_its_answer_are_kept_shown_to_both_and_mailed(site: Site, zoe: Browser) -> None:
    path = f"/dashboard/commissions/{commission(site)}"
    site.person("support@example.org", Role.SUPPORT)
    site.person("audit@example.org", Role.AUDITOR)
    support = site.browser("support@example.org")
    assert zoe.post(f"{path}/contest", WORDS, start=path).status_code == 302
    assert WORDS["words"] in zoe.text(path)
    assert "It waits for an answer" in zoe.text(path)
    waiting = support.get("/staff/contests").text
    assert WORDS["words"] in waiting
    with site.world() as world:
        contest = world.session.scalars(select(Contest)).one()
    answer = {"answer": "You are right; we corrected it."}
    assert (
        support.post(
            f"/staff/contests/{contest.contest_id}/answer", answer, start="/staff/contests"
        ).status_code
        == 302
    )
    for page in (zoe.text(path), support.text(f"/staff/orders/{contest.order_id}")):
        assert WORDS["words"] in page
        assert answer["answer"] in page
    assert "Nothing waits for an answer" in support.text("/staff/contests")
    with site.world() as world:
        mails = world.session.execute(select(Mail.kind, Mail.recipient).order_by(Mail.id)).all()
        assert (MailKind.CONTEST_OPENED, "support@example.org") in mails
        assert (MailKind.CONTEST_ANSWERED, "zoe@example.org") in mails
        assert {recipient for _, recipient in mails} == {"support@example.org", "zoe@example.org"}
        trail = world.session.scalars(
            select(AuditEvent.action).where(AuditEvent.action.startswith("contest"))
        )
        assert sorted(trail) == ["contest.answered", "contest.opened"]


def test_one_contest_about_a_thing_waits_at_a_time_and_an_answered_one_may_be_followed(
    site: Site, zoe: Browser
) -> None:
    path = f"/dashboard/commissions/{commission(site)}"
    assert zoe.post(f"{path}/contest", WORDS, start=path).status_code == 302
    with site.world() as world:
        ready = world.session.scalars(select(Contest)).one()
        about = Contested(ContestSubject.COMMISSION, ready.about, path, ready.order_id)
        actor = Actor.cli()
        with pytest.raises(contests.ContestOpen):
            contests.open_contest(
                world.session, world.referrers["zoe"], about, "again", actor=actor, now=clock.now()
            )
        contests.answer_contest(
            world.session, world.program, ready.contest_id, "No.", actor=actor, now=clock.now()
        )
        with pytest.raises(contests.ContestAnswered):
            contests.answer_contest(
                world.session, world.program, ready.contest_id, "Yes.", actor=actor, now=clock.now()
            )
        with pytest.raises(contests.ContestNotFound):
            contests.answer_contest(world.session, world.program, "con_x", "?", actor=actor, now=clock.now())
    assert zoe.post(f"{path}/contest", WORDS, start=path).status_code == 302


def test_ten_contests_a_day_are_enough(site: Site) -> None:
    with site.world() as world:
        zoe, now = world.referrers["zoe"], clock.now()

        def contest(about: str, words: str = "wrong") -> None:
            what = Contested(ContestSubject.CLICK, about, "/dashboard/why")
            contests.open_contest(world.session, zoe, what, words, actor=ACTOR, now=now)

        for each in range(contests.A_DAY):
            contest(f"click-{each}")
        with pytest.raises(contests.TooManyContests):
            contest("one more")
        for words in ("  ", "x" * (contests.MAX_WORDS + 1)):
            with pytest.raises(InvalidInput):
                contest("words", words)


def test_a_contest_needs_words_and_is_about_ones_own_only(site: Site, zoe: Browser) -> None:
    path = f"/dashboard/commissions/{commission(site)}"
    empty = zoe.post(f"{path}/contest", {"words": " "}, start=path)
    assert (empty.status_code, "Please write what you think is wrong." in empty.text) == (422, True)
    eve = site.browser("eve@example.org")
    assert eve.post(f"{path}/contest", WORDS, start="/dashboard").status_code == 404
    assert eve.post("/dashboard/orders/1/contest", WORDS, start="/dashboard").status_code == 404
    assert eve.post("/dashboard/why/contest?q=o1", WORDS, start="/dashboard").status_code == 404
    with site.world() as world:
        assert world.session.scalars(select(Contest)).all() == []


def test_an_order_and_a_click_that_were_lost_can_be_contested(site: Site, zoe: Browser) -> None:
    with site.world() as world:
        mine = world.click("zoe", clock.as_utc(world.now).replace(year=2026, month=8, day=20))
        other = world.click("eve", clock.as_utc(world.now).replace(year=2026, month=8, day=30))
        world.signup(click_ids=(mine, other))
        world.order("lost-1")
        world.bind("zoe", "c2")
        world.order("mine", line(product="mail"), customer="c2")
        own = number(world, "mine")
    for what in (mine, "lost-1"):
        sent = zoe.post(f"/dashboard/why/contest?q={what}", WORDS, start="/dashboard/why")
        assert sent.status_code == 302
        assert "It waits for an answer" in ask(zoe, what)
    assert zoe.post(f"/dashboard/orders/{own}/contest", WORDS, start="/dashboard").status_code == 302
    assert "It waits for an answer" in zoe.text(f"/dashboard/orders/{own}")


def test_an_answer_needs_words_and_the_right_to_answer(site: Site, zoe: Browser) -> None:
    path = f"/dashboard/commissions/{commission(site)}"
    zoe.post(f"{path}/contest", WORDS, start=path)
    site.person("support@example.org", Role.SUPPORT)
    site.person("audit@example.org", Role.AUDITOR)
    with site.world() as world:
        contest = world.session.scalars(select(Contest.contest_id)).one()
    action = f"/staff/contests/{contest}/answer"
    support, auditor = site.browser("support@example.org"), site.browser("audit@example.org")
    assert support.post(action, {"answer": ""}, start="/staff/contests").status_code == 422
    assert auditor.post(action, {"answer": "x"}, start="/staff/contests").status_code == 403
    assert WORDS["words"] in auditor.text("/staff/contests")


def test_a_click_that_was_not_presented_says_so_to_its_referrer_and_names_nobody(
    site: Site, zoe: Browser
) -> None:
    with site.world() as world:
        sent, missed = world.click("eve", at("2026-09-01")), world.click("zoe", at("2026-09-01 09:00"))
        for click_id in (sent, missed):
            click = world.deps.links.read_click_id(click_id)
            assert click is not None
            at_ms = int(click.at.timestamp() * 1000)
            facts = (click.event_id, at_ms, click.program_id, click.referrer_id, "", "v1", "", "", "counted")
            write_clicks(world.session, [ClickRecord(*facts, click_id)])
        world.signup(when="2026-09-01 12:00", click_ids=(sent,))
        customer = world.session.scalars(select(Customer.id)).one()
    shown = zoe.text(f"/dashboard/why?q={missed}")
    assert "Yours would have counted before it, but it was not presented." in shown
    assert "Nobody has registered" not in shown
    assert "Eve" not in shown
    assert "eve-1" not in shown
    site.person("owner@example.org", Role.OWNER)
    staff = site.browser("owner@example.org").text(f"/staff/customers/{customer}")
    assert "The shop did not send this click." in staff
    assert "Zoe" in staff
