"""``flask payouts``: a run from its draft to the bank and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from app.cli.command import (
    House,
    Refusal,
    answer,
    blaming,
    code_given,
    json_option,
    parts,
    password_asked,
    password_from_stdin,
    person_who,
    program_of,
)
from app.cli.parse import Instant, instant
from app.cli.payout_views import file_view, run_lines, run_view
from app.identity.audit import Actor
from app.identity.roles import Action
from app.identity.second_factor import code_is_right
from app.identity.users import authenticate
from app.kernel import clock
from app.kernel.money import Money
from app.kernel.queue import collect
from app.payouts import shown
from app.payouts.approval import approve_run, exclude_payout, withdraw_approval
from app.payouts.background import ADVANCE_RUN
from app.payouts.cancelling import cancel_run
from app.payouts.domain.state import RunState
from app.payouts.errors import NoSuchRun
from app.payouts.files import build_files, file_content, files_of, submit_run
from app.payouts.queries import payout_to, run_by_name
from app.payouts.reconcile import import_feedback
from app.payouts.runs import draft_run, freeze_run
from app.referrals.queries.programs_shown import programs as all_programs
from app.referrals.words import Approval

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.payouts.models import PayoutRun
    from app.payouts.reconcile import ImportResult

payouts = House("payouts", help="Payout runs, their files, and what the bank answers.")

_RUNS: Final = 1_000
_LONGEST_REASON: Final = 500


def _reason(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    reason = " ".join(value.split())
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise click.BadParameter(f"needs 1 to {_LONGEST_REASON} characters")
    return reason


REASON = click.option(
    "--reason", required=True, callback=_reason, metavar="TEXT", help="Why; it is kept in the audit trail."
)
BY = click.option("--by", "email", required=True, metavar="EMAIL", help="Who does it.")


@payouts.command("run")
@click.option("--program", "slug", required=True, metavar="S", help="The programme.")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month to pay.")
@BY
@click.option("--as-of", type=Instant(), help="Rehearse: count the month as finished at this instant.")
@click.option("--again", is_flag=True, help="A further run of a month that has one.")
@json_option
def run_(
    slug: str, period: str, email: str, as_of: datetime | date | None, again: bool, as_json: bool
) -> None:
    """Draft and freeze the run of a month; run again, it shows the run that is there."""
    now, deps = clock.now(), parts().payouts
    with deps.db.transaction() as session:
        program = program_of(session, slug)
        by = Actor.user(person_who(session, email, Action.PREPARE_PAYOUTS))
        at = instant(as_of, program.timezone)
        run = draft_run(session, program, period=period, by=by, now=now, as_of=at, again=again)
    freeze_run(deps, run.id, by=by, now=now)
    if program.approval is Approval.AUTOMATIC:
        with deps.db.transaction() as session:  # a worker goes on at once; the sweeper would within a minute
            collect(session, ADVANCE_RUN, run.id)
    _show(run.name, as_json=as_json)


@payouts.command("list")
@click.option("--program", "slug", metavar="S", help="Of one programme only.")
@json_option
def list_runs(slug: str | None, as_json: bool) -> None:
    """List the runs of every programme, or of one, newest first."""
    with parts().db.reading() as session:
        programs = [program_of(session, slug)] if slug else all_programs(session)
        runs = [run for program in programs for run in shown.runs_of(session, program.id, limit=_RUNS)]
    rows = [
        {
            "run": run.name,
            "state": run.state.value,
            "payouts": run.payout_count,
            "total": run.total_minor,
            "currency": run.currency,
        }
        for run in runs
    ]
    lines = [f"{run.name}  {run.state.value}  {run.payout_count} payouts  {_total(run)}" for run in runs]
    answer(as_json, {"runs": rows}, *(lines or ["no payout run yet"]))


@payouts.command("show")
@click.argument("name", metavar="RUN")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show a run: who is paid, who is left out and why. A draft shows what it would do now."""
    _show(name, as_json=as_json)


@payouts.command("approve")
@click.argument("name", metavar="RUN")
@BY
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read that person's password from standard input; the code on a line of its own.",
)
@json_option
def approve(name: str, email: str, password_stdin: bool, as_json: bool) -> None:
    """Approve a frozen run with that person's password (and code), and build its files; returns when they are built."""
    now, deps = clock.now(), parts().payouts
    with deps.db.reading() as session:
        named_run(session, name)
        asks_code = person_who(session, email, Action.APPROVE_PAYOUTS).second_factor_at is not None
    password = password_from_stdin() if password_stdin else password_asked(twice=False)
    code = code_given(from_stdin=password_stdin) if asks_code else ""
    with deps.db.transaction() as session:
        person = authenticate(session, email=email, password=password)
        if person is None:
            raise Refusal(f"--by: this is not the password of {email}")
        if person.second_factor_at and not code_is_right(session, parts().keyring, person, code, now=now):
            raise Refusal(f"--by: this is not a code of {email}, or it was used already")
        run = named_run(session, name)
        by = Actor.user(person_who(session, email, Action.APPROVE_PAYOUTS))
        if run.state is not RunState.APPROVED:
            approve_run(session, run.id, by=by, now=now)
    build_files(deps, run.id, by=by, now=now)
    _show(name, as_json=as_json)


