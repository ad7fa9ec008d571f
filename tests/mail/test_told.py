"""Referrers are told of what was decided about them and of what the books say, once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.kernel.db import Database
from app.mail import trail
from app.mail.models import MailKind
from app.mail.trail import tell_of_events
from app.news import News
from app.payouts.documents.rendering import render_waiting
from app.payouts.documents.voiding import issue_again, object_to
from app.payouts.files import build_files
from app.payouts.matching import BANK
from app.referrals.holds import decide_hold, hold_by_staff
from app.referrals.leaving import leave
from app.referrals.models import Hold, HoldRule, HoldState, Program, Referrer
from app.referrals.programs import find_product
from app.referrals.published_terms import (
    NewerTerms,
    TooSoon,
    accept_terms,
    acceptances_of,
    publish_terms,
)
from app.referrals.rates import RateTerms, set_rate, set_signup_bonus
from app.referrals.referrers import reinstate, suspend
from app.referrals.words import CommissionKind, RateScope
from app.referrals.worse_rates import is_worse_for, short_notice
from tests.builders import ACTOR, NOW, World, at, referral_deps
from tests.db.documents_world import TaxDay
from tests.db.payouts_world import APPROVER, FREEZER, MERCHANT, Payday, camt, detail, entry, pain002
from tests.mail.kit import HOME, Post, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.payouts.deps import PayoutDeps

ADA, BOB = "ada@example.org", "bob@example.org"
A_DAY = timedelta(days=1)
KICKBACK = CommissionKind.KICKBACK


@contextmanager
def told(db: Database) -> Iterator[World]:
    """The world "hosting" in a transaction of its own."""
    with db.transaction() as session:
        program = session.scalars(select(Program)).one()
        world = World(session, program, referral_deps())
        rows = session.scalars(select(Referrer))
        world.referrers = {row.code.partition("-")[0]: row for row in rows}
        yield world


@pytest.fixture
def quick_db(sqlite_url: str) -> Iterator[Database]:
    """SQLite alone, for what does not depend on the database, with the programme "hosting"."""
    db = Database(sqlite_url)
    with db.transaction() as session:
        World.build(session)
    yield db
    db.dispose()


def test_a_suspension_and_its_end_are_told_once_each_but_not_to_the_heirs(quick_db: Database) -> None:
    post = Post(quick_db)
    with told(quick_db) as world:
        for name, actor in (("ada", ACTOR), ("bob", BANK)):
            suspend(world.session, world.program, world.referrers[name], reason="x", actor=actor, now=NOW)
    assert post.look(NOW) == [("suspended", ADA)]
    assert post.look(NOW + A_DAY) == []
    with told(quick_db) as world:
        ada = world.referrers["ada"]
        reinstate(world.session, world.program, ada, reason="x", actor=ACTOR, now=NOW + A_DAY)
    assert post.look(NOW + A_DAY) == [("reinstated", ADA)]
    first, second = post.send(NOW + A_DAY)
    assert "suspended" in first["Subject"]
    assert "again" in second["Subject"]
    assert first["List-Unsubscribe"] is None


def test_an_event_of_last_week_is_not_told_any_more(quick_db: Database) -> None:
    with told(quick_db) as world:
        suspend(world.session, world.program, world.referrers["ada"], reason="x", actor=ACTOR, now=NOW)
    assert Post(quick_db).look(NOW + trail.LOOK_BACK + timedelta(seconds=1)) == []


def test_a_decided_review_is_told_when_no_rule_holds_the_commission_any_more(quick_db: Database) -> None:
    post = Post(quick_db)
    with told(quick_db) as world:
        for customer, order in (("c1", "o1"), ("c2", "o2")):
            world.bind("ada", customer)
            world.order(order, customer=customer)
            hold_by_staff(
                world.session, world.program, world.commissions(order)[0], reason="?", by="cli", now=NOW
            )
    assert post.look(NOW) == []
    with told(quick_db) as world:
        holds = world.session.scalars(select(Hold).order_by(Hold.id)).all()
        for hold, release in zip(holds, (True, False), strict=True):
            decide_hold(
                world.session, world.program, hold.id, release=release, reason="seen", by="cli", now=NOW
            )
            action = "hold.released" if release else "hold.rejected"
            record_event(world.session, ACTOR, action, f"hold:{hold.id}", now=NOW)
    assert post.look(NOW) == [("review_decided", ADA)] * 2
    released, rejected = (text_of(message) for message in post.send(NOW))
    assert "€10.00 at Hosting and released" in released
    assert "€10.00 at Hosting and rejected" in rejected
    assert f"{HOME}/dashboard/commissions/" in rejected


def test_a_commission_that_two_rules_hold_is_told_when_the_second_lets_it_go(quick_db: Database) -> None:
    post = Post(quick_db)
    with told(quick_db) as world:
        world.bind("ada")
        world.order("o1")
        commission = world.commissions()[0]
        hold_by_staff(world.session, world.program, commission, reason="?", by="cli", now=NOW)
        (hold,) = world.session.scalars(select(Hold))
        facts = {
            column.key: getattr(hold, column.key) for column in hold.__table__.columns if column.key != "id"
        }
        world.session.add(Hold(**facts | {"rule": HoldRule.FAST_CONVERSION}))
    for told_now in ([], [("review_decided", ADA)]):
        with told(quick_db) as world:
            first = world.session.scalars(
                select(Hold).where(Hold.state == HoldState.OPEN).order_by(Hold.id)
            ).first()
            assert first is not None
            decide_hold(
                world.session, world.program, first.id, release=True, reason="seen", by="cli", now=NOW
            )
            record_event(world.session, ACTOR, "hold.released", f"hold:{first.id}", now=NOW)
        assert post.look(NOW) == told_now


def test_the_first_commission_is_told_and_no_second_nor_one_of_long_ago(database: Database) -> None:
    with database.transaction() as session:
        World.build(session)
    post, today = Post(database), f"{NOW:%Y-%m-%d}"
    with told(database) as world:
        world.bind("ada")
        world.order("o1", paid=today)
        world.order("o2", paid=today)
        world.bind("bob", "c2")
        world.order("o3", customer="c2", paid="2026-09-10")
    assert post.look(NOW) == [("first_commission", ADA)]
    (mail,) = post.send(NOW)
    assert mail["Subject"] == "Your first commission: €10.00"
    assert "December 22, 2026" in text_of(mail)
    with told(database) as world:
        world.order("o4", customer="c2", paid=today)
        world.order("o5", paid=today)
    assert post.look(NOW + A_DAY) == []


def test_the_month_that_is_over_is_told_with_its_figures_to_who_has_a_statement(database: Database) -> None:
    with database.transaction() as session:
        World.build(session)
    post = Post(database)
    with told(database) as world:
        world.bind("ada")
        world.order("o1")
    december = at("2026-12-01 00:30")
    assert post.look(at("2026-11-30 22:30")) == []
    assert post.look(december) == [("statement_ready", ADA)]
    assert post.look(december + A_DAY) == []
    (mail,) = post.send(december)
    assert mail["Subject"] == "Your commission statement for November 2026"
    assert "you were owed €0.00, at its end €10.00" in text_of(mail)
    assert f"{HOME}/dashboard/statements/2026-11?program=hosting" in text_of(mail)


def test_a_document_is_told_when_its_payout_is_approved_and_so_is_the_answer_to_an_objection(
    database: Database,
) -> None:
    day = TaxDay.start(database)
    post = Post(database)
    day.business()
    day.earn("ada", 10_000)
    run_id = day.freeze()
    render_waiting(database, NOW)
    kinds = [kind for kind, _ in post.look(NOW)]
    assert "document_issued" not in kinds
    day.approve(run_id)
    build_files(day.deps, run_id, by=APPROVER, now=NOW)
    (document,) = day.documents()
    assert post.look(NOW) == [("document_issued", ADA)]
    assert post.look(NOW) == []
    text = text_of(post.send(NOW)[-1])
    assert f"number {document.number} of November 22, 2026, €121.00 including VAT" in text
    assert f"{HOME}/dashboard/documents/{document.id}" in text
    with database.transaction() as session:
        object_to(session, document.id, "wrong street", by=MERCHANT, now=NOW)
        issue_again(session, document.id, by=FREEZER, now=NOW)
    render_waiting(database, NOW)
    assert sorted(kind for kind, _ in post.look(NOW)) == [
        "document_issued",
        "document_issued",
        "objection_settled",
    ]


def test_a_worse_rate_is_told_to_those_whom_it_pays_less_and_a_better_one_to_nobody(
    quick_db: Database,
) -> None:
    post = Post(quick_db)
    with told(quick_db) as world:
        world.rate("12%", sku="web", referrer="bob")
        world.rate("11%", sku="web", valid_from=NOW + 20 * A_DAY)
    assert post.look(NOW) == []
    with told(quick_db) as world:
        world.rate("4%", sku="web", valid_from=NOW + 40 * A_DAY)
    assert post.look(NOW) == [("rates_worse", ADA)]
    assert post.look(NOW) == []
    (mail,) = post.send(NOW)
    assert "January 1, 2027" in mail["Subject"]
    assert "less commission for Web" in text_of(mail)
    assert "only for customers who come" in text_of(mail)
    with told(quick_db) as world:
        leave(world.session, world.program, world.referrers["bob"], actor=ACTOR, now=NOW)
    assert post.look(NOW) == [], "who leaves is not told that they earn nothing"


def test_whom_a_rate_pays_less_goes_by_level_scope_and_the_time_of_their_customers(
    quick_db: Database,
) -> None:
    def worse(text: str, **where: Any) -> list[str]:
        with quick_db.transaction() as session:
            world = World.build(session, slug=f"p{len(programs)}")
            programs.append(1)
            world.rate("8%", valid_from=NOW - 30 * A_DAY)
            world.rate("9%", referrer="bob")
            version = set_rate(
                session,
                world.program,
                RateTerms(
                    text, scope=where.get("scope", RateScope.NEW_CUSTOMERS), pays=where.get("pays", KICKBACK)
                ),
                product=find_product(session, world.program, where["sku"]) if "sku" in where else None,
                referrer=world.referrers[where["referrer"]] if "referrer" in where else None,
                valid_from=where.get("valid_from"),
                actor=ACTOR,
                now=NOW,
            )
            found = is_worse_for(session, world.program, version)
            late.append(short_notice(session, world.program, version))
            return [name for name, each in world.referrers.items() if each.id in found]

    programs: list[int] = []
    late: list[int] = []
    assert worse("7%") == ["ada"], "of products without a rate of their own; bob's own comes first"
    assert worse("9.5%") == []
    assert worse("9%", sku="web") == ["ada"]
    assert worse("8.5%", referrer="bob") == ["bob"]
    assert worse("none", referrer="ada") == ["ada"]
    assert worse("12%", referrer="ada", scope=RateScope.ALL) == []
    assert worse("none", sku="web") == ["ada", "bob"], "it keeps the product out of referrers' own rates too"
    assert worse("6%", valid_from=NOW + 30 * A_DAY) == ["ada"]
    assert late[-1] == 0
    assert worse("5%", valid_from=NOW + 30 * A_DAY - timedelta(seconds=1)) == ["ada"]
    assert late[-1] == 1
    assert worse("5.00", pays=CommissionKind.BONUS) == []


def test_a_lower_bonus_is_worse_and_told_as_such(quick_db: Database) -> None:
    post = Post(quick_db)
    with told(quick_db) as world:
        for text, days in (("10.00", 0), ("5.00", 40)):
            set_signup_bonus(
                world.session,
                world.program,
                text,
                referrer=None,
                valid_from=NOW + days * A_DAY,
                actor=ACTOR,
                now=NOW,
            )
    assert post.look(NOW) == [("rates_worse", ADA), ("rates_worse", BOB)]
    assert "(the bonus)" in text_of(post.send(NOW)[0])


def test_new_terms_are_told_ahead_accepted_once_and_only_in_their_newest_version(quick_db: Database) -> None:
    post, today = Post(quick_db), NOW.date()
    with told(quick_db) as world:
        session, program, ada = world.session, world.program, world.referrers["ada"]
        publish_terms(session, program, "One.", effective_on=today, actor=ACTOR, now=NOW)
        with pytest.raises(TooSoon):
            publish_terms(session, program, "Two.", effective_on=today + 29 * A_DAY, actor=ACTOR, now=NOW)
        publish_terms(session, program, "Two.", effective_on=today + 30 * A_DAY, actor=ACTOR, now=NOW)
        with pytest.raises(NewerTerms):
            accept_terms(session, ada, 1, actor=ACTOR, now=NOW)
        assert accept_terms(session, ada, 2, actor=ACTOR, now=NOW)
        assert not accept_terms(session, ada, 2, actor=ACTOR, now=NOW + A_DAY)
        assert list(acceptances_of(session, ada.id).values()) == [NOW]
        assert acceptances_of(session, world.referrers["bob"].id) == {}
    assert post.look(NOW) == [("terms_published", ADA), ("terms_published", BOB)] * 2
    assert "December 22, 2026" in post.send(NOW)[-1]["Subject"]


def test_many_are_told_in_batches_and_a_killed_look_begins_again(
    quick_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "BATCH", 2)
    post, real = Post(quick_db), trail.mark
    tell_of_events(post.office, quick_db, NOW)
    with told(quick_db) as world:
        for name in ("cat", "dan", "eve"):
            world.join(name)
        publish_terms(world.session, world.program, "One.", effective_on=NOW.date(), actor=ACTOR, now=NOW)

    def killed(*_all: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trail, "mark", killed)
    with pytest.raises(KeyboardInterrupt):
        tell_of_events(post.office, quick_db, NOW)
    assert len(post.mails()) == 4, "two batches were kept, the last went with the transaction of the mark"
    monkeypatch.setattr(trail, "mark", real)
    assert tell_of_events(post.office, quick_db, NOW) == 1
    assert tell_of_events(post.office, quick_db, NOW) == 0
    assert len(post.mails()) == 5


def test_two_workers_who_look_at_once_queue_each_mail_once(database: Database) -> None:
    with database.transaction() as session:
        world = World.build(session)
        publish_terms(session, world.program, "One.", effective_on=NOW.date(), actor=Actor.cli(), now=NOW)
    post, ready = Post(database), Barrier(2)
    failures: list[BaseException] = []

    def look() -> None:
        ready.wait()
        try:
            tell_of_events(post.office, database, NOW)
        except BaseException as error:  # noqa: BLE001 -- shown by the test
            failures.append(error)

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [mail.kind for mail in post.mails()] == [MailKind.TERMS_PUBLISHED] * 2


class TellingPayday(Payday):
    """A payday whose news goes to the post office."""

    @property
    def deps(self) -> PayoutDeps:
        return replace(super().deps, tell=News(Post(self.db).office).of_payout)


def test_a_payout_that_failed_says_what_to_do_by_the_reason_that_the_bank_gave(database: Database) -> None:
    day = TellingPayday.build(database)
    assert isinstance(day, TellingPayday)
    for name in ("ada", "bob"):
        day.earn(name, 5_000)
    payouts = day.payouts(day.submit())
    rejected, returned = (payouts[name].end_to_end_id for name in ("ada", "bob"))
    day.feed(pain002((rejected, "AC01")))
    day.feed(camt(entry("50.00", detail(returned, "50.00"))))
    day.feed(
        camt(
            entry("50.00", detail(returned, "50.00", reason="AC04"), credit=True, reference="B2"),
            statement="S2",
        )
    )
    texts = {message["To"]: text_of(message) for message in Post(database).send(NOW)}
    assert "rejected the payout of €50.00" in texts[ADA]
    assert "the account number is wrong" in texts[ADA]
    assert "returned the payout of €50.00" in texts[BOB]
    assert "closed, blocked or takes no transfers" in texts[BOB]
