"""A programme with money to pay out, on a real database, with short ways to run and settle it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from lxml import etree
from sqlalchemy import select
from stdnum import iban as stdnum_iban

from app.identity.audit import Actor
from app.kernel.crypto import Keyring
from app.ledger.check import first_broken
from app.ledger.journal import Entry, Posting, post_many
from app.ledger.models import LedgerAccount, TransactionKind
from app.payouts.advance import advance_run
from app.payouts.approval import approve_run
from app.payouts.check import ALL_CHECKS
from app.payouts.deps import PayoutDeps, PayoutNews
from app.payouts.destinations import GivenAccount, GivenAddress, iban_key, put_destination
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.files import build_files, file_content, files_of, submit_run
from app.payouts.models import BankEvent, Payout, PayoutDestination, PayoutOmission, PayoutRun
from app.payouts.reconcile import ImportResult, import_feedback
from app.payouts.runs import draft_run, freeze_run
from app.payouts.words import BankEventState, DestinationSource
from app.referrals.models import Customer, Program, Referrer, ReferrerStatus
from app.referrals.words import Approval
from tests.builders import ENCRYPTION_KEY, NOW, World, at, line, referral_deps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.kernel.db import Database
    from app.ledger.balances import Balance

FREEZER = Actor("user:usr_freezer")
APPROVER = Actor("user:usr_approver")
MERCHANT = Actor("key:rfl_shop")

DEBTOR_IBAN = "NL02ABNA0123456789"
IBANS = {
    "ada": "NL91ABNA0417164300",
    "bob": "DE89370400440532013000",
    "cem": "BE68539007547034",
    "dot": "FR1420041010050500013M02606",
}


@dataclass
class Payday:
    """The programme "hosting" (10 %, no hold, minimum 25.00) and its referrers, with the way to its runs."""

    db: Database
    program_id: int
    batch: int = 1000
    news: list[PayoutNews] = field(default_factory=list)
    orders: int = 0
    now: datetime = NOW

    @classmethod
    def build(cls, db: Database, slug: str = "hosting", **settings: Any) -> Payday:
        wanted = {
            "hold_days": 0,
            "approval": Approval.TWO,
            "debtor_name": "Höst B.V.",
            "debtor_iban": DEBTOR_IBAN,
            **settings,
        }
        with db.transaction() as session:
            world = World.build(session, slug=slug, **wanted)
            program_id = world.program.id
            world.program.rail = settings.get("rail", "sepa")
        payday = cls(db, program_id)
        for name in ("ada", "bob"):
            payday.account(name)
        return payday

    @property
    def deps(self) -> PayoutDeps:
        return PayoutDeps(
            self.db, Keyring((ENCRYPTION_KEY,)), lambda _session, item: self.news.append(item), self.batch
        )

    @contextmanager
    def world(self) -> Iterator[World]:
        """The builder's world, in a transaction of its own."""
        with self.db.transaction() as session:
            program = session.get_one(Program, self.program_id)
            found = session.scalars(select(Referrer).where(Referrer.program_id == program.id))
            referrers = {referrer.code.removesuffix(f"-{program.slug}"): referrer for referrer in found}
            yield World(session, program, referral_deps(), referrers, self.now)

    def join(self, *names: str) -> None:
        for name in names:
            with self.world() as world:
                world.join(name)
            if name in IBANS:
                self.account(name)

    def account(
        self,
        name: str,
        iban: str | None = None,
        *,
        verified: bool = False,
        holder: str | None = None,
        bic: str | None = None,
        address: GivenAddress | None = None,
        by: Actor = MERCHANT,
    ) -> None:
        with self.world() as world:
            given = GivenAccount(holder or f"{name.title()} Ünal", iban or IBANS[name], bic, address)
            put_destination(
                self.deps,
                world.session,
                world.referrers[name],
                given,
                source=DestinationSource.MERCHANT,
                verified=verified,
                by=by,
                now=self.now,
            )

    def earn(self, name: str, minor: int, paid: str = "2026-10-10") -> str:
        """A paid order that earns ``minor``; its id."""
        self.orders += 1
        order_id, customer = f"o{self.orders}", f"customer-of-{name}"
        with self.world() as world:
            if self.orders == 1 or not _is_known(world, customer):
                world.bind(name, customer)
            world.order(order_id, line(net=minor * 10), customer=customer, placed=paid, paid=paid)
        return order_id

    def crowd(self, count: int, minor: int = 5000) -> None:
        """``count`` further referrers with an account and ``minor`` each to be paid, written in one go."""
        with self.db.transaction() as session:
            program = session.get_one(Program, self.program_id)
            people = [_member(program, number) for number in range(count)]
            session.add_all(people)
            session.flush()
            session.add_all(_account_of(person, self.deps) for person in people)
            post_many(session, [_gift(person, minor) for person in people], posted_at=self.now)

    def refund(self, order_id: str, minor: int, when: str) -> None:
        with self.world() as world:
            world.refund(f"refund-{order_id}-{when}", order_id, when=when, l1=minor * 10)

    def draft(self, period: str = "2026-10", *, again: bool = False, by: Actor = FREEZER) -> int:
        with self.db.transaction() as session:
            program = session.get_one(Program, self.program_id)
            return draft_run(session, program, period=period, by=by, now=self.now, again=again).id

    def freeze(self, period: str = "2026-10", *, again: bool = False) -> int:
        run_id = self.draft(period, again=again)
        assert freeze_run(self.deps, run_id, by=FREEZER, now=self.now) is RunState.FROZEN
        return run_id

    def approve(self, run_id: int, by: Actor = APPROVER) -> None:
        with self.db.transaction() as session:
            approve_run(session, run_id, by=by, now=self.now)

    def build_files(self, period: str = "2026-10", *, again: bool = False) -> int:
        """A run with verified files."""
        run_id = self.freeze(period, again=again)
        self.approve(run_id)
        assert build_files(self.deps, run_id, by=APPROVER, now=self.now) is RunState.BUILT
        return run_id

    def submit(self, period: str = "2026-10", *, again: bool = False) -> int:
        """A run that is with the bank."""
        run_id = self.build_files(period, again=again)
        assert submit_run(self.deps, run_id, by=FREEZER, now=self.now) is RunState.SUBMITTED
        return run_id

    def advance(self, run_id: int) -> RunState:
        return advance_run(self.deps, run_id, self.now)

    def feed(self, content: bytes | str, name: str = "bank.xml") -> ImportResult:
        raw = content.encode() if isinstance(content, str) else content
        return import_feedback(self.deps, BytesIO(raw), name, by=FREEZER, now=self.now)

    def files(self, run_id: int) -> list[bytes]:
        with self.db.reading() as session:
            return [file_content(session, file) for file in files_of(session, run_id)]

    def run(self, run_id: int) -> PayoutRun:
        with self.db.reading() as session:
            return session.get_one(PayoutRun, run_id)

    def payouts(self, run_id: int | None = None) -> dict[str, Payout]:
        """Payouts by referrer; the latest of each where no run is named."""
        with self.db.reading() as session:
            wanted = select(Referrer.code, Payout).join(Payout, Payout.referrer_id == Referrer.id)
            if run_id is not None:
                wanted = wanted.where(Payout.run_id == run_id)
            rows = session.execute(wanted.where(Referrer.program_id == self.program_id).order_by(Payout.id))
            return {code.rpartition("-")[0]: payout for code, payout in rows}

    def states(self, run_id: int) -> dict[str, tuple[int, PayoutState]]:
        return {name: (each.amount_minor, each.state) for name, each in self.payouts(run_id).items()}

    def left_out(self, run_id: int) -> dict[str, tuple[int, str]]:
        with self.db.reading() as session:
            rows = session.execute(
                select(Referrer.code, PayoutOmission)
                .join(PayoutOmission, PayoutOmission.referrer_id == Referrer.id)
                .where(PayoutOmission.run_id == run_id)
            )
            return {code.rpartition("-")[0]: (each.available_minor, each.reason.value) for code, each in rows}

    def balance(self, name: str = "ada") -> Balance:
        with self.world() as world:
            return world.balance(name)

    def exceptions(self) -> list[str]:
        with self.db.reading() as session:
            wanted = select(BankEvent.exception).where(BankEvent.state == BankEventState.EXCEPTION)
            return [each.value for each in session.scalars(wanted.order_by(BankEvent.id)) if each]

    def assert_sound(self) -> None:
        with self.db.reading() as session:
            assert first_broken(session, ALL_CHECKS) is None