@payouts.command("export")
@click.argument("name", metavar="RUN")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to write.",
)
@json_option
def export(name: str, out: Path, as_json: bool) -> None:
    """Write a run's stored files; every export gives the same bytes."""
    with parts().db.reading() as session:
        run = named_run(session, name)
        files = files_of(session, run.id)
        if not files:
            raise Refusal(f"run {name} has no files yet: approve it first")
        rows = []
        for file in files:
            _write(out, file.name, file_content(session, file))
            rows.append(file_view(file, run.currency))
    lines = [f"{row['name']}  {row['sha256']}  {row['count']}  {row['sum']} {run.currency}" for row in rows]
    answer(as_json, {"run": name, "files": rows}, *lines)


@payouts.command("submit")
@click.argument("name", metavar="RUN")
@BY
@json_option
def submit(name: str, email: str, as_json: bool) -> None:
    """Write down that a run's files were handed to the bank."""
    now, deps = clock.now(), parts().payouts
    with deps.db.reading() as session:
        run = named_run(session, name)
        by = Actor.user(person_who(session, email, Action.EXPORT_PAYOUTS))
    state = submit_run(deps, run.id, by=by, now=now)
    answer(as_json, {"run": name, "state": state.value}, f"run {name} is {state.value}")


@payouts.command("cancel")
@click.argument("name", metavar="RUN")
@BY
@json_option
def cancel(name: str, email: str, as_json: bool) -> None:
    """Give up a run before the bank has it; all its money is available again."""
    now, deps = clock.now(), parts().payouts
    with deps.db.reading() as session:
        run = named_run(session, name)
        by = Actor.user(person_who(session, email, Action.PREPARE_PAYOUTS))
    state = cancel_run(deps, run.id, by=by, now=now)
    answer(as_json, {"run": name, "state": state.value}, f"run {name} is {state.value}")


@payouts.command("withdraw")
@click.argument("name", metavar="RUN")
@BY
@REASON
@json_option
def withdraw(name: str, email: str, reason: str, as_json: bool) -> None:
    """Withdraw the approval of a run whose files are not built; it must be approved again."""
    with parts().db.transaction() as session:
        run = named_run(session, name)
        by = Actor.user(person_who(session, email, Action.PREPARE_PAYOUTS))
        withdraw_approval(session, run.id, reason, by=by, now=clock.now())
        state = run.state
    answer(as_json, {"run": name, "state": state.value}, f"run {name} is {state.value}")


@payouts.command("exclude")
@click.argument("name", metavar="RUN")
@click.option("--referrer", "code", required=True, metavar="CODE", help="Whose payout.")
@BY
@REASON
@json_option
def exclude(name: str, code: str, email: str, reason: str, as_json: bool) -> None:
    """Take one payout out of a frozen or approved run; its money is available again, an approval is void."""
    with parts().db.transaction() as session:
        run = named_run(session, name)
        by = Actor.user(person_who(session, email, Action.PREPARE_PAYOUTS))
        payout = payout_to(session, run, code)
        exclude_payout(session, payout.id, reason, by=by, now=clock.now())
    _show(name, as_json=as_json)


@payouts.command("feedback")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@json_option
def feedback(files: tuple[Path, ...], as_json: bool) -> None:
    """Read what the bank answers: pain.002, camt.053, camt.054. A file read twice does nothing twice."""
    rows = []
    for path in files:
        with blaming(path.name), path.open("rb") as source:
            result = import_feedback(
                parts().payouts, source, path.name, by=Actor.cli(), now=clock.now(), limit=None
            )
        rows.append(_result(path, result))
    lines = [
        f"{row['file']}: {row['records']} records, {row['applied']} applied, {row['repeated']} known before, "
        f"{row['deferred']} waiting, {row['exceptions']} for a person to look at"
        for row in rows
    ]
    answer(as_json, {"files": rows}, *lines)


def named_run(session: Session, name: str) -> PayoutRun:
    """The run of that name. Raises ``NoSuchRun``."""
    run = run_by_name(session, name)
    if run is None:
        raise NoSuchRun(name)
    return run


def _show(name: str, *, as_json: bool) -> None:
    with parts().db.reading() as session:
        view = run_view(session, named_run(session, name), clock.now())
    answer(as_json, view, *run_lines(view))


def _total(run: PayoutRun) -> str:
    return f"{Money(run.total_minor, run.currency).decimal_string()} {run.currency}"


def _write(folder: Path, name: str, content: bytes) -> None:
    """The whole file or none: a bank must never be handed a half-written one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{name}.part"
        fresh.write_bytes(content)
        fresh.replace(folder / name)
    except OSError as error:
        raise Refusal(f"--out: cannot write {folder / name}: {error.strerror}") from error


def _result(path: Path, result: ImportResult) -> dict[str, object]:
    return {
        "file": path.name,
        "records": result.records,
        "applied": result.applied,
        "repeated": result.repeated,
        "noted": result.noted,
        "deferred": result.deferred,
        "exceptions": result.exceptions,
        "known_file": result.known_file,
    }
