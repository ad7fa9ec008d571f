"""``flask finance``: what is owed, what runs came to, and files for bookkeeping and the tax office."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.cli.command import House, answer, blaming, json_option, parts, program_of
from app.cli.parse import Instant, instant
from app.finance.basis import as_booked, as_known
from app.finance.datev import batch_lines
from app.finance.journal import journal_lines, month_of
from app.finance.match import matches
from app.finance.owed import ageing, liability, liability_by_referrer
from app.finance.settings import Bookkeeping, Wanted, change_settings, settings_of
from app.finance.ubd import ubd_lines, year_of
from app.finance.words import Chart
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.finance.basis import Basis
    from app.referrals.models import Program

finance = House("finance", help="What is owed and was paid, and files for bookkeeping.")

Command = TypeVar("Command", bound=Callable[..., Any])

_program = click.option("--program", "slug", required=True, metavar="S", help="The programme.")


def _when(command: Command) -> Command:
    as_of = click.option("--as-of", type=Instant(), help="As it was known then; now, if nothing is said.")
    period = click.option("--period", metavar="YYYY-MM", help="As the books have it at that month's end.")
    return as_of(period(command))


def _out(command: Command) -> Command:
    path = click.Path(dir_okay=False, writable=True, path_type=Path)
    return click.option("--out", type=path, required=True, help="The file to write.")(command)


def _basis(session: Session, program: Program, as_of: datetime | date | None, period: str | None) -> Basis:
    if as_of is not None and period is not None:
        raise InvalidInput("as-of and period exclude each other", pointer="/period")
    if period is not None:
        with blaming("--period"):
            return as_booked(session, program, period)
    return as_known(program, instant(as_of, program.timezone) or clock.now())


def _shown(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).decimal_string():>14}"


@finance.command("liability")
@_program
@_when
@json_option
def liability_(slug: str, as_of: datetime | date | None, period: str | None, as_json: bool) -> None:
    """Print what is owed to each referrer and to all; --json gives minor units."""
    with parts().db.snapshot() as session:
        program = program_of(session, slug)
        basis = _basis(session, program, as_of, period)
        everybody = liability(session, basis)
        each = list(liability_by_referrer(session, basis)) if as_json else []
        data = {
            "program": slug,
            "currency": program.currency,
            "day": basis.day.isoformat(),
            **asdict(everybody),
            "total": everybody.total,
            "referrers": [{"referrer": code, **asdict(owed), "total": owed.total} for code, owed in each],
        }
        if as_json:
            answer(as_json, data)
            return
        names = ("pending", "available", "held", "in_flight", "vat", "total")
        click.echo(f"{'':<24}" + "".join(f"{name:>14}" for name in names))
        for code, owed in liability_by_referrer(session, basis):
            click.echo(
                f"{code:<24}" + "".join(_shown(getattr(owed, name), program.currency) for name in names)
            )
        sums = "".join(_shown(getattr(everybody, name), program.currency) for name in names)
        click.echo(f"{program.currency + ' on ' + basis.day.isoformat():<24}{sums}")


@finance.command("ageing")
@_program
@_when
@json_option
def ageing_(slug: str, as_of: datetime | date | None, period: str | None, as_json: bool) -> None:
    """Print since when what is owed has been payable, in days; --json gives minor units."""
    with parts().db.snapshot() as session:
        program = program_of(session, slug)
        basis = _basis(session, program, as_of, period)
        found = ageing(session, basis)
    data = {
        "program": slug,
        "currency": program.currency,
        "day": basis.day.isoformat(),
        "buckets": [{**asdict(aged), "total": aged.total} for aged in found],
        "total": sum(aged.total for aged in found),
    }
    lines = [f"{aged.bucket:<12}{_shown(aged.total, program.currency)}" for aged in found]
    answer(as_json, data, *lines)


@finance.command("match")
@_program
@json_option
def match(slug: str, as_json: bool) -> None:
    """Hold what each run reserved against what was approved and what the bank settled; --json gives minor units."""
    with parts().db.snapshot() as session:
        program = program_of(session, slug)
        found = list(matches(session, program.id))
    data = [{**asdict(each), "state": each.state.value, "holds": each.holds} for each in found]
    lines = [
        f"{each.run:<28}{_shown(each.earned, each.currency)}{_shown(each.approved or 0, each.currency)}"
        f"{_shown(each.settled, each.currency)}  {'agrees' if each.holds else 'DIFFERS'}"
        for each in found
    ]
    header = f"{'':<28}{'earned':>14}{'approved':>14}{'settled':>14}"
    answer(as_json, {"program": slug, "runs": data}, header, *lines)


@finance.command("journal")
@_program
@click.option("--period", required=True, metavar="YYYY-MM", help="The month.")
@_out
@json_option
def journal_(slug: str, period: str, out: Path, as_json: bool) -> None:
    """Write a month's journal as CSV, an entry a line."""
    with parts().db.snapshot() as session, blaming("--period"):
        month = month_of(session, program_of(session, slug), period)
        lines = (text.encode() for text in journal_lines(session, month))
        _write(out, lines, as_json, headers=1)


