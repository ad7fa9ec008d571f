"""A referrer registers a prospect: who gets the customer, whatever comes first, and what is kept of the address."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.kernel.crypto import email_key
from app.referrals import leads
from app.referrals.customers import erase_personal_data
from app.referrals.errors import InTheFuture, OtherBody, ReferrerNotFound, ReferrerSuspended
from app.referrals.facts import LeadFact
from app.referrals.models import Binding, Fact, FactKind, Lead, Referrer
from app.referrals.outcome import CREATED, REPEATED
from app.referrals.referrers import suspend
from app.referrals.words import BindingMethod
from tests.builders import ACTOR, World, at

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EMAIL = "prospect@example.com"


@pytest.fixture
def world(session: Session) -> World:
    return World.build(session)


def owner(world: World) -> tuple[str, BindingMethod] | None:
    wanted = select(Referrer.code, Binding.method).join(Binding, Binding.referrer_id == Referrer.id)
    row = world.session.execute(wanted).first()
    return (row[0], row[1]) if row else None


def verdicts(world: World) -> dict[str, str | None]:
    return {each["value"]: each["lost"] for each in world.decisions()[0].candidates}


def test_a_registered_prospect_who_signs_up_belongs_to_the_referrer_and_the_order_earns(world: World) -> None:
    world.lead("ada", "Prospect+shop@Example.com")
    world.signup(email=EMAIL)
    world.order()
    assert owner(world) == ("ada-hosting", BindingMethod.LEAD)
    assert [each.target_minor for each in world.commissions()] == [1_000]


def test_a_click_beats_a_lead_and_a_lead_beats_a_typed_code(world: World) -> None:
    world.lead("ada")
    world.signup(email=EMAIL, click_ids=(world.click("bob", at("2026-08-30")),), referrer_code="bob-hosting")
    assert owner(world) == ("bob-hosting", BindingMethod.CLICK)
    assert verdicts(world)["ada-2026-08-20"] == "lower_precedence"
    world.lead("bob", "other@example.com", when="2026-08-21")
    world.signup("c2", email="other@example.com", referrer_code="ada-hosting")
    assert verdicts(world)["ada-2026-08-20"] == "lower_precedence"


@pytest.mark.parametrize("order", ["first first", "second first", "after the signup"])
def test_of_two_referrers_who_register_one_prospect_the_first_by_time_wins_in_any_order_of_arrival(
    world: World, order: str
) -> None:
    def signup() -> None:
        world.signup(email=EMAIL)
        world.order()

    steps = {
        "first first": [("ada", "2026-08-01"), ("bob", "2026-08-02"), None],
        "second first": [("bob", "2026-08-02"), ("ada", "2026-08-01"), None],
        "after the signup": [("bob", "2026-08-02"), None, ("ada", "2026-08-01")],
    }
    for step in steps[order]:
        if step is None:
            signup()
        else:
            world.lead(step[0], when=step[1])
    assert owner(world) == ("ada-hosting", BindingMethod.LEAD)
    assert verdicts(world) == {"ada-2026-08-01": None, "bob-2026-08-02": "later_lead"}
    assert world.balance("ada").earned - world.balance("ada").clawed_back == 1_000
    assert world.balance("bob").earned - world.balance("bob").clawed_back == 0


def test_a_lead_of_89_days_counts_and_one_of_90_does_not(world: World) -> None:
    world.lead("ada", when="2026-06-03")
    world.signup("c1", email=EMAIL, when="2026-08-31 23:59:59")
    assert owner(world) == ("ada-hosting", BindingMethod.LEAD)
    world.lead("bob", "late@example.com", when="2026-06-03")
    world.signup("c2", email="late@example.com", when="2026-09-01")
    (decision,) = [each for each in world.decisions() if each.occasion_ref == "c2"]
    assert [each["lost"] for each in decision.candidates] == ["lead_expired"]


def test_a_lead_registered_after_the_signup_counts_for_nothing(world: World) -> None:
    world.signup(email=EMAIL)
    world.lead("ada", when="2026-09-01 00:00:01")
    assert owner(world) is None
    assert verdicts(world) == {"ada-2026-09-01 00:00:01": "after_signup"}


def test_the_same_lead_again_is_no_news_and_another_address_under_its_id_is_refused(world: World) -> None:
    assert world.lead("ada") == CREATED
    assert world.lead("ada") == REPEATED
    with pytest.raises(OtherBody):
        world.lead("ada", "somebody@example.com")


def test_a_lead_from_the_future_of_nobody_or_of_a_suspended_referrer_is_refused(world: World) -> None:
    with pytest.raises(InTheFuture):
        world.lead("ada", when="2026-11-23")
    body = LeadFact("x", "nobody", EMAIL)
    with pytest.raises(ReferrerNotFound):
        leads.record_lead(world.deps, world.session, world.program, body, world.now)
    suspend(
        world.session,
        world.program,
        world.referrers["ada"],
        reason="doubt",
        actor=ACTOR,
        now=at("2026-11-01"),
    )
    with pytest.raises(ReferrerSuspended):
        world.lead("ada", when=None)


def test_of_the_address_only_the_fingerprint_is_kept(world: World) -> None:
    world.lead("ada")
    lead = world.session.scalars(select(Lead)).one()
    fact = world.session.scalars(select(Fact).where(Fact.kind == FactKind.LEAD)).one()
    assert lead.email_key == fact.body["email"] == email_key(world.deps.keyring, EMAIL)
    assert "prospect" not in str(fact.body)


def test_an_erased_customer_stays_with_the_referrer_of_its_lead(world: World) -> None:
    world.lead("ada")
    world.signup(email=EMAIL)
    erase_personal_data(world.session, world.program, "c1", world.now)
    leads.forget_prospects(world.session, world.now, email_key=email_key(world.deps.keyring, EMAIL))
    # A fact that has everything decided anew.
    world.order(placed="2026-08-31", paid="2026-09-10", coupon="GONE")
    assert owner(world) == ("ada-hosting", BindingMethod.LEAD)
    assert world.session.scalars(select(Lead.email_key)).one() is None
    fact = world.session.scalars(select(Fact).where(Fact.kind == FactKind.LEAD)).one()
    assert "email" not in fact.body


def test_addresses_of_old_leads_are_forgotten_and_those_that_may_still_matter_are_not(world: World) -> None:
    world.lead("ada", "old@example.com", when="2026-05-01")
    world.lead("ada", when="2026-09-01")
    assert leads.forget_prospects(world.session, at("2026-11-22")) == 1
    assert leads.forget_prospects(world.session, at("2026-11-22")) == 0
    kept = dict(world.session.execute(select(Lead.lead_id, Lead.email_key)).all())
    assert kept["ada-2026-05-01"] is None
    assert kept["ada-2026-09-01"] is not None


def test_a_referrer_finds_the_own_running_lead_and_no_other(world: World) -> None:
    ada, bob = world.referrers["ada"], world.referrers["bob"]
    world.lead("ada", when="2026-09-01")
    ends = at("2026-09-01") + timedelta(days=90)

    def finds(referrer: Referrer, email: str, now: str) -> bool:
        return leads.running_lead(world.deps, world.session, referrer, email, at(now)) is not None

    assert finds(ada, "PROSPECT@example.com", "2026-11-29")
    assert not finds(bob, EMAIL, "2026-11-29")
    assert not finds(ada, "other@example.com", "2026-11-29")
    assert ends == at("2026-11-30")
    assert not finds(ada, EMAIL, "2026-11-30")
    assert leads.lead_of(world.session, ada, "ada-2026-09-01").referrer_id == ada.id
    with pytest.raises(leads.LeadNotFound):
        leads.lead_of(world.session, bob, "ada-2026-09-01")


def test_fifty_leads_a_day_are_enough(world: World) -> None:
    ada = world.referrers["ada"]
    for number in range(leads.A_DAY):
        leads.require_moderation(world.session, ada, world.now)
        world.lead("ada", f"p{number}@example.com", when=None, lead_id=f"l{number}")
    with pytest.raises(leads.TooManyLeads):
        leads.require_moderation(world.session, ada, world.now)
    leads.require_moderation(world.session, world.referrers["bob"], world.now)
    leads.require_moderation(world.session, ada, world.now + timedelta(days=1))
