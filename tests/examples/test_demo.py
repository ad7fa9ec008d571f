"""The demo's history: the same for everyone, told through the use cases, taken up after an interruption."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from stdnum import iban as stdnum_iban

from app.demo.cast import PARTNERS as DEMO_PARTNERS
from app.demo.cast import partners, referrers
from app.demo.events import FollowLink, Report, SetRate, Suspend, TradeAs
from app.demo.opening import open_programs
from app.demo.payday import Payday, _shares
from app.demo.programmes import PROGRAMS
from app.demo.scenes import history
from app.demo.scenes.directory import GOODS as SOFTWARE
from app.demo.scenes.hosting import ALONG
from app.demo.scenes.hosting import GOODS as HOSTING_GOODS
from app.demo.telling import DemoInProduction, DemoPlan, NotAnEmptyInstallation, is_told, move_shop, tell
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.payouts.documents.profiles import current_merchant, current_profiles, standings
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.models import BankEvent, Payout, PayoutOmission, PayoutRun
from app.payouts.words import BankEventState
from app.promo.models import AssetKind
from app.promo.queries import assets_of, brought_in_all
from app.referrals.facts import OrderFact, PartnerChoiceFact, RefundFact
from app.referrals.models import (
    Click,
    Commission,
    Fact,
    FactState,
    Hold,
    Program,
    Referrer,
    ReferrerStatus,
    Signup,
)
from app.referrals.words import LineKind, RefundKind
from examples.bank.instruction import Batch, Instruction, Payment
from examples.bank.rulings import Fate, rule_on
from examples.shop.catalogue import PARTNERS, PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.factory import Services
    from app.kernel.db import Database

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
START = datetime(2026, 4, 30, 22, 0, tzinfo=UTC)
SMALL = DemoPlan(months=2, referrers=8, seed=1, shop_url="http://127.0.0.1:8001/", now=NOW)


def quiet(_line: str) -> None:
    """Hears what the demo says."""


def test_the_same_seed_makes_the_same_history_and_another_seed_another_one() -> None:
    first = history(START, NOW, referrers=40, seed=1)

    assert first == history(START, NOW, referrers=40, seed=1)
    assert first != history(START, NOW, referrers=40, seed=2)
    assert [event.at for event in first] == sorted(event.at for event in first)
    assert all(START <= event.at < NOW for event in first)


def test_the_history_has_everything_that_a_programme_lives_through() -> None:
    events = history(START, NOW, referrers=40, seed=1)
    facts = [event.fact for event in events if isinstance(event, Report)]
    orders = [fact for fact in facts if isinstance(fact, OrderFact)]

    assert {fact.kind for fact in facts if isinstance(fact, RefundFact)} == set(RefundKind)
    assert {line.kind for order in orders for line in order.lines} == {LineKind.NEW, LineKind.RENEWAL}
    assert any(isinstance(fact, PartnerChoiceFact) and fact.referrer_code is None for fact in facts)
    assert {type(event) for event in events} >= {Suspend, SetRate, FollowLink, TradeAs}
    assert {event.campaign for event in events if isinstance(event, FollowLink)} >= {"", "blog"}


def test_everybody_in_the_demo_has_a_valid_bank_account_of_their_own() -> None:
    people = referrers(100) + partners(6)

    assert all(stdnum_iban.is_valid(person.iban) for person in people)
    assert all(stdnum_iban.is_valid(plan.debtor_iban) for plan in PROGRAMS)
    assert len({person.iban for person in people}) == len({person.code for person in people}) == 106


def test_the_shop_sells_and_shows_what_the_demo_tells_of() -> None:
    offered = {product.sku: product.name for plan in PROGRAMS for product in plan.products}
    prices = {goods.sku: goods.price_minor for goods in [*HOSTING_GOODS, *ALONG, *SOFTWARE]}

    assert offered == {product.sku: product.name for product in PRODUCTS.values()}
    assert prices == {product.sku: product.price_minor for product in PRODUCTS.values()}
    assert {code: name for code, name, _ in DEMO_PARTNERS} == {
        code: one.name for code, one in PARTNERS.items()
    }


@pytest.mark.parametrize("month", [1, 2, 6, 12])
@pytest.mark.parametrize("payments", [4, 7, 16, 40])
def test_in_every_month_the_bank_deals_the_fates_that_the_story_needs(month: int, payments: int) -> None:
    at = datetime(2026, month, 2, tzinfo=UTC)
    day = Payday(at, PROGRAMS[0], "2026-01", number=5, last=True)
    accounts = [person.iban for person in referrers(payments)]
    file = Instruction(
        f"R{month}-01",
        "",
        payments,
        None,
        (
            Batch(
                "P",
                at.date(),
                batch_booking=True,
                debtor_name="",
                debtor_iban="",
                payments=tuple(
                    Payment(f"PO{n}", None, 1000 + n, "", iban, "") for n, iban in enumerate(accounts)
                ),
            ),
        ),
    )

    fates = {
        payment.creditor_iban: rule_on(file.message_id, payment, _shares(day, file)).fate
        for payment in file.payments
    }

    assert Counter(fates.values()) == {Fate.BOOKED: payments - 2, Fate.REJECTED: 1, Fate.RETURNED: 1}
    assert fates[accounts[0]] is Fate.BOOKED


def figures(db: Database) -> dict[str, Any]:
    """What a demo comes to: rows, runs and money, without anything random."""
    with db.reading() as session:
        rows = {
            model.__tablename__: session.scalars(select(func.count()).select_from(model)).one()
            for model in (Click, Signup, Commission, Fact, Hold, PayoutOmission, Referrer)
        }
        runs = session.execute(
            select(PayoutRun.name, PayoutRun.state, PayoutRun.total_minor).order_by(PayoutRun.id)
        )
        payouts = session.execute(
            select(Payout.state, func.count(), func.sum(Payout.amount_minor)).group_by(Payout.state)
        )
        return {
            **rows,
            "runs": [tuple(run) for run in runs],
            "payouts": sorted(tuple(row) for row in payouts),
        }


def test_the_demo_is_told_through_the_use_cases_and_the_ledger_holds(services: Services) -> None:
    tell(services, SMALL, quiet)

    assert is_told(services)
    with services.db.reading() as session:
        assert first_broken(session, LEDGER_CHECKS) is None
        runs = {run.name: run.state for run in session.scalars(select(PayoutRun))}
        assert runs["hosting:2026-10:EUR:1"] is RunState.CLOSED
        assert runs["directory:2026-10:EUR:1"] is RunState.DRAFT
        states = Counter(session.scalars(select(Payout.state)))
        assert states[PayoutState.PAID] > 5
        assert set(states) <= {PayoutState.PAID, PayoutState.REJECTED, PayoutState.RETURNED}
        events = Counter(session.scalars(select(BankEvent.state)))
        assert set(events) <= {BankEventState.APPLIED, BankEventState.NOTED}
        assert set(session.scalars(select(Fact.state))) == {FactState.RECORDED}
        suspended = select(Referrer.code).where(Referrer.status == ReferrerStatus.SUSPENDED)
        assert session.scalars(suspended).all() == ["daan"]
        # Nothing is missing for studio-noord's invoices; each is written with the run that pays it.
        noord = session.scalars(select(Referrer).where(Referrer.code == "studio-noord")).one()
        profiles = current_profiles(session, [noord.id])
        standing = standings(session, profiles)[noord.id]
        assert (standing.agreed, standing.vat_id_valid) == (True, True)
        assert current_merchant(session, noord.program_id) is not None
        banners = assets_of(session, noord.program_id, offered=True)
        brought = brought_in_all(session, noord.program_id, banners)
        assert {(each.kind, each.locale) for each in banners} == set(product(AssetKind, ("nl", "de")))
        assert any(each.views > each.clicks > 0 for each in brought.values())
    assert "anna@example.com" in (services.settings.var_dir / "demo-logins.txt").read_text()
    keys = (services.settings.var_dir / "shop.env").read_text()
    assert keys.count("REFLEDGER_KEY_") == 2


def test_an_interrupted_demo_ends_like_one_that_was_not(make_services: Callable[[], Services]) -> None:
    services = make_services()

    class Killed(Exception):
        """The machine was switched off."""

    said: list[str] = []

    def die_on_the_third(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            raise Killed

    with pytest.raises(Killed):
        tell(services, SMALL, die_on_the_third)
    assert not is_told(services)
    tell(services, replace(SMALL, seed=99), quiet)

    whole = make_services()
    tell(whole, SMALL, quiet)
    assert figures(services.db) == figures(whole.db)


def test_the_demo_is_refused_where_there_are_programmes_already(
    make_services: Callable[[], Services],
) -> None:
    services = make_services()
    with services.db.transaction() as session:
        open_programs(session, SMALL.shop_url, NOW)

    with pytest.raises(NotAnEmptyInstallation):
        tell(services, SMALL, quiet)


def test_links_follow_a_shop_that_moved(make_services: Callable[[], Services]) -> None:
    services = make_services()
    with services.db.transaction() as session:
        open_programs(session, SMALL.shop_url, NOW)
    (services.settings.var_dir / "demo.json").write_text(SMALL.dump())

    assert not move_shop(services, SMALL.shop_url, NOW)
    assert move_shop(services, "http://127.0.0.1:9001/", NOW)
    with services.db.reading() as session:
        landings = set(session.scalars(select(Program.landing_url)))
    assert landings == {"http://127.0.0.1:9001/", "http://127.0.0.1:9001/studio"}


def test_the_demo_is_refused_in_production(make_services: Callable[[], Services]) -> None:
    services = make_services()
    real = replace(services, settings=replace(services.settings, app_env="production"))

    with pytest.raises(DemoInProduction):
        tell(real, SMALL, quiet)
    with services.db.reading() as session:
        assert session.scalar(select(Program.id)) is None
