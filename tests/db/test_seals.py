"""Sealed days: whatever is altered, removed or inserted behind the triggers' back is found and named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.finance.sealing import AUDIT_BOOK, BOOKS, seal_what_is_due, seals_are_due
from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.jobs import perform
from app.jobs.finance import SEAL_DAYS
from app.jobs.schedule import TICKS
from app.jobs.sweeper import due_jobs
from app.kernel import clock
from app.kernel.append_only import drop_statements
from app.kernel.db import Database, table_of
from app.kernel.queue import JobRequest
from app.ledger import seals, watermark
from app.ledger.journal import write_balances
from app.ledger.models import LedgerTransaction, Seal, SealedBook
from app.ledger.seal_check import seals_hold
from app.ledger.seals import LEDGER_BOOK, Book, head_of
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.words import DestinationSource
from app.privacy.erasure import erase_referrer
from app.referrals.leaving import leave
from app.referrals.models import Program, Referrer
from app.referrals.referrers import Joining, join, reinstate, suspend
from tests.builders import ACTOR, World, at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.services import Services

DAYS = ("2026-11-02", "2026-11-03", "2026-11-05")
LATER = at("2026-11-07 03:00")


@pytest.fixture
def told(database: Database) -> Database:
    """Orders of three days, the last of which is followed by a day without any."""
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada", when="2026-11-01")
        for number, day in enumerate(DAYS):
            world.now = at(f"{day} 12:00")
            for each in range(3):
                world.order(f"o{number}{each}", placed=day, paid=day)
    return database


def wrong(database: Database, *books: Book) -> list[str]:
    with database.reading() as session:
        return [line for book in books or (LEDGER_BOOK,) for line in seals_hold(book)(session, None)]


def sealed_days(database: Database, book: SealedBook) -> list[tuple[date, int, int]]:
    with database.reading() as session:
        rows = session.execute(
            select(Seal.day, Seal.row_count, Seal.part_count).where(Seal.book == book).order_by(Seal.number)
        )
        return [(day, count, parts) for day, count, parts in rows]


def behind_the_triggers(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        dialect = session.get_bind().dialect.name
        for table in ("ledger_transactions", "ledger_entries", "audit_events", "seals"):
            for statement in drop_statements(dialect, table):
                session.execute(text(statement))
        for statement in statements:
            session.execute(text(statement))


def transaction_numbers(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.scalars(select(LedgerTransaction.id).order_by(LedgerTransaction.id)))


def test_every_finished_day_is_sealed_once_in_order_and_today_is_not(told: Database) -> None:
    with told.reading() as session:
        assert seals_are_due(session, LATER)
        assert not seals_are_due(session, at("2026-01-01 12:00"))
    seal_what_is_due(told, at("2026-11-05 00:05"))  # within the margin: the fourth is not over yet
    assert [on for on, _, _ in sealed_days(told, SealedBook.LEDGER)] == [date(2026, 11, 2), date(2026, 11, 3)]
    seal_what_is_due(told, LATER)
    seal_what_is_due(told, LATER)
    assert sealed_days(told, SealedBook.LEDGER) == [
        (date(2026, 11, 2), 3, 6),
        (date(2026, 11, 3), 3, 6),
        (date(2026, 11, 4), 0, 0),
        (date(2026, 11, 5), 3, 6),
        (date(2026, 11, 6), 0, 0),
    ]
    # The audit trail begins when the programme was made.
    trail = sealed_days(told, SealedBook.AUDIT)
    assert (trail[0][0], len(trail)) == (date(2026, 1, 1), 310)
    with told.reading() as session:
        assert not seals_are_due(session, LATER)
        sums = session.scalars(select(Seal.debits).where(Seal.book == SealedBook.LEDGER, Seal.row_count > 0))
        assert list(sums) == [{"EUR": 3_000}] * 3
    assert wrong(told, *BOOKS) == []


def test_a_day_of_many_rows_is_sealed_in_pieces(told: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "PIECE", 2)
    monkeypatch.setattr(seals, "_CHUNK", 2)
    seal_what_is_due(told, LATER)
    pieces = [count for on, count, _ in sealed_days(told, SealedBook.LEDGER) if on == date(2026, 11, 2)]
    assert pieces == [2, 1]
    assert wrong(told) == []


def test_an_altered_row_is_named_with_its_day(told: Database) -> None:
    seal_what_is_due(told, LATER)
    numbers = transaction_numbers(told)
    changes = (
        "DELETE FROM ledger_entries WHERE transaction_id = {0}",
        "UPDATE ledger_transactions SET effective_on = '2026-10-01' WHERE id = {0}",
        "UPDATE ledger_transactions SET memo = 'x' WHERE id = {0}",
        "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE transaction_id = {0}",
    )
    # From the back, so that each is the first that differs.
    for number, change in zip(numbers[3::-1], changes, strict=True):
        behind_the_triggers(told, change.format(number))
        day = "2026-11-03" if number == numbers[3] else "2026-11-02"
        assert wrong(told) == [f"{day}: transaction {number} is not what was sealed"]


def test_a_removed_and_an_inserted_row_are_named(told: Database) -> None:
    seal_what_is_due(told, LATER)
    numbers = transaction_numbers(told)
    gone = numbers[4]
    columns = "program_id, currency, kind, memo, effective_on, posted_at"
    behind_the_triggers(
        told,
        f"DELETE FROM ledger_entries WHERE transaction_id = {gone}",
        f"DELETE FROM ledger_transactions WHERE id = {gone}",
    )
    assert wrong(told) == [f"2026-11-03: transaction {gone} was sealed and is gone"]
    behind_the_triggers(
        told,
        f"INSERT INTO ledger_transactions (id, idempotency_key, {columns}) "
        f"SELECT -1, 'intruder', {columns} FROM ledger_transactions WHERE id = {numbers[0]}",
        f"UPDATE ledger_transactions SET id = {gone} WHERE id = -1",
    )
    assert wrong(told) == [f"2026-11-03: transaction {gone} is not what was sealed"]


def test_a_row_that_slips_in_between_sealed_ones_is_named(told: Database) -> None:
    with told.transaction() as session:
        numbers = session.scalars(select(LedgerTransaction.id).order_by(LedgerTransaction.id)).all()
        free = numbers[-1] + 5
        dates = {"program_id": 1, "currency": "EUR", "kind": "hold", "effective_on": date(2026, 11, 6)}
        row = dates | {"id": free + 5, "idempotency_key": "late", "posted_at": at("2026-11-06 09:00")}
        session.execute(table_of(LedgerTransaction).insert(), row)
    seal_what_is_due(told, LATER)
    assert wrong(told) == []
    with told.transaction() as session:
        row |= {"id": free, "idempotency_key": "intruder", "posted_at": at("2026-11-06 08:00")}
        session.execute(table_of(LedgerTransaction).insert(), row)
    assert wrong(told) == [f"2026-11-06: transaction {free} was not there when the day was sealed"]


def test_the_audit_trail_and_the_seals_themselves_are_held_too(told: Database) -> None:
    seal_what_is_due(told, LATER)
    behind_the_triggers(told, "UPDATE audit_events SET actor = 'user:usr_other' WHERE id = 1")
    assert wrong(told, AUDIT_BOOK) == ["2026-01-01: audit event 1 is not what was sealed"]
    behind_the_triggers(told, "UPDATE audit_events SET actor = 'cli' WHERE id = 1")
    assert wrong(told, AUDIT_BOOK) == []
    behind_the_triggers(told, "UPDATE seals SET row_count = 4 WHERE book = 'ledger' AND number = 2")
    assert wrong(told) == ["seal 2 of the book ledger (2026-11-03) was altered itself"]
    behind_the_triggers(told, "DELETE FROM seals WHERE book = 'ledger' AND number = 2")
    assert wrong(told) == ["seal 2 of the book ledger is gone"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("layout = 99", "has layout 99, which nobody can read"),
        ("previous = digest", "does not follow the one before it"),
        ("after_id = after_id - 1", "does not follow the one before it"),
    ],
)
def test_a_seal_that_does_not_fit_into_the_chain_is_named(told: Database, change: str, words: str) -> None:
    seal_what_is_due(told, LATER)
    behind_the_triggers(told, f"UPDATE seals SET {change} WHERE book = 'ledger' AND number = 2")
    assert wrong(told) == [f"seal 2 of the book ledger (2026-11-03) {words}"]


def test_of_two_workers_that_seal_at_once_one_writes_the_chain(
    told: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = seals._batches

    def overtaken(made: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        batches = list(real(made))
        monkeypatch.setattr(seals, "_batches", real)
        assert seals.seal_days(told, LEDGER_BOOK, LATER)
        yield from batches

    monkeypatch.setattr(seals, "_batches", overtaken)
    # On SQLite a reader and a writer go side by side, as on PostgreSQL.
    assert seals.seal_days(told, LEDGER_BOOK, LATER) == []
    assert [on.day for on, _, _ in sealed_days(told, SealedBook.LEDGER)] == [2, 3, 4, 5, 6]
    assert wrong(told) == []


def test_only_what_two_databases_write_alike_is_sealed() -> None:
    with pytest.raises(TypeError, match="Decimal has no place in a sealed row"):
        seals._canonical([Decimal(1)])


def test_a_seal_does_not_wait_for_ever_for_a_transaction_that_does_not_end(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watermark, "_PATIENCE", "50ms")
    database = Database(postgres_url)
    with database.transaction() as session:
        session.execute(text("LOCK TABLE ledger_transactions IN ROW EXCLUSIVE MODE"))
        with pytest.raises(watermark.BooksBusy, match="ledger_transactions"):
            seals.seal_days(database, LEDGER_BOOK, LATER)
    assert seals.seal_days(database, LEDGER_BOOK, LATER) == []
    database.dispose()


@pytest.mark.parametrize("verb", ["UPDATE seals SET number = number + 1", "DELETE FROM seals"])
def test_seals_refuse_changes(told: Database, verb: str) -> None:
    seal_what_is_due(told, LATER)
    with pytest.raises(DBAPIError, match="append-only"), told.transaction() as session:
        session.execute(text(verb))


def test_every_column_of_a_sealed_table_is_sealed() -> None:
    for book in BOOKS:
        assert set(book.columns) == set(book.table.c.keys())
        assert book.parts is None or set(book.part_columns) == set(book.parts.c.keys())


def test_a_transaction_that_commits_after_its_day_was_sealed_goes_into_the_next(database: Database) -> None:
    """It took its number before the seal was made: the seal waits for it, or its number is higher."""
    with database.transaction() as session:
        world = World.build(session)
        world.bind("ada", when="2026-11-01")
        world.now = at("2026-11-02 12:00")
        world.order("o1", placed="2026-11-02", paid="2026-11-02")
    posted, commit = Event(), Event()

    def slow() -> None:
        with database.transaction() as session:
            late = World(session, world.program, world.deps, world.referrers, at("2026-11-02 23:59"))
            late.order("o2", placed="2026-11-02", paid="2026-11-02")
            write_balances(session)
            posted.set()
            commit.wait(10)

    poster = Thread(target=slow)
    poster.start()
    assert posted.wait(10)
    sealer = Thread(target=seal_what_is_due, args=(database, at("2026-11-03 00:20")))
    sealer.start()
    sealer.join(0.5)
    assert sealer.is_alive()  # the row has its number and is not committed
    commit.set()
    poster.join(10)
    sealer.join(10)
    with database.reading() as session:
        rows = select(func.sum(Seal.row_count)).where(Seal.book == SealedBook.LEDGER)
        assert session.scalar(rows) == 2
    with database.transaction() as session:
        later = World(session, world.program, world.deps, world.referrers, at("2026-11-02 23:59:30"))
        later.order("o3", placed="2026-11-02", paid="2026-11-02")
    seal_what_is_due(database, at("2026-11-04 00:20"))
    assert sealed_days(database, SealedBook.LEDGER) == [(date(2026, 11, 2), 2, 4), (date(2026, 11, 3), 1, 2)]
    assert wrong(database) == []


def test_the_seals_hold_when_a_person_was_erased_for_nothing_sealed_is_personal(services: Services) -> None:
    name, email, iban = "Zoe Zonnebloem", "zoe@zonnebloem.example", "NL91ABNA0417164300"
    with services.db.transaction() as session:
        made = World.build(session, hold_days=0)
        world = World(session, made.program, services.referrals, made.referrers, at("2026-11-02 12:00"))
        user = create_user(
            session, NewUser(email, Role.REFERRER, name, password="three brown foxes"), now=world.now
        )
        joining = Joining(name, email, "nl", "sunny", user_id=user.id)
        zoe, _ = join(session, services.keyring, world.program, joining, actor=ACTOR, now=at("2026-11-01"))
        world.referrers["zoe"] = zoe
        account, source = GivenAccount(name, iban), DestinationSource.REFERRER
        put_destination(
            services.payouts, session, zoe, account, source=source, verified=False, by=ACTOR, now=world.now
        )
        world.bind("zoe", when="2026-11-01")
        world.order("o1", placed="2026-11-02", paid="2026-11-02")
        world.refund("r1", when="2026-11-02 09:00", full=True)
        suspend(session, world.program, zoe, reason="asked for proof", actor=ACTOR, now=world.now)
        reinstate(session, world.program, zoe, reason="proof came", actor=ACTOR, now=world.now)
    seal_what_is_due(services.db, LATER)
    with services.db.transaction() as session:
        program, person = session.get_one(Program, made.program.id), session.get_one(Referrer, zoe.id)
        leave(session, program, person, actor=ACTOR, now=LATER)
        erase_referrer(services, session, person, actor=ACTOR, now=LATER)
    assert wrong(services.db, *BOOKS) == []
    seal_what_is_due(services.db, at("2026-11-09 03:00"))
    assert wrong(services.db, *BOOKS) == []
    with services.db.reading() as session:
        tables = [table for book in BOOKS for table in (book.table, book.parts) if table is not None]
        sealed = "\n".join(str(row) for table in tables for row in session.execute(select(table)))
    assert "sunny" in sealed
    for word in (name, "zonnebloem", email, iban):
        assert word.lower() not in sealed.lower()


def test_the_nightly_job_seals_what_is_due_and_the_sweeper_asks_for_a_lost_one(services: Services) -> None:
    with services.db.transaction() as session:
        World.build(session)
    lost = JobRequest(SEAL_DAYS)
    assert lost in due_jobs(services, LATER)
    with clock.frozen(LATER):
        perform(services, SEAL_DAYS, [])
    assert lost not in due_jobs(services, LATER)
    with services.db.reading() as session:
        assert [head_of(session, book.name).day for book in BOOKS] == [None, date(2026, 11, 6)]
    assert SEAL_DAYS in {tick.name for tick in TICKS}
