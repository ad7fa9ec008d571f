"""A payout run from its draft to frozen, and what the scheduler starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select

from app.identity.audit import record_event
from app.kernel import ids
from app.kernel.clock import day_start, local_day
from app.kernel.db import insert_or_ignore, table_of
from app.ledger.books import is_closed
from app.ledger.journal import write_balances
from app.ledger.models import Figure, LedgerBalance
from app.payouts import queries
from app.payouts.check import require_sound_books
from app.payouts.deps import BATCH
from app.payouts.documents.issuing import tax_parts, write_for_run
from app.payouts.domain.calendar import Period
from app.payouts.domain.plan import Candidate, Minimum, PlannedOmission, PlannedPayout, plan_payout
from app.payouts.domain.state import PayoutState, RunMove, RunState
from app.payouts.errors import NoDebtor, PeriodClosed, PeriodUnfinished, RailCannotPay
from app.payouts.models import Payout, PayoutOmission, PayoutRun
from app.payouts.rails import rail_named
from app.payouts.settling import lock_referrers, reserve, reserve_vat
from app.payouts.stages import begin, finish, in_stage
from app.referrals.models import Program, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import CompoundSelect
    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.payouts.deps import PayoutDeps
    from app.payouts.documents.issuing import TaxPart
    from app.payouts.domain.plan import Planned

_NEW_PAYOUTS: Final = insert(table_of(Payout))
_NEW_OMISSIONS: Final = insert(table_of(PayoutOmission))


def draft_run(
    session: Session,
    program: Program,
    *,
    period: str,
    by: Actor,
    now: datetime,
    as_of: datetime | None = None,
    again: bool = False,
) -> PayoutRun:
    """The programme's run for a month ("2026-10"); the one that is there, or a new draft.

    ``as_of`` moves the instant at which the month counts as finished. ``again`` asks for a further run of
    the same month once the last one is past its draft. Raises ``UnknownPeriod``, :class:`PeriodUnfinished`,
    :class:`PeriodClosed`, :class:`NoDebtor`, :class:`RailCannotPay`.
    """
    month = Period.parse(period)
    if (as_of or now) < day_start(month.next().first_day, program.timezone):
        raise PeriodUnfinished(month)
    if not program.debtor_name or not program.debtor_iban:
        raise NoDebtor(program.slug)
    if not rail_named(program.rail).pays(program.currency):
        raise RailCannotPay(program.rail, program.currency)
    last = _last_run(session, program, month)
    if last is not None and not (again and last.state is not RunState.DRAFT):
        return last
    if is_closed(session, program.id, str(month)):
        raise PeriodClosed(month)
    sequence = last.sequence + 1 if last else 1
    name = f"{program.slug}:{month}:{program.currency}:{sequence}"
    row = {
        "name": name,
        "program_id": program.id,
        "period": str(month),
        "currency": program.currency,
        "sequence": sequence,
        "state": RunState.DRAFT,
        "until_on": month.last_day,
        "created_at": now,
        "created_by": by.label,
        **_settings(program),
    }
    # The race: the scheduler and a person, or two of either, start the month at the same instant. The unique key
    # lets one row in; both go on with it.
    key = ("program_id", "period", "currency", "sequence")
    if insert_or_ignore(session, PayoutRun, [row], key=key):
        record_event(session, by, "run.drafted", f"run:{name}", {}, now=now, program_id=program.id)
    return session.scalars(select(PayoutRun).where(PayoutRun.name == name)).one()


def _settings(program: Program) -> dict[str, object]:
    """The programme's settings that a run is frozen with."""
    return {
        "rail": program.rail,
        "approval": program.approval,
        "minimum_minor": program.minimum_payout_minor,
        "pays_leavers": program.pays_leavers,
        "debtor_name": program.debtor_name,
        "debtor_iban": program.debtor_iban,
        "debtor_bic": program.debtor_bic,
        "bank_profile": program.bank_profile,
        "instant": program.instant,
    }


def _last_run(session: Session, program: Program, period: Period) -> PayoutRun | None:
    return session.scalar(
        select(PayoutRun)
        .where(
            PayoutRun.program_id == program.id,
            PayoutRun.period == str(period),
            PayoutRun.currency == program.currency,
        )
        .order_by(PayoutRun.sequence.desc())
        .limit(1)
    )


def freeze_run(deps: PayoutDeps, run_id: int, *, by: Actor, now: datetime) -> RunState:
    """Reserve everybody's money in batches, then flip the run; the state it ends in.

    A run that is past its draft stays as it is. Killed anywhere, the next call goes on after the last
    referrer that was handled. Raises ``BooksDoNotAddUp`` before the first and after the last reservation.
    """
    with deps.db.reading() as session:
        run = session.get_one(PayoutRun, run_id)
    if run.state is RunState.DRAFT:
        require_sound_books(deps.db, run.program_id)
    with deps.db.transaction() as session:
        begun = begin_freeze(session, run_id, by=by)
        if begun is None:
            return session.get_one(PayoutRun, run_id).state
        begun.stage_total = begun.stage_total or _how_many(session, begun)
    after: int | None = -1
    while after is not None:
        after = _freeze_batch(deps, run_id, after, now)
    require_sound_books(deps.db, run.program_id)
    with deps.db.transaction() as session:
        ending = in_stage(session, run_id, RunMove.FREEZE)
        if ending is not None:
            _count(session, ending)
            ending.frozen_at = now
            finish(session, ending, RunMove.FREEZE, by, now, {"left_out": ending.omission_count})
        return session.get_one(PayoutRun, run_id).state


