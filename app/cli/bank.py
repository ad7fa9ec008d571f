"""``flask payouts exceptions`` and ``resolve``: what the bank said that matched nothing by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.command import answer, blaming, json_option, parts, person_who
from app.cli.payouts import payouts
from app.identity.audit import Actor
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import NotFound
from app.kernel.money import Money
from app.payouts import shown
from app.payouts.errors import NoSuchReference
from app.payouts.resolving import assign_exception, note_exception

if TYPE_CHECKING:
    from app.payouts.models import BankEvent

_MOST = 1_000


@payouts.command("exceptions")
@json_option
def exceptions(as_json: bool) -> None:
    """List what the bank said that a person has to look at, oldest first."""
    with parts().db.reading() as session:
        rows = [_view(event) for event in shown.exceptions(session, limit=_MOST)]
    lines = [
        f"{row['id']}  {row['exception']}  {row['kind']}  {row['amount'] or '-'} {row['currency'] or ''}  "
        f"{row['reference'] or '-'}  {row['reason'] or '-'}"
        + (f"  proposed name: {row['proposed_name']}" if row["proposed_name"] else "")
        for row in rows
    ]
    answer(as_json, {"exceptions": rows}, *(lines or ["nothing to look at"]))


@payouts.command("resolve")
@click.argument("event_id", metavar="ID", type=int)
@click.option("--by", "email", required=True, metavar="EMAIL", help="Who says so.")
@click.option("--reason", required=True, metavar="TEXT", help="What it was; it is kept.")
@click.option(
    "--belongs-to",
    "reference",
    metavar="REF",
    help="The payout (end-to-end id) or file (message id) that it belongs to; it is applied there.",
)
@json_option
def resolve(event_id: int, email: str, reason: str, reference: str | None, as_json: bool) -> None:
    """Take a record off the exception list: with --belongs-to it is applied, without it moves nothing."""
    now, deps = clock.now(), parts().payouts
    with deps.db.transaction() as session:
        by = Actor.user(person_who(session, email, Action.SETTLE_PAYOUTS))
        if reference is None:
            with blaming("ID"):
                note_exception(session, event_id, reason, by=by, now=now)
    if reference is not None:
        try:
            assign_exception(deps, event_id, reference, reason, by=by, now=now)
        except NotFound as error:
            with blaming("--belongs-to" if isinstance(error, NoSuchReference) else "ID"):
                raise
    done = f"applied to {reference}" if reference else "noted"
    answer(as_json, {"id": event_id, "outcome": "assigned" if reference else "noted"}, f"{event_id}: {done}")


def _view(event: BankEvent) -> dict[str, Any]:
    worth = event.amount_minor is not None and event.currency is not None
    return {
        "id": event.id,
        "exception": event.exception.value if event.exception else None,
        "kind": event.kind.value,
        "amount": Money(event.amount_minor or 0, event.currency or "").decimal_string() if worth else None,
        "currency": event.currency,
        "booked_on": event.booked_on.isoformat() if event.booked_on else None,
        "reference": event.end_to_end_id or event.payment_information_id or event.message_id,
        "bank_reference": event.entry_ref,
        "status": event.status,
        "reason": event.reason_code,
        "proposed_name": event.payee_name,
    }
