"""``flask import``: referrers, customers, open commissions and balances from another tool's CSV files."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.command import BadInput, Command, House, Refusal, answer, json_option, parts, program_of
from app.identity.audit import Actor
from app.identity.roles import Role
from app.identity.users import MAX_NAME, NewUser, invite_user
from app.kernel import clock
from app.kernel.money import CURRENCIES, Money
from app.referrals.importing.columns import CODE_PREFIX, Kind, Tool
from app.referrals.importing.customers import CustomerLines
from app.referrals.importing.opening import MoneyLines
from app.referrals.importing.referrers import ReferrerLines
from app.referrals.importing.run import Import, check_file, write_file
from app.referrals.importing.sheet import ENCODINGS
from app.referrals.importing.values import AHEAD, EARLIEST, DecimalMark, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from typing import BinaryIO

    from sqlalchemy.orm import Session

    from app.referrals.importing.lines import Lines
    from app.referrals.importing.referrers import Incoming
    from app.referrals.importing.run import Refused, Report
    from app.referrals.models import Program
    from app.services import Services

imports = House("import", help="Bring a programme along from another tool (docs/import.md).")

_CHUNK: Final = 1 << 20


class Pairs(click.ParamType[tuple[str, str]]):
    """``LEFT=RIGHT``."""

    def __init__(self, form: str) -> None:
        self.name = form

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read the text."""
        if isinstance(value, tuple):
            return value
        left, equals, right = str(value).partition("=")
        if not (left.strip() and equals):
            self.fail(f"{value!r} is not of the form {self.name}", param, ctx)
        return left.strip(), right.strip()


@dataclass(frozen=True)
class Options:
    """What was said about the file."""

    path: str
    slug: str
    tool: str
    write: bool
    as_json: bool
    encoding: str | None
    overrides: tuple[tuple[str, str], ...]
    skip: tuple[tuple[str, str], ...]
    prefix: str | None = None
    decimal: str = DecimalMark.POINT.value
    minor_units: bool = False
    currency: str | None = None
    available_on: datetime | None = None
    invite: bool = False

    def reading(self, program: Program, now: datetime) -> Reading:
        """How cells are read."""
        on: date | None = self.available_on.date() if self.available_on else None
        if on is not None and not EARLIEST <= on <= now.date() + AHEAD:
            raise BadInput(f"--available-on: {on} is before {EARLIEST.year} or more than two years ahead")
        return Reading(
            program_currency=program.currency,
            timezone=program.timezone,
            now=now,
            decimal=DecimalMark(self.decimal),
            minor_units=self.minor_units,
            currency=self.currency,
            available_on=on,
        )

    @property
    def code_prefix(self) -> str:
        """What stands before codes that are mere numbers."""
        return CODE_PREFIX.get(Tool(self.tool), "") if self.prefix is None else self.prefix


def _file_options(command: Command) -> Command:
    """The file, and how to read it."""
    for option in (
        json_option,
        click.option(
            "--skip",
            type=Pairs("COLUMN=VALUE"),
            multiple=True,
            help="Leave out the lines with that value in that column of the file. May be repeated.",
        ),
        click.option(
            "--map",
            "overrides",
            type=Pairs("OURS=THEIRS"),
            multiple=True,
            help="The file's column for one of our fields; nothing after the = leaves the field out.",
        ),
        click.option(
            "--code-prefix", "prefix", help="Stands before codes that are mere numbers (whmcs: aff)."
        ),
        click.option("--encoding", type=click.Choice(ENCODINGS), help="Where the file is not UTF-8."),
        click.option("--write", is_flag=True, help="Write it; without this nothing is written."),
        click.option(
            "--from",
            "tool",
            required=True,
            type=click.Choice([tool.value for tool in Tool]),
            help="The tool that the file comes from.",
        ),
        click.option("--program", "slug", required=True, metavar="S", help="The programme."),
        click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False)),
    ):
        command = option(command)
    return command


def _money_options(command: Command) -> Command:
    """How amounts are written."""
    for option in (
        click.option(
            "--available-on",
            type=click.DateTime(["%Y-%m-%d"]),
            help="The day from which it may be paid, for lines that say none. Default: today.",
        ),
        click.option(
            "--currency",
            type=click.Choice(sorted(CURRENCIES)),
            metavar="C",
            help="For a file without such a column.",
        ),
        click.option("--minor-units", is_flag=True, help="Amounts are whole cents."),
        click.option(
            "--decimal",
            type=click.Choice([mark.value for mark in DecimalMark]),
            default=DecimalMark.POINT.value,
            show_default=True,
            help="What stands before the cents.",
        ),
    ):
        command = option(command)
    return command


@imports.command("referrers")
@_file_options
@click.option("--invite", is_flag=True, help="Make each an account and mail the link that sets its password.")
def referrers(**options: Any) -> None:  # noqa: ANN401 - Click's
    """Join referrers, without accepted terms and without mail; a mailbox joins once."""
    said = Options(**options)
    services = parts()

    def invite(session: Session, program: Program, incoming: Incoming, now: datetime) -> int | None:
        new = NewUser(incoming.email, Role.REFERRER, name=incoming.name[:MAX_NAME], locale=incoming.locale)
        user, invited = invite_user(session, new, actor=Actor.cli(), now=now)
        if user is not None and invited:
            services.mail.welcome(session, user, program.name, now=now)
        return user.id if user else None

    lines = ReferrerLines(
        services.keyring, Actor.cli(), prefix=said.code_prefix, invite=invite if said.invite else None
    )
    _bring(services, said, Kind.REFERRERS, lines, _program(services, said), clock.now())


