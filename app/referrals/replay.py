"""Replay: everything that was decided, decided again from the recorded facts alone, and compared to the cent.

The facts are told anew, in the order in which they came, to the same use cases over an empty scratch database that was
given the settings (programmes, terms, products, rates, referrers, coupons) and nothing that was derived. What comes out
is compared with what stands, row by row: decisions with every candidate and reason, orders, lines, commissions with
rate, amounts and dates, and earned and clawed-back balances.

What people decided is no fact and is taken over (``replay_people.py``): staff's corrections of whom a customer belongs
to, commissions that a review rejected, own orders that it released, and which prospect a customer was where the address
that said so is erased.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event, func, insert, select

from app.kernel import clock
from app.kernel.db import Base, Database, connection_of, table_of
from app.kernel.errors import RefledgerError
from app.referrals import facts
from app.referrals.choices import record_partner_choice
from app.referrals.facts import StoredFingerprints
from app.referrals.leads import record_lead
from app.referrals.models import (
    Coupon,
    Customer,
    ExchangeRate,
    Fact,
    FactKind,
    Product,
    Program,
    ProgramTerms,
    RateVersion,
    Referrer,
    ReferrerStatus,
)
from app.referrals.orders import record_cancellation, record_correction, record_order, record_payment
from app.referrals.reduced import is_reduced
from app.referrals.refunds import record_refund
from app.referrals.replay_people import take_over
from app.referrals.resettle import recount_all
from app.referrals.rulebook import Rulebooks, new_rules
from app.referrals.signups import record_signup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.orm import Session
    from sqlalchemy.pool import ConnectionPoolEntry

    from app.referrals.intake import ReferralDeps

_FACTS: Final = table_of(Fact)
_TOGETHER: Final = 200
"""Facts that share a transaction of the scratch database."""

_TELL: Final[dict[FactKind, tuple[Callable[..., Any], Callable[..., Any]]]] = {
    FactKind.SIGNUP: (record_signup, facts.signup_from),
    FactKind.ORDER: (record_order, facts.order_from),
    FactKind.PAYMENT: (record_payment, facts.payment_from),
    FactKind.CORRECTION: (record_correction, facts.correction_from),
    FactKind.CANCELLATION: (record_cancellation, facts.cancellation_from),
    FactKind.REFUND: (record_refund, facts.refund_from),
    FactKind.PARTNER_CHOICE: (record_partner_choice, facts.choice_from),
    FactKind.LEAD: (record_lead, facts.lead_from),
}

_AT_ONCE: Final = (Program, ProgramTerms, RateVersion, Referrer, ExchangeRate)
"""Settings that say themselves from when on they hold."""

_IN_TIME: Final = (Product, Coupon)
"""Settings that a fact found or did not find, depending on when it came."""


@dataclass(slots=True)
class Replayed:
    """How many facts were told, and those that were refused now though they were accepted then (id, why)."""

    told: int = 0
    refused: list[str] = field(default_factory=list)


@contextmanager
def scratch_database(folder: Path) -> Iterator[Database]:
    """An empty database in ``folder`` with the tables of this release, for one replay; nothing in it need survive."""
    path = folder / "replay.db"
    database = Database(f"sqlite:///{path}")
    event.listen(database.engine, "connect", _in_haste)
    try:
        Base.metadata.create_all(database.engine)
        yield database
    finally:
        database.dispose()
        for leftover in folder.glob("replay.db*"):
            leftover.unlink()


def _in_haste(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # Products come when they came; rates that name them are there from the start.
    for pragma in ("synchronous=OFF", "foreign_keys=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def count_facts(live: Session) -> int:
    """How many facts there are to tell."""
    return live.scalars(select(func.count()).select_from(Fact)).one()


def replay(
    deps: ReferralDeps,
    live: Session,
    scratch: Database,
    progress: Callable[[int], None] = lambda _facts: None,
) -> Replayed:
    """Tell all facts of ``live`` (a reading session that sees one snapshot) to ``scratch``.

    ``progress`` is told how many facts have been added each time. Runs in bounded memory.
    """
    parts = replace(
        deps,
        keyring=StoredFingerprints(("replayed facts hold fingerprints already",)),
        referrer_iban_keys=lambda _session, _referrer: frozenset(),
        tell_partner=lambda _session, _news: None,
        rulebooks=Rulebooks(),
    )
    settings = _Settings(live)
    with scratch.transaction() as session:
        settings.begin(session)
    done = Replayed()
    for chunk in settings.chunks(scratch, _facts_of(live)):
        _tell_all(parts, scratch, chunk, done)
        done.told += len(chunk)
        progress(len(chunk))
    take_over(parts, live, scratch)
    recount_all(parts, scratch, clock.now())
    return done


def _facts_of(live: Session) -> Iterator[Any]:
    wanted = select(*_FACTS.columns).order_by(_FACTS.c.id)
    yield from live.connection().execute(wanted, execution_options={"yield_per": _TOGETHER})


def _tell_all(deps: ReferralDeps, scratch: Database, chunk: Sequence[Any], done: Replayed) -> None:
    """Tell some facts in one transaction; each alone where one of them is refused."""
    try:
        with scratch.transaction() as session:
            for row in chunk:
                _tell(deps, session, row)
    except RefledgerError as refusal:
        if len(chunk) == 1:
            row = chunk[0]
            done.refused.append(f"fact {row.id} ({row.kind.value} {row.key!r}): {refusal.detail}")
            return
        for row in chunk:
            _tell_all(deps, scratch, [row], done)


def _tell(deps: ReferralDeps, session: Session, row: Any) -> None:  # noqa: ANN401 - a row
    if is_reduced(row.body):
        _was_there(session, row)
        return
    program = session.get_one(Program, row.program_id)
    record, read = _TELL[row.kind]
    record(deps, session, program, read(row.body), row.received_at)


def _was_there(session: Session, row: Any) -> None:  # noqa: ANN401 - a row
    """Of a fact whose retention is over only this stays: when its customer was seen first."""
    seen = row.body.get("placed_at") or row.body.get("signed_up_at")
    customer_id = row.body.get("customer_id")
    if not customer_id or not seen:
        return
    at = datetime.fromisoformat(seen)
    customer = session.scalar(
        select(Customer).where(Customer.program_id == row.program_id, Customer.customer_id == customer_id)
    )
    if customer is None:
        customer = Customer(program_id=row.program_id, customer_id=customer_id, created_at=row.received_at)
        session.add(customer)
    customer.first_seen_at = min(customer.first_seen_at or at, at)
    session.flush()


class _Settings:
    """The settings that facts were judged by, each brought in when it was there."""

    def __init__(self, live: Session) -> None:
        self._live = live
        coming = [
            (row["created_at"], table_of(model), row) for model in _IN_TIME for row in self._rows(model)
        ]
        self._coming = deque(sorted(coming, key=lambda item: item[0]))

    def begin(self, scratch: Session) -> None:
        """Bring in what says itself from when on it holds."""
        for model in _AT_ONCE:
            rows = list(self._rows(model))
            if rows:
                connection_of(scratch).execute(insert(table_of(model)), rows)
        self._bring_old_customers(scratch)

    def _bring_old_customers(self, scratch: Session) -> None:
        """When customers had paid first whose first orders became totals: no later one brings a sign-up bonus."""
        kept = ("program_id", "customer_id", "forgotten_paid_at", "created_at")
        customers = table_of(Customer)
        wanted = select(*(customers.c[name] for name in kept)).where(
            customers.c.forgotten_paid_at.is_not(None)
        )
        old = self._live.connection().execute(wanted, execution_options={"yield_per": _TOGETHER})
        for some in old.mappings().partitions():
            connection_of(scratch).execute(insert(customers), [dict(row) for row in some])

    def chunks(self, scratch: Database, stored: Iterable[Any]) -> Iterator[list[Any]]:
        """The facts, some at a time; between them what came in between is brought in."""
        chunk: list[Any] = []
        for row in stored:
            if chunk and (len(chunk) == _TOGETHER or self._is_due(row.received_at)):
                yield chunk
                chunk = []
            if self._is_due(row.received_at):
                with scratch.transaction() as session:
                    self._catch_up(session, row.received_at)
            chunk.append(row)
        if chunk:
            yield chunk

    def _is_due(self, now: datetime) -> bool:
        return bool(self._coming) and self._coming[0][0] <= now

    def _catch_up(self, scratch: Session, now: datetime) -> None:
        arrived: set[int] = set()
        while self._is_due(now):
            _, table, row = self._coming.popleft()
            connection_of(scratch).execute(insert(table), row)
            arrived.add(row["program_id"])
        for program_id in arrived:
            new_rules(scratch.get_one(Program, program_id))

    def _rows(self, model: type[Base]) -> Iterator[dict[str, Any]]:
        for found in self._live.execute(select(table_of(model))).mappings():
            row = dict(found)
            if model is Referrer:
                # Whether somebody took part is a question of spans; whom a row belongs to is nobody's business here.
                row |= {"status": ReferrerStatus.ACTIVE, "user_id": None, "name": "", "email": str(row["id"])}
            yield row
