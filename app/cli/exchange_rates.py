"""``flask exchange-rates``: the euro reference rates that convert orders of other currencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.command import BadInput, House, answer, json_option, parts
from app.identity.audit import Actor
from app.kernel import clock
from app.referrals.domain.exchange import exchange_day
from app.referrals.exchange_files import MAX_BYTES, read_rates
from app.referrals.exchange_import import import_rates
from app.referrals.resettle import settle_waiting, waiting_orders

if TYPE_CHECKING:
    from app.referrals.models import Order, Program

exchange_rates = House("exchange-rates", help="Euro reference rates for orders in other currencies.")


@exchange_rates.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def import_(file: Path, as_json: bool) -> None:
    """Import the European Central Bank's FILE and settle the orders that waited for it.

    eurofxref-hist.csv, eurofxref.csv, either in its zip, or eurofxref*.xml. All of it or nothing; the same file
    again changes nothing, and a stored rate is never replaced. An order is converted at the rate of the last TARGET
    day before the day it was paid on.
    """
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadInput(f"FILE: larger than {MAX_BYTES} bytes")
    now = clock.now()
    services = parts()
    rates = read_rates(data, clock.local_day(now, "Europe/Berlin"))
    with services.db.transaction() as session:
        new = import_rates(session, rates, actor=Actor.cli(), now=now)
    settled, waiting = settle_waiting(services.referrals, services.db, now)
    shown = {"read": len(rates), "new": new, "settled": settled, "waiting": waiting}
    answer(
        as_json,
        shown,
        f"{new} of {len(rates)} rates are new; {settled} orders settled, {waiting} still wait for a rate",
    )


@exchange_rates.command("waiting")
@json_option
def waiting(as_json: bool) -> None:
    """List the orders that wait for an exchange rate, and for which day's."""
    with parts().db.reading() as session:
        rows = [_waiting(order, program) for order, program in session.execute(waiting_orders())]
    lines = [f"{row['program']}  {row['order_id']}  {row['currency']}  {row['needs']}" for row in rows]
    answer(as_json, {"waiting": rows}, *(lines or ["no order waits for an exchange rate"]))


def _waiting(order: Order, program: Program) -> dict[str, Any]:
    needs = exchange_day(order.paid_at, program.timezone).isoformat() if order.paid_at else None
    return {
        "program": program.slug,
        "order_id": order.order_id,
        "currency": order.currency,
        "paid_at": order.paid_at and order.paid_at.isoformat(),
        "needs": needs,
    }
