"""``flask documents``: who writes tax documents to whom, and the documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from app.cli.command import House, answer, json_option, parts, person_who, program_of, referrer_of
from app.identity.audit import Actor
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.money import Money
from app.payouts.documents.outstanding import issue_outstanding
from app.payouts.documents.profiles import (
    GivenParty,
    GivenProfile,
    agree,
    current_profile,
    put_merchant,
    put_profile,
    withdraw_agreement,
)
from app.payouts.documents.rendering import document_content, render_waiting
from app.payouts.documents.vies import Consultation, Vies, check_vat_id, record_answer
from app.payouts.documents.voiding import document_named, issue_again, object_to
from app.payouts.domain.vat import TaxStatus, VatAnswer
from app.payouts.models import TaxDocument
from app.payouts.settling import lock_referrers

if TYPE_CHECKING:
    from collections.abc import Callable

documents = House("documents", help="Self-billing documents, and the tax profiles they are written by.")

_PROGRAM = click.option("--program", "slug", required=True, metavar="S", help="The programme.")
_REFERRER = click.option("--referrer", "code", required=True, metavar="CODE", help="The referrer.")


def _with_party(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a name and address."""
    for option in (
        click.option("--vat-id", default="", metavar="ID", help="With its country's letters."),
        click.option("--country", required=True, metavar="CC", help="Two letters."),
        click.option("--town", required=True, metavar="TOWN"),
        click.option("--postcode", required=True, metavar="CODE"),
        click.option("--street", required=True, metavar="STREET", help="Street and number."),
        click.option("--name", "legal_name", required=True, metavar="NAME", help="The legal name."),
    ):
        command = option(command)
    return command


@documents.command("merchant")
@_PROGRAM
@_with_party
@json_option
def merchant(slug: str, as_json: bool, **party: str) -> None:
    """Say who the merchant of a programme is on documents; the next version, if there is one."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        row = put_merchant(session, program, GivenParty(**party), by=Actor.cli(), now=clock.now())
        shown = {"program": slug, "version": row.version, "country": row.country, "vat_id": row.vat_id}
    answer(as_json, shown, f"{slug}: {row.legal_name}, {row.vat_id}, version {row.version}")


@documents.command("profile")
@_PROGRAM
@_REFERRER
@click.option("--status", required=True, type=click.Choice([each.value for each in TaxStatus]))
@_with_party
@click.option("--tax-number", default="", metavar="N", help="National tax number of a small business.")
@click.option("--small-business-id", default="", metavar="N", help="EU small-business number, ends in EX.")
@json_option
def profile(
    slug: str,
    code: str,
    status: str,
    tax_number: str,
    small_business_id: str,
    as_json: bool,
    **party: str,
) -> None:
    """Store what a referrer is to the tax office; the next version, if there is one."""
    given = GivenProfile(TaxStatus(status), GivenParty(**party), tax_number, small_business_id)
    with parts().db.transaction() as session:
        referrer = referrer_of(session, program_of(session, slug), code)
        row = put_profile(session, referrer, given, by=Actor.cli(), now=clock.now())
        shown = {"referrer": code, "version": row.version, "status": row.status.value, "vat_id": row.vat_id}
    answer(as_json, shown, f"{code}: {row.status.value} in {row.country}, version {row.version}")


@documents.command("agreement")
@_PROGRAM
@_REFERRER
@click.option("--withdraw", is_flag=True, help="End it instead.")
@json_option
def agreement(slug: str, code: str, withdraw: bool, as_json: bool) -> None:
    """Enter a referrer's agreement to self-billing that was given on paper, or end it."""
    with parts().db.transaction() as session:
        referrer = referrer_of(session, program_of(session, slug), code)
        move = withdraw_agreement if withdraw else agree
        move(session, referrer, by=Actor.cli(), now=clock.now())
    answer(
        as_json,
        {"referrer": code, "agreed": not withdraw},
        f"{code} {'no longer agrees' if withdraw else 'agrees'} to self-billing",
    )


@documents.command("check-vat-id")
@_PROGRAM
@_REFERRER
@click.option(
    "--seen", type=click.Choice(["valid", "invalid"]), help="Enter what VIES's own page said instead."
)
@click.option("--consultation-number", metavar="N", help="The proof that its page gave.")
@json_option
def check(slug: str, code: str, seen: str | None, consultation_number: str | None, as_json: bool) -> None:
    """Ask VIES about a referrer's VAT id now."""
    now = clock.now()
    with parts().db.reading() as session:
        referrer = referrer_of(session, program_of(session, slug), code)
    if seen is None:
        vies = Vies(parts().settings.vies_url)
        said = check_vat_id(parts().db, vies.ask, referrer.id, now)
    else:
        said = VatAnswer(seen)
        with parts().db.transaction() as session:
            lock_referrers(session, [referrer.id])
            found = current_profile(session, referrer.id)
            if found is None or found.vat_id is None:
                raise click.UsageError(f"{code} has no VAT id")
            consultation = Consultation(said, consultation_number)
            record_answer(session, found, consultation, by=Actor.cli(), now=now)
    word = said.value if said else "nothing to ask: no VAT id, or no merchant"
    answer(as_json, {"referrer": code, "answer": said.value if said else None}, f"{code}: {word}")


