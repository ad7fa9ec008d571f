"""Bank accounts on file, and what a referrer is told of the next payout."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from app.kernel.crypto import CannotOpen, Keyring
from app.payouts.deps import PayoutEvent
from app.payouts.destinations import GivenAccount, GivenAddress, block_destination, open_iban, put_destination
from app.payouts.domain.iban import BadIban
from app.payouts.domain.state import RunState
from app.payouts.errors import BadAddress, BadHolder, DestinationAltered
from app.payouts.files import build_files
from app.payouts.models import PayoutDestination
from app.payouts.queries import current_destination, outlook, payouts_of_commissions, referrer_iban_keys
from app.payouts.words import BlockedReason, DestinationSource, OmissionReason
from app.referrals.facts import fingerprint
from app.referrals.models import Commission
from tests.builders import ACTOR, ENCRYPTION_KEY, NOW, at
from tests.db.payouts_world import APPROVER, IBANS, MERCHANT, Payday, pain002

if TYPE_CHECKING:
    from app.kernel.db import Database

OTHER = "NL20INGB0001234567"


@pytest.fixture
def payday(database: Database) -> Payday:
    return Payday.build(database)


def on_file(payday: Payday, name: str = "ada") -> list[PayoutDestination]:
    with payday.world() as world:
        wanted = select(PayoutDestination).where(PayoutDestination.referrer_id == world.referrers[name].id)
        return list(world.session.scalars(wanted.order_by(PayoutDestination.version)))


def test_the_first_account_is_usable_at_once_and_is_never_stored_in_the_clear(payday: Payday) -> None:
    (account,) = on_file(payday)
    assert (account.version, account.usable_on, account.last4, account.country) == (
        1,
        date(2026, 11, 22),
        "4300",
        "NL",
    )
    assert IBANS["ada"].encode() not in account.iban_sealed
    assert open_iban(payday.deps.keyring, account) == IBANS["ada"]
    assert payday.news == []


def test_a_changed_account_rests_seven_days_and_is_told(payday: Payday) -> None:
    payday.account("ada", OTHER)
    first, second = on_file(payday)
    assert (second.version, second.usable_on) == (2, date(2026, 11, 29))
    assert first.iban_key != second.iban_key
    assert [news.event for news in payday.news] == [PayoutEvent.ACCOUNT_CHANGED]
    payday.earn("ada", 5000)
    assert payday.left_out(payday.freeze()) == {"ada": (5000, "account_not_yet_usable")}
    assert payday.balance().available == 5000
    payday.now = at("2026-11-29 00:30")
    assert set(payday.states(payday.freeze(again=True))) == {"ada"}


def test_an_account_that_the_merchant_vouches_for_is_usable_at_once(payday: Payday) -> None:
    payday.account("ada", OTHER, verified=True)
    assert on_file(payday)[-1].usable_on == date(2026, 11, 22)


def test_the_same_account_again_changes_nothing_and_another_name_does_not_rest(payday: Payday) -> None:
    payday.account("ada", " nl91 abna 0417 1643 00")
    assert len(on_file(payday)) == 1
    payday.account("ada", holder="Ada Lovelace")
    assert [each.usable_on for each in on_file(payday)] == [date(2026, 11, 22), date(2026, 11, 22)]


def test_an_account_that_was_changed_and_vouched_for_again_stops_resting(payday: Payday) -> None:
    payday.account("ada", OTHER)
    payday.account("ada", OTHER, verified=True)
    assert [each.usable_on.day for each in on_file(payday)] == [22, 29, 22]


def test_a_blocked_account_stays_blocked_under_another_name_and_not_under_another_number(
    payday: Payday,
) -> None:
    with payday.db.transaction() as session:
        account = session.get_one(PayoutDestination, on_file(payday)[0].id)
        block_destination(session, account, BlockedReason.AC04, by=ACTOR, now=NOW)
        block_destination(session, account, BlockedReason.STAFF, by=ACTOR, now=NOW)
    payday.account("ada", holder="Ada Lovelace")
    assert on_file(payday)[-1].blocked_reason is BlockedReason.AC04
    payday.account("ada", OTHER)
    assert on_file(payday)[-1].blocked_reason is None


def test_an_account_refused_for_its_name_may_be_paid_again_under_another_name(payday: Payday) -> None:
    with payday.db.transaction() as session:
        account = session.get_one(PayoutDestination, on_file(payday)[0].id)
        holder = account.holder
        block_destination(session, account, BlockedReason.RVNM, by=ACTOR, now=NOW)
    payday.account("ada", holder=holder, bic="ABNANL2A")
    assert on_file(payday)[-1].blocked_reason is BlockedReason.RVNM
    payday.account("ada", holder="Ada Lovelace")
    assert on_file(payday)[-1].blocked_reason is None


def test_an_account_refused_for_its_bic_may_be_paid_again_under_another(payday: Payday) -> None:
    with payday.db.transaction() as session:
        account = session.get_one(PayoutDestination, on_file(payday)[0].id)
        block_destination(session, account, BlockedReason.RC01, by=ACTOR, now=NOW)
    payday.account("ada", holder="Ada Lovelace")
    assert on_file(payday)[-1].blocked_reason is BlockedReason.RC01
    payday.account("ada", holder="Ada Lovelace", bic="ABNANL2A")
    assert on_file(payday)[-1].blocked_reason is None


def test_two_changes_at_once_get_two_versions(payday: Payday) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda iban: payday.account("ada", iban), (OTHER, IBANS["bob"])))
    assert [each.version for each in on_file(payday)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (GivenAccount("Ada", "NL91ABNA0417164301"), BadIban),
        (GivenAccount("", IBANS["ada"]), BadHolder),
        (GivenAccount("A" * 141, IBANS["ada"]), BadHolder),
        (GivenAccount("日本", IBANS["ada"]), BadHolder),
        (GivenAccount("Ada", IBANS["ada"], address=GivenAddress(town="T" * 36)), BadAddress),
        (GivenAccount("Ada", IBANS["ada"], address=GivenAddress(town="Bern", country="CHE")), BadAddress),
    ],
)
def test_what_a_bank_file_cannot_carry_is_refused(
    payday: Payday, given: GivenAccount, error: type[Exception]
) -> None:
    with payday.world() as world, pytest.raises(error):
        put_destination(
            payday.deps,
            world.session,
            world.referrers["ada"],
            given,
            source=DestinationSource.REFERRER,
            verified=False,
            by=MERCHANT,
            now=NOW,
        )
    assert len(on_file(payday)) == 1


def test_a_sealed_iban_opens_in_its_own_row_alone_and_survives_a_new_key(payday: Payday) -> None:
    (ada,), (bob,) = on_file(payday, "ada"), on_file(payday, "bob")
    ada.iban_sealed, bob.iban_sealed = bob.iban_sealed, ada.iban_sealed
    with pytest.raises(CannotOpen):
        open_iban(payday.deps.keyring, ada)
    rotated = Keyring((ENCRYPTION_KEY, "another-key-0123456789abcdef0123456789"))
    assert open_iban(rotated, on_file(payday)[0]) == IBANS["ada"]


def test_an_account_altered_in_the_database_is_never_put_into_a_file(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    (ada,) = on_file(payday)
    sealed = payday.deps.keyring.seal(
        OTHER.encode(), f"payout_destinations:{ada.public_id}:{ada.referrer_id}".encode()
    )
    with payday.db.transaction() as session:
        session.execute(
            text("UPDATE payout_destinations SET iban_sealed = :sealed WHERE id = :id"),
            {"sealed": sealed, "id": ada.id},
        )
    payday.approve(run_id)
    with pytest.raises(DestinationAltered):
        build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    assert payday.run(run_id).state is RunState.APPROVED


def test_a_payers_account_is_found_among_a_referrers_accounts(payday: Payday) -> None:
    payday.account("ada", OTHER)
    with payday.world() as world:
        keys = referrer_iban_keys(world.session, world.referrers["ada"].id)
        mine = {fingerprint(payday.deps.keyring, "iban", iban) for iban in ("nl91 abna 0417164300", OTHER)}
        assert keys == mine
        assert fingerprint(payday.deps.keyring, "iban", IBANS["bob"]) not in keys
        latest = current_destination(world.session, world.referrers["ada"].id)
        assert latest is not None
        assert latest.last4 == "4567"


def test_the_outlook_says_what_comes_when_and_what_waits(payday: Payday) -> None:
    payday.earn("ada", 5000, paid="2026-10-10")
    payday.earn("ada", 700, paid="2026-11-10")
    with payday.world() as world:
        seen = outlook(world.session, world.referrers["ada"], NOW)
        assert (seen.period, seen.runs_on, seen.amount_minor, seen.reason) == (
            "2026-10",
            date(2026, 11, 22),
            5000,
            None,
        )
        assert seen.arrives_on == date(2026, 11, 23)
        assert seen.later == ((date(2026, 11, 10), 700),)
    payday.freeze()
    with payday.world() as world:
        seen = outlook(world.session, world.referrers["ada"], NOW)
        assert (seen.period, seen.runs_on, seen.amount_minor) == ("2026-11", date(2026, 12, 1), 700)
        assert seen.reason is OmissionReason.BELOW_MINIMUM


def test_a_commission_knows_the_payout_that_took_it(payday: Payday) -> None:
    payday.earn("ada", 5000)
    with payday.db.reading() as session:
        commissions = list(session.scalars(select(Commission)))
        assert payouts_of_commissions(session, commissions) == {}
    first = payday.submit()
    payday.earn("ada", 4000)
    second = payday.freeze(again=True)
    with payday.db.reading() as session:
        commissions = list(session.scalars(select(Commission).order_by(Commission.id)))
        found = payouts_of_commissions(session, commissions)
        assert [found[each.id][1].id for each in commissions] == [first, second]
    payday.feed(pain002((payday.payouts(first)["ada"].end_to_end_id, "RR03")))
    with payday.db.reading() as session:
        found = payouts_of_commissions(session, commissions)
        assert {number: run.id for number, (_, run) in found.items()} == {commissions[1].id: second}
    third = payday.freeze("2026-10", again=True)
    with payday.db.reading() as session:
        found = payouts_of_commissions(session, commissions)
        assert [found[each.id][1].id for each in commissions] == [third, second]
