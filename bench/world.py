"""A large installation for benchmarks: a small one told through the use cases, then copied many times by SQL.

The copies are whole referrers with their customers, orders, commissions, ledger and clicks under shifted ids, so every
table and index has its true size and shape. Only benchmarks write tables this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from app.identity.audit import Actor
from app.kernel.crypto import Keyring
from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.facts import LineFact, OrderFact, SignupFact
from app.referrals.intake import ReferralDeps
from app.referrals.links import LinkSigner
from app.referrals.orders import record_order
from app.referrals.programs import ProgramSettings, create_program, set_product
from app.referrals.rates import RateTerms, set_rate
from app.referrals.referrers import Joining, join
from app.referrals.signups import record_signup
from app.referrals.words import OrderStatus

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.models import Program

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
START: Final = datetime(2025, 12, 1, 12, tzinfo=UTC)
SHIFT: Final = 1_000_000
"""How far apart the ids of two copies are; no table of the small world has as many rows."""

_SHIFTED: Final = {
    "referrers": ("id",),
    "customers": ("id",),
    "signups": ("customer_id",),
    "bindings": ("id", "customer_id", "referrer_id"),
    "decisions": ("id", "customer_id", "referrer_id"),
    "facts": ("id",),
    "orders": ("id", "customer_id", "referrer_id"),
    "order_lines": ("id", "order_id"),
    "commissions": ("id", "referrer_id", "order_id", "order_line_id"),
    "ledger_transactions": ("id",),
    "ledger_entries": ("id", "transaction_id", "referrer_id", "commission_id"),
    "ledger_balances": ("referrer_id",),
    "clicks": ("id", "referrer_id"),
    "click_totals": ("referrer_id",),
}
"""Tables in the order of their foreign keys, and their columns that hold an id of the copied world."""

_RENAMED: Final = {
    "referrers": ("code", "email", "email_key"),
    "customers": ("customer_id",),
    "bindings": ("first_paid_order",),
    "decisions": ("decision_id",),
    "facts": ("key", "order_id"),
    "orders": ("order_id",),
    "ledger_transactions": ("idempotency_key",),
    "clicks": ("event_id",),
}
"""Columns whose text must be unique: the copy's number is put behind it."""


@dataclass(frozen=True)
class Size:
    """How much the small world holds; every referrer has the same share."""

    referrers: int = 20
    orders: int = 2_000
    clicks: int = 10_000

    @property
    def customers(self) -> int:
        """Each orders twice."""
        return self.orders // 2


def deps(keys: tuple[str, ...]) -> ReferralDeps:
    """What the use cases need, without mail."""
    return ReferralDeps(
        LinkSigner(keys), Keyring(keys), lambda _session, _referrer: frozenset(), lambda _session, _news: None
    )


def build(db: Database, keys: tuple[str, ...], size: Size) -> None:
    """Tell the small world: programme ``bench``, product ``web``, referrers ``r0...``, customers ``c0...``."""
    parts, actor = deps(keys), Actor.system("bench")
    with db.transaction() as session:
        settings = ProgramSettings(name="Bench", landing_url="https://shop.example/")
        program = create_program(
            session, slug="bench", currency="EUR", settings=settings, actor=actor, now=START
        )
        product = set_product(session, program, sku="web", name="Web", now=START)
        set_rate(
            session, program, RateTerms("10%"), product=product, referrer=None, valid_from=None, actor=actor, now=START
        )  # fmt: skip
        referrers = [
            join(
                session, parts.keyring, program, Joining(f"R {n}", f"r{n}@example.org", code=f"ref{n}"), actor=actor,
                now=START,
            )[0].id
            for n in range(size.referrers)
        ]  # fmt: skip
        for number in range(size.customers):
            at = START + timedelta(hours=number)
            click = parts.links.new_click_id(at, program.id, referrers[number % size.referrers])
            record_signup(parts, session, program, SignupFact(f"c{number}", (click,), signed_up_at=at), NOW)
        for number in range(size.orders):
            at = START + timedelta(hours=number * 4)
            record_order(parts, session, program, order(f"o{number}", f"c{number % size.customers}", at), NOW)
        _click(session, program, referrers, size.clicks - size.customers)


def order(order_id: str, customer_id: str, at: datetime) -> OrderFact:
    """A paid order with two lines, one of which earns."""
    lines = (LineFact("l1", "web", 1, 10_000), LineFact("l2", "mail", 1, 500))
    return OrderFact(order_id, customer_id, "EUR", OrderStatus.PAID, at, lines, paid_at=at)


def click_record(name: str, program_id: int, referrer_id: int, at: datetime) -> ClickRecord:
    """A counted click as the redirect records it."""
    at_ms = int(at.timestamp() * 1000)
    return ClickRecord(
        name, at_ms, program_id, referrer_id, "", f"v{name[-12:]}", "Firefox 140", "", "counted", ""
    )


def _click(session: Session, program: Program, referrers: list[int], count: int) -> None:
    records = []
    for number in range(count):
        at = START + timedelta(minutes=50 * number)
        records.append(click_record(f"b{number:08d}", program.id, referrers[number % len(referrers)], at))
    write_clicks(session, records)


def multiply(db: Database, copies: int) -> None:
    """Add ``copies`` copies of everything, then have the database look at its tables."""
    with db.transaction() as session:
        for table, shifted in _SHIFTED.items():
            columns = [column["name"] for column in inspect(session.connection()).get_columns(table)]
            chosen = [_copied(table, column, shifted) for column in columns]
            names = ", ".join(f'"{column}"' for column in columns)
            session.execute(
                text(
                    f"WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {copies}) "
                    f'INSERT INTO "{table}" ({names}) SELECT {", ".join(chosen)} FROM "{table}" CROSS JOIN n'
                )
            )
            if not db.is_sqlite and "id" in shifted:
                session.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
                )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _copied(table: str, column: str, shifted: tuple[str, ...]) -> str:
    if column in shifted:
        return f'"{column}" + k * {SHIFT}'
    if column in _RENAMED.get(table, ()):
        return f"\"{column}\" || '-' || k"
    return f'"{column}"'


def copied_name(name: str, copy: int) -> str:
    """What a name of the small world is called in a copy (0 is the original)."""
    return f"{name}-{copy}" if copy else name