@finance.command("datev")
@_program
@click.option("--period", required=True, metavar="YYYY-MM", help="The month.")
@_out
@json_option
def datev(slug: str, period: str, out: Path, as_json: bool) -> None:
    """Write a month's books as a booking batch for DATEV (EXTF)."""
    with parts().db.snapshot() as session:
        month = month_of(session, program_of(session, slug), period)
        _write(out, batch_lines(session, month, clock.now()), as_json, headers=2)


@finance.command("ubd")
@_program
@click.option("--year", required=True, metavar="YYYY", help="The calendar year of the bank's bookings.")
@_out
@json_option
def ubd(slug: str, year: str, out: Path, as_json: bool) -> None:
    """Write what was paid to natural persons in a year, for the Dutch tax office."""
    with parts().db.snapshot() as session:
        lines = (text.encode() for text in ubd_lines(session, program_of(session, slug), year_of(year)))
        _write(out, lines, as_json, headers=1)


def _write(out: Path, lines: Iterable[bytes], as_json: bool, *, headers: int) -> None:
    digest, count = hashlib.sha256(), 0
    with out.open("wb") as file:
        for line in lines:
            file.write(line)
            digest.update(line)
            count += 1
    data = {"file": out.name, "lines": count - headers, "sha256": digest.hexdigest()}
    answer(as_json, data, f"{out.name}: {data['lines']} lines, SHA-256 {data['sha256']}")


@finance.command("settings")
@_program
@click.option("--chart", type=click.Choice([chart.value for chart in Chart]), help="The chart of accounts.")
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="LEDGER=NUMBER",
    help="A number of your own; LEDGER= takes the chart's.",
)
@click.option("--adviser", type=int, help="DATEV's number of the tax adviser.")
@click.option("--client", type=int, help="DATEV's number of the client.")
@click.option("--year-begins", type=int, help="The month in which the financial year begins.")
@json_option
def settings(
    slug: str,
    chart: str | None,
    accounts: tuple[str, ...],
    adviser: int | None,
    client: int | None,
    year_begins: int | None,
    as_json: bool,
) -> None:
    """Print, and change where something is given, how the books are handed on. Closed months keep what they had."""
    given = (chart, adviser, client, year_begins)
    if not accounts and all(value is None for value in given):
        with parts().db.reading() as session:
            _print(settings_of(session, program_of(session, slug).id), as_json)
        return
    numbers = dict(each.partition("=")[::2] for each in accounts)
    wanted = Wanted(Chart(chart) if chart else None, numbers, adviser, client, year_begins)
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        _print(change_settings(session, program, wanted, by=Actor.cli(), now=clock.now()), as_json)


def _print(found: Bookkeeping, as_json: bool) -> None:
    data = {**asdict(found), "accounts": dict(found.accounts)}
    lines = [f"{name:<20}{number}" for name, number in found.accounts.items()]
    others = f"chart {found.chart.value}, adviser {found.adviser or '-'}, client {found.client or '-'}"
    answer(as_json, data, f"{others}, year begins in month {found.year_begins}", *lines)
