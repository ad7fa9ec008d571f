"""``flask payouts``: bank accounts, debts, files of which nobody knows, and the keys that accounts are sealed with."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from app.cli.command import (
    BadInput,
    Command,
    Refusal,
    answer,
    blaming,
    json_option,
    parts,
    person_who,
    program_of,
    referrer_of,
)
from app.cli.parse import Instant
from app.cli.payouts import BY, REASON, named_run, payouts
from app.identity.audit import Actor
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.money import Money
from app.payouts.debts import write_off
from app.payouts.destinations import block_destination, unblock_destination
from app.payouts.errors import NoSuchFile
from app.payouts.models import PayoutFile
from app.payouts.queries import current_destination, payout_to
from app.payouts.rotation import rotate_keys
from app.payouts.unknown import decide_payout, dismiss_file, lose_file
from app.payouts.words import BlockedReason

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.payouts.models import PayoutDestination
    from app.referrals.models import Program


def _whose(command: Command) -> Command:
    program = click.option("--program", "slug", required=True, metavar="S", help="The programme.")
    return program(click.option("--referrer", "code", required=True, metavar="CODE", help="Whose.")(command))


@payouts.command("rotate-keys")
@json_option
def rotate(as_json: bool) -> None:
    """Seal everything under the newest of ENCRYPTION_KEYS; afterwards the older ones may go.

    Append the new key and restart every process first. Safe to run again, also after it was interrupted.
    """
    house = parts()
    done = rotate_keys(house.db, house.keyring, by=Actor.cli(), now=clock.now())
    rows = [{"column": each.name, "rows": each.rows, "resealed": each.resealed} for each in done]
    lines = [f"{each.name}: {each.resealed} of {each.rows} sealed anew" for each in done]
    answer(
        as_json, {"columns": rows}, *lines, "everything is under the newest key; older keys may be removed"
    )


@payouts.command("unknown")
@click.argument("file", metavar="FILE")
@BY
@json_option
def unknown(file: str, email: str, as_json: bool) -> None:
    """Say that nobody knows whether the bank has FILE (its message id, like R7-01); nothing of it is sent again."""
    with parts().db.transaction() as session:
        by = Actor.user(person_who(session, email, Action.EXPORT_PAYOUTS))
        lost = lose_file(session, _file(session, file).id, by=by, now=clock.now())
        shown = {"file": lost.message_id, "outcome": "unknown"}
    answer(as_json, shown, f"the outcome of {file} is unknown; a worker marks its payouts")


@payouts.command("absent")
@click.argument("file", metavar="FILE")
@BY
@REASON
@json_option
def absent(file: str, email: str, reason: str, as_json: bool) -> None:
    """Say that the bank never got FILE, whose outcome was unknown: its money becomes available again."""
    with parts().db.transaction() as session:
        by = Actor.user(person_who(session, email, Action.SETTLE_PAYOUTS))
        gone = dismiss_file(session, _file(session, file).id, reason, by=by, now=clock.now())
        shown = {"file": gone.message_id, "outcome": "absent"}
    answer(as_json, shown, f"{file} never arrived; a worker gives its money back")


@payouts.command("decide")
@click.argument("name", metavar="RUN")
@click.option("--referrer", "code", required=True, metavar="CODE", help="Whose payout.")
@click.option("--paid-on", type=Instant(), metavar="DAY", help="The bank booked it on this day.")
@click.option("--not-paid", is_flag=True, help="The bank did not pay it and will not.")
@BY
@REASON
@json_option
def decide(
    name: str,
    code: str,
    paid_on: datetime | date | None,
    not_paid: bool,
    email: str,
    reason: str,
    as_json: bool,
) -> None:
    """Say what became of one payout that is unknown."""
    if (paid_on is None) is not not_paid:
        raise BadInput("--paid-on: give either this or --not-paid")
    if isinstance(paid_on, datetime):
        raise BadInput("--paid-on: expected a day, like 2026-12-02")
    with parts().db.transaction() as session:
        by = Actor.user(person_who(session, email, Action.SETTLE_PAYOUTS))
        payout = payout_to(session, named_run(session, name), code)
        decided = decide_payout(
            parts().payouts, session, payout.id, reason, paid_on=paid_on, by=by, now=clock.now()
        )
        state = decided.state.value
    answer(as_json, {"run": name, "referrer": code, "state": state}, f"the payout to {code} is {state}")


@payouts.command("write-off")
@_whose
@click.option("--amount", metavar="AMOUNT", help="How much of the debt.  [default: all of it]")
@BY
@REASON
@json_option
def write_off_(slug: str, code: str, amount: str | None, email: str, reason: str, as_json: bool) -> None:
    """Forgive a referrer what they owe after clawbacks; never more than that."""
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        referrer = referrer_of(session, program, code)
        by = Actor.user(person_who(session, email, Action.SETTLE_PAYOUTS))
        minor = _amount(amount, program)
        forgiven = write_off(session, program, referrer, minor, reason, by=by, now=clock.now())
        said = f"{Money(forgiven, program.currency).decimal_string()} {program.currency}"
    shown = {"referrer": code, "amount": forgiven, "currency": program.currency}
    answer(as_json, shown, f"{said} of the debt of {code} is written off")


@payouts.command("block")
@_whose
@BY
@json_option
def block(slug: str, code: str, email: str, as_json: bool) -> None:
    """Let nothing more be paid to a referrer's bank account."""
    with parts().db.transaction() as session:
        account = _account(session, slug, code)
        by = Actor.user(person_who(session, email, Action.SETTLE_PAYOUTS))
        block_destination(session, account, BlockedReason.STAFF, by=by, now=clock.now())
        shown = _account_view(code, account)
    answer(as_json, shown, f"the account of {code} is blocked")


@payouts.command("unblock")
@_whose
@BY
@REASON
@json_option
def unblock(slug: str, code: str, email: str, reason: str, as_json: bool) -> None:
    """Let a blocked bank account be paid to again."""
    with parts().db.transaction() as session:
        account = _account(session, slug, code)
        by = Actor.user(person_who(session, email, Action.SETTLE_PAYOUTS))
        unblock_destination(session, account, reason, by=by, now=clock.now())
        shown = _account_view(code, account)
    answer(as_json, shown, f"the account of {code} may be paid to")


def _account(session: Session, slug: str, code: str) -> PayoutDestination:
    found = current_destination(session, referrer_of(session, program_of(session, slug), code).id)
    if found is None:
        raise Refusal(f"referrer {code} has no bank account on file")
    return found


def _account_view(code: str, account: PayoutDestination) -> dict[str, Any]:
    blocked = account.blocked_reason and account.blocked_reason.value
    return {"referrer": code, "last4": account.last4, "blocked": blocked}


def _amount(text: str | None, program: Program) -> int | None:
    if text is None:
        return None
    with blaming("--amount"):
        return Money.parse(text, program.currency).minor


def _file(session: Session, message_id: str) -> PayoutFile:
    found = session.scalar(select(PayoutFile).where(PayoutFile.message_id == message_id))
    if found is None:
        raise NoSuchFile(message_id)
    return found
