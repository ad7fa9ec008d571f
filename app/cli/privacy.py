"""``flask privacy``: retention and its report, a person's copy, erasure."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from sqlalchemy import select

from app.cli.command import BadInput, House, answer, blaming, json_option, parts, program_of, referrer_of
from app.identity.audit import Actor, record_event
from app.kernel import clock
from app.privacy import rules
from app.privacy.customer_erasure import erase_customer
from app.privacy.customer_export import customer_export
from app.privacy.erasure import erase_referrer
from app.privacy.readable import write_zip
from app.privacy.referrer_export import referrer_sections, write_json
from app.privacy.retain import reports, retain
from app.referrals.errors import CustomerNotFound
from app.referrals.leaving import leave
from app.referrals.models import Customer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.privacy.retain import Report
    from app.referrals.models import Program

privacy = House("privacy", help="How long what is kept; copies and erasure of a person's data.")

_PROGRAM = click.option("--program", "slug", required=True, metavar="S", help="The programme.")
_REFERRER = click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")
_CUSTOMER = click.option("--customer", "customer_id", required=True, metavar="ID", help="The shop's own id.")


@privacy.command("rules")
@json_option
def rules_(as_json: bool) -> None:
    """Show how long what is kept, and why."""
    shown = [
        {
            "rule": rule.name,
            "table": rule.table,
            "data": rule.what,
            "kept": str(rule.kept),
            "counted_from": rule.since,
            "then": rule.deed.value,
            "why": rule.why,
        }
        for rule in rules.RULES
    ]
    lines = [f"{each['rule']:<22} {each['kept']:<10} {each['then']:<9} {each['data']}" for each in shown]
    answer(as_json, {"rules": shown}, *lines)


@privacy.command("retain")
@json_option
def retain_(as_json: bool) -> None:
    """Let go of what is past its time now; the worker does it every night."""
    report = retain(parts(), clock.now(), actor=Actor.cli())
    answer(as_json, _shown(report), *_lines(report))


@privacy.command("report")
@click.option("--last", type=click.IntRange(1, 100), default=1, show_default=True, help="How many runs.")
@json_option
def report_(last: int, as_json: bool) -> None:
    """Show what the last runs let go of, from which table and why."""
    with parts().db.reading() as session:
        found = reports(session, last)
    lines = [line for report in found for line in _lines(report)]
    answer(as_json, {"runs": [_shown(report) for report in found]}, *(lines or ["no run yet"]))


@privacy.command("export-referrer")
@_PROGRAM
@_REFERRER
@click.option(
    "--out", type=click.Path(path_type=Path), help="A file ending in .zip (also readable) or .json."
)
def export_referrer(slug: str, code: str, out: Path | None) -> None:
    """Write everything that is kept of a referrer, as JSON, or with --out FILE.zip readable too."""
    if out is not None and out.suffix not in {".zip", ".json"}:
        raise BadInput("--out: expected a file name that ends in .zip or .json")
    house = parts()
    with house.db.transaction() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        subject = f"referrer:{referrer.code}"
        record_event(
            session, Actor.cli(), "privacy.exported", subject, now=clock.now(), program_id=program.id
        )
    with house.db.reading() as session:
        sections = referrer_sections(house, session, referrer)
        if out is None:
            write_json(sections, sys.stdout)
            return
        with _opened(out) as file:
            if out.suffix == ".zip":
                write_zip(sections, referrer.locale, clock.now(), file)
            else:
                with io.TextIOWrapper(file, "utf-8") as text:
                    write_json(sections, text)
    click.echo(f"{out} written")


@privacy.command("export-customer")
@_PROGRAM
@_CUSTOMER
def export_customer(slug: str, customer_id: str) -> None:
    """Print everything that is kept of a customer, as JSON."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        customer = _customer_of(session, program, customer_id)
        document = customer_export(session, program, customer)
        subject = f"customer:{customer.id}"
        record_event(
            session, Actor.cli(), "privacy.exported", subject, now=clock.now(), program_id=program.id
        )
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@privacy.command("leave")
@_PROGRAM
@_REFERRER
@json_option
def leave_(slug: str, code: str, as_json: bool) -> None:
    """Have a referrer leave: links stop counting, what is earned is still paid."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        leave(session, program, referrer_of(session, program, code), actor=Actor.cli(), now=clock.now())
    answer(as_json, {"referrer": code, "status": "left"}, f"referrer {code} has left")


@privacy.command("erase-referrer")
@_PROGRAM
@_REFERRER
@json_option
def erase_referrer_(slug: str, code: str, as_json: bool) -> None:
    """Erase a referrer who has left and has nothing coming; says what stands in the way."""
    with parts().db.transaction() as session:
        referrer = referrer_of(session, program_of(session, slug), code)
        erase_referrer(parts(), session, referrer, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"referrer": code, "erased": True}, f"referrer {code} is erased")


@privacy.command("erase-customer")
@_PROGRAM
@_CUSTOMER
@json_option
def erase_customer_(slug: str, customer_id: str, as_json: bool) -> None:
    """Erase what is kept of a customer; amounts and decisions stay."""
    with parts().db.transaction() as session, blaming("--customer"):
        program = program_of(session, slug)
        erase_customer(session, program, customer_id, clock.now(), actor=Actor.cli())
    answer(as_json, {"customer": customer_id, "erased": True}, f"customer {customer_id} is erased")


def _customer_of(session: Session, program: Program, customer_id: str) -> Customer:
    wanted = select(Customer).where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    with blaming("--customer"):
        found = session.scalar(wanted)
        if found is None:
            raise CustomerNotFound(customer_id)
        return found


def _opened(out: Path) -> IO[bytes]:
    try:
        return out.open("wb")
    except OSError as error:
        raise BadInput(f"--out: cannot write {out}: {error.strerror}") from None


def _shown(report: Report) -> dict[str, Any]:
    return {
        "run": report.run,
        "began_at": report.began_at.isoformat(),
        "finished_at": report.finished_at and report.finished_at.isoformat(),
        "rows": report.rows,
    }


def _lines(report: Report) -> list[str]:
    head = f"run {report.run}" + ("" if report.finished_at else " (did not come to its end)")
    return [
        head,
        *(
            f"  {rule.name:<22} {report.rows.get(rule.name, 0):>8} {rule.deed:<9} from {rule.table}: "
            f"kept for {rule.kept} from {rule.since}"
            for rule in rules.RULES
        ),
    ]
