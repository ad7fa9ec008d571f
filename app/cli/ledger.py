"""``flask ledger``: whether the books are right, what one referrer has, and closing a month."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from sqlalchemy import func, select

from app.cli.command import (
    House,
    Refusal,
    answer,
    blaming,
    json_option,
    parts,
    person_who,
    program_of,
    referrer_of,
)
from app.cli.parse import Instant, instant
from app.finance.check import EVERY_CHECK
from app.finance.closing import close_period, months_closed
from app.finance.sealing import seal_what_is_due
from app.identity.audit import Actor
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.money import Money
from app.ledger.balances import balance
from app.ledger.check import first_broken
from app.ledger.models import LedgerTransaction
from app.referrals.queries.opening import beside_earned

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
        broken = first_broken(session, EVERY_CHECK, program_id)
        count = select(func.count()).select_from(LedgerTransaction)
        if program_id is not None:
            count = count.where(LedgerTransaction.program_id == program_id)
        transactions = session.scalars(count).one()
    if broken is not None:
        if as_json:
            answer(as_json, {"holds": False, "invariant": broken.invariant, "detail": broken.detail})
        raise Refusal(f"the ledger does not hold: {broken}")
    shown = {"holds": True, "invariants": len(EVERY_CHECK), "transactions": transactions}
    answer(
        as_json, shown, f"the ledger holds: {len(EVERY_CHECK)} invariants over {transactions} transactions"
    )


@ledger.command("balance")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@click.option("--as-of", type=Instant(), help="The balance as it was known then.")
@json_option
def balance_(slug: str, code: str, as_of: datetime | date | None, as_json: bool) -> None:
    """Print one referrer's balance; --json gives minor units, as the API does.

    earned - clawed_back + opening + adjustments = pending + available + held + in_flight + paid.
    """
    with parts().db.reading() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        at = instant(as_of, program.timezone)
        today = clock.local_day(at or clock.now(), program.timezone)
        found = balance(session, referrer_id=referrer.id, currency=program.currency, today=today, as_of=at)
        beside = beside_earned(session, referrer.id, found, at)
    shown = {name: value for name, value in asdict(found).items() if name != "other"} | beside._asdict()
    figures = [(name, value) for name, value in shown.items() if name != "currency"]
    lines = [f"{name:<12}{Money(value, found.currency).decimal_string():>16}" for name, value in figures]
    answer(as_json, {"referrer": referrer.code, **shown}, f"{referrer.code}, {found.currency}", *lines)


@ledger.command("seal")
@json_option
def seal(as_json: bool) -> None:
    """Seal every finished day that is not sealed yet (the scheduler does so every night)."""
    found = seal_what_is_due(parts().db, clock.now())
    shown = [
        {
            "book": each.book.value,
            "days": [day.isoformat() for day in each.days],
            "seals": each.head.number,
            "sealed_until": each.head.day.isoformat() if each.head.day else None,
            "head": each.head.digest,
        }
        for each in found
    ]
    lines = [
        f"{each.book.value:<8}{len(each.days):>5} days sealed, until {each.head.day or 'nothing'}: {each.head.digest}"
        for each in found
    ]
    answer(as_json, {"books": shown}, *lines)


@ledger.command("close")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month to close, for good.")
@click.option("--by", "email", metavar="EMAIL", help="Who closes it; without, the command line does.")
@json_option
def close(slug: str, period: str, email: str | None, as_json: bool) -> None:
    """Close a finished month: what becomes known of it later counts in the first open month."""
    with parts().db.reading() as session:
        program_id = program_of(session, slug).id
        by = Actor.cli() if email is None else Actor.user(person_who(session, email, Action.CLOSE_BOOKS))
    with blaming("--period"):
        closed = close_period(parts().db, program_id, period, by=by, now=clock.now())
    facts = {"transactions": closed.totals.transactions, "debits_minor": closed.totals.debits_minor}
    line = f"{slug} {closed.period} is closed: {closed.totals.transactions} transactions"
    answer(as_json, {"program": slug, "period": closed.period, **facts}, line)


@ledger.command("closings")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@json_option
def closings(slug: str, as_json: bool) -> None:
    """List the closed months, newest first."""
    with parts().db.reading() as session:
        found = months_closed(session, program_of(session, slug).id)
    shown = [
        {
            "period": each.period,
            "transactions": each.transaction_count,
            "debits_minor": each.debits_minor,
            "closed_at": each.closed_at.isoformat(),
            "closed_by": each.closed_by,
        }
        for each in found
    ]
    lines = [f"{each.period}  {each.transaction_count:>10}  {each.closed_at:%Y-%m-%d}" for each in found]
    answer(as_json, {"program": slug, "closed": shown}, *(lines or ["no month is closed"]))
