"""Erasure: the person goes from every place, the amounts stay, and the story can still be told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.identity.audit import Actor
from app.identity.models import AuditEvent, User, UserSession
from app.identity.roles import Role
from app.identity.sessions import start_session
from app.identity.users import NewUser, create_user
from app.kernel.db import finish, insert_or_ignore
from app.ledger.check import first_broken
from app.ledger.models import LedgerEntry
from app.mail.models import Mail, MailKind
from app.mail.outbox import NewMail, queue_mail
from app.models import metadata
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.models import PayoutDestination
from app.payouts.words import DestinationSource
from app.privacy.customer_export import customer_export
from app.privacy.erasure import ErasureRefused, Reason, erase_referrer
from app.privacy.referrer_export import pseudonym, referrer_sections
from app.referrals.check import REFERRAL_CHECKS
from app.referrals.contests import Contested, answer_contest, open_contest
from app.referrals.customers import erase_personal_data, impersonal
from app.referrals.leaving import come_back, leave
from app.referrals.models import (
    Commission,
    Contest,
    ContestState,
    ContestSubject,
    Customer,
    Fact,
    FactKind,
    Hold,
    Order,
    Referrer,
    ReferrerNetwork,
    ReferrerStatus,
)
from app.referrals.queries.explanation import explain_order
from app.referrals.referrers import Joining, LeftBefore, NotActive, create_coupon, join, make_link, suspend
from tests.builders import ACTOR, World, at, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.services import Services

NAME, EMAIL, IBAN = "Zoe Zonnebloem", "zoe@zonnebloem.example", "NL91ABNA0417164300"
NOW = at("2026-11-22 12:00")
ME = Actor.cli()


@pytest.fixture
def session(services: Services) -> Iterator[Session]:
    with services.db.transaction() as opened:
        yield opened


@pytest.fixture
def world(services: Services, session: Session) -> World:
    """Zoe takes part with an account, a link, a coupon, a bank account, a mail and a session; nothing earned yet."""
    made = World.build(session, hold_days=0)
    world = World(session, made.program, services.referrals, now=NOW)
    user = create_user(session, NewUser(EMAIL, Role.REFERRER, NAME, password="three brown foxes"), now=NOW)
    joining = Joining(NAME, EMAIL, "nl", "zoe", user_id=user.id)
    zoe, _ = join(session, services.keyring, world.program, joining, actor=ACTOR, now=at("2026-01-01"))
    world.referrers["zoe"] = zoe
    make_link(session, world.program, zoe, campaign="zonnebloem", to="", now=NOW)
    create_coupon(session, world.program, zoe, "SUN10", actor=ACTOR, now=NOW)
    put_destination(
        services.payouts,
        session,
        zoe,
        GivenAccount(NAME, IBAN),
        source=DestinationSource.REFERRER,
        verified=False,
        by=ME,
        now=at("2026-02-01"),
    )
    context = {"name": NAME, "program": "Hosting", "since_on": "2026-09-01"}
    queue_mail(session, NewMail("chosen:1", MailKind.PARTNER_CHOSEN, EMAIL, "nl", context), now=NOW)
    start_session(session, user, agent="Zonnebloem/1.0", now=NOW)
    what = Contested(ContestSubject.CLICK, "click-1", "/dashboard/why?q=click-1")
    contest_id = open_contest(session, zoe, what, f"I am {NAME} and it was me.", actor=ACTOR, now=NOW)
    answer_contest(session, world.program, contest_id, f"Dear {NAME}, no.", actor=ACTOR, now=NOW)
    network = {"day": NOW.date(), "referrer_id": zoe.id, "network": "zonnebloem-hash"}
    insert_or_ignore(session, ReferrerNetwork, [network], key=("day", "referrer_id", "network"))
    return world


def dump(session: Session) -> str:
    """Every row of every table that is not sealed, as text."""
    session.flush()
    texts = []
    for name, table in metadata.tables.items():
        if name != "audit_events":
            texts += [f"{name} {tuple(row)}" for row in session.execute(select(table))]
    return "\n".join(texts)


def amounts(session: Session) -> list[tuple[int, int]]:
    """The journal, which is written at a transaction's end."""
    finish(session)
    wanted = select(LedgerEntry.id, LedgerEntry.amount_minor).order_by(LedgerEntry.id)
    return [(number, amount) for number, amount in session.execute(wanted)]


