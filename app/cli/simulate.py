"""``flask rates simulate``: past orders under other terms."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from app.cli.command import BadInput, answer, json_option, parts, program_of, referrer_of
from app.cli.parse import Instant, instant, words
from app.cli.rates import rates
from app.kernel import clock
from app.kernel.money import Money
from app.referrals.programs import MAX_HOLD_DAYS, MAX_WINDOW_DAYS, find_product
from app.referrals.rates import RateTerms, supposed_rate
from app.referrals.whatif import Shift, Supposed, count_customers, simulate
from app.referrals.words import AttributionModel

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program


@rates.command("simulate")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option(
    "--from", "start", required=True, type=Instant(), metavar="ISO", help="Orders paid from then on."
)
@click.option("--to", "end", required=True, type=Instant(), metavar="ISO", help="Orders paid before then.")
@click.option("--rate", metavar="R", help="10%, 5.00 (flat, for each piece) or none, in place of what held.")
@click.option("--sku", metavar="SKU", help="The rate is for this product only.")
@click.option("--referrer", "code", metavar="CODE", help="The rate is for this referrer only.")
@click.option(
    "--duration", metavar="D", default="lifetime", show_default=True, help="Of the rate, as in products set."
)
@click.option("--window-days", type=click.IntRange(1, MAX_WINDOW_DAYS), help="Another attribution window.")
@click.option("--attribution", type=words(AttributionModel), help="Another attribution model.")
@click.option("--hold-days", type=click.IntRange(0, MAX_HOLD_DAYS), help="Another hold period.")
@json_option
def simulate_(  # each option is one part of the question
    slug: str,
    start: datetime | date,
    end: datetime | date,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - Click's
) -> None:
    """Show what each referrer would have earned on past orders under another rate, window, hold period or model.

    Posts nothing. What is not given stays as it was.
    """
    house = parts()
    with house.db.snapshot() as session:
        program = program_of(session, slug)
        begins, ends = instant(start, program.timezone), instant(end, program.timezone)
        assert begins is not None  # both are required
        assert ends is not None
        if begins >= ends:
            raise BadInput("--to: must lie after --from")
        supposed = _supposed(session, program, given)
        count = count_customers(session, program, begins, ends)
        with click.progressbar(
            length=count,
            label="Customers",
            file=sys.stderr,
            hidden=as_json or not sys.stderr.isatty(),
        ) as bar:
            found = simulate(house.referrals, session, program, supposed, begins, ends, bar.update)
        currency = program.currency
    total = Shift()
    for shift in found.values():
        for name, value in asdict(shift).items():
            setattr(total, name, getattr(total, name) + value)
    document = {
        "currency": currency,
        "customers": count,
        "total": _json(total),
        "referrers": [{"referrer": code, **_json(shift)} for code, shift in found.items()],
    }
    answer(as_json, document, *_table(found, total, currency))


def _supposed(session: Session, program: Program, given: dict[str, Any]) -> Supposed:
    if given["rate"] is None:
        for option in ("sku", "code"):
            if given[option] is not None:
                name = "referrer" if option == "code" else option
                raise BadInput(f"--{name}: goes with --rate, which is missing")
        rate = None
    else:
        terms = RateTerms(given["rate"], given["duration"])
        product = find_product(session, program, given["sku"]) if given["sku"] else None
        referrer = referrer_of(session, program, given["code"]) if given["code"] else None
        rate = supposed_rate(program, terms, product=product, referrer=referrer, now=clock.now())
    model = given["attribution"]
    supposed = Supposed(
        rate,
        window_days=given["window_days"],
        attribution=AttributionModel(model) if model else None,
        hold_days=given["hold_days"],
    )
    if supposed == Supposed():
        raise BadInput("give at least one of --rate, --window-days, --attribution and --hold-days")
    return supposed


def _json(shift: Shift) -> dict[str, int]:
    return {**asdict(shift), "difference": shift.difference}


def _table(found: dict[str, Shift], total: Shift, currency: str) -> list[str]:
    def row(name: str, shift: Shift) -> str:
        amounts = (shift.was, shift.would_be, shift.difference, shift.payable_was, shift.payable_would_be)
        return f"{name:<32}" + "".join(f"{Money(each, currency).decimal_string():>16}" for each in amounts)

    heads = ("was", "would be", "difference", "payable was", "would be")
    return [
        f"{currency:<32}" + "".join(f"{head:>16}" for head in heads),
        *(row(code, shift) for code, shift in found.items()),
        row("total", total),
    ]
