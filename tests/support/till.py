"""Payday under a state machine: a process that dies between any two statements, and a bank that keeps its own books.

What must be true is reckoned here from the machine's own memory and from the journal's rows, not with the house's
functions: what was put in, what the bank booked, which bytes and which states were seen before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Final

from sqlalchemy import event, func, select

from app.kernel.crypto import Keyring
from app.kernel.errors import RefledgerError
from app.ledger.check import LEDGER_CHECKS, first_broken
from app.ledger.journal import Entry, Posting, post
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, TransactionKind
from app.payouts import advance, approval, cancelling, files, reconcile, runs, unknown
from app.payouts.approval import run_digest
from app.payouts.check import (
    ALL_CHECKS,
    BooksDoNotAddUp,
    nobody_is_both_paid_and_left_out,
    paid_payouts_have_their_booking,
    payouts_equal_their_entries,
    payouts_move_date_by_date,
)
from app.payouts.deps import PayoutDeps
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.models import BankEvent, Payout, PayoutApproval, PayoutFile, PayoutRun
from app.payouts.words import BankEventState
from app.referrals.models import Program, Referrer
from tests.builders import ENCRYPTION_KEY, NOW
from tests.db.payouts_world import APPROVER, FREEZER, camt, detail, entry, pain002

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.kernel.db import Database
    from tests.support.books import StandingChecks

PERIODS: Final = ("2026-09", "2026-10")
DATES: Final = (date(2026, 9, 10), date(2026, 10, 10), date(2026, 11, 10))
"""When money matures: in the first period, in the second, and after both."""

CHECKS: Final = {
    **LEDGER_CHECKS,
    **{check.__name__: check for check in (payouts_equal_their_entries, payouts_move_date_by_date)},
    **{
        check.__name__: check for check in (nobody_is_both_paid_and_left_out, paid_payouts_have_their_booking)
    },
}
"""What must hold after every step; the others are compared at the end, and by every run itself."""

_LAST: Final = {PayoutState.REJECTED, PayoutState.RETURNED, PayoutState.CANCELLED}
_OUTCOME: Final = {
    "debit": {PayoutState.PAID},
    "reject": {PayoutState.REJECTED},
    "return": {PayoutState.RETURNED},
}


class Died(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Till:
    """One programme's payouts on a database of its own, and what is remembered of them.

    ``dying(n)`` has the process die before its n-th statement, begin or commit that may write, and start again.
    """

    db: Database
    program_id: int
    people: tuple[int, ...]
    checks: StandingChecks
    given: Counter[int] = field(default_factory=Counter)
    told: dict[str, str] = field(default_factory=dict)
    """By end-to-end id, the last thing that the bank said and that had to have an effect."""
    early: set[str] = field(default_factory=set)
    """Payouts whose return came before their debit."""
    messages: list[str] = field(default_factory=list)
    seen_states: dict[int, PayoutState] = field(default_factory=dict)
    seen_files: dict[int, str] = field(default_factory=dict)
    surprises: int = 0
    lives: int | None = None
    gifts: int = 0

    def __post_init__(self) -> None:
        self.deps = PayoutDeps(self.db, Keyring((ENCRYPTION_KEY,)), batch=2)
        event.listen(self.db.engine, "before_cursor_execute", self._step)
        event.listen(self.db.engine, "commit", self._step)

    def stop(self) -> None:
        """Its connections are gone."""
        self.db.dispose()
        event.remove(self.db.engine, "before_cursor_execute", self._step)
        event.remove(self.db.engine, "commit", self._step)

    def _step(self, connection: Connection, *_arguments: object) -> None:
        # Whoever dies while reading has changed nothing since the last statement that counts.
        if self.lives is None or not connection.get_execution_options().get("refledger_writes", True):
            return
        self.lives -= 1
        if self.lives < 0:
            self.lives = None
            raise Died

    @contextmanager
    def dying(self, lives: int | None) -> Iterator[list[bool]]:
        """Whether it died is in the list afterwards. Refusals are answers; books that do not add up are not."""
        died: list[bool] = []
        self.lives = lives
        try:
            yield died
        except Died:
            died.append(True)
            # A new process has new connections; the house keeps nothing else that a payout hangs on.
            self.db.dispose()
        except BooksDoNotAddUp as error:
            raise AssertionError(str(error)) from error
        except RefledgerError:
            pass
        finally:
            self.lives = None

    # What people, the clock and the bank do.

    def give(self, person: int, minor: int, on: date) -> None:
        """Money that matures on a day; below zero a clawback."""
        self.gifts += 1
        entries = (
            Entry(LedgerAccount.COMMISSION_EXPENSE, minor, on, referrer_id=person),
            Entry(LedgerAccount.PAYABLE, -minor, on, referrer_id=person),
        )
        kind, key = TransactionKind.ADJUSTMENT, f"gift:{self.gifts}"
        with self.db.transaction() as session:
            post(session, Posting(self.program_id, "EUR", kind, key, entries, effective_on=on), posted_at=NOW)
        self.given[person] += minor

    def freeze(self, period: str, lives: int | None, *, again: bool) -> None:
        with self.dying(lives):
            with self.db.transaction() as session:
                program = session.get_one(Program, self.program_id)
                run = runs.draft_run(session, program, period=period, by=FREEZER, now=NOW, again=again)
            runs.freeze_run(self.deps, run.id, by=FREEZER, now=NOW)

    def move(self, pick: int, name: str, lives: int | None) -> None:
        """A move of one of the runs."""
        run_id = self._pick(pick, select(PayoutRun.id))
        if run_id is None:
            return
        moves: dict[str, Callable[[], object]] = {
            "approve": lambda: self._approve(run_id, APPROVER),
            "approve by who froze it": lambda: self._approve(run_id, FREEZER),
            "withdraw": lambda: self._withdraw(run_id),
            "build": lambda: files.build_files(self.deps, run_id, by=APPROVER, now=NOW),
            "submit": lambda: files.submit_run(self.deps, run_id, by=FREEZER, now=NOW),
            "cancel": lambda: cancelling.cancel_run(self.deps, run_id, by=FREEZER, now=NOW),
            "advance": lambda: advance.advance_run(self.deps, run_id, NOW),
        }
        with self.dying(lives):
            moves[name]()

    def _approve(self, run_id: int, by: Actor) -> None:
        with self.db.transaction() as session:
            approval.approve_run(session, run_id, by=by, now=NOW)

    def _withdraw(self, run_id: int) -> None:
        with self.db.transaction() as session:
            approval.withdraw_approval(session, run_id, "a second look", by=FREEZER, now=NOW)

    def exclude(self, pick: int, lives: int | None) -> None:
        number = self._pick(pick, select(Payout.id).where(Payout.state == PayoutState.RESERVED))
        if number is not None:
            with self.dying(lives), self.db.transaction() as session:
                approval.exclude_payout(session, number, "to be looked at", by=FREEZER, now=NOW)

    def lose(self, pick: int, lives: int | None, *, dismiss: bool) -> None:
        """Nobody knows about a file, or (``dismiss``) it never arrived; only one of which the bank said nothing."""
        heard = select(Payout.file_id).where(Payout.end_to_end_id.in_(self.told), Payout.file_id.is_not(None))
        number = self._pick(pick, select(PayoutFile.id).where(PayoutFile.id.not_in(heard)))
        if number is None:
            return
        with self.dying(lives), self.db.transaction() as session:
            if dismiss:
                unknown.dismiss_file(session, number, "not with the bank", by=FREEZER, now=NOW)
            else:
                unknown.lose_file(session, number, by=FREEZER, now=NOW)

    def tell(self, pick: int, word: str, lives: int | None) -> None:
        """The bank says something of a payout that it may have; killed while it is read, the file is read again."""
        wanted = select(Payout.id).where(
            Payout.file_id.is_not(None), Payout.state.not_in([PayoutState.RESERVED, PayoutState.CANCELLED])
        )
        number = self._pick(pick, wanted)
        if number is None:
            return
        with self.db.reading() as session:
            payout = session.get_one(Payout, number)
        message = self._message(payout, word)
        known = message in self.messages
        if not known:
            self._remember(payout, word)
        self._feed(message, lives, repeated=known)

    def repeat(self, pick: int, lives: int | None) -> None:
        """An earlier entry in another, overlapping statement."""
        if self.messages:
            self._feed(self.messages[pick % len(self.messages)], lives, repeated=True)

    def _remember(self, payout: Payout, word: str) -> None:
        said, number = self.told.get(payout.end_to_end_id), payout.end_to_end_id
        decided = payout.state in _LAST and said is None
        if decided or (word, said) not in _FITTING:
            self.surprises += (word, said) != ("return", None) or decided
            if word == "return" and said is None and not decided:
                self.early.add(number)
            return
        self.told[number] = "return" if word == "debit" and number in self.early else word

    def _message(self, payout: Payout, word: str) -> str:
        minor = payout.amount_minor
        amount = f"{minor // 100}.{minor % 100:02d}"
        if word == "reject":
            return pain002((payout.end_to_end_id, "MS03"))
        reason, credit = ("MD06", True) if word == "return" else (None, False)
        line = detail(payout.end_to_end_id, amount, reason=reason)
        return camt(entry(amount, line, credit=credit, reference=None), statement="{}")

    def _feed(self, message: str, lives: int | None, *, repeated: bool = False) -> None:
        # What waited for something that has come meanwhile is no news of this message.
        reconcile.apply_feedback(self.deps, NOW)
        before = self._exceptions()
        content = message.replace("{}", f"S{len(self.seen_files)}-{self.gifts}-{before}-{len(self.messages)}")
        with self.dying(lives) as died:
            self._import(content)
        if died:
            with self.dying(None):
                self._import(content)
        if repeated:
            assert self._exceptions() == before, "what was told before surprises nobody"
        else:
            self.messages.append(message)

    def _import(self, content: str) -> None:
        reconcile.import_feedback(self.deps, BytesIO(content.encode()), "bank.xml", by=FREEZER, now=NOW)

    def sweep(self, lives: int | None = None) -> None:
        """What the sweeper finds left over."""
        with self.dying(lives):
            with self.db.reading() as session:
                found = advance.runs_to_advance(session)
            for run_id in found:
                advance.advance_run(self.deps, run_id, NOW)
            reconcile.apply_feedback(self.deps, NOW)

    def _pick(self, pick: int, wanted: object) -> int | None:
        with self.db.reading() as session:
            found = list(session.scalars(wanted))  # type: ignore[call-overload]
        return sorted(found)[pick % len(found)] if found else None

    def _exceptions(self) -> int:
        with self.db.reading() as session:
            wanted = select(func.count()).where(BankEvent.state == BankEventState.EXCEPTION)
            return session.scalars(wanted).one()

    # What must be true.

    def check(self) -> None:
        """After every step, also in the middle of what died."""
        with self.db.reading() as session:
            broken = self.checks.broken(session)
            assert broken is None, str(broken)
            payouts = {payout.id: payout for payout in session.scalars(select(Payout))}
            until = {run.id: run for run in session.scalars(select(PayoutRun))}
            self._no_cent_is_lost(session)
            self._each_payout_moved_once_and_within_its_period(session, payouts, until)
            self._nothing_changes_that_is_settled(payouts)
            self._files_stay_as_they_were(session, payouts)
            self._what_is_approved_is_what_was_signed(session, until)

    def _no_cent_is_lost(self, session: Session) -> None:
        sums: dict[int, Counter[LedgerAccount]] = defaultdict(Counter)
        for row in session.scalars(select(LedgerEntry).where(LedgerEntry.referrer_id.is_not(None))):
            sums[row.referrer_id or 0][row.account] -= row.amount_minor
        for person in self.people:
            have = sums[person]
            total = have[LedgerAccount.PAYABLE] + have[LedgerAccount.IN_FLIGHT] + have[LedgerAccount.BANK]
            assert total == self.given[person], "payable, in flight and paid are what was given"
            assert have[LedgerAccount.IN_FLIGHT] >= 0, "nothing is in flight that was not reserved"

    def _each_payout_moved_once_and_within_its_period(
        self, session: Session, payouts: dict[int, Payout], until: dict[int, PayoutRun]
    ) -> None:
        wanted = (
            select(
                LedgerEntry.payout_id, LedgerTransaction.kind, LedgerTransaction.id, LedgerEntry.available_on
            )
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(LedgerEntry.payout_id.is_not(None))
        )
        moved: dict[tuple[int | None, TransactionKind], set[int]] = defaultdict(set)
        for number, kind, transaction, on in session.execute(wanted):
            moved[number, kind].add(transaction)
            run = until[payouts[number or 0].run_id]
            assert on <= run.until_on, "a run takes nothing that matures after its period"
        assert all(len(each) == 1 for each in moved.values()), "each movement of a payout is posted once"

    def _nothing_changes_that_is_settled(self, payouts: dict[int, Payout]) -> None:
        for number, payout in payouts.items():
            before = self.seen_states.get(number)
            if before in _LAST:
                assert payout.state is before, f"a payout that was {before} is {payout.state}"
            if before is PayoutState.PAID:
                assert payout.state in {PayoutState.PAID, PayoutState.RETURNED}, (
                    f"paid, and now {payout.state}"
                )
            self.seen_states[number] = payout.state

    def _files_stay_as_they_were(self, session: Session, payouts: dict[int, Payout]) -> None:
        rendered: Counter[str] = Counter()
        for file in session.scalars(select(PayoutFile).where(PayoutFile.sha256.is_not(None))):
            before = self.seen_files.setdefault(file.id, file.sha256 or "")
            assert before == file.sha256, "a file's bytes never change"
            content = session.scalars(select(PayoutFile.content).where(PayoutFile.id == file.id)).one() or b""
            own = [each.end_to_end_id for each in payouts.values() if each.file_id == file.id]
            assert all(number.encode() in content for number in own), "a payout is in the file it says"
            rendered.update(number for number in own)
            assert content.count(b"<EndToEndId>") == len(own), "no payment is in two files, or in none"
        assert set(rendered.values()) <= {1}, "no payout is in two files"

    def _what_is_approved_is_what_was_signed(self, session: Session, until: dict[int, PayoutRun]) -> None:
        standing = select(PayoutApproval).where(PayoutApproval.voided_at.is_(None))
        for signature in session.scalars(standing):
            run = until[signature.run_id]
            assert run.state not in {RunState.DRAFT, RunState.FROZEN, RunState.CANCELLED}, (
                "a signature is void"
            )
            assert signature.digest == run_digest(session, run.id), "a signature stands under what was signed"
            assert signature.approved_by not in {run.created_by, run.frozen_by}, "four eyes are two people"

    def check_ended(self) -> None:
        """When everything that was left off is finished: the house and the bank say the same of every payout."""
        for _ in range(2):
            self.sweep()
        self.check()
        with self.db.reading() as session:
            broken = first_broken(session, ALL_CHECKS)
            assert broken is None, str(broken)
            underway = session.scalars(select(PayoutRun.id).where(PayoutRun.underway.is_not(None))).all()
            assert underway == [], "the sweeper finishes what was left off"
            for payout in session.scalars(select(Payout).where(Payout.end_to_end_id.in_(self.told))):
                said = self.told[payout.end_to_end_id]
                assert payout.state in _OUTCOME[said], f"the bank said {said}, the house {payout.state}"
            paid = select(Payout).where(Payout.state.in_([PayoutState.PAID, PayoutState.RETURNED]))
            settled = {payout.end_to_end_id for payout in session.scalars(paid)}
            assert settled <= set(self.told), "nothing is paid that the bank did not book"
            refused = select(func.count()).where(
                Payout.end_to_end_id.in_(self.early), Payout.state == PayoutState.REJECTED
            )
            # A return that waited for its debit, of a payout that never left.
            surprises = self.surprises + session.scalars(refused).one()
        assert self._exceptions() == surprises, "a person sees what surprises, and nothing else"


_FITTING: Final = {("debit", None), ("reject", None), ("return", "debit")}
"""What the bank can say after what it said before; all else is for a person to look at, or says nothing new."""


def people_of(session: Session) -> tuple[int, ...]:
    return tuple(session.scalars(select(Referrer.id).order_by(Referrer.id)))
