"""``flask ledger``: whether the books are right, and what one referrer has."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from sqlalchemy import func, select

from app.cli.command import House, Refusal, answer, json_option, parts, program_of, referrer_of
from app.cli.parse import Instant, instant
from app.kernel import clock
from app.kernel.money import Money
from app.ledger.balances import balance
from app.ledger.check import first_broken
from app.ledger.models import LedgerTransaction
from app.payouts.check import ALL_CHECKS

if TYPE_CHECKING:
    from datetime import date, datetime

ledger = House("ledger", help="The double-entry journal.")


@ledger.command("check")
@click.option("--program", "slug", metavar="S", help="One programme only.")
@json_option
def check(slug: str | None, as_json: bool) -> None:
    """Check every invariant from the entries themselves; names the first that is broken."""
    with parts().db.reading() as session:
        program_id = None if slug is None else program_of(session, slug).id
        broken = first_broken(session, ALL_CHECKS, program_id)
        count = select(func.count()).select_from(LedgerTransaction)
        if program_id is not None:
            count = count.where(LedgerTransaction.program_id == program_id)
        transactions = session.scalars(count).one()
    if broken is not None:
        if as_json:
            answer(as_json, {"holds": False, "invariant": broken.invariant, "detail": broken.detail})
        raise Refusal(f"the ledger does not hold: {broken}")
    shown = {"holds": True, "invariants": len(ALL_CHECKS), "transactions": transactions}
    answer(as_json, shown, f"the ledger holds: {len(ALL_CHECKS)} invariants over {transactions} transactions")


@ledger.command("balance")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@click.option("--as-of", type=Instant(), help="The balance as it was known then.")
@json_option
def balance_(slug: str, code: str, as_of: datetime | date | None, as_json: bool) -> None:
    """Print one referrer's balance; --json gives minor units, as the API does."""
    with parts().db.reading() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        at = instant(as_of, program.timezone)
        today = clock.local_day(at or clock.now(), program.timezone)
        found = balance(session, referrer_id=referrer.id, currency=program.currency, today=today, as_of=at)
    shown = asdict(found)
    figures = [(name, value) for name, value in shown.items() if name != "currency"]
    lines = [f"{name:<12}{Money(value, found.currency).decimal_string():>16}" for name, value in figures]
    answer(as_json, {"referrer": referrer.code, **shown}, f"{referrer.code}, {found.currency}", *lines)
