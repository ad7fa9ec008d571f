"""The monthly run: who is paid, who is not, who may say so, on both databases."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from app.identity.audit import Actor
from app.identity.models import AuditEvent
from app.payouts.advance import draft_due_runs, runs_to_advance
from app.payouts.approval import approve_run, exclude_payout, withdraw_approval
from app.payouts.cancelling import cancel_run
from app.payouts.destinations import GivenAddress, block_destination
from app.payouts.domain.calendar import UnknownPeriod
from app.payouts.domain.state import IllegalMove, PayoutState, RunState
from app.payouts.errors import (
    AlreadySubmitted,
    ApprovalVoid,
    BlockedDestinations,
    NoDebtor,
    NotTheApprover,
    PeriodUnfinished,
    RailCannotPay,
)
from app.payouts.files import build_files, submit_run
from app.payouts.models import PayoutApproval, PayoutDestination, PayoutRun
from app.payouts.runs import draft_run, due_runs, freeze_run, preview_run
from app.payouts.words import BlockedReason
from app.referrals.models import Program
from app.referrals.referrers import suspend
from app.referrals.words import Approval
from tests.builders import ACTOR, NOW, at
from tests.db.payouts_world import APPROVER, DEBTOR_IBAN, FREEZER, Payday, camt, detail, entry, names_in

if TYPE_CHECKING:
    from app.kernel.db import Database


@pytest.fixture
def payday(database: Database) -> Payday:
    return Payday.build(database)


def test_money_with_30_days_hold_is_paid_a_month_later(database: Database) -> None:
    payday = Payday.build(database, hold_days=30)
    payday.earn("ada", 5000, paid="2026-09-10")
    assert payday.states(payday.freeze("2026-09")) == {}
    assert payday.states(payday.freeze("2026-10")) == {"ada": (5000, PayoutState.RESERVED)}
    payday.assert_sound()


def test_a_cent_below_the_minimum_carries_forward_and_a_cent_more_is_paid_next_run(payday: Payday) -> None:
    payday.earn("ada", 2499, paid="2026-09-10")
    assert payday.left_out(payday.freeze("2026-09")) == {"ada": (2499, "below_minimum")}
    payday.earn("ada", 1, paid="2026-10-10")
    assert payday.states(payday.freeze("2026-10")) == {"ada": (2500, PayoutState.RESERVED)}
    assert payday.balance().in_flight == 2500
    payday.assert_sound()


def test_two_starts_at_once_and_one_later_make_one_run_and_one_payout_each(payday: Payday) -> None:
    payday.batch = 1
    for name in ("ada", "bob"):
        payday.earn(name, 5000)
    barrier = Barrier(4)

    def start() -> int:
        barrier.wait()
        run_id = payday.draft()
        freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)
        return run_id

    with ThreadPoolExecutor(4) as pool:
        runs = {future.result() for future in [pool.submit(start) for _ in range(4)]}
    assert len(runs) == 1
    run_id = payday.freeze()
    assert runs == {run_id}
    assert payday.states(run_id) == {
        "ada": (5000, PayoutState.RESERVED),
        "bob": (5000, PayoutState.RESERVED),
    }
    assert payday.run(run_id).name == "hosting:2026-10:EUR:1"
    payday.assert_sound()


def test_runs_of_two_months_frozen_at_once_never_reserve_the_same_money(payday: Payday) -> None:
    for name in ("ada", "bob"):
        payday.earn(name, 5000, paid="2026-09-10")
    runs = [payday.draft("2026-09"), payday.draft("2026-10")]
    barrier = Barrier(2)

    def freeze(run_id: int) -> None:
        barrier.wait()
        freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(freeze, run_id) for run_id in runs]:
            future.result()
    assert sum(len(payday.payouts(run_id)) for run_id in runs) == 2
    assert payday.balance("ada").in_flight == 5000
    payday.assert_sound()


def test_a_further_run_of_a_month_is_made_only_on_request(payday: Payday) -> None:
    payday.earn("ada", 5000)
    first = payday.freeze()
    payday.earn("ada", 3000)
    assert payday.draft() == first
    second = payday.freeze(again=True)
    assert payday.run(second).name == "hosting:2026-10:EUR:2"
    assert payday.states(second) == {"ada": (3000, PayoutState.RESERVED)}
    assert payday.balance().in_flight == 8000
    payday.assert_sound()


def test_an_unfinished_month_is_refused_unless_it_is_rehearsed(payday: Payday) -> None:
    with payday.db.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        with pytest.raises(PeriodUnfinished, match="2026-12-01"):
            draft_run(session, program, period="2026-11", by=FREEZER, now=NOW)
        run = draft_run(session, program, period="2026-11", by=FREEZER, now=NOW, as_of=at("2026-12-01"))
        assert run.created_at == NOW
        with pytest.raises(UnknownPeriod):
            draft_run(session, program, period="2026-11-01", by=FREEZER, now=NOW)


def test_a_month_ends_at_midnight_of_the_programmes_time_zone(payday: Payday) -> None:
    with payday.db.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        with pytest.raises(PeriodUnfinished):
            draft_run(session, program, period="2026-11", by=FREEZER, now=at("2026-11-30 22:59:59"))
        run = draft_run(session, program, period="2026-11", by=FREEZER, now=at("2026-11-30 23:00"))
        assert run.until_on == date(2026, 11, 30)


def test_a_programme_without_a_debtor_or_with_yen_on_sepa_is_refused_at_once(database: Database) -> None:
    payday = Payday.build(database, debtor_name=None, debtor_iban=None)
    with pytest.raises(NoDebtor, match="hosting"):
        payday.draft()
    yen = Payday.build(database, slug="yen", currency="JPY", minimum_payout="25")
    with pytest.raises(RailCannotPay, match="JPY"):
        yen.draft()


def test_everybody_who_is_left_out_has_a_reason(payday: Payday) -> None:
    payday.join("cem", "dot", "eve", "fay", "gil")
    for name in ("ada", "bob", "cem", "dot", "eve", "fay", "gil"):
        payday.earn(name, 5000)
    order = payday.earn("gil", 100, paid="2026-10-11")
    payday.account("ada", "NL20INGB0001234567")
    payday.account("fay", "CH9300762011623852957")
    with payday.world() as world:
        destination = world.session.scalars(
            select(PayoutDestination).where(PayoutDestination.referrer_id == world.referrers["bob"].id)
        ).one()
        block_destination(world.session, destination, BlockedReason.STAFF, by=ACTOR, now=NOW)
    run_id = payday.freeze()
    assert payday.left_out(run_id) == {
        "ada": (5000, "account_not_yet_usable"),
        "bob": (5000, "account_blocked"),
        "eve": (5000, "no_bank_account"),
        "fay": (5000, "address_missing"),
        "gil": (5100, "no_bank_account"),
    }
    assert set(payday.states(run_id)) == {"cem", "dot"}
    assert payday.run(run_id).omission_count == 5
    payday.refund(order, 100, "2026-10-12")
    payday.assert_sound()


def test_a_suspended_referrer_is_left_out(payday: Payday) -> None:
    payday.earn("ada", 5000)
    with payday.world() as world:
        suspend(world.session, world.program, world.referrers["ada"], reason="test", actor=ACTOR, now=NOW)
    run_id = payday.freeze()
    assert payday.states(run_id) == {}
    payday.assert_sound()


def test_a_swiss_account_with_an_address_is_paid(payday: Payday) -> None:
    payday.join("fay")
    payday.account("fay", "CH9300762011623852957", address=GivenAddress(town="Zürich", country="ch"))
    payday.earn("fay", 5000)
    run_id = payday.build_files()
    assert b"<TwnNm>Zuerich</TwnNm><Ctry>CH</Ctry>" in payday.files(run_id)[0]


def test_the_preview_of_a_draft_says_what_the_freeze_then_does(payday: Payday) -> None:
    payday.earn("ada", 5000)
    payday.earn("bob", 100)
    run_id = payday.draft()
    with payday.db.reading() as session:
        preview = list(preview_run(session, session.get_one(PayoutRun, run_id), NOW))
    assert [type(each).__name__ for each in preview] == ["PlannedPayout", "PlannedOmission"]
    payday.freeze()
    assert payday.states(run_id) == {"ada": (5000, PayoutState.RESERVED)}
    assert payday.left_out(run_id) == {"bob": (100, "below_minimum")}


def test_a_clawback_after_the_payout_is_netted_with_the_next_earnings(payday: Payday) -> None:
    order = payday.earn("ada", 5000, paid="2026-09-10")
    payday.submit("2026-09")
    payday.refund(order, 1500, "2026-10-05")
    assert payday.balance().available == -1500
    run_id = payday.freeze("2026-10")
    assert payday.left_out(run_id) == {"ada": (-1500, "negative")}
    payday.earn("ada", 9000, paid="2026-10-20")
    assert payday.states(payday.freeze("2026-10", again=True)) == {"ada": (7500, PayoutState.RESERVED)}
    payday.assert_sound()


def test_a_late_run_for_an_earlier_month_pays_nothing_twice_and_no_refunded_money(payday: Payday) -> None:
    payday.earn("ada", 5000, paid="2026-09-10")
    payday.earn("bob", 5000, paid="2026-10-10")
    refunded = payday.earn("bob", 4000, paid="2026-09-12")
    newer = payday.freeze("2026-10")
    assert payday.states(newer) == {
        "ada": (5000, PayoutState.RESERVED),
        "bob": (9000, PayoutState.RESERVED),
    }
    payday.refund(refunded, 4000, "2026-09-20")
    older = payday.freeze("2026-09")
    assert payday.states(older) == {}
    assert payday.left_out(older) == {"bob": (-4000, "negative")}
    payday.assert_sound()


def test_two_programmes_in_one_month_have_message_ids_of_their_own(database: Database) -> None:
    both = [Payday.build(database, slug=slug) for slug in ("hosting", "directory")]
    for payday in both:
        payday.earn("ada", 5000)
    contents = [payday.files(payday.build_files())[0] for payday in both]
    ids = {content.partition(b"<MsgId>")[2].partition(b"<")[0] for content in contents}
    assert len(ids) == 2


def test_four_eyes_are_two_people(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    for nobody in (FREEZER, Actor.system("scheduler"), Actor.cli()):
        with pytest.raises(NotTheApprover):
            payday.approve(run_id, by=nobody)
    assert payday.run(run_id).state is RunState.FROZEN
    payday.approve(run_id)
    with pytest.raises(IllegalMove):
        payday.approve(run_id, by=Actor("user:usr_third"))
    with payday.db.reading() as session:
        assert len(session.scalars(select(PayoutApproval)).all()) == 1


def test_who_edited_an_account_in_the_run_may_not_approve_it(payday: Payday) -> None:
    payday.join("cem")
    payday.account("cem", "NL20INGB0001234567", verified=True, by=APPROVER)
    payday.earn("cem", 5000)
    run_id = payday.freeze()
    with pytest.raises(NotTheApprover, match="edited"):
        payday.approve(run_id)
    payday.approve(run_id, by=Actor("user:usr_third"))


def test_a_run_frozen_by_nobody_in_particular_has_no_first_pair_of_eyes(payday: Payday) -> None:
    run_id = payday.draft(by=Actor.system("scheduler"))
    freeze_run(payday.deps, run_id, by=Actor.system("scheduler"), now=NOW)
    with pytest.raises(NotTheApprover, match="two people"):
        payday.approve(run_id)


def test_two_approvals_at_the_same_instant_are_one(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    barrier = Barrier(2)

    def approve(name: str) -> bool:
        barrier.wait()
        try:
            payday.approve(run_id, by=Actor(f"user:{name}"))
        except IllegalMove:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, ("usr_a", "usr_b"))) == [False, True]


def test_under_one_the_freezer_may_approve_and_a_machine_may_not(database: Database) -> None:
    payday = Payday.build(database, approval=Approval.ONE)
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    with pytest.raises(NotTheApprover):
        payday.approve(run_id, by=Actor.cli())
    payday.approve(run_id, by=FREEZER)
    assert payday.run(run_id).state is RunState.APPROVED


def test_a_payout_changed_behind_the_approval_voids_it(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    payday.approve(run_id)
    with payday.db.transaction() as session:
        session.execute(text("UPDATE payouts SET amount_minor = amount_minor + 1"))
    with pytest.raises(ApprovalVoid):
        build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    assert payday.run(run_id).state is RunState.FROZEN
    assert payday.files(run_id) == []
    with payday.db.reading() as session:
        assert session.scalars(select(PayoutApproval.void_reason)).one() == "the payouts changed"


def test_an_approval_can_be_withdrawn_and_given_again(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    payday.approve(run_id)
    with payday.db.transaction() as session:
        withdraw_approval(session, run_id, "wait for the audit", by=APPROVER, now=NOW)
    assert payday.run(run_id).state is RunState.FROZEN
    payday.approve(run_id)
    assert build_files(payday.deps, run_id, by=APPROVER, now=NOW) is RunState.BUILT
    with pytest.raises(IllegalMove), payday.db.transaction() as session:
        withdraw_approval(session, run_id, "too late", by=APPROVER, now=NOW)


def test_taking_a_payout_out_voids_the_approval_and_frees_the_money(payday: Payday) -> None:
    for name in ("ada", "bob"):
        payday.earn(name, 5000)
    run_id = payday.freeze()
    payday.approve(run_id)
    with payday.db.transaction() as session:
        exclude_payout(session, payday.payouts()["bob"].id, "asked to wait", by=FREEZER, now=NOW)
    run = payday.run(run_id)
    assert (run.state, run.payout_count, run.total_minor) == (RunState.FROZEN, 1, 5000)
    assert payday.balance("bob").available == 5000
    assert payday.left_out(run_id) == {"bob": (5000, "excluded")}
    payday.approve(run_id)
    build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    assert names_in(payday.files(run_id)[0]) == ["Ada Uenal"]
    with pytest.raises(IllegalMove), payday.db.transaction() as session:
        exclude_payout(session, payday.payouts()["ada"].id, "too late", by=FREEZER, now=NOW)
    payday.assert_sound()


def test_a_blocked_account_stops_approval_and_build(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()

    def block() -> None:
        with payday.db.transaction() as session:
            destination = session.get_one(PayoutDestination, payday.payouts()["ada"].destination_id)
            block_destination(session, destination, BlockedReason.AC04, by=ACTOR, now=NOW)

    payday.approve(run_id)
    block()
    with pytest.raises(BlockedDestinations):
        build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    assert cancel_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.CANCELLED
    payday.assert_sound()


def test_the_file_is_stored_once_and_every_download_is_the_same(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.build_files()
    assert build_files(payday.deps, run_id, by=APPROVER, now=at("2026-11-25")) is RunState.BUILT
    contents = {hashlib.sha256(content).hexdigest() for _ in range(3) for content in payday.files(run_id)}
    assert len(contents) == 1
    run = payday.run(run_id)
    assert run.execution_on == date(2026, 11, 23)
    assert payday.states(run_id) == {"ada": (5000, PayoutState.FILED)}
    payday.assert_sound()


def test_christmas_is_no_day_of_execution(payday: Payday) -> None:
    payday.earn("ada", 5000)
    payday.now = at("2026-12-25 08:00")
    run_id = payday.build_files()
    assert b"<ReqdExctnDt><Dt>2026-12-28</Dt></ReqdExctnDt>" in payday.files(run_id)[0]


def test_bunq_takes_350_payments_a_file(database: Database) -> None:
    payday = Payday.build(database, bank_profile="bunq")
    payday.crowd(351)
    run_id = payday.build_files()
    counts = [content.count(b"<CdtTrfTxInf>") for content in payday.files(run_id)]
    assert counts == [350, 1]
    payday.assert_sound()


def test_a_run_without_anybody_to_pay_is_closed_when_it_is_built(payday: Payday) -> None:
    run_id = payday.freeze()
    payday.approve(run_id)
    assert build_files(payday.deps, run_id, by=APPROVER, now=NOW) is RunState.CLOSED
    assert payday.files(run_id) == []
    payday.assert_sound()


@pytest.mark.parametrize("stage", ["draft", "freeze", "build_files"])
def test_cancelling_before_submission_gives_everything_back(payday: Payday, stage: str) -> None:
    for name in ("ada", "bob"):
        payday.earn(name, 5000)
    run_id = getattr(payday, stage)()
    assert cancel_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.CANCELLED
    assert cancel_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.CANCELLED
    assert payday.balance("ada").available == 5000
    assert payday.balance("bob").in_flight == 0
    payday.assert_sound()
    with pytest.raises(IllegalMove):
        freeze_run(payday.deps, run_id, by=FREEZER, now=NOW)
    again = payday.freeze(again=True)
    assert payday.states(again)["ada"] == (5000, PayoutState.RESERVED)
    payday.assert_sound()


def test_a_submitted_run_cannot_be_cancelled(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.submit()
    with pytest.raises(IllegalMove):
        cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)
    assert submit_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.SUBMITTED


def test_a_built_run_that_the_bank_spoke_of_cannot_be_cancelled(payday: Payday) -> None:
    for name in ("ada", "bob"):
        payday.earn(name, 5000)
    run_id = payday.build_files()
    paid = payday.payouts()["ada"].end_to_end_id
    payday.feed(camt(entry("50.00", detail(paid, "50.00"))))
    with pytest.raises(AlreadySubmitted):
        cancel_run(payday.deps, run_id, by=FREEZER, now=NOW)
    assert payday.run(run_id).underway is None


def test_automatic_leaves_verified_files_without_anyone(database: Database) -> None:
    payday = Payday.build(database, approval=Approval.AUTOMATIC)
    payday.earn("ada", 5000)
    with database.transaction() as session:
        (run_id,) = draft_due_runs(session, NOW)
    with database.reading() as session:
        assert runs_to_advance(session) == [run_id]
    assert payday.advance(run_id) is RunState.BUILT
    assert payday.advance(run_id) is RunState.BUILT
    assert len(payday.files(run_id)) == 1
    with database.reading() as session:
        assert runs_to_advance(session) == []
    payday.assert_sound()


def test_under_two_the_scheduler_leaves_a_draft(payday: Payday) -> None:
    payday.earn("ada", 5000)
    with payday.db.transaction() as session:
        (run_id,) = draft_due_runs(session, at("2026-11-01 06:00"))
    assert payday.advance(run_id) is RunState.DRAFT
    assert payday.states(run_id) == {}
    assert freeze_run(payday.deps, run_id, by=FREEZER, now=NOW) is RunState.FROZEN
    payday.approve(run_id)


@pytest.mark.parametrize(
    ("when", "due"),
    [
        ("2026-10-31 22:59", "2026-09"),
        ("2026-10-31 23:00", "2026-10"),
        ("2026-11-20", "2026-10"),
        ("2027-03-15", "2027-02"),
    ],
)
def test_a_missed_payout_day_is_caught_up_once_for_the_latest_month(
    payday: Payday, when: str, due: str
) -> None:
    with payday.db.transaction() as session:
        assert [each.period for each in due_runs(session, at(when))] == [due]
        draft_due_runs(session, at(when))
        assert due_runs(session, at(when)) == []


def test_payout_days_before_the_programme_existed_never_were(database: Database) -> None:
    payday = Payday.build(database, payout_day=15)
    with database.transaction() as session:
        session.get_one(Program, payday.program_id).created_at = at("2026-11-16")
        assert due_runs(session, at("2026-11-20")) == []
        assert due_runs(session, at("2026-12-14 22:00")) == []
        assert [each.period for each in due_runs(session, at("2026-12-15"))] == ["2026-11"]


def test_every_move_of_a_run_is_in_the_audit_trail(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.submit()
    name = payday.run(run_id).name
    with payday.db.reading() as session:
        trail = session.execute(
            select(AuditEvent.action, AuditEvent.actor)
            .where(AuditEvent.subject == f"run:{name}")
            .order_by(AuditEvent.id)
        ).all()
    assert [tuple(row) for row in trail] == [
        ("run.drafted", FREEZER.label),
        ("run.frozen", FREEZER.label),
        ("run.approved", APPROVER.label),
        ("run.built", APPROVER.label),
        ("run.submitted", FREEZER.label),
    ]


def test_the_settings_of_a_frozen_run_do_not_follow_the_programme(payday: Payday) -> None:
    payday.earn("ada", 5000)
    run_id = payday.freeze()
    with payday.db.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        program.debtor_iban, program.approval = "NL91ABNA0417164300", Approval.AUTOMATIC
    with pytest.raises(NotTheApprover):
        payday.approve(run_id, by=FREEZER)
    payday.approve(run_id)
    build_files(payday.deps, run_id, by=APPROVER, now=NOW)
    assert DEBTOR_IBAN.encode() in payday.files(run_id)[0]


def test_a_csv_run_lists_the_same_payments(database: Database) -> None:
    payday = Payday.build(database)
    with database.transaction() as session:
        session.get_one(Program, payday.program_id).rail = "csv"
    payday.earn("ada", 5000)
    run_id = payday.build_files()
    header, row = payday.files(run_id)[0].decode().splitlines()
    assert header.startswith("end_to_end_id,amount,currency,name,iban,bic,")
    assert ",50.00,EUR,Ada Uenal,NL91ABNA0417164300," in row


def test_a_run_that_is_unknown_is_not_found(payday: Payday) -> None:
    with pytest.raises(Exception, match="there is no payout run '999'"), payday.db.transaction() as session:
        approve_run(session, 999, by=APPROVER, now=NOW)