def left(world: World) -> Referrer:
    zoe = world.referrers["zoe"]
    leave(world.session, world.program, zoe, actor=ME, now=NOW)
    return zoe


def test_a_referrer_who_left_is_gone_from_every_table(
    services: Services, session: Session, world: World
) -> None:
    key = world.referrers["zoe"].email_key
    assert all(word in dump(session) for word in (NAME, EMAIL, "4300", "Zonnebloem/1.0", key))
    zoe = left(world)
    erase_referrer(services, session, zoe, actor=ME, now=NOW)
    found = dump(session).lower()
    for word in ("zonnebloem", EMAIL, "4300", IBAN.lower(), key):
        assert word not in found, word
    assert session.scalars(select(Mail)).all() == []
    assert session.scalars(select(UserSession)).all() == []
    user = session.scalars(select(User)).one()
    assert (user.disabled_at, user.password_hash) == (NOW, None)
    assert (zoe.code, zoe.status, zoe.erased_at) == ("zoe", ReferrerStatus.LEFT, NOW)


def test_what_was_written_in_contests_goes_with_the_referrer_and_that_there_were_some_stays(
    services: Services, session: Session, world: World
) -> None:
    zoe = left(world)
    (before,) = section(services, session, zoe, "contests")
    assert (before["words"], before["answer"]) == (f"I am {NAME} and it was me.", f"Dear {NAME}, no.")
    erase_referrer(services, session, zoe, actor=ME, now=NOW)
    contest = session.scalars(select(Contest).execution_options(populate_existing=True)).one()
    assert (contest.words, contest.answer) == ("\u2013", "\u2013")
    assert (contest.state, contest.about) == (ContestState.ANSWERED, "click-1")


def test_what_was_written_about_a_customers_orders_goes_with_the_customer(
    session: Session, world: World
) -> None:
    world.bind("zoe")
    world.order("o1")
    world.order("o2", customer="c2")
    zoe = world.referrers["zoe"]
    for order in session.scalars(select(Order)):
        what = Contested(ContestSubject.ORDER, str(order.id), "/dashboard/orders/1", order.id)
        open_contest(session, zoe, what, "This is Carla from next door.", actor=ACTOR, now=NOW)
    erase_personal_data(session, world.program, "c1", NOW)
    wanted = select(Order.order_id, Contest.words, Contest.answer).join(Order, Order.id == Contest.order_id)
    assert session.execute(wanted.order_by(Order.id)).all() == [
        ("o1", "\u2013", None),
        ("o2", "This is Carla from next door.", None),
    ]


def section(services: Services, session: Session, referrer: Referrer, name: str) -> list[dict[str, Any]]:
    (found,) = [each for each in referrer_sections(services, session, referrer) if each.name == name]
    return list(found.rows())


def test_the_trail_of_an_erasure_names_the_code_and_nothing_more(
    services: Services, session: Session, world: World
) -> None:
    before = [
        (event.id, event.details) for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    ]
    erase_referrer(services, session, left(world), actor=ME, now=NOW)
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(event.id, event.details) for event in events][: len(before)] == before
    assert (events[-1].action, events[-1].subject, events[-1].details) == (
        "referrer.erased",
        "referrer:zoe",
        {},
    )
    assert not any(
        NAME in json.dumps(event.details) or EMAIL in json.dumps(event.details) for event in events
    )