def begin_freeze(session: Session, run_id: int, *, by: Actor) -> PayoutRun | None:
    """Begin or take up freezing; ``None`` where it is done. The first who begins counts as who froze it."""
    run = begin(session, run_id, RunMove.FREEZE)
    if run is not None and run.frozen_by is None:
        _copy_settings(session, run)
        run.frozen_by = by.label
    return run


def _how_many(session: Session, run: PayoutRun) -> int:
    """How many referrers there are to handle, for whoever watches."""
    people = _has_money(run.program_id, run.until_on).subquery()
    return session.scalars(select(func.count()).select_from(people)).one()


def _has_money(program_id: int, until: date, *, after: int = 0) -> CompoundSelect[int]:
    """Who has payable money, also negative, with ``available_on`` <= ``until``, or VAT that is payable."""
    net = select(LedgerBalance.referrer_id).where(
        LedgerBalance.program_id == program_id,
        LedgerBalance.figure == Figure.PAYABLE,
        LedgerBalance.available_on <= until,
        LedgerBalance.amount_minor != 0,
        LedgerBalance.referrer_id > after,
    )
    vat = (
        select(LedgerBalance.referrer_id)
        .where(
            LedgerBalance.program_id == program_id,
            LedgerBalance.figure == Figure.VAT_PAYABLE,
            LedgerBalance.referrer_id > after,
        )
        .group_by(LedgerBalance.referrer_id)
        .having(func.sum(LedgerBalance.amount_minor) != 0)
    )
    return net.union(vat)


def _copy_settings(session: Session, run: PayoutRun) -> None:
    program = session.get_one(Program, run.program_id)
    if not program.debtor_name or not program.debtor_iban:
        raise NoDebtor(program.slug)
    for name, value in _settings(program).items():
        setattr(run, name, value)


def _count(session: Session, run: PayoutRun) -> None:
    live = (Payout.run_id == run.id) & (Payout.state != PayoutState.CANCELLED)
    count, total = session.execute(
        select(func.count(), func.coalesce(func.sum(Payout.amount_minor), 0)).where(live)
    ).one()
    omitted = select(func.count()).where(PayoutOmission.run_id == run.id)
    run.payout_count, run.total_minor = int(count), int(total)
    run.omission_count = session.scalars(omitted).one()


def _freeze_batch(deps: PayoutDeps, run_id: int, after: int, now: datetime) -> int | None:
    """Handle the referrers that follow ``after`` in one transaction; where the next batch starts, if there
    is one.
    """
    with deps.db.transaction() as session:
        run = in_stage(session, run_id, RunMove.FREEZE)
        if run is None:
            return None
        program = session.get_one(Program, run.program_id)
        after = max(after, _last_handled(session, run.id))
        referrer_ids = _with_money(session, program.id, run.until_on, after=after, limit=deps.batch)
        if not referrer_ids:
            return None
        lock_referrers(session, referrer_ids)
        rail, today = rail_named(run.rail), local_day(now, program.timezone)
        reach = rail.reach()
        minimum = Minimum(run.minimum_minor, for_leavers=not run.pays_leavers)
        taxes = tax_parts(session, program, referrer_ids, until=run.until_on, now=now)
        planned = [
            plan
            for who in candidates(session, referrer_ids, run.until_on, taxes)
            if (plan := plan_payout(who, minimum=minimum, today=today, reach=reach))
        ]
        _write_plans(session, run, planned, now)
        reserve(session, run, referrer_ids[0], referrer_ids[-1], now)
        if taxes:
            write_for_run(session, program, run, taxes, now)
            reserve_vat(session, run, referrer_ids[0], referrer_ids[-1], now)
        run.stage_done += len(referrer_ids)
        return referrer_ids[-1]


def _write_plans(session: Session, run: PayoutRun, planned: Sequence[Planned], now: datetime) -> None:
    payouts = [_payout(run, plan, now) for plan in planned if isinstance(plan, PlannedPayout)]
    omissions = [_omission(run, plan) for plan in planned if isinstance(plan, PlannedOmission)]
    for statement, rows in ((_NEW_PAYOUTS, payouts), (_NEW_OMISSIONS, omissions)):
        if rows:
            session.connection().execute(statement, rows)


def _last_handled(session: Session, run_id: int) -> int:
    """The highest referrer that this run has a row for; batches go up by referrer id."""
    paid = session.scalar(select(func.max(Payout.referrer_id)).where(Payout.run_id == run_id))
    omitted = session.scalar(
        select(func.max(PayoutOmission.referrer_id)).where(PayoutOmission.run_id == run_id)
    )
    return max(paid or 0, omitted or 0)