@documents.command("issue")
@_PROGRAM
@json_option
def issue(slug: str, as_json: bool) -> None:
    """Write what payouts leave: invoices that waited, and corrections after refunds (done every night)."""
    with parts().db.reading() as session:
        program = program_of(session, slug)
    count = issue_outstanding(parts().db, program, clock.now())
    answer(as_json, {"program": slug, "documents": count}, f"{count} documents written")


@documents.command("render")
@json_option
def render(as_json: bool) -> None:
    """Make the files of documents that have none yet (workers do)."""
    count = render_waiting(parts().db, clock.now())
    answer(as_json, {"documents": count}, f"{count} files made")


@documents.command("list")
@_PROGRAM
@click.option("--referrer", "code", metavar="CODE", help="Of one referrer only.")
@json_option
def list_(slug: str, code: str | None, as_json: bool) -> None:
    """List documents by number."""
    with parts().db.reading() as session:
        program = program_of(session, slug)
        wanted = select(TaxDocument).where(TaxDocument.program_id == program.id)
        if code is not None:
            wanted = wanted.where(TaxDocument.referrer_id == referrer_of(session, program, code).id)
        found = session.scalars(
            wanted.order_by(TaxDocument.country, TaxDocument.year, TaxDocument.sequence)
        ).all()
    answer(
        as_json,
        {"documents": [_shown(each) for each in found]},
        *([_line(each) for each in found] or ["no document yet"]),
    )


def _shown(document: TaxDocument) -> dict[str, Any]:
    return {
        "number": document.number,
        "type": document.type.value,
        "state": document.state.value,
        "category": document.category.value,
        "issued_on": document.issued_on.isoformat(),
        "currency": document.currency,
        "net": document.net_minor,
        "vat": document.vat_minor,
        "total": document.net_minor + document.vat_minor,
        "corrects": (document.facts["corrects"] or {}).get("number"),
        "sha256": document.sha256,
    }


def _line(document: TaxDocument) -> str:
    total = Money(document.net_minor + document.vat_minor, document.currency).decimal_string()
    return (
        f"{document.number:<32}{document.type.value}  {document.category.value:<3}{document.state.value:<8}"
        f"{document.issued_on}  {total:>14} {document.currency}"
    )


@documents.command("export")
@click.argument("number", metavar="NUMBER")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@json_option
def export(number: str, out: Path, as_json: bool) -> None:
    """Write the stored file of a document."""
    with parts().db.reading() as session:
        document = document_named(session, number)
        out.write_bytes(document_content(session, document))
    shown = {"number": number, "file": str(out), "sha256": document.sha256, "bytes": document.byte_count}
    answer(as_json, shown, f"{out}  {document.sha256}")


@documents.command("object")
@click.argument("number", metavar="NUMBER")
@click.option("--reason", required=True, metavar="TEXT", help="What the referrer says is wrong.")
@json_option
def object_(number: str, reason: str, as_json: bool) -> None:
    """Enter a referrer's objection: the document is void, and a correction takes it back."""
    with parts().db.transaction() as session:
        document = document_named(session, number)
        correction = object_to(session, document.id, reason, by=Actor.cli(), now=clock.now())
    name = correction.number if correction else None
    answer(
        as_json,
        {"number": number, "correction": name},
        f"{number} is void; {name or 'nothing'} takes it back",
    )


@documents.command("issue-again")
@click.argument("number", metavar="NUMBER")
@click.option("--by", "email", required=True, metavar="EMAIL", help="Who settled the objection.")
@json_option
def issue_again_(number: str, email: str, as_json: bool) -> None:
    """Invoice the money of a void document anew, once its objection is settled."""
    with parts().db.transaction() as session:
        by = Actor.user(person_who(session, email, Action.PREPARE_PAYOUTS))
        written = issue_again(session, document_named(session, number).id, by=by, now=clock.now())
        numbers = [each.number for each in written]
    answer(as_json, {"number": number, "documents": numbers}, ", ".join(numbers) or "it waits")
