"""A programme is brought along from another tool: checked first, written once, and the books hold."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from app.identity.models import AuditEvent, User
from app.kernel import clock
from app.ledger.balances import balance
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.mail.models import Mail
from app.referrals.assignments import Wanted, correct_attribution
from app.referrals.facts import LeadFact, LineFact, OrderFact
from app.referrals.importing import run
from app.referrals.importing.customers import CustomerLines
from app.referrals.importing.opening import MoneyLines
from app.referrals.importing.referrers import ReferrerLines
from app.referrals.leads import record_lead
from app.referrals.models import Binding, BindingMethod, Customer, Fact, FactKind, Referrer
from app.referrals.orders import record_order
from app.referrals.programs import find_program
from app.referrals.referrers import Joining, join
from app.referrals.words import OrderStatus
from tests.builders import ACTOR, at

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from tests.cli.kit import Shell

REFERRERS = (
    "First Name,Last Name,Email,Token\nAda,Lovelace,ada@mail.example,Ada-L\nBob,Berg,bob@mail.example,\n"
)
CUSTOMERS = (
    "stripe_customer_id;email;created_at\n"
    "cus_1;ada@mail.example;2026-02-03 10:00:00 UTC\n"
    "cus_2;bob@mail.example;2026-02-04\n"
)
AHEAD = f"{clock.now().date() + timedelta(days=300)}"
COMMISSIONS = (
    "id,referrer_code,amount,currency,available_on,status\n"
    "k1,ada-l,12.50,EUR,2026-01-31,due\n"
    f"k2,ada-l,7.50,eur,{AHEAD},pending\n"
    "k3,ada-l,99.00,EUR,2026-01-31,Paid\n"
    "k4,ada-l,-2.50,EUR,,due\n"
    "k5,ada-l,0.00,EUR,,due\n"
)


class Desk:
    """The import of one house: files by their text."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell, self.folder = shell, folder

    def file(self, text: str | bytes) -> str:
        path = self.folder / "export.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def line(self, kind: str, text: str | bytes, *more: str, tool: str = "rewardful") -> list[str]:
        return ["import", kind, self.file(text), "--program", "hosting", "--from", tool, *more]

    def write(self, kind: str, text: str, *more: str, tool: str = "rewardful") -> dict[str, Any]:
        found: dict[str, Any] = self.shell.json(*self.line(kind, text, "--write", *more, tool=tool))
        return found

    def refused(self, kind: str, text: str | bytes, *more: str, tool: str = "generic") -> str:
        """What is said on standard error of a file that is refused: exit 1, and nothing written."""
        before = self.shell.rows()
        done = self.shell.run(*self.line(kind, text, "--write", *more, tool=tool))
        assert done.exit_code == 1, f"{done.output}{done.exception!r}"
        assert self.shell.rows() == before
        assert done.stderr.splitlines()[-1].endswith("nothing was written")
        return done.stderr


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Desk:
    shell.program()
    return Desk(shell, tmp_path)


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(desk: Desk) -> None:
    before = desk.shell.rows()
    said = desk.shell.ok(*desk.line("referrers", REFERRERS))
    assert said.splitlines() == [
        "dry run: nothing was written",
        "referrers that would be written: 2",
        "lines read: 2",
        "say --write to write it",
    ]
    shown = desk.shell.json(*desk.line("referrers", REFERRERS))
    assert (shown["dry_run"], shown["new"], shown["written"]) == (True, 2, 0)
    assert desk.shell.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_dry_run_waits_for_no_writer_and_keeps_none_waiting(desk: Desk) -> None:
    begun: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith(("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE")):
            begun.append(statement)

    event.listen(desk.shell.services.db.engine, "before_cursor_execute", note)
    desk.shell.ok(*desk.line("referrers", REFERRERS))
    assert begun == []
    desk.write("referrers", REFERRERS)
    assert begun != []


def test_referrers_join_without_terms_and_without_mail(desk: Desk) -> None:
    shown = desk.write("referrers", REFERRERS)
    assert (shown["new"], shown["written"]) == (2, 2)
    with desk.shell.services.db.reading() as session:
        ada, bob = session.scalars(select(Referrer).order_by(Referrer.id))
        assert (ada.name, ada.code, ada.email, ada.terms_version) == (
            "Ada Lovelace",
            "ada-l",
            "ada@mail.example",
            None,
        )
        assert len(bob.code) == 8
        assert session.scalars(select(Mail)).all() == []
        assert ada.user_id is None
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
        assert actions[-4:] == ["referrer.joined", "referrer.joined", "import.begun", "import.done"]
        done = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert done.subject == "program:hosting"
    assert done.details == {
        "kind": "referrers",
        "from": "rewardful",
        "sha256": shown["sha256"],
        "lines_written": 2,
    }