def test_what_was_earned_and_its_story_outlive_the_person(
    services: Services, session: Session, world: World
) -> None:
    world.bind("zoe", "c1")
    world.order("o1", customer="c1")
    world.refund("r1", full=True)
    entries = amounts(session)
    before = explain_order(session, session.scalars(select(Order)).one())
    erase_referrer(services, session, left(world), actor=ME, now=NOW)
    assert amounts(session) == entries
    assert len(entries) == 4
    assert explain_order(session, session.scalars(select(Order)).one()) == before
    assert before.referrer == "zoe"
    assert first_broken(session, REFERRAL_CHECKS) is None


def test_a_referrer_who_takes_part_is_not_erased(services: Services, session: Session, world: World) -> None:
    with pytest.raises(ErasureRefused) as refused:
        erase_referrer(services, session, world.referrers["zoe"], actor=ME, now=NOW)
    assert refused.value.obstacle.reason is Reason.TAKES_PART
    assert world.referrers["zoe"].name == NAME


@pytest.mark.parametrize(
    ("method", "reason", "words"),
    [
        ("direct_debit", Reason.PENDING, "10.00 EUR is pending until its hold period ends"),
        ("card", Reason.AVAILABLE, "10.00 EUR is payable"),
    ],
)
def test_money_that_is_coming_stands_in_the_way(
    services: Services, session: Session, world: World, method: str, reason: Reason, words: str
) -> None:
    world.bind("zoe", "c1", when="2026-10-01")
    world.order("o1", customer="c1", placed="2026-11-01", paid="2026-11-01", method=method)
    with pytest.raises(ErasureRefused, match=words) as refused:
        erase_referrer(services, session, left(world), actor=ME, now=NOW)
    assert (refused.value.obstacle.reason, refused.value.obstacle.amount_minor) == (reason, 1_000)


def test_a_commission_under_review_stands_in_the_way(
    services: Services, session: Session, world: World
) -> None:
    world.signup("c1", referrer_code="zoe", email=EMAIL)
    world.order("o1", customer="c1")
    with pytest.raises(ErasureRefused) as refused:
        erase_referrer(services, session, left(world), actor=ME, now=NOW)
    assert refused.value.obstacle.reason is Reason.HELD


def test_erasing_twice_changes_nothing_and_the_person_may_come_again(
    services: Services, session: Session, world: World
) -> None:
    zoe = left(world)
    erase_referrer(services, session, zoe, actor=ME, now=NOW)
    before = dump(session)
    erase_referrer(services, session, zoe, actor=ME, now=NOW + timedelta(days=1))
    assert dump(session) == before
    again, is_new = join(
        session, services.keyring, world.program, Joining(NAME, EMAIL, code="zoe-2"), actor=ACTOR, now=NOW
    )
    assert is_new
    assert again.id != zoe.id


def test_an_account_stays_while_its_person_takes_part_elsewhere(
    services: Services, session: Session, world: World
) -> None:
    other = World.build(session, "directory")
    user = session.scalars(select(User)).one()
    joining = Joining(NAME, EMAIL, code="zoe-directory", user_id=user.id)
    join(session, services.keyring, other.program, joining, actor=ACTOR, now=NOW)
    erase_referrer(services, session, left(world), actor=ME, now=NOW)
    session.refresh(user)
    assert (user.email, user.disabled_at) == (EMAIL, None)
    assert session.scalars(select(UserSession)).one().user_id == user.id


def test_who_left_earns_nothing_new_and_keeps_what_was_earned(session: Session, world: World) -> None:
    world.rate("25%", referrer="zoe", sku="web")
    world.bind("zoe", "c1", when="2026-10-01")
    world.order("before", customer="c1", placed="2026-10-02", paid="2026-10-02")
    earned = world.balance("zoe")
    left(world)
    world.now = NOW + timedelta(days=2)
    world.order("after", customer="c1", placed="2026-11-23", paid="2026-11-23")
    assert world.outcomes("after") == {"l1": "excluded"}
    assert world.balance("zoe").earned == earned.earned > 0
    world.signup("c2", when="2026-11-23", referrer_code="zoe")
    [decision] = [each for each in world.decisions() if each.occasion_ref == "c2"]
    assert decision.candidates[0]["lost"] == "referrer_suspended"
    with pytest.raises(NotActive):
        left(world)
    assert first_broken(session, REFERRAL_CHECKS) is None


