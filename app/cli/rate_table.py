"""``flask rates show``: what holds at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.command import answer, json_option, parts, program_of, referrer_of
from app.cli.parse import Instant, instant
from app.cli.rates import rates
from app.kernel import clock
from app.kernel.clock import BEGINNING
from app.kernel.money import Money
from app.referrals.queries.rate_table import rate_table
from app.referrals.rates import rate_text
from app.referrals.words import CommissionKind, Duration, LineKind

if TYPE_CHECKING:
    from datetime import date, datetime

    from app.referrals.domain.rates import Rate
    from app.referrals.queries.rate_table import DatedRate, Level


@rates.command("show")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--at", type=Instant(), help="When: a day or a time.  [default: now]")
@click.option("--referrer", "code", metavar="CODE", help="With this referrer's own rates.")
@json_option
def show(slug: str, at: datetime | date | None, code: str | None, as_json: bool) -> None:
    """Show what each product pays for a customer bound and paid at an instant, and each level's versions.

    A tier N=R: from the referrer's N-th customer with a paid order on, that one included, R holds instead.
    """
    with parts().db.reading() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code) if code else None
        moment = instant(at, program.timezone) or clock.now()
        table = rate_table(session, program, moment, referrer)
        currency = program.currency
        held = [{"product": product and product.sku} | _rate(rate, currency) for product, rate in table.holds]
        bonus = rate_text(table.bonus, currency) if table.bonus else None
        levels = [_level(level, currency, moment, code) for level in table.levels]
    shown = {
        "program": slug,
        "at": moment.isoformat(),
        "referrer": code,
        "rates": held,
        "signup_bonus": bonus,
        "levels": levels,
    }
    lines = [f"{row['product'] or 'every other product'}: {_words(row)}" for row in held]
    lines.append(f"sign-up bonus: {bonus or 'none'}")
    for level in levels:
        lines.append(f"{level['level']}:")
        lines += [f"  {_span(each)}  {_words(each)}" for each in level["versions"]]
    answer(as_json, shown, f"{slug}, {moment.isoformat()}", *lines)


def _rate(rate: Rate | None, currency: str) -> dict[str, Any]:
    if rate is None:
        return {"rate": None}
    months = f"{rate.duration_months}m"
    return {
        "rate": rate_text(rate, currency),
        "duration": months if rate.duration is Duration.MONTHS else rate.duration.value,
        "scope": rate.scope.value,
        "kinds": sorted(kind.value for kind in rate.line_kinds),
        "tiers": [
            f"{step.from_customers}={rate_text(rate, currency, step.from_customers)}" for step in rate.steps
        ],
        "tier_basis": rate.tier_basis.value if rate.steps else None,
        "cap_order": _money(rate.cap_order_minor, currency),
        "cap_customer": _money(rate.cap_customer_minor, currency),
    }


def _money(minor: int | None, currency: str) -> str | None:
    return None if minor is None else Money(minor, currency).decimal_string()


def _level(level: Level, currency: str, at: datetime, code: str | None) -> dict[str, Any]:
    what = "sign-up bonus" if level.pays is CommissionKind.BONUS else "all products"
    name = level.product.sku if level.product else what
    return {
        "level": f"{name} for {code}" if level.own else name,
        "pays": level.pays.value,
        "product": level.product and level.product.sku,
        "referrer": code if level.own else None,
        "versions": [_version(each, currency, at) for each in level.versions],
    }


def _version(version: DatedRate, currency: str, at: datetime) -> dict[str, Any]:
    since = version.rate.valid_from
    return _rate(version.rate, currency) | {
        "from": None if since == BEGINNING else since.isoformat(),
        "until": version.until and version.until.isoformat(),
        "in_force": version.is_in_force(at),
        "set_by": version.set_by,
    }


def _words(row: dict[str, Any]) -> str:
    if row["rate"] is None:
        return "does not participate"
    words = [row["rate"], row["duration"], row["scope"]]
    if len(row["kinds"]) < len(LineKind):
        words.append("/".join(row["kinds"]))
    if row["tiers"]:
        words.append(f"tiers {' '.join(row['tiers'])} by {row['tier_basis']}")
    words += [
        f"at most {row[name]} per {what}"
        for name, what in (("cap_order", "order"), ("cap_customer", "customer"))
        if row[name]
    ]
    return ", ".join(words)


def _span(version: dict[str, Any]) -> str:
    mark = "*" if version["in_force"] else " "
    return f"{mark} {version['from'] or 'the beginning'} - {version['until'] or 'now'}"