def test_an_invitation_is_mailed_where_it_is_asked_for_and_once(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    assert desk.write("referrers", REFERRERS, "--invite")["written"] == 2
    assert desk.write("referrers", REFERRERS, "--invite")["written"] == 0
    with desk.shell.services.db.reading() as session:
        assert len(session.scalars(select(Mail)).all()) == 2
        assert len(session.scalars(select(User)).all()) == 2
        assert all(session.scalars(select(Referrer.user_id)).all())


def test_a_customer_is_bound_by_a_signup_fact_that_a_replay_would_read(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    assert desk.write("customers", CUSTOMERS)["written"] == 2
    services = desk.shell.services
    with services.db.reading() as session:
        facts = session.scalars(select(Fact).order_by(Fact.id)).all()
        assert [fact.kind for fact in facts] == [FactKind.SIGNUP, FactKind.SIGNUP]
        assert facts[0].body["referrer_code"] == "ada-l"
        assert facts[0].body["signed_up_at"] == "2026-02-03T10:00:00+00:00"
        bound = session.scalars(select(Binding).order_by(Binding.id)).all()
        assert [each.method for each in bound] == [BindingMethod.CODE, BindingMethod.CODE]
        # A day alone is its first instant in the programme's time zone, Europe/Amsterdam.
        assert [each.from_at for each in bound] == [at("2026-02-03 10:00"), at("2026-02-03 23:00")]


def test_the_customers_orders_earn_for_the_imported_referrer(desk: Desk) -> None:
    desk.shell.ok(*"products set --program hosting --sku vps --name VPS --rate 10% --from 2026-01-01".split())
    desk.write("referrers", REFERRERS)
    desk.write("customers", CUSTOMERS)
    services = desk.shell.services
    with services.db.transaction() as session:
        order = OrderFact(
            order_id="o1",
            customer_id="cus_1",
            currency="EUR",
            status=OrderStatus.PAID,
            placed_at=at("2026-02-05"),
            paid_at=at("2026-02-05"),
            lines=(LineFact("l1", "vps", 1, 10_000),),
        )
        record_order(services.referrals, session, find_program(session, "hosting"), order, clock.now())
    assert (
        desk.shell.json("ledger", "balance", "--program", "hosting", "--referrer", "ada-l")["earned"] == 1_000
    )


def test_a_replay_from_the_facts_comes_to_the_same_bindings_and_balances(desk: Desk) -> None:
    desk.shell.ok(*"products set --program hosting --sku vps --name VPS --rate 10% --from 2026-01-01".split())
    desk.write("referrers", REFERRERS)
    desk.write("customers", CUSTOMERS)
    desk.write("commissions", COMMISSIONS, tool="generic")
    services = desk.shell.services
    with services.db.transaction() as session:
        order = OrderFact(
            order_id="o1",
            customer_id="cus_1",
            currency="EUR",
            status=OrderStatus.PAID,
            placed_at=at("2026-02-05"),
            paid_at=at("2026-02-05"),
            lines=(LineFact("l1", "vps", 1, 10_000),),
        )
        record_order(services.referrals, session, find_program(session, "hosting"), order, clock.now())
    replayed = desk.shell.json("attribution", "replay")
    assert (replayed["facts"], replayed["same"], replayed["differences"]) == (3, True, 0)


def test_open_commissions_become_opening_balances_and_the_books_hold(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    shown = desk.write("commissions", COMMISSIONS, tool="generic")
    assert (shown["written"], shown["not_owed"], shown["amount"], shown["currency"]) == (3, 2, 1_750, "EUR")
    money = desk.shell.json("ledger", "balance", "--program", "hosting", "--referrer", "ada-l")
    assert (money["available"], money["pending"], money["opening"]) == (1_000, 750, 1_750)
    assert "the ledger holds" in desk.shell.ok("ledger", "check")
    with desk.shell.services.db.reading() as session:
        days = session.scalars(
            select(LedgerEntry.available_on)
            .where(LedgerEntry.account == LedgerAccount.PAYABLE)
            .order_by(LedgerEntry.id)
        ).all()
        assert [f"{day}" for day in days] == [
            "2026-01-31",
            AHEAD,
            f"{clock.local_day(clock.now(), 'Europe/Amsterdam')}",
        ]


def test_balances_take_the_day_that_is_given_and_pay_out(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    text = "Affiliate ID;Affiliate Name;Available to Withdraw\n001;Ada;12,50\n2;Bob;0,00\n"
    more = ("--decimal", "comma", "--currency", "EUR", "--available-on", "2026-03-01")
    said = desk.refused("balances", text, *more, tool="whmcs")
    assert "line 2: there is no referrer 'aff1' in this programme" in said
    people = "affiliate_id,firstname,lastname,email\n001,Cas,Cent,cas@mail.example\n2,Dora,Dorn,dora@mail.example\n"
    desk.write("referrers", people, tool="whmcs")
    assert desk.write("balances", text, *more, tool="whmcs")["amount"] == 1_250
    with desk.shell.services.db.reading() as session:
        cas = session.scalars(select(Referrer).where(Referrer.code == "aff1")).one()
        day = at("2026-03-01").date()
        before = balance(session, referrer_id=cas.id, currency="EUR", today=day - timedelta(days=1))
        after = balance(session, referrer_id=cas.id, currency="EUR", today=day)
    assert (before.pending, before.available) == (1_250, 0)
    assert (after.pending, after.available) == (0, 1_250)


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    desk.write("customers", CUSTOMERS)
    desk.write("commissions", COMMISSIONS, tool="generic")
    before = desk.shell.rows()
    for kind, text, tool, there in (
        ("referrers", REFERRERS, "rewardful", 2),
        ("customers", CUSTOMERS, "rewardful", 2),
        ("commissions", COMMISSIONS, "generic", 3),
    ):
        shown = desk.write(kind, text, tool=tool)
        assert (shown["new"], shown["written"], shown["unchanged"]) == (0, 0, there)
    assert desk.shell.rows() == before


def test_a_line_that_changed_since_it_was_brought_in_is_refused(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    desk.write("commissions", COMMISSIONS, tool="generic")
    for changed in (
        COMMISSIONS.replace("12.50", "12.51"),
        COMMISSIONS.replace("2026-01-31,due", "2026-02-28,due"),
        COMMISSIONS.replace("2026-01-31,due", "2026-01-31,paid"),
        COMMISSIONS.replace("k1,ada-l", f"k1,{bob(desk)}"),
    ):
        said = desk.refused("commissions", changed)
        assert "line 2: this line was brought in before, as 12.50 EUR payable from 2026-01-31" in said


def bob(desk: Desk) -> str:
    with desk.shell.services.db.reading() as session:
        return session.scalars(select(Referrer.code).where(Referrer.email == "bob@mail.example")).one()


def test_balances_beside_open_commissions_of_one_tool_are_refused(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    desk.write("commissions", COMMISSIONS, tool="generic")
    before = desk.shell.rows()
    text = "referrer_code,amount,currency\nada-l,20.00,EUR\n"
    done = desk.shell.run(*desk.line("balances", text, "--write", tool="generic"))
    assert done.exit_code == 1
    assert "commissions were brought from generic before" in done.stderr
    assert desk.shell.rows() == before
    assert desk.write("balances", text, tool="tapfiliate")["written"] == 1


def test_waiting_and_cleared_money_of_whmcs_are_both_brought(desk: Desk) -> None:
    people = "affiliate_id,firstname,lastname,email\n7,Cas,Cent,cas@mail.example\n"
    desk.write("referrers", people, tool="whmcs")
    waiting = f"id,affiliate_id,amount,clearingdate\n1,7,2.00,{AHEAD}\n"
    cleared = "affiliate_id,balance\n7,3.00\n"
    assert desk.write("commissions", waiting, "--currency", "EUR", tool="whmcs")["written"] == 1
    assert desk.write("balances", cleared, "--currency", "EUR", tool="whmcs")["written"] == 1
    money = desk.shell.json("ledger", "balance", "--program", "hosting", "--referrer", "aff7")
    assert (money["pending"], money["available"]) == (200, 300)


def test_the_ledger_keeps_no_id_of_the_other_tool(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    desk.write("commissions", COMMISSIONS.replace("k1", "ada@mail.example"), tool="generic")
    with desk.shell.services.db.reading() as session:
        rows = session.scalars(select(LedgerTransaction)).all()
        assert len(rows) == 3
        assert all(len(row.idempotency_key) <= 128 for row in rows)
        assert not any("ada" in f"{row.idempotency_key}{row.memo}" for row in rows)


def test_an_import_that_was_killed_half_way_is_finished_by_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = "name,email,code\n" + "".join(f"P {n},p{n}@mail.example,p-{n:03}\n" for n in range(10))
    desk.write("referrers", people, tool="generic")
    money = "id,referrer_code,amount,currency\n" + "".join(f"k{n},p-{n:03},1.00,EUR\n" for n in range(10))
    monkeypatch.setattr(run, "WRITE_BATCH", 3)
    posted = MoneyLines.write
    batches: list[int] = []

    def dies(self: MoneyLines, session: Any, program: Any, items: Any, now: Any) -> None:
        batches.append(len(items))
        posted(self, session, program, items, now)
        if len(batches) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(MoneyLines, "write", dies)
        assert desk.shell.run(*desk.line("commissions", money, "--write", tool="generic")).exit_code != 0
    shown = desk.write("commissions", money, tool="generic")
    assert (shown["unchanged"], shown["written"]) == (6, 4)
    with desk.shell.services.db.reading() as session:
        assert len(session.scalars(select(LedgerTransaction)).all()) == 10
    assert "the ledger holds" in desk.shell.ok("ledger", "check")


def test_what_changes_between_check_and_writing_stops_the_import(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("referrers", REFERRERS)
    text = CUSTOMERS + "cus_3;ada@mail.example;2026-02-05\ncus_4;ada@mail.example;2026-02-06\n"
    monkeypatch.setattr(run, "WRITE_BATCH", 1)
    recorded = run.write_file

    def suspended_first(*args: Any) -> None:
        desk.shell.ok(*"referrers suspend --program hosting --referrer ada-l --reason checked".split())
        with desk.shell.services.db.transaction() as session:
            ada = session.scalars(select(Referrer).where(Referrer.code == "ada-l")).one()
            ada.suspensions = [["2026-02-05T00:00:00+00:00", None]]
        recorded(*args)

    monkeypatch.setattr("app.cli.imports.write_file", suspended_first)
    done = desk.shell.run(*desk.line("customers", text, "--write"))
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: line 5: referrer 'ada-l' took no part when the customer signed up")
    assert "3 lines before it are written and stay" in done.stderr
    with desk.shell.services.db.reading() as session:
        assert session.scalars(select(Customer.customer_id).order_by(Customer.id)).all() == [
            "cus_1",
            "cus_2",
            "cus_3",
        ]


def test_a_code_that_somebody_takes_in_between_is_named_by_its_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = ReferrerLines.check

    def then_taken(self: ReferrerLines, session: Session, *args: Any) -> Any:
        found = checked(self, session, *args)
        if session.info.get("taken") is None and calls:
            session.info["taken"] = True
            program = find_program(session, "hosting")
            joining = Joining("Ana", "ana@mail.example", code="ada-l")
            join(session, desk.shell.services.keyring, program, joining, actor=ACTOR, now=clock.now())
        calls.append(1)
        return found

    calls: list[int] = []
    monkeypatch.setattr(ReferrerLines, "check", then_taken)
    before = desk.shell.rows()
    done = desk.shell.run(*desk.line("referrers", REFERRERS, "--write"))
    assert done.exit_code == 1
    assert done.stderr.startswith(
        "Error: line 2: the code 'ada-l' is taken; this changed after the check. 0 lines"
    )
    assert desk.shell.rows() == before


def test_an_import_moves_no_customer_who_has_a_referrer(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    desk.write("customers", CUSTOMERS)
    moved = CUSTOMERS.replace("cus_1;ada@", "cus_1;bob@")
    said = desk.refused("customers", moved, tool="rewardful")
    assert "line 2: the customer has a referrer on record already; an import moves nobody" in said
    later = CUSTOMERS.replace("2026-02-03 10:00:00 UTC", "2026-02-03 11:00:00 UTC")
    assert "line 2: " in desk.refused("customers", later, tool="rewardful")


def test_what_beats_a_code_is_refused_and_not_overlooked(desk: Desk) -> None:
    desk.write("referrers", REFERRERS)
    header = "customer_id,referrer_email,signed_up_at,email\n"
    desk.write("customers", header + "cus_9,ada@mail.example,2026-02-03,\n", tool="generic")
    services = desk.shell.services
    with services.db.transaction() as session:
        program = find_program(session, "hosting")
        lead = LeadFact("lead-1", "ada-l", "cus@mail.example", at("2026-02-01"))
        record_lead(services.referrals, session, program, lead, clock.now())
        nobody = Wanted(None, "never wanted one", also_earlier=True)
        correct_attribution(
            services.referrals, session, program, "cus_9", nobody, actor=ACTOR, now=clock.now()
        )
    theirs = header + "cus_1,bob@mail.example,2026-02-03,cus@mail.example\n"
    said = desk.refused("customers", theirs)
    assert "line 2: another referrer had registered the customer as a lead, which goes before" in said
    said = desk.refused("customers", header + "cus_9,bob@mail.example,2026-02-03,\n")
    assert "line 2: staff have said whom the customer belongs to" in said
    assert desk.write("customers", theirs.replace("bob@", "ada@"), tool="generic")["written"] == 1


def test_a_customer_who_would_come_to_somebody_else_is_not_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("referrers", REFERRERS)
    services = desk.shell.services
    with services.db.transaction() as session:
        lead = LeadFact("lead-1", "ada-l", "cus@mail.example", at("2026-02-01"))
        record_lead(services.referrals, session, find_program(session, "hosting"), lead, clock.now())
    before = desk.shell.rows()
    monkeypatch.setattr(CustomerLines, "_refuse_lead", lambda *_args: None)
    text = (
        "customer_id,referrer_email,signed_up_at,email\ncus_1,bob@mail.example,2026-02-03,cus@mail.example\n"
    )
    done = desk.shell.run(*desk.line("customers", text, "--write", tool="generic"))
    assert done.exit_code == 1
    assert "line 2: the customer would not belong to that referrer" in done.stderr
    assert desk.shell.rows() == before


def test_columns_may_be_named_and_lines_left_out(desk: Desk) -> None:
    text = "Partner;Mail;State\nAda;ada@mail.example;active\nEve;eve@mail.example;Denied\n"
    named = ("--map", "name=Partner", "--map", "email=mail", "--skip", "State=denied")
    shown = desk.write("referrers", text, *named, tool="firstpromoter")
    assert (shown["lines"], shown["written"], shown["skipped"]) == (2, 1, 1)


def test_a_field_may_be_left_out(desk: Desk) -> None:
    text = REFERRERS.replace("Ada-L", "Not a code!")
    assert "line 2: code: " in desk.refused("referrers", text, tool="rewardful")
    assert desk.write("referrers", text, "--map", "code=")["written"] == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_encodings_are_read_where_they_are_named(desk: Desk) -> None:
    text = "name,email\nJosé,{}@mail.example\n"
    for number, encoding in enumerate(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252")):
        named = () if encoding.startswith("utf-8") else ("--encoding", encoding)
        line = desk.line(
            "referrers", text.format(f"p{number}").encode(encoding), "--write", *named, tool="generic"
        )
        assert desk.shell.json(*line)["written"] == 1, encoding
    with desk.shell.services.db.reading() as session:
        assert set(session.scalars(select(Referrer.name))) == {"José"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_formula_stays_text_or_is_refused_as_a_name(desk: Desk) -> None:
    for formula in ('=HYPERLINK(""http://evil.example"")', "+1+1", "-1", "@SUM(A1)"):
        text = f'name,email\n"{formula}",f@mail.example\n'
        assert "begins like a spreadsheet formula" in desk.refused("referrers", text)
    desk.write("referrers", REFERRERS)
    kept = "customer_id,referrer_code\n=1+1,ada-l\n"
    assert desk.write("customers", kept, tool="generic")["written"] == 1
    with desk.shell.services.db.reading() as session:
        assert session.scalars(select(Customer.customer_id)).all() == ["=1+1"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_import_command_has_help_and_json(shell: Shell) -> None:
    for kind in ("referrers", "customers", "commissions", "balances"):
        said = shell.ok("import", kind, "--help")
        for option in ("--program", "--from", "--write", "--map", "--skip", "--encoding", "--json"):
            assert option in said