def _with_money(session: Session, program_id: int, until: date, *, after: int, limit: int) -> list[int]:
    """The next referrers that a run has to handle, by id."""
    people = _has_money(program_id, until, after=after)
    return list(session.scalars(people.order_by("referrer_id").limit(limit)))


def candidates(
    session: Session, referrer_ids: Sequence[int], until: date, taxes: Mapping[int, TaxPart]
) -> Iterator[Candidate]:
    """What the plan needs to know of each referrer, by id, from the books as they stand now."""
    write_balances(session)
    sums = session.execute(
        select(LedgerBalance.referrer_id, func.sum(LedgerBalance.amount_minor))
        .where(
            LedgerBalance.referrer_id.in_(referrer_ids),
            LedgerBalance.figure == Figure.PAYABLE,
            LedgerBalance.available_on <= until,
        )
        .group_by(LedgerBalance.referrer_id)
    )
    available = {referrer_id: int(amount) for referrer_id, amount in sums}
    accounts = queries.accounts_on_file(session, referrer_ids)
    rows = session.execute(select(Referrer.id, Referrer.status).where(Referrer.id.in_(referrer_ids)))
    states: dict[int, ReferrerStatus] = dict(rows.all())
    for referrer_id in referrer_ids:
        yield Candidate(
            referrer_id=referrer_id,
            available_minor=available.get(referrer_id, 0),
            suspended=states[referrer_id] is ReferrerStatus.SUSPENDED,
            account=accounts.get(referrer_id),
            left=states[referrer_id] is ReferrerStatus.LEFT,
            vat_minor=taxes[referrer_id].vat_minor if referrer_id in taxes else 0,
        )


def _payout(run: PayoutRun, plan: PlannedPayout, now: datetime) -> dict[str, object]:
    return {
        "run_id": run.id,
        "referrer_id": plan.referrer_id,
        "destination_id": plan.destination_id,
        "amount_minor": plan.amount_minor,
        "vat_minor": plan.vat_minor,
        "currency": run.currency,
        "state": PayoutState.RESERVED,
        "end_to_end_id": ids.end_to_end_id(),
        "created_at": now,
        "changed_at": now,
    }


def _omission(run: PayoutRun, plan: PlannedOmission) -> dict[str, object]:
    return {
        "run_id": run.id,
        "referrer_id": plan.referrer_id,
        "available_minor": plan.available_minor,
        "reason": plan.reason,
    }


def preview_run(session: Session, run: PayoutRun, now: datetime, *, after: int = 0) -> Iterator[Planned]:
    """Who a draft would pay, how much, and why not the others, by referrer id from ``after`` on, computed now."""
    program = session.get_one(Program, run.program_id)
    minimum = Minimum(program.minimum_payout_minor, for_leavers=not program.pays_leavers)
    reach, today = rail_named(program.rail).reach(), local_day(now, program.timezone)
    while referrer_ids := _with_money(session, program.id, run.until_on, after=after, limit=BATCH):
        taxes = tax_parts(session, program, referrer_ids, until=run.until_on, now=now)
        for who in candidates(session, referrer_ids, run.until_on, taxes):
            plan = plan_payout(who, minimum=minimum, today=today, reach=reach)
            if plan is not None:
                yield plan
        after = referrer_ids[-1]


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run that the scheduler should draft."""

    program_id: int
    period: str


def due_runs(session: Session, now: datetime) -> list[DueRun]:
    """The programmes whose latest payout day has come without a run for the month before it.

    A start that was missed is caught up once, for the latest payout day alone: a run takes along everything
    that is older. Payout days before the programme's creation never were. Programmes without a debtor
    cannot be paid out.
    """
    due = []
    for program in session.scalars(
        select(Program).where(Program.debtor_iban.is_not(None)).order_by(Program.id)
    ):
        period = _latest_due(program, now)
        if _awaits_run(session, program, period) and not is_closed(session, program.id, str(period)):
            due.append(DueRun(program.id, str(period)))
    return due


def run_to_come(session: Session, program: Program, period: Period, now: datetime) -> bool:
    """Whether the scheduler has still to draft the run of ``period``."""
    to_come = program.debtor_iban is not None and str(period) >= str(_latest_due(program, now))
    return to_come and _awaits_run(session, program, period)


def _latest_due(program: Program, now: datetime) -> Period:
    """The month that is paid on the latest payout day that has come."""
    today = local_day(now, program.timezone)
    month = Period.of(today)
    paid = today >= month.payout_day(program.payout_day)
    return month.previous() if paid else month.previous().previous()


def _awaits_run(session: Session, program: Program, period: Period) -> bool:
    """No run yet, and the payout day is one of the programme's life."""
    came_at = day_start(period.next().payout_day(program.payout_day), program.timezone)
    return came_at > program.created_at and _last_run(session, program, period) is None
