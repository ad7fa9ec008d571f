"""The payout day with a real worker process and nobody at a keyboard."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.audit import Actor
from app.kernel import clock
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.domain.state import PayoutState, RunMove, RunState
from app.payouts.files import file_content, files_of
from app.payouts.models import Payout, PayoutRun
from app.payouts.stages import begin
from app.payouts.words import DestinationSource
from app.referrals.words import Approval
from tests.builders import World
from tests.support.workers import until, worker

if TYPE_CHECKING:
    from app.services import Services
    from config import Settings


def last_month() -> date:
    """The first day of the month before this one."""
    return (clock.now().date().replace(day=1) - timedelta(days=1)).replace(day=1)


def a_month_of_business(services: Services, approval: Approval) -> None:
    """Ada referred a customer who paid 100.00 last month; her account is on file; the payout day was the 1st."""
    first = last_month()
    with services.db.transaction() as session:
        world = World.build(
            session,
            approval=approval,
            hold_days=0,
            minimum_payout="0",
            payout_day=1,
            debtor_name="Korenhof",
            debtor_iban="NL91ABNA0417164300",
        )
        world.now = clock.now()
        world.bind("ada", when=f"{first}")
        world.order(placed=f"{first.replace(day=10)}", paid=f"{first.replace(day=10)}")
        put_destination(
            services.payouts,
            session,
            world.referrers["ada"],
            GivenAccount("Ada", "DE89370400440532013000"),
            source=DestinationSource.MERCHANT,
            verified=True,
            by=Actor.cli(),
            now=clock.now(),
        )


def runs(services: Services) -> list[tuple[str, RunState]]:
    with services.db.reading() as session:
        return [(run.name, run.state) for run in session.scalars(select(PayoutRun).order_by(PayoutRun.id))]


def test_with_automatic_approval_the_worker_leaves_a_verified_file_by_itself(
    services: Services, settings: Settings
) -> None:
    a_month_of_business(services, Approval.AUTOMATIC)
    name = f"hosting:{last_month():%Y-%m}:EUR:1"
    with worker(settings, "--no-clicks"):
        assert until(lambda: runs(services) == [(name, RunState.BUILT)]), runs(services)
    with services.db.reading() as session:
        (payout,) = session.scalars(select(Payout))
        assert (payout.amount_minor, payout.state) == (1_000, PayoutState.FILED)
        (file,) = files_of(session, payout.run_id)
        assert payout.end_to_end_id.encode() in file_content(session, file)


def test_with_two_approvers_the_worker_leaves_a_draft_that_waits(
    services: Services, settings: Settings
) -> None:
    a_month_of_business(services, Approval.TWO)
    name = f"hosting:{last_month():%Y-%m}:EUR:1"
    with worker(settings, "--no-clicks"):
        assert until(lambda: runs(services) == [(name, RunState.DRAFT)])
        assert until(lambda: services.queue.queue.count == 0)
    assert runs(services) == [(name, RunState.DRAFT)]


def test_a_run_whose_worker_died_in_mid_stage_is_taken_on_by_the_next_one(
    services: Services, settings: Settings
) -> None:
    a_month_of_business(services, Approval.AUTOMATIC)
    with worker(settings, "--no-clicks"):
        assert until(lambda: [state for _, state in runs(services)] == [RunState.BUILT])
    with services.db.transaction() as session:
        (run,) = session.scalars(select(PayoutRun))
        run.submitted_by = Actor.cli().label
        begin(session, run.id, RunMove.SUBMIT)  # the process died here
    with worker(settings, "--no-clicks"):
        assert until(lambda: [state for _, state in runs(services)] == [RunState.SUBMITTED])


def test_a_worker_that_was_down_on_the_payout_day_starts_the_run_once(
    services: Services, settings: Settings
) -> None:
    a_month_of_business(services, Approval.AUTOMATIC)
    for _start in range(2):
        with worker(settings, "--no-clicks"):
            assert until(lambda: [state for _, state in runs(services)] == [RunState.BUILT])
    with services.db.reading() as session:
        assert len(list(session.scalars(select(Payout)))) == 1
