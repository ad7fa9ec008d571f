"""``flask products``: what the merchant sells, and what each pays."""

from __future__ import annotations

from typing import Any

import click

from app.cli.command import House, answer, json_option, parts, program_of
from app.cli.parse import Kinds
from app.cli.rate_options import RateOptions, with_rate
from app.kernel import clock
from app.referrals.programs import set_product

products = House("products", help="Products and their kickback rates.")


@products.command("set")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--sku", required=True, help="The product, as orders name it.")
@click.option("--name", help="What pages call it.  [default: the SKU]")
@with_rate
@click.option("--kinds", type=Kinds(), help="Line kinds it pays: new,renewal,upgrade,addon.  [default: all]")
@json_option
def set_(slug: str, sku: str, name: str | None, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - Click's
    """Create or rename a product, and give it its next rate."""
    rate = RateOptions(**options)
    rate.check()
    now = clock.now()
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        product = set_product(session, program, sku=sku, name=name, now=now)
        rate.apply(session, program, product=product, now=now)
        shown = {"sku": product.sku, "name": product.name, "rate": rate.rate}
    answer(as_json, shown, f"product {sku} set" + (f", rate {rate.rate}" if rate.rate else ""))