def _member(program: Program, number: int) -> Referrer:
    name = f"m{number}"
    return Referrer(
        program_id=program.id,
        code=f"{name}-{program.slug}",
        name=name,
        email=f"{name}@example.org",
        email_key=f"{program.slug}-{name}",
        locale="en",
        status=ReferrerStatus.ACTIVE,
        suspensions=[],
        joined_at=at("2026-01-01"),
    )


def _account_of(person: Referrer, deps: PayoutDeps) -> PayoutDestination:
    public_id, iban = f"dst_{person.code}", _iban(person.id)
    return PayoutDestination(
        public_id=public_id,
        referrer_id=person.id,
        version=1,
        holder=person.name,
        iban_sealed=deps.keyring.seal(iban.encode(), f"payout_destinations:{public_id}:{person.id}".encode()),
        iban_key=iban_key(deps.keyring, iban),
        last4=iban[-4:],
        country="NL",
        source=DestinationSource.MERCHANT,
        verified=True,
        usable_on=date(2026, 1, 1),
        created_at=at("2026-01-01"),
        created_by=MERCHANT.label,
    )


def _iban(number: int) -> str:
    bare = f"NL00INGB{number:010d}"
    return f"NL{stdnum_iban.calc_check_digits(bare)}{bare[4:]}"