@imports.command("customers")
@_file_options
def customers(**options: Any) -> None:  # noqa: ANN401 - Click's
    """Bind customers to the referrer who brought them, each by a signup with the referrer's code."""
    said = Options(**options)
    services, now = parts(), clock.now()
    program = _program(services, said)
    lines = CustomerLines(services.referrals, said.reading(program, now), prefix=said.code_prefix)
    _bring(services, said, Kind.CUSTOMERS, lines, program, now)


@imports.command("commissions")
@_file_options
@_money_options
def commissions(**options: Any) -> None:  # noqa: ANN401 - Click's
    """Post commissions that are still owed as opening balances; paid and voided ones are counted only."""
    _money(Kind.COMMISSIONS, Options(**options))


@imports.command("balances")
@_file_options
@_money_options
def balances(**options: Any) -> None:  # noqa: ANN401 - Click's
    """Post what each referrer is owed as an opening balance."""
    _money(Kind.BALANCES, Options(**options))


def _money(kind: Kind, said: Options) -> None:
    services, now = parts(), clock.now()
    program = _program(services, said)
    reading = said.reading(program, now)
    lines = MoneyLines(services.keyring, Tool(said.tool), kind, reading, prefix=said.code_prefix)
    _bring(services, said, kind, lines, program, now)


def _program(services: Services, said: Options) -> Program:
    with services.db.reading() as session:
        return program_of(session, said.slug)


def _bring(
    services: Services, said: Options, kind: Kind, lines: Lines[Any], program: Program, now: datetime
) -> None:
    """Check the file; write it where that is asked for and nothing is wrong; say what came of it."""
    with tempfile.TemporaryFile() as copy:
        # Both readings must see the same bytes, whatever becomes of the file between them.
        sha256 = _copy(said.path, copy)
        job = Import(
            slug=said.slug,
            kind=kind,
            tool=Tool(said.tool),
            lines=lines,
            actor=Actor.cli(),
            sha256=sha256,
            encoding=said.encoding,
            overrides=dict(said.overrides),
            skip=_skips(said.skip),
        )
        report = check_file(services.db, job, copy, (lambda _: None) if said.as_json else _tell)
        if said.write and not report.refused:
            write_file(services.db, job, copy, report, now)
    _answer(said, kind, report, program, sha256)
    if report.refused:
        what = (
            f"{report.refused} of {report.lines} lines are refused" if report.lines else "the file is refused"
        )
        raise Refusal(f"{said.path}: {what}; nothing was written")


def _copy(path: str, copy: BinaryIO) -> str:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Click hands over text
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None
    return digest.hexdigest()


def _skips(pairs: tuple[tuple[str, str], ...]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for column, value in pairs:
        found[column] = found.get(column, frozenset()) | {value.casefold()}
    return found


def _tell(found: Refused) -> None:
    click.echo(f"line {found.line}: {' '.join(found.reason.split())}", err=True)


def _answer(said: Options, kind: Kind, report: Report, program: Program, sha256: str) -> None:
    done = said.write and not report.refused
    shown = {
        "kind": kind.value,
        "from": said.tool,
        "sha256": sha256,
        "dry_run": not said.write,
        "lines": report.lines,
        "new": report.new,
        "written": report.written,
        "unchanged": report.unchanged,
        "not_owed": report.not_owed,
        "skipped": report.skipped,
        "refused": report.refused,
        "refusals": [found._asdict() for found in report.refusals],
    }
    if kind in {Kind.COMMISSIONS, Kind.BALANCES}:
        shown |= {"amount": report.amount_minor, "currency": program.currency}
    answer(said.as_json, shown, *_text(kind, report, program, done=done))


def _text(kind: Kind, report: Report, program: Program, *, done: bool) -> Iterator[str]:
    if report.refused:
        return
    what = {
        Kind.REFERRERS: "referrers",
        Kind.CUSTOMERS: "customers with their referrer",
        Kind.COMMISSIONS: "open commissions, as opening balances",
        Kind.BALANCES: "opening balances",
    }[kind]
    worth = ""
    if kind in {Kind.COMMISSIONS, Kind.BALANCES}:
        worth = f", {Money(report.amount_minor, program.currency).decimal_string()} {program.currency} in all"
    if done:
        yield f"{what} written: {report.written}{worth}"
    else:
        yield "dry run: nothing was written"
        yield f"{what} that would be written: {report.new}{worth}"
    rest = {
        "brought in before": report.unchanged,
        "nothing owed": report.not_owed,
        "left out by --skip": report.skipped,
    }
    yield f"lines read: {report.lines}" + "".join(
        f"; {word}: {count}" for word, count in rest.items() if count
    )
    if not done and report.new:
        yield "say --write to write it"
