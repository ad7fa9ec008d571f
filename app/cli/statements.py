"""``flask statements``: a referrer's months, from the ledger."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.command import House, answer, blaming, json_option, parts, program_of, referrer_of
from app.kernel import clock
from app.kernel.money import Money
from app.payouts.documents.statement_file import statement_file
from app.payouts.documents.statements import referrers_with_a_statement, statement_of
from app.payouts.domain.calendar import Period
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from app.payouts.domain.statement import Statement, StatementLine

statements = House("statements", help="Monthly commission statements.")

_PROGRAM = click.option("--program", "slug", required=True, metavar="S", help="The programme.")
_PERIOD = click.option("--period", required=True, metavar="YYYY-MM", help="A month that is over.")


@statements.command("show")
@_PROGRAM
@click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
@_PERIOD
@json_option
def show(slug: str, code: str, period: str, as_json: bool) -> None:
    """Print one referrer's month: opening, movements, closing."""
    with parts().db.reading() as session, blaming("--period"):
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        found = statement_of(session, program, referrer, Period.parse(period), now=clock.now())
    answer(as_json, _shown(found), *_lines(found))


def _shown(found: Statement) -> dict[str, Any]:
    return {
        "referrer": found.code,
        "currency": found.currency,
        "from": found.from_on.isoformat(),
        "until": found.until_on.isoformat(),
        "opening": asdict(found.opening) | {"total_minor": found.opening.total_minor},
        "lines": [_line(line) for line in found.lines],
        "closing": asdict(found.closing) | {"total_minor": found.closing.total_minor},
    }


def _line(line: StatementLine) -> dict[str, Any]:
    return {
        **asdict(line),
        "on": line.on.isoformat(),
        "movement": line.movement.value,
        "effect_minor": line.effect_minor,
    }


def _lines(found: Statement) -> list[str]:
    def money(minor: int) -> str:
        return f"{Money(minor, found.currency).decimal_string():>14}"

    lines = [f"{found.from_on}  opening            {money(found.opening.total_minor)}"]
    for line in found.lines:
        what = line.origin.product if line.origin else line.reference
        lines.append(f"{line.on}  {line.movement.value:<19}{money(line.effect_minor)}  {what}")
    return [*lines, f"{found.until_on}  closing            {money(found.closing.total_minor)}"]


@statements.command("export")
@_PROGRAM
@_PERIOD
@click.option("--referrer", "code", metavar="CODE", help="Of one referrer only.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@json_option
def export(slug: str, period: str, code: str | None, out: Path, as_json: bool) -> None:
    """Write the statement of everybody with a movement or a balance as PDF, one file each."""
    month, now, written = Period.parse(period), clock.now(), []
    out.mkdir(parents=True, exist_ok=True)
    with parts().db.reading() as session, blaming("--period"):
        program = program_of(session, slug)
        wanted = (
            referrers_with_a_statement(session, program, month)
            if code is None
            else [referrer_of(session, program, code).id]
        )
        for referrer_id in wanted:
            referrer = session.get_one(Referrer, referrer_id)
            name, content = statement_file(session, program, referrer, month, now=now)
            (out / name).write_bytes(content)
            written.append(name)
    answer(as_json, {"program": slug, "period": period, "files": written}, f"{len(written)} files in {out}")
