"""``flask referrers``: a rate of their own, suspension, reinstatement."""

from __future__ import annotations

from typing import Any

import click

from app.cli.command import BadInput, House, answer, blaming, json_option, parts, program_of, referrer_of
from app.cli.rate_options import RateOptions, with_rate
from app.identity.audit import Actor
from app.kernel import clock
from app.referrals import referrers as use_cases
from app.referrals.programs import find_product

referrers = House("referrers", help="Rates of one referrer; suspend and reinstate.")


@referrers.command("rate")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@click.option("--sku", help="For one product only.")
@with_rate
@json_option
def rate_(slug: str, code: str, sku: str | None, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - Click's
    """Give a referrer a rate of their own, for all products or one."""
    rate = RateOptions(**options)
    if rate.rate is None:
        raise BadInput("Missing option '--rate'.")
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        with blaming("--sku"):
            product = None if sku is None else find_product(session, program, sku)
        rate.apply(session, program, product=product, referrer=referrer, now=clock.now())
    what = f"product {sku}" if sku else "all products"
    answer(as_json, {"referrer": code, "sku": sku, "rate": rate.rate}, f"rate {rate.rate} for {code}, {what}")


@referrers.command("suspend")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit trail.")
@json_option
def suspend(slug: str, code: str, reason: str, as_json: bool) -> None:
    """Suspend a referrer: links land unattributed, unpaid money is held."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        held = use_cases.suspend(
            session, program, referrer, reason=reason, actor=Actor.cli(), now=clock.now()
        )
    shown = {"referrer": code, "status": "suspended", "commissions_held": held}
    answer(as_json, shown, f"referrer {code} suspended, {held} commissions held")


@referrers.command("reinstate")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit trail.")
@json_option
def reinstate(slug: str, code: str, reason: str, as_json: bool) -> None:
    """Let a suspended referrer take part again and release what was held."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        released = use_cases.reinstate(
            session, program, referrer, reason=reason, actor=Actor.cli(), now=clock.now()
        )
    shown = {"referrer": code, "status": "active", "holds_released": released}
    answer(as_json, shown, f"referrer {code} reinstated, {released} holds released")
