"""``flask attribution correct``: staff say whom a customer belongs to."""

from __future__ import annotations

from typing import Any

import click

from app.cli.attribution import attribution
from app.cli.command import BadInput, answer, json_option, parts, person_who, program_of, referrer_of
from app.cli.parse import Instant, instant
from app.identity.audit import Actor
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.money import Money
from app.referrals.assignments import Wanted, correct_attribution

__all__ = ["attribution"]


@attribution.command("correct")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--customer", required=True, metavar="ID", help="The customer, by the shop's own id.")
@click.option("--referrer", "code", metavar="CODE", help="The referrer that the customer shall belong to.")
@click.option("--nobody", is_flag=True, help="The customer shall belong to nobody.")
@click.option("--from", "from_at", type=Instant(), metavar="ISO", help="From when on; now unless given.")
@click.option("--also-earlier", is_flag=True, help="Move orders placed before that, too.")
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why; kept with the decision and in the audit trail."
)
@click.option("--by", required=True, metavar="EMAIL", help="Who decides.")
@json_option
def correct(
    slug: str,
    customer: str,
    code: str | None,
    nobody: bool,
    reason: str,
    by: str,
    as_json: bool,
    **since: Any,  # noqa: ANN401 - Click's
) -> None:
    """Correct whom a customer belongs to; later orders move, earlier ones only where you say so."""
    if (code is None) is not nobody:
        raise BadInput("give either --referrer or --nobody")
    with parts().db.transaction() as session:
        actor = Actor.user(person_who(session, by, Action.CORRECT_ATTRIBUTION))
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code) if code else None
        wanted = Wanted(referrer, reason, instant(since["from_at"], program.timezone), since["also_earlier"])
        done = correct_attribution(
            parts().referrals, session, program, customer, wanted, actor=actor, now=clock.now()
        )
        currency = program.currency
    lines = [f"{who} {Money(more, currency).decimal_string()} {currency}" for who, more in done.moved.items()]
    answer(
        as_json,
        {"customer": customer, "referrer": code, "assignment": done.assignment_id, "moved": dict(done.moved)},
        f"customer {customer} belongs to {code or 'nobody'}",
        *lines,
    )
