"""``flask coupons``: codes that attribute a customer to a referrer."""

from __future__ import annotations

import click

from app.cli.command import House, answer, json_option, parts, program_of, referrer_of
from app.identity.audit import Actor
from app.kernel import clock
from app.referrals.referrers import create_coupon

coupons = House("coupons", help="Coupons of referrers.")


@coupons.command("create")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@click.option(
    "--coupon", required=True, metavar="C", help="The code that customers type; case does not matter."
)
@json_option
def create(slug: str, code: str, coupon: str, as_json: bool) -> None:
    """Give a referrer a coupon."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        row = create_coupon(session, program, referrer, coupon, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"coupon": row.code, "referrer": code}, f"coupon {row.code} belongs to {code}")
