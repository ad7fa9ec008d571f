"""What is past its time goes, and the report says what went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.identity.audit import Actor, record_event
from app.identity.models import AuditEvent
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.ledger.check import first_broken
from app.privacy import retain as job
from app.privacy import rules
from app.privacy.retain import RETAINED, reports, retain
from app.privacy.rules import Span
from app.privacy.unattributed import TOTALLED
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.contests import Contested, answer_contest, open_contest
from app.referrals.domain import click_id as codec
from app.referrals.leaving import leave
from app.referrals.models import (
    Binding,
    Click,
    Contest,
    ContestSubject,
    Customer,
    Decision,
    Fact,
    FactKind,
    FactState,
    Hold,
    HoldRule,
    Lead,
    Order,
    OrderLine,
    OrderTotal,
    Program,
    Referrer,
    Signup,
    VisitorKey,
)
from app.referrals.reduced import is_reduced
from app.referrals.replay import replay, scratch_database
from app.referrals.replay_compare import compare
from app.referrals.visitor_keys import VisitorKeys
from tests.builders import ACTOR, World, at, line
from tests.support.clicks import Tracks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.services import Services

NOW = at("2026-11-22 03:00")
BEFORE = at("2024-11-22 03:00")
BY = Actor.system("retention")
EMAIL = "carla@customer.example"
IBAN = "NL91ABNA0417164300"


@pytest.fixture
def open_world(services: Services) -> Any:
    """A programme "hosting", and a way back to it in a transaction of its own."""
    from contextlib import contextmanager

    with services.db.transaction() as session:
        World.build(session)

    @contextmanager
    def opened() -> Iterator[World]:
        with services.db.transaction() as session:
            program = session.scalars(select(Program)).one()
            world = World(session, program, services.referrals, now=NOW)
            rows = session.scalars(select(Referrer))
            world.referrers = {row.code.partition("-")[0]: row for row in rows}
            yield world

    return opened


def count(session: Session, model: Any) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


def test_a_span_counts_calendar_months_and_days() -> None:
    assert Span(months=24).before(at("2028-02-29 10:00")) == at("2026-02-28 10:00")
    assert Span(months=1).before(at("2026-03-31")) == at("2026-02-28")
    assert Span(months=3).before(at("2026-01-15")) == at("2025-10-15")
    assert Span(hours=48).before(NOW) == NOW - timedelta(days=2)
    assert [str(rule.kept) for rule in rules.RULES] == [
        "90 days",
        "7 days",
        "7 days",
        "24 months",
        "24 months",
        "180 days",
        "24 months",
        "24 months",
        "24 months",
        "12 months",
        "12 months",
        "90 days",
        "30 days",
        "30 days",
        "24 hours",
        "24 hours",
        "24 hours",
        "24 hours",
    ]


def test_every_rule_has_its_work_and_a_place_in_the_document() -> None:
    assert list(job.WORK) == [rule.name for rule in rules.RULES]


def test_raw_clicks_and_visitor_keys_are_forgotten_and_totals_stay(services: Services) -> None:
    tracks = Tracks.build(services.settings)
    now = clock.now()
    try:
        for days in (91, 91, 91, 89):
            with clock.frozen(now - timedelta(days=days)):
                tracks.follow(agent=f"Mozilla/5.0 Visitor ({days})")
        from app.referrals.clicks import drain

        drain(tracks)
        keys = VisitorKeys(tracks.db)
        made = {keys.key(codec.milliseconds(now - timedelta(days=days))) for days in (7, 6, 0)}
        totals = tracks.totals()
        assert sum(totals.values()) == 4
        report = retain(services, now, actor=BY, limit=2)
        assert (report.rows["clicks"], report.rows["visitor-keys"]) == (3, 3)
        with tracks.db.reading() as session:
            kept = set(session.scalars(select(VisitorKey.key)))
            assert kept < made
            assert len(kept) == 2
            assert len(session.scalars(select(Click)).all()) == 1
        assert tracks.totals() == totals
    finally:
        tracks.db.dispose()


def old_orders(world: World) -> None:
    """Carla was nobody's: two orders of 2024, one of them with a refund, a pending one, and one of this year."""
    world.signup("carla", when="2024-01-01", email=EMAIL, coupon="UNKNOWN")
    lines = line("l1", net=10_000), line("l2", "mail", net=500, quantity=2)
    world.order("o1", *lines, customer="carla", placed="2024-01-05", paid="2024-01-06", payer_iban=IBAN)
    world.refund("r1", "o1", when="2024-01-20", l1=3_000)
    world.order("o2", line("l1", net=2_000), customer="carla", placed="2024-01-31 23:30", paid="2024-02-01")
    world.order("o3", line("l1", net=700), customer="carla", placed="2024-03-01", paid=None)
    world.order("new", line("l1", net=900), customer="carla", placed="2026-03-01", paid="2026-03-01")