def _gift(person: Referrer, minor: int) -> Posting:
    on = date(2026, 10, 10)
    entries = (
        Entry(LedgerAccount.COMMISSION_EXPENSE, minor, on, referrer_id=person.id),
        Entry(LedgerAccount.PAYABLE, -minor, on, referrer_id=person.id),
    )
    kind, key = TransactionKind.ADJUSTMENT, f"gift:{person.id}"
    return Posting(person.program_id, "EUR", kind, key, entries, effective_on=NOW.date())


def _is_known(world: World, customer: str) -> bool:
    return bool(world.session.scalar(select(Customer.id).where(Customer.customer_id == customer)))


NS = "urn:iso:std:iso:20022:tech:xsd:"


def pain002(
    *rejections: tuple[str, str],
    message_id: str = "R1-01",
    group: str = "PART",
    group_reason: str | None = None,
    accepted: tuple[str, ...] = (),
) -> str:
    """A pain.002.001.03 that rejects (end-to-end id, reason) and accepts others with ACCP."""
    transactions = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{each}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
        f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf></TxInfAndSts>"
        for each, reason in rejections
    ) + "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{each}</OrgnlEndToEndId><TxSts>ACCP</TxSts></TxInfAndSts>"
        for each in accepted
    )
    why = f"<StsRsnInf><Rsn><Cd>{group_reason}</Cd></Rsn></StsRsnInf>" if group_reason else ""
    return (
        f'<Document xmlns="{NS}pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId></GrpHdr>'
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><GrpSts>{group}</GrpSts>{why}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}</OrgnlPmtInfId>{transactions}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    )


def payee_answers(
    *answers: tuple[str, str, str | None],
    block: str | None = None,
    status: str = "S1",
    message_id: str = "R1-01",
    message: str = "pain.002.001.10",
) -> str:
    """A pain.002 of a verification of payee: (end-to-end id, answer, proposed name), and one for the block."""
    transactions = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{each}</OrgnlEndToEndId><TxSts>{answer}</TxSts>"
        + (f"<StsRsnInf><AddtlInf>{name}</AddtlInf></StsRsnInf>" if name else "")
        + "</TxInfAndSts>"
        for each, answer, name in answers
    )
    whole = f"<PmtInfSts>{block}</PmtInfSts>" if block else ""
    return (
        f'<Document xmlns="{NS}{message}"><CstmrPmtStsRpt><GrpHdr><MsgId>{status}</MsgId></GrpHdr>'
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><GrpSts>RCVC</GrpSts></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}</OrgnlPmtInfId>{whole}{transactions}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    )


def detail(
    end_to_end_id: str, amount: str, *, reason: str | None = None, reference: str | None = None
) -> str:
    """A transaction detail of an entry; with ``reason`` a returned payment."""
    refs = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    back = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    return (
        f"<TxDtls><Refs>{refs}<EndToEndId>{end_to_end_id}</EndToEndId></Refs>"
        f'<Amt Ccy="EUR">{amount}</Amt>{back}</TxDtls>'
    )


def entry(
    amount: str,
    *details: str,
    credit: bool = False,
    reference: str | None = "B1",
    on: str = "2026-11-24",
    status: str = "BOOK",
    batch: tuple[str, int] | None = None,
) -> str:
    """A statement entry; ``batch`` is (payment information id, count)."""
    refs = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    sums = f"<Btch><PmtInfId>{batch[0]}</PmtInfId><NbOfTxs>{batch[1]}</NbOfTxs></Btch>" if batch else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{"CRDT" if credit else "DBIT"}</CdtDbtInd>'
        f"<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt>{refs}"
        f"<NtryDtls>{sums}{''.join(details)}</NtryDtls></Ntry>"
    )


def camt(
    *entries: str,
    message: str = "camt.053.001.08",
    account: str = DEBTOR_IBAN,
    statement: str = "S1",
    opening: str | None = None,
    closing: str | None = None,
    on: tuple[str, str] = ("2026-11-24", "2026-11-24"),
) -> str:
    """A statement (camt.053) or notification (camt.054) of the debtor's account."""
    outer, inner = {"camt.053": ("BkToCstmrStmt", "Stmt"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}[
        message[:8]
    ]
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        for code, amount, day in (("OPBD", opening, on[0]), ("CLBD", closing, on[1]))
        if amount is not None
    )
    return (
        f'<Document xmlns="{NS}{message}"><{outer}><GrpHdr><MsgId>{statement}</MsgId></GrpHdr><{inner}>'
        f"<Id>{statement}</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{balances}{''.join(entries)}"
        f"</{inner}></{outer}></Document>"
    )


def names_in(content: bytes) -> list[str | None]:
    """The creditors' names in a payment file."""
    return [each.text for each in etree.fromstring(content).iterfind(".//{*}Cdtr/{*}Nm")]