def test_who_left_and_accepts_the_terms_again_takes_part_as_everybody_and_keeps_the_history(
    services: Services, session: Session, world: World
) -> None:
    world.now = at("2026-01-02")
    world.rate("50%", referrer="zoe", valid_from=at("2026-01-02"))
    world.rate("40%", sku="web", referrer="zoe", valid_from=at("2026-01-02"))
    zoe = world.referrers["zoe"]
    world.now = at("2026-03-01")
    world.bind("zoe", when="2026-03-01")
    world.order("before", placed="2026-03-01", paid="2026-03-01")
    leave(session, world.program, zoe, actor=ME, now=at("2026-03-02"))
    with pytest.raises(LeftBefore) as refused:
        join(session, services.keyring, world.program, Joining(NAME, EMAIL), actor=ACTOR, now=NOW)
    assert refused.value.referrer.id == zoe.id
    world.now = at("2026-03-03")
    world.order("away", placed="2026-03-03", paid="2026-03-03")
    come_back(session, world.program, zoe, "t-2", actor=ME, now=at("2026-03-04"))
    world.now = at("2026-03-05")
    world.order("after", placed="2026-03-05", paid="2026-03-05")
    world.signup("c2", when="2026-03-05", referrer_code="zoe")
    world.order("new", customer="c2", placed="2026-03-05", paid="2026-03-05")
    assert (zoe.status, zoe.terms_version, zoe.terms_accepted_at) == (
        ReferrerStatus.ACTIVE,
        "t-2",
        at("2026-03-04"),
    )
    wanted = select(Order.order_id, Commission.target_minor).join(Order, Order.id == Commission.order_id)
    # 40 % agreed with Zoe, nothing while away, and then the 10 % that everybody gets.
    assert dict(session.execute(wanted).all()) == {"before": 4_000, "after": 1_000, "new": 1_000}
    with pytest.raises(NotActive):
        come_back(session, world.program, zoe, "t-3", actor=ME, now=NOW)


def test_a_suspended_referrer_cannot_leave_with_what_is_held(session: Session, world: World) -> None:
    suspend(session, world.program, world.referrers["zoe"], reason="checking", actor=ACTOR, now=NOW)
    with pytest.raises(NotActive):
        left(world)


def test_an_erased_bank_account_matches_no_payer_and_opens_no_more(
    services: Services, session: Session, world: World
) -> None:
    zoe = left(world)
    erase_referrer(services, session, zoe, actor=ME, now=NOW)
    row = session.scalars(select(PayoutDestination)).one()
    assert (row.iban_sealed, row.holder, row.last4) == (b"", "\u2013", "****")
    assert row.iban_key == f"erased:{row.public_id}"


def customer_facts(world: World) -> None:
    world.signup("carla", referrer_code="zoe", email="carla@customer.example")
    world.order("o1", line(), customer="carla", payer_iban="DE89370400440532013000")


def test_a_customer_is_gone_from_customer_orders_facts_and_evidence(session: Session, world: World) -> None:
    customer_facts(world)
    customer = session.scalars(select(Customer).where(Customer.customer_id == "carla")).one()
    email, payer = customer.email_key, session.scalars(select(Order.payer_iban_key)).one()
    assert email
    assert payer
    commission = world.commissions()[0]
    session.add(
        Hold(
            program_id=world.program.id,
            commission_id=commission.id,
            rule="staff",
            rule_version=1,
            evidence={"customer": "carla", "email_key": email, "network": "198.51.100.0/24", "score": 0.4},
            state="released",
            opened_at=NOW,
        )
    )
    customer.marks = [
        {"rule": "late_click", "referrer": 1, "evidence": {"click": "x", "agent": "198.51.100.0"}}
    ]
    entries = amounts(session)
    before = explain_order(session, session.scalars(select(Order)).one())
    erase_personal_data(session, world.program, "carla", NOW, actor=ME)
    found = dump(session)
    for gone in (email, payer, "198.51.100.0"):
        assert gone not in found
    assert session.scalars(select(Hold.evidence)).one() == {"customer": "carla", "score": 0.4}
    assert amounts(session) == entries
    assert explain_order(session, session.scalars(select(Order)).one()) == before
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "customer.erased")).one()
    assert event.subject == f"customer:{customer.id}"


