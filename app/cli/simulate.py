"""``flask rates simulate``: past orders under other terms."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.command import BadInput, answer, blaming, json_option, parts, program_of, referrer_of
from app.cli.parse import Instant, Kinds, instant, words
from app.cli.rate_options import CAP_CUSTOMER, CAP_ORDER, DURATION, RATE, TIER, TIER_BASIS, RateOptions
from app.cli.rates import rates
from app.kernel import clock
from app.kernel.money import Money
from app.referrals.programs import MAX_HOLD_DAYS, MAX_WINDOW_DAYS, find_product
from app.referrals.rates import bonus_terms, supposed_rate
from app.referrals.whatif import Shift, Supposed, count_customers, simulate, total_of
from app.referrals.words import AttributionModel

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.rates import Rate
    from app.referrals.models import Program

_RATE_PARTS: Final = ("rate", "duration", "kinds", "tiers", "tier_basis", "cap_order", "cap_customer")


@rates.command("simulate")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option(
    "--from", "start", required=True, type=Instant(), metavar="ISO", help="Orders paid from then on."
)
@click.option("--to", "end", required=True, type=Instant(), metavar="ISO", help="Orders paid before then.")
@RATE
@click.option("--sku", metavar="SKU", help="The rate is for this product only.")
@click.option("--referrer", "code", metavar="CODE", help="The rate or bonus is for this referrer only.")
@DURATION
@click.option("--kinds", type=Kinds(), help="Line kinds it pays: new,renewal,upgrade,addon.  [default: all]")
@TIER
@TIER_BASIS
@CAP_ORDER
@CAP_CUSTOMER
@click.option(
    "--signup-bonus",
    metavar="AMOUNT",
    help="Paid once, for the first order that a customer ever pays, or none.",
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
    """Show what each referrer would have earned on past orders under other terms.

    Posts nothing. What is not given stays as it was. --rate takes the place of every rate at its own level: one for a
    product or a referrer still goes before one for all. Performance tiers count customers as they really were.
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
    total = total_of(found.values())
    document = {
        "currency": currency,
        "customers": count,
        "total": _json(total),
        "referrers": [{"referrer": code, **_json(shift)} for code, shift in found.items()],
    }
    answer(as_json, document, *_table(found, total, currency))


def _supposed(session: Session, program: Program, given: dict[str, Any]) -> Supposed:
    options = RateOptions(scope=None, rate_from=None, **{name: given[name] for name in _RATE_PARTS})
    options.check()
    if options.rate is None and given["sku"] is not None:
        raise BadInput("--sku: goes with --rate, which is missing")
    if options.rate is None and given["signup_bonus"] is None and given["code"] is not None:
        raise BadInput("--referrer: goes with --rate or --signup-bonus, and both are missing")
    model = given["attribution"]
    supposed = Supposed(
        *_rates(session, program, options, given),
        window_days=given["window_days"],
        attribution=AttributionModel(model) if model else None,
        hold_days=given["hold_days"],
    )
    if supposed == Supposed():
        raise BadInput(
            "give at least one of --rate, --signup-bonus, --window-days, --attribution and --hold-days"
        )
    return supposed


def _rates(
    session: Session, program: Program, options: RateOptions, given: dict[str, Any]
) -> tuple[Rate | None, Rate | None]:
    """The supposed rate and the supposed sign-up bonus."""
    product = None
    if given["sku"] is not None:
        with blaming("--sku"):
            product = find_product(session, program, given["sku"])
    referrer = referrer_of(session, program, given["code"]) if given["code"] is not None else None
    now, terms, bonus = clock.now(), options.terms(), given["signup_bonus"]
    return (
        supposed_rate(program, terms, product=product, referrer=referrer, now=now) if terms else None,
        None
        if bonus is None
        else supposed_rate(program, bonus_terms(program, bonus), product=None, referrer=referrer, now=now),
    )


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