def test_old_orders_that_were_nobodys_become_totals_and_their_rows_go(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        old_orders(world)
    report = retain(services, NOW, actor=BY, limit=2)
    assert report.rows["unattributed-orders"] == 3
    with services.db.reading() as session:
        assert session.scalars(select(Order.order_id)).all() == ["new"]
        assert count(session, OrderLine) == 1
        totals = session.execute(
            select(
                OrderTotal.month,
                OrderTotal.sku,
                OrderTotal.status,
                OrderTotal.line_count,
                OrderTotal.quantity,
                OrderTotal.net_minor,
                OrderTotal.refunded_minor,
            ).order_by(OrderTotal.month, OrderTotal.sku)
        ).all()
        # Half past eleven at night in London is the next month in Amsterdam.
        assert totals == [
            ("2024-01", "mail", "paid", 1, 2, 500, 0),
            ("2024-01", "web", "paid", 1, 1, 10_000, 3_000),
            ("2024-02", "web", "paid", 1, 1, 2_000, 0),
            ("2024-03", "web", "pending", 1, 1, 700, 0),
        ]


def test_the_facts_of_a_total_say_only_that_the_customer_was_there(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        old_orders(world)
    retain(services, NOW, actor=BY)
    with services.db.reading() as session:
        bodies = {fact.key: fact.body for fact in session.scalars(select(Fact)) if is_reduced(fact.body)}
        assert bodies == {
            "o1": {
                "order_id": "o1",
                "customer_id": "carla",
                "placed_at": "2024-01-05T00:00:00+00:00",
                "reduced": True,
            },
            "r1": {"reduced": True},
            "o2": bodies["o2"],
            "o3": bodies["o3"],
        }
        assert not any(EMAIL in str(body) or "net_minor" in body for body in bodies.values())


def test_an_order_that_was_totalled_is_still_known_when_it_is_sent_again(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        old_orders(world)
    retain(services, NOW, actor=BY)
    with open_world() as world:
        again = world.order(
            "o2", line("l1", net=2_000), customer="carla", placed="2024-01-31 23:30", paid="2024-02-01"
        )
        assert again.status == "repeated"
        with pytest.raises(RefledgerError):
            world.order(
                "o2", line("l1", net=2_001), customer="carla", placed="2024-01-31 23:30", paid="2024-02-01"
            )
    assert retain(services, NOW, actor=BY).rows["unattributed-orders"] == 0


def test_an_order_that_ever_earned_stays_whatever_its_age(services: Services, open_world: Any) -> None:
    with open_world() as world:
        world.bind("ada", "c1", when="2023-01-01")
        world.order("earns", customer="c1", placed="2023-01-05", paid="2023-01-05")
        world.bind("ada", "c2", when="2023-01-01")
        world.order("moved", customer="c2", placed="2023-01-05", paid="2023-01-05")
        # A late, earlier-dated choice takes the order away again: nobody's now, but the ledger knows it.
        world.choose(None, "c2", when="2023-01-02")
    assert retain(services, NOW, actor=BY).rows["unattributed-orders"] == 0
    with services.db.transaction() as session:
        assert sorted(session.scalars(select(Order.order_id))) == ["earns", "moved"]
        assert first_broken(session, REFERRAL_CHECKS) is None


@pytest.mark.parametrize(("paid", "goes"), [("2024-11-22 02:59", 1), ("2024-11-22 03:00", 0)])
def test_the_24_months_are_counted_to_the_minute_from_the_payment(
    services: Services, open_world: Any, paid: str, goes: int
) -> None:
    with open_world() as world:
        world.order("o1", customer="c1", placed="2024-01-01", paid=paid)
    assert retain(services, NOW, actor=BY).rows["unattributed-orders"] == goes


def test_a_refund_that_still_waited_for_a_totalled_order_waits_no_longer(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        world.order("o1", customer="c1", placed="2024-01-01", paid=None)
        world.refund("r1", "o1", when="2024-01-02", l1=100)
    retain(services, NOW, actor=BY)
    with services.db.reading() as session:
        waited = session.scalars(select(Fact).where(Fact.kind == FactKind.REFUND)).one()
        assert (waited.state, waited.reason, waited.body) == (FactState.REFUSED, TOTALLED, {"reduced": True})


def test_a_customer_whom_nobody_referred_is_known_by_its_first_day_alone(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        world.signup("carla", when="2024-01-01", email=EMAIL, click_ids=("no-click",), coupon="UNKNOWN")
        world.signup("carla", when="2024-01-01", email=EMAIL, referrer_code="nobody")
        world.signup("recent", when="2026-01-01", email="r@customer.example", coupon="UNKNOWN")
        world.signup("active", when="2024-01-01", email="a@customer.example")
        world.order("new", customer="active", placed="2026-03-01", paid="2026-03-01")
        world.bind("ada", "bound", when="2024-01-01")
    assert retain(services, NOW, actor=BY).rows["unattributed-signups"] == 1
    with services.db.reading() as session:
        customers = {row.customer_id: row for row in session.scalars(select(Customer))}
        assert customers["carla"].email_key is None
        assert customers["carla"].first_seen_at == at("2024-01-01")
        assert all(customers[name].email_key for name in ("recent", "active"))
        signup = session.get_one(Signup, customers["carla"].id)
        assert (signup.click_ids, signup.coupons, signup.referrer_codes) == ([], [], [])
        decisions = session.scalars(
            select(Decision).where(Decision.customer_id == customers["carla"].id)
        ).all()
        assert [decision.candidates for decision in decisions] == [[]] * len(decisions) != []
        bodies = session.scalars(select(Fact.body).where(Fact.key.startswith("carla"))).all()
        assert [set(body) for body in bodies] == [{"customer_id", "signed_up_at"}] * 2
        assert session.scalars(select(Binding.customer_id)).all() == [customers["bound"].id]


def test_an_old_customer_is_not_taken_for_a_new_one_after_its_orders_went(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        world.order("o1", customer="c1", placed="2024-01-01", paid="2024-01-01")
    retain(services, NOW, actor=BY)
    with open_world() as world:
        clicked = world.click("ada", at("2026-11-01"))
        world.signup("c1", when="2026-11-02", click_ids=(clicked,))
        [decision] = world.decisions()
        assert decision.referrer_id is None
        assert decision.candidates[0]["lost"] == "existed_before"


def test_fingerprints_of_payers_and_evidence_go_after_24_months_unless_the_decision_rests_on_them(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        for name, when in (("old", "2024-01-01"), ("new", "2026-01-01")):
            world.bind("ada", name, when=when)
            world.order(name, customer=name, placed=when, paid=f"{when} 12:00", payer_iban=IBAN)
        world.join("eve")
        world.signup("self", when="2024-01-01", email="eve@example.org", referrer_code="eve-hosting")
        world.order("self", customer="self", placed="2024-01-02", paid="2024-01-02")
        hold = world.session.scalars(select(Hold).where(Hold.rule == HoldRule.SELF_REFERRAL_EMAIL)).one()
        from app.referrals.holds import decide_hold

        decide_hold(
            world.session,
            world.program,
            hold.id,
            release=False,
            reason="own order",
            by="cli",
            now=at("2024-02-01"),
        )
    report = retain(services, NOW, actor=BY)
    assert report.rows["payer-fingerprints"] == 1
    assert report.rows["review-evidence"] >= 1
    with services.db.reading() as session:
        keys = dict(session.execute(select(Order.order_id, Order.payer_iban_key)).all())
        assert (keys["old"], bool(keys["new"])) == (None, True)
        facts = {fact.key: fact.body for fact in session.scalars(select(Fact).where(Fact.kind == "order"))}
        assert "payer_iban" not in facts["old"]
        assert "payer_iban" in facts["new"]
        kept = session.scalars(select(Hold).where(Hold.rule == HoldRule.SELF_REFERRAL_EMAIL)).one()
        assert (kept.evidence, kept.reason, kept.state) == ({}, "own order", "rejected")


def test_the_report_says_what_went_from_where_and_why(services: Services, open_world: Any) -> None:
    with open_world() as world:
        old_orders(world)
    retain(services, NOW, actor=BY, limit=2)
    with services.db.reading() as session:
        [report] = reports(session)
        assert report.rows["unattributed-orders"] == 3
        assert report.finished_at == NOW
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.action == RETAINED).order_by(AuditEvent.id)
        ).all()
        orders = [event.details for event in events if event.details["rule"] == "unattributed-orders"]
        assert [each["rows"] for each in orders] == [2, 1]
        assert orders[0] | {"rows": 0} == {
            "rule": "unattributed-orders",
            "table": "orders",
            "rows": 0,
            "deed": "totalled",
            "before": BEFORE.isoformat(),
            "why": "kept for 24 months from its payment or cancellation, else its placing",
        }
        assert {event.actor for event in events} == {"system:retention"}


def test_killed_between_two_batches_the_report_is_exact_and_the_next_run_goes_on(
    services: Services, open_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_world() as world:
        for number in range(5):
            world.order(f"o{number}", customer="c1", placed="2024-01-01", paid="2024-01-01")
    calls = iter(range(10))

    def dies(*arguments: Any) -> int:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return work(*arguments)

    work = job.WORK["unattributed-orders"]
    monkeypatch.setitem(job.WORK, "unattributed-orders", dies)
    with pytest.raises(KeyboardInterrupt):
        retain(services, NOW, actor=BY, limit=2)
    with services.db.reading() as session:
        assert count(session, Order) == 1
        [report] = reports(session)
        assert (report.finished_at, report.rows["unattributed-orders"]) == (None, 4)
        assert session.scalars(select(OrderTotal.line_count)).one() == 4
    assert retain(services, NOW + timedelta(hours=1), actor=BY, limit=2).rows["unattributed-orders"] == 1
    with services.db.reading() as session:
        assert [each.rows["unattributed-orders"] for each in reports(session, 5)] == [1, 4]
        assert session.scalars(select(OrderTotal.line_count)).one() == 5


def test_a_run_that_finds_nothing_says_so(services: Services) -> None:
    with services.db.transaction() as session:
        record_event(session, ACTOR, "program.set", "program:x", now=datetime(2026, 1, 1, tzinfo=UTC))
    report = retain(services, NOW, actor=BY)
    assert set(report.rows.values()) == {0}
    with services.db.reading() as session:
        assert [each.rows for each in reports(session, 5)] == [report.rows]


def test_a_replay_after_retention_comes_to_the_same_decisions_and_amounts(
    services: Services, open_world: Any, tmp_path: Path
) -> None:
    with open_world() as world:
        old_orders(world)
        world.signup(
            "old", when="2024-01-01", email="o@customer.example", coupon="X", click_ids=("no-click",)
        )
        world.bind("ada", "c1", when="2024-01-01")
        world.order("earns", customer="c1", placed="2024-01-02", paid="2024-01-02", payer_iban=IBAN)
        world.order("early", customer="c3", placed="2023-12-01", paid="2023-12-01")
        world.order("o9", customer="late", placed="2024-05-01", paid="2024-05-01")
        leave(world.session, world.program, world.referrers["bob"], actor=ACTOR, now=NOW)
    before = retain(services, NOW, actor=BY).rows
    assert (before["unattributed-orders"], before["unattributed-signups"], before["payer-fingerprints"]) == (
        5,
        1,
        1,
    )
    with open_world() as world:
        clicked = world.click("ada", at("2026-11-01"))
        world.signup("late", when="2026-11-02", click_ids=(clicked,))
    with services.db.snapshot() as live, scratch_database(tmp_path) as scratch:
        done = replay(services.referrals, live, scratch)
        with scratch.reading() as again:
            assert list(compare(live, again)) == []
    assert done.refused == []


def test_what_a_referrer_registered_of_a_prospect_goes_after_180_days(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        for day in ("2026-01-01", "2026-11-01"):
            world.lead("ada", f"p{day}@customer.example", when=day)
    assert retain(services, NOW, actor=BY).rows["leads"] == 1
    with services.db.reading() as session:
        left = {row.registered_at: row.email_key for row in session.scalars(select(Lead))}
        assert (left[at("2026-01-01")], bool(left[at("2026-11-01")])) == (None, True)
        bodies = {
            fact.key: fact.body for fact in session.scalars(select(Fact).where(Fact.kind == FactKind.LEAD))
        }
        assert [name for name, body in bodies.items() if "email" in body] == ["ada-2026-11-01"]


def test_what_was_written_in_a_contest_goes_24_months_after_the_answer_and_an_open_one_stays(
    services: Services, open_world: Any
) -> None:
    with open_world() as world:
        ada = world.referrers["ada"]
        for number, days in enumerate((-1, 1)):
            what = Contested(ContestSubject.CLICK, f"k{number}", "/dashboard/why")
            now = BEFORE + timedelta(days=days)
            contest_id = open_contest(world.session, ada, what, "why?", actor=ACTOR, now=now)
            answer_contest(world.session, world.program, contest_id, "so.", actor=ACTOR, now=now)
        waits = Contested(ContestSubject.CLICK, "k2", "/dashboard/why")
        open_contest(world.session, ada, waits, "and?", actor=ACTOR, now=BEFORE - timedelta(days=9))
    assert retain(services, NOW, actor=BY).rows["contests"] == 1
    assert retain(services, NOW, actor=BY).rows["contests"] == 0
    with services.db.reading() as session:
        said = session.execute(select(Contest.words, Contest.answer).order_by(Contest.id)).all()
    assert said == [("\u2013", "\u2013"), ("why?", "so."), ("and?", None)]
