"""A change of the bank account is taken back by the mailed link: once, without a password, while it rests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.identity.tokens import MailLinkRefused, MailLinks
from app.payouts.deps import PayoutEvent
from app.payouts.destinations import block_destination, open_iban
from app.payouts.errors import ChangeNotUndoable
from app.payouts.models import PayoutDestination
from app.payouts.undoing import read_undo, undo_change, undo_token
from app.payouts.words import BlockedReason
from tests.builders import ACTOR, NOW, at
from tests.db.payouts_world import IBANS, Payday

if TYPE_CHECKING:
    from app.kernel.db import Database

LINKS = MailLinks(("secret-key-for-tests-0123456789abcdef",))
OTHER, THIRD = "NL20INGB0001234567", "DE02120300000000202051"


@pytest.fixture
def payday(database: Database) -> Payday:
    made = Payday.build(database)
    made.account("ada", OTHER)
    return made


def versions(payday: Payday) -> list[PayoutDestination]:
    with payday.world() as world:
        wanted = select(PayoutDestination).where(PayoutDestination.referrer_id == world.referrers["ada"].id)
        return list(world.session.scalars(wanted.order_by(PayoutDestination.version)))


def undo(payday: Payday, version: int = 2) -> PayoutDestination:
    token = undo_token(LINKS, versions(payday)[version - 1].public_id, NOW)
    with payday.db.transaction() as session:
        return undo_change(payday.deps, session, LINKS, token, now=payday.now)


def test_the_link_puts_the_account_of_before_on_file_again_and_works_once(payday: Payday) -> None:
    payday.earn("ada", 5000)
    restored = undo(payday)
    first, changed, latest = versions(payday)
    assert (restored.id, latest.version, latest.usable_on) == (latest.id, 3, first.usable_on)
    assert open_iban(payday.deps.keyring, latest) == IBANS["ada"]
    assert (first.undone_at, changed.undone_at, latest.undone_at) == (None, NOW, None)
    assert [news.event for news in payday.news] == [PayoutEvent.ACCOUNT_CHANGED, PayoutEvent.ACCOUNT_RESTORED]
    with pytest.raises(ChangeNotUndoable):
        undo(payday)
    assert set(payday.states(payday.freeze())) == {"ada"}, "paid to the account of before, without a rest"
    with payday.db.reading() as session:
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "destination.undone"))
        assert event.details == {"undone": 2, "restored": 1, "version": 3}
        assert (event.actor, event.subject) == ("system:undo_link", "referrer:ada-hosting")


def test_two_presses_at_once_restore_once(payday: Payday) -> None:
    def press() -> bool:
        try:
            undo(payday)
        except ChangeNotUndoable:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: press(), range(2))) == [False, True]
    assert len(versions(payday)) == 3


@pytest.mark.parametrize("version", [2, 3])
def test_whoever_changes_twice_is_undone_by_either_link(payday: Payday, version: int) -> None:
    payday.account("ada", THIRD)
    undo(payday, version)
    assert open_iban(payday.deps.keyring, versions(payday)[-1]) == IBANS["ada"]
    assert [each.undone_at is not None for each in versions(payday)] == [False, version == 2, True, False]


def test_after_an_undo_another_change_rests_and_is_undone_by_its_own_link(payday: Payday) -> None:
    undo(payday)
    payday.account("ada", THIRD)
    assert versions(payday)[-1].usable_on == date(2026, 11, 29)
    undo(payday, 4)
    assert open_iban(payday.deps.keyring, versions(payday)[-1]) == IBANS["ada"]


def test_the_link_ends_with_the_rest_and_with_an_account_that_is_vouched_for(payday: Payday) -> None:
    payday.now = at("2026-11-28 22:59")
    token = undo_token(LINKS, versions(payday)[1].public_id, NOW)
    with payday.db.reading() as session:
        assert read_undo(session, LINKS, token, payday.now).earlier.version == 1
    payday.now = at("2026-11-28 23:00")
    with pytest.raises(ChangeNotUndoable):
        undo(payday)
    payday.now = NOW
    payday.account("ada", THIRD, verified=True)
    with pytest.raises(ChangeNotUndoable):
        undo(payday)


def test_an_altered_or_old_or_foreign_link_does_nothing(payday: Payday) -> None:
    token = undo_token(LINKS, versions(payday)[1].public_id, NOW)
    old = undo_token(LINKS, versions(payday)[1].public_id, NOW - timedelta(days=9))
    for bad in (token[:-3] + "abc", "x", old):
        with payday.db.reading() as session, pytest.raises(MailLinkRefused):
            read_undo(session, LINKS, bad, NOW)
    with payday.db.reading() as session:
        for number in (versions(payday)[0].public_id, "dst_unknown"):
            with pytest.raises(ChangeNotUndoable):
                read_undo(session, LINKS, undo_token(LINKS, number, NOW), NOW)


def test_a_blocked_account_is_restored_as_blocked(payday: Payday) -> None:
    with payday.db.transaction() as session:
        first = session.get_one(PayoutDestination, versions(payday)[0].id)
        block_destination(session, first, BlockedReason.AC04, by=ACTOR, now=NOW)
    assert undo(payday).blocked_reason is BlockedReason.AC04