def test_a_fact_that_is_sent_again_after_the_erasure_brings_nothing_back(
    session: Session, world: World
) -> None:
    customer_facts(world)
    erase_personal_data(session, world.program, "carla", NOW)
    customer_facts(world)
    session.expire_all()
    customer = session.scalars(select(Customer).where(Customer.customer_id == "carla")).one()
    assert customer.email_key is None
    assert session.scalars(select(Order.payer_iban_key)).one() is None
    bodies = session.scalars(select(Fact.body).where(Fact.kind.in_([FactKind.SIGNUP, FactKind.ORDER])))
    assert not any({"email", "payer_iban"} & set(body) for body in bodies)


def test_evidence_keeps_figures_and_our_own_ids() -> None:
    told: dict[str, Any] = {
        "order": "o1",
        "count": 3,
        "share": 0.2,
        "name": "Carla",
        "agent": "x",
        "by": "cli",
    }
    assert impersonal(told) == {"order": "o1", "count": 3, "share": 0.2, "by": "cli"}


def test_a_copy_for_the_customer_holds_what_the_database_holds(session: Session, world: World) -> None:
    customer_facts(world)
    world.refund("r1", l1=2_500)
    customer = session.scalars(select(Customer).where(Customer.customer_id == "carla")).one()
    told = customer_export(session, world.program, customer)
    assert told["email_fingerprint"] == customer.email_key
    assert told["partners"][0]["referrer"] == "zoe"
    [order] = told["orders"]
    assert (order["lines"][0]["net"], order["refunds"][0]["lines"]) == (10_000, {"l1": 2_500})
    assert [fact["kind"] for fact in told["facts"]] == ["signup", "order", "refund"]
    assert json.dumps(told)


def test_a_copy_for_a_referrer_tells_of_themselves_and_of_nobody_else(
    services: Services, session: Session, world: World
) -> None:
    customer_facts(world)
    session.flush()
    told = {
        section.name: list(section.rows())
        for section in referrer_sections(services, session, world.referrers["zoe"])
    }
    assert [name for name, rows in told.items() if not rows] == [
        "addresses",
        "second_steps",
        "teams",
        "leads",
        "own_rates",
        "clicks",
        "banner_views",
        "reviews",
        "profile",
        "directory",
        "ratings",
        "payouts",
        "left_out",
        "tax_details",
        "documents",
    ]
    customer = session.scalars(select(Customer).where(Customer.customer_id == "carla")).one()
    [commission] = told["commissions"]
    assert (commission["target"], commission["currency"], commission["customer"]) == (
        1_000,
        "EUR",
        pseudonym(customer.id),
    )
    assert told["bank_accounts"][0]["last4"] == "4300"
    text = json.dumps(told)
    assert all(word in text for word in (NAME, EMAIL, "SUN10", "zonnebloem", "Zonnebloem/1.0"))
    secret = ("carla", IBAN, customer.email_key or "?", "argon2", "ada@example.org")
    assert [word for word in secret if word in text] == []


def test_a_lead_on_an_erased_customer_forgets_the_address_and_still_decides(
    session: Session, world: World
) -> None:
    world.lead("zoe", "carla@customer.example", when="2026-08-30")
    world.signup("carla", email="carla@customer.example")
    customer = session.scalars(select(Customer).where(Customer.customer_id == "carla")).one()
    key = customer.email_key
    assert key
    assert key in dump(session)
    before = world.decisions()
    assert before[0].referrer_id == world.referrers["zoe"].id
    erase_personal_data(session, world.program, "carla", NOW)
    assert key not in dump(session)
    assert world.decisions() == before
