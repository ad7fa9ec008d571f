"""The operator's month, command by command, on real parts."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyotp import TOTP
from sqlalchemy import select, text

from app.identity.audit import Actor
from app.identity.models import AuditEvent, User
from app.identity.roles import Role
from app.identity.second_factor import authenticator_of, begin_authenticator, confirm_authenticator, secret_of
from app.identity.users import NewUser, authenticate, create_user
from app.kernel import clock
from app.kernel.append_only import drop_statements
from app.mail.models import Mail, MailKind
from app.payouts.approval import approve_run
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.models import PayoutRun
from app.payouts.runs import draft_run
from app.payouts.words import DestinationSource
from app.referrals.programs import find_program
from app.referrals.referrers import Joining, join
from examples.bank.__main__ import answer_file
from examples.bank.rulings import Shares
from tests.cli.kit import PASSWORD, Shell
from tests.db.payouts_world import payee_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

IBANS = {"ada-1": "NL91ABNA0417164300", "bob-1": "DE89370400440532013000"}
PLACED = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
RUN = "hosting:2026-08:EUR:1"
KEY = "api-keys create --program hosting --name Shop --scopes signups:write,orders:write".split()
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is between the terminal and the use case, which has its own tests on both databases."""


@pytest.fixture(autouse=True)
def november() -> Iterator[None]:
    with clock.frozen(datetime(2026, 9, 3, 9, 0, tzinfo=UTC)):
        yield


def people(shell: Shell) -> None:
    """Two referrers with a bank account on file."""
    services = shell.services
    with clock.frozen(PLACED - timedelta(days=9)), services.db.transaction() as session:
        program = find_program(session, "hosting")
        for code, iban in IBANS.items():
            joining = Joining(code.title(), f"{code}@mail.example", locale="de", code=code)
            referrer, _ = join(
                session, services.keyring, program, joining, actor=Actor.cli(), now=clock.now()
            )
            put_destination(
                services.payouts,
                session,
                referrer,
                GivenAccount(code.title(), iban),
                source=DestinationSource.MERCHANT,
                verified=True,
                by=Actor.cli(),
                now=clock.now(),
            )


def sale(client: FlaskClient, key: str, number: int, code: str, net: int) -> None:
    """A new customer of that referrer buys one thing and pays it."""
    headers = {"Authorization": f"Bearer {key}"}
    signup = {"customer_id": f"c{number}", "referrer_code": code, "signed_up_at": PLACED.isoformat()}
    assert client.post("/api/v1/signups", json=signup, headers=headers).status_code == 201
    line = {"line_id": "1", "product": "vps", "quantity": 1, "net": net}
    order = {
        "order_id": f"o{number}",
        "customer_id": f"c{number}",
        "currency": "EUR",
        "status": "paid",
        "placed_at": PLACED.isoformat(),
        "paid_at": PLACED.isoformat(),
        "lines": [line],
    }
    assert client.post("/api/v1/orders", json=order, headers=headers).status_code == 201


def opened(shell: Shell, client: FlaskClient) -> None:
    """A programme with staff, two referrers and what they earned in August: 30.00 and 9.99."""
    shell.program()
    for email, role in (("fin@shop.example", "finance"), ("own@shop.example", "owner")):
        shell.staff(email, role)
    shell.ok(*"products set --program hosting --sku vps --name VPS".split())
    key = shell.json(*KEY)["key"]
    people(shell)
    sale(client, key, 1, "ada-1", 30_000)
    sale(client, key, 2, "bob-1", 9_990)


def test_an_approval_is_withdrawn_and_a_payout_taken_out_with_a_reason(
    shell: Shell, client: FlaskClient
) -> None:
    opened(shell, client)
    sale(client, shell.json(*KEY)["key"], 3, "bob-1", 50_000)
    shell.ok(*"payouts run --program hosting --period 2026-08 --by fin@shop.example".split())
    with shell.services.db.transaction() as session:
        run = session.scalars(select(PayoutRun)).one()
        approve_run(session, run.id, by=Actor("user:usr_boss"), now=clock.now())
    who = ("--by", "fin@shop.example", "--reason")
    withdrawn = shell.json("payouts", "withdraw", RUN, *who, "The total looks wrong")
    assert withdrawn == {"run": RUN, "state": "frozen"}
    again = shell.run("payouts", "withdraw", RUN, *who, "Once more")
    assert (again.exit_code, "frozen cannot withdraw" in again.stderr) == (1, True)

    bob = ("payouts", "exclude", RUN, "--referrer", "bob-1", *who)
    for missing in ("", "  ", "x" * 501):
        assert shell.run(*bob, missing).exit_code == 2
    shown = shell.json(*bob, "His bank called")
    assert {row["referrer"]: row["state"] for row in shown["payouts"]} == {
        "ada-1": "reserved",
        "bob-1": "cancelled",
    }
    assert shown["total"] == 3_000
    assert {row["referrer"]: row["reason"] for row in shown["left_out"]} == {"bob-1": "excluded"}
    refused = shell.run("payouts", "exclude", RUN, "--referrer", "nobody", *who, "x")
    assert (refused.exit_code, "pays nothing to 'nobody'" in refused.stderr) == (1, True)
    twice = shell.run(*bob, "Once more")
    assert (twice.exit_code, "cancelled cannot cancel" in twice.stderr) == (1, True)
    with shell.services.db.reading() as session:
        wanted = select(AuditEvent).where(AuditEvent.action.in_(["payout.excluded", "run.approval_void"]))
        noted = [
            (each.action, each.details["reason"]) for each in session.scalars(wanted.order_by(AuditEvent.id))
        ]
    assert noted == [
        ("run.approval_void", "The total looks wrong"),
        ("payout.excluded", "His bank called"),
    ]


def test_the_month_from_an_empty_database_to_paid_money(
    shell: Shell, client: FlaskClient, tmp_path: Path
) -> None:
    opened(shell, client)
    balance = shell.json(*"ledger balance --program hosting --referrer ada-1".split())
    assert (balance["available"], balance["earned"], balance["currency"]) == (3_000, 3_000, "EUR")

    run = shell.json(*"payouts run --program hosting --period 2026-08 --by fin@shop.example".split())
    assert (run["run"], run["state"], run["total"]) == (RUN, "frozen", 3_000)
    (payout,) = run["payouts"]
    assert (payout["referrer"], payout["amount"], payout["state"]) == ("ada-1", 3_000, "reserved")
    assert run["left_out"] == [{"referrer": "bob-1", "available": 999, "reason": "below_minimum"}]

    own = ("--by", "fin@shop.example", "--password-stdin")
    refused = shell.run("payouts", "approve", RUN, *own, stdin=PASSWORD)
    assert refused.exit_code == 1
    assert "neither made nor froze" in refused.stderr
    wrong = shell.run(
        "payouts", "approve", RUN, "--by", "own@shop.example", "--password-stdin", stdin="four green foxes"
    )
    assert wrong.exit_code == 1
    assert "not the password" in wrong.stderr
    assert shell.json("payouts", "show", RUN)["state"] == "frozen"

    built = shell.json(
        "payouts", "approve", RUN, "--by", "own@shop.example", "--password-stdin", stdin=PASSWORD
    )
    assert built["state"] == "built"
    out = tmp_path / "out"
    (file,) = shell.json("payouts", "export", RUN, "--out", str(out))["files"]
    assert (file["count"], file["sum"]) == (1, "30.00")
    content = (out / file["name"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert shell.json("payouts", "export", RUN, "--out", str(out))["files"] == [file]
    assert [path.name for path in out.iterdir()] == [file["name"]]
    assert file["sha256"] in shell.ok("payouts", "export", RUN, "--out", str(out))

    assert shell.json("payouts", "submit", RUN, "--by", "fin@shop.example")["state"] == "submitted"
    answers = answer_file(out / file["name"], tmp_path / "bank", Shares(0, 0, 1))
    paths = [str(tmp_path / "bank" / answer.name) for answer in answers]
    read = shell.json("payouts", "feedback", *paths)["files"]
    assert sum(row["applied"] for row in read) >= 1
    assert sum(row["exceptions"] for row in read) == 0
    again = shell.json("payouts", "feedback", *paths)["files"]
    assert all(row["known_file"] for row in again)

    assert shell.json("payouts", "show", RUN)["state"] == "closed"
    assert shell.json("payouts", "list")["runs"][0]["state"] == "closed"
    balance = shell.json(*"ledger balance --program hosting --referrer ada-1".split())
    assert (balance["available"], balance["in_flight"], balance["paid"]) == (0, 0, 3_000)
    before = shell.json(*"ledger balance --program hosting --referrer ada-1 --as-of 2026-08-11".split())
    assert before["paid"] == 0
    assert "holds" in shell.ok("ledger", "check")
    checked = shell.json("ledger", "check", "--program", "hosting")
    assert checked["holds"] is True
    assert checked["transactions"] >= 4


@ON_SQLITE
def test_a_rejected_payout_is_available_again_and_told_in_the_referrers_language(
    shell: Shell, client: FlaskClient, tmp_path: Path
) -> None:
    opened(shell, client)
    shell.ok(*"payouts run --program hosting --period 2026-08 --by fin@shop.example".split())
    shell.ok("payouts", "approve", RUN, "--by", "own@shop.example", "--password-stdin", stdin=PASSWORD)
    (file,) = shell.json("payouts", "export", RUN, "--out", str(tmp_path))["files"]
    answers = answer_file(tmp_path / file["name"], tmp_path / "bank", Shares(1, 0, 1))
    shell.ok("payouts", "feedback", *(str(tmp_path / "bank" / answer.name) for answer in answers))
    assert shell.json("payouts", "show", RUN)["payouts"][0]["state"] == "rejected"
    assert shell.json(*"ledger balance --program hosting --referrer ada-1".split())["available"] == 3_000
    with shell.services.db.reading() as session:
        failed = session.scalars(select(Mail).where(Mail.kind == MailKind.PAYOUT_FAILED)).all()
        assert [mail.recipient for mail in failed] == ["ada-1@mail.example"]
    for mail in failed:
        shell.services.mail.send(mail.id, now=clock.now())
    (kept,) = (shell.services.settings.var_dir / "mail").glob("*.eml")
    assert "abgelehnt" in kept.read_text()


@ON_SQLITE
def test_the_run_of_a_month_that_has_one_shows_that_one(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    command = "payouts run --program hosting --period 2026-08 --by fin@shop.example".split()
    first = shell.json(*command)
    assert shell.json(*command) == first
    assert shell.json(*command, "--again")["run"] == "hosting:2026-08:EUR:2"


@ON_SQLITE
def test_an_unfinished_month_is_refused_and_can_be_rehearsed(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    command = "payouts run --program hosting --period 2026-09 --by fin@shop.example".split()
    refused = shell.run(*command)
    assert refused.exit_code == 1
    assert "2026-10-01" in refused.stderr
    assert shell.json(*command, "--as-of", "2026-10-01")["state"] == "frozen"


@ON_SQLITE
def test_a_cancelled_run_gives_the_money_back(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    shell.ok(*"payouts run --program hosting --period 2026-08 --by fin@shop.example".split())
    assert shell.json("payouts", "cancel", RUN, "--by", "fin@shop.example")["state"] == "cancelled"
    assert shell.json(*"ledger balance --program hosting --referrer ada-1".split())["available"] == 3_000
    late = shell.run("payouts", "submit", RUN, "--by", "fin@shop.example")
    assert late.exit_code == 1
    assert len(late.stderr.splitlines()) == 1


@ON_SQLITE
def test_a_suspended_referrer_is_held_until_reinstated(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    who = "--program hosting --referrer ada-1 --reason".split()
    assert shell.json("referrers", "suspend", *who, "own purchases")["commissions_held"] == 1
    balance = shell.json(*"ledger balance --program hosting --referrer ada-1".split())
    assert (balance["available"], balance["held"]) == (0, 3_000)
    again = shell.run("referrers", "suspend", *who, "twice")
    assert again.exit_code == 1
    shell.ok("referrers", "reinstate", *who, "explained")
    assert shell.json(*"ledger balance --program hosting --referrer ada-1".split())["available"] == 3_000


def test_a_rate_that_would_change_a_recorded_order_is_refused(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    command = "products set --program hosting --sku vps --rate 20% --scope all".split()
    refused = shell.run(*command, "--from", "2026-08-01")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: --from: ")
    assert "o1" in refused.stderr
    shell.ok(*command, "--from", "2026-09-03")
    shell.ok(*"referrers rate --program hosting --referrer ada-1 --sku vps --rate 30%".split())


def test_an_altered_entry_is_found_and_named(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    services = shell.services
    dialect = services.db.engine.dialect.name
    with services.db.engine.begin() as connection:
        for statement in drop_statements(dialect, "ledger_entries"):
            connection.execute(text(statement))
        connection.execute(text("UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE id = 1"))
    done = shell.run("ledger", "check")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: the ledger does not hold: ")
    assert len(done.stderr.splitlines()) == 1
    told = shell.run("ledger", "check", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["holds"] is False


@ON_SQLITE
def test_a_coupon_is_the_referrers_and_nobody_elses(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    create = "coupons create --program hosting --coupon ada10 --referrer".split()
    assert shell.json(*create, "ada-1") == {"coupon": "ADA10", "referrer": "ada-1"}
    shell.ok(*create, "ada-1")
    refused = shell.run(*create, "bob-1")
    assert refused.exit_code == 1
    assert "--coupon" in refused.stderr


@ON_SQLITE
def test_a_revoked_key_is_refused_by_the_api(shell: Shell, client: FlaskClient) -> None:
    shell.program()
    made = shell.json(*"api-keys create --program hosting --name Shop --scopes reports:read".split())
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/api/v1/commissions", headers=headers).status_code == 200
    assert made["key"] not in shell.ok("api-keys", "list")
    shell.ok("api-keys", "revoke", made["id"])
    assert client.get("/api/v1/commissions", headers=headers).status_code == 401
    assert "revoked" in shell.ok("api-keys", "list", "--program", "hosting")


@ON_SQLITE
def test_settings_change_one_at_a_time(shell: Shell) -> None:
    shell.program()
    changed = shell.json(
        *"programs set --slug hosting --minimum-payout 0 --host WWW.shop.example --approval one".split()
    )
    assert (changed["minimum_payout"], changed["hosts"], changed["approval"]) == (
        "0.00",
        ["www.shop.example"],
        "one",
    )
    assert changed["name"] == "Hosting"
    (listed,) = shell.json("programs", "list")["programs"]
    assert listed == changed


@ON_SQLITE
def test_clicks_are_drained_until_none_wait(shell: Shell) -> None:
    assert shell.json("clicks", "drain") == {"written": 0}


@ON_SQLITE
def test_a_password_typed_at_a_terminal_is_asked_twice(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.command._at_a_terminal", lambda: True)
    create = "users create --email new@shop.example --role support".split()
    shell.ok(*create, stdin=f"{PASSWORD}\nanother one here\n{PASSWORD}\n{PASSWORD}\n")
    with shell.services.db.transaction() as session:
        assert authenticate(session, email="new@shop.example", password=PASSWORD) is not None
    weak = shell.run(
        "users", "create", "--email", "two@shop.example", "--role", "support", stdin="short\nshort\n"
    )
    assert weak.exit_code == 2
    assert "at least 10 characters" in weak.stderr


@ON_SQLITE
def test_staff_come_change_and_go(shell: Shell) -> None:
    shell.staff("ann@shop.example", "support")
    who = ("--email", "ANN@shop.example")
    shell.ok("users", "role", *who, "--role", "finance")
    shell.ok("users", "password", *who, "--password-stdin", stdin="five black foxes")
    shell.ok("users", "disable", *who)
    assert shell.json("users", "list")["users"] == [
        {"email": "ann@shop.example", "role": "finance", "disabled": True}
    ]
    refused = shell.run("users", "enable", "--email", "bob@shop.example")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: --email: there is no account for bob@shop.example\n"
    shell.ok("users", "enable", *who)
    with shell.services.db.transaction() as session:
        create_user(session, NewUser("ref@mail.example", Role.REFERRER), now=clock.now())
    promoted = shell.run("users", "role", "--email", "ref@mail.example", "--role", "owner")
    assert promoted.exit_code == 2
    assert promoted.stderr == "Error: --email: ref@mail.example is a referrer, not staff\n"
    with shell.services.db.transaction() as session:
        assert authenticate(session, email="ann@shop.example", password="five black foxes") is not None


@ON_SQLITE
def test_a_draft_shows_what_it_would_do_now(
    shell: Shell, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(shell, client)
    with shell.services.db.transaction() as session:
        program = find_program(session, "hosting")
        draft_run(session, program, period="2026-08", by=Actor.system("scheduler"), now=clock.now())
    draft = shell.json("payouts", "show", RUN)
    assert (draft["state"], draft["total"]) == ("draft", 3_000)
    assert [(row["referrer"], row["amount"], row["state"]) for row in draft["payouts"]] == [
        ("ada-1", 3_000, "planned")
    ]
    assert draft["left_out"] == [{"referrer": "bob-1", "available": 999, "reason": "below_minimum"}]
    shell.ok(*"payouts run --program hosting --period 2026-08 --by own@shop.example".split())
    text_form = shell.ok("payouts", "show", RUN)
    assert "ada-1  30.00 EUR  reserved" in text_form
    assert "bob-1  left out with 9.99 EUR: below_minimum" in text_form
    unbuilt = shell.run("payouts", "export", RUN, "--out", "/tmp/never")
    assert unbuilt.stderr == f"Error: run {RUN} has no files yet: approve it first\n"
    approve = ("payouts", "approve", RUN, "--by", "fin@shop.example")
    assert shell.run(*approve, stdin=f"{PASSWORD}\n").stderr.startswith("Error: --password-stdin: ")
    monkeypatch.setattr("app.cli.command._at_a_terminal", lambda: True)
    asked = shell.run(*approve, stdin=f"{PASSWORD}\n")
    assert asked.exit_code == 0, asked.output
    assert "built" in asked.stdout


@ON_SQLITE
def test_who_has_a_second_step_approves_with_password_and_code(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    shell.ok(*"payouts run --program hosting --period 2026-08 --by own@shop.example".split())
    keyring = shell.services.keyring
    with shell.services.db.transaction() as session:
        person = session.scalars(select(User).where(User.email == "fin@shop.example")).one()
        begin_authenticator(session, keyring, person, now=clock.now())
        row = authenticator_of(session, person.id)
        assert row is not None
        app = TOTP(secret_of(keyring, row))
        earlier = clock.now() - timedelta(minutes=5)
        codes = confirm_authenticator(session, keyring, person, app.at(earlier), keep=0, now=earlier)
        assert codes is not None
    approve = ("payouts", "approve", RUN, "--by", "fin@shop.example", "--password-stdin")
    assert "a code on the second line" in shell.run(*approve, stdin=PASSWORD).stderr
    wrong = shell.run(*approve, stdin=f"{PASSWORD}\n12345\n")
    assert (wrong.exit_code, "not a code of fin@shop.example" in wrong.stderr) == (1, True)
    shell.ok(*approve, stdin=f"{PASSWORD}\n{codes[0]}\n")
    assert shell.run(*approve, stdin=f"{PASSWORD}\n{codes[0]}\n").exit_code == 1, "it was used"
    assert shell.json("users", "reset-factors", "--email", "fin@shop.example")["reset"] is True
    assert shell.json("users", "reset-factors", "--email", "fin@shop.example")["reset"] is False
    assert "is built cannot approve" in shell.run(*approve, stdin=PASSWORD).stderr, "the password is enough"


@ON_SQLITE
def test_a_folder_that_cannot_be_written_is_named(shell: Shell, client: FlaskClient, tmp_path: Path) -> None:
    opened(shell, client)
    shell.ok(*"payouts run --program hosting --period 2026-08 --by fin@shop.example".split())
    shell.ok("payouts", "approve", RUN, "--by", "own@shop.example", "--password-stdin", stdin=PASSWORD)
    (tmp_path / "file").touch()
    done = shell.run("payouts", "export", RUN, "--out", str(tmp_path / "file" / "below"))
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: --out: cannot write ")
    assert len(done.stderr.splitlines()) == 1


@ON_SQLITE
def test_the_installed_command_answers(app: Flask, tmp_path: Path) -> None:
    """Through ``.venv/bin/flask`` itself, as an operator has it."""
    services = app.extensions["refledger"]
    settings = services.settings
    environ = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "VAR_DIR": str(tmp_path),
        "SECRET_KEYS": ",".join(settings.secret_keys),
        "LINK_KEYS": ",".join(settings.link_keys),
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
    }
    flask = [str(Path(sys.executable).parent / "flask")]

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*flask, *arguments],
            cwd=ROOT,
            env=environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    create = "users create --email own@shop.example --role owner --password-stdin --json".split()
    made = run(*create, stdin=PASSWORD)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == '{"email": "own@shop.example", "role": "owner"}\n'
    again = run(*create, stdin=PASSWORD)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "Error: --email: there is already an account for own@shop.example\n"
    silent = run("users", "create", "--email", "b@shop.example", "--role", "owner")
    assert (silent.returncode, silent.stderr) == (
        2,
        "Error: --password-stdin: needed where there is no terminal to ask at\n",
    )


@ON_SQLITE
def test_a_record_that_matched_nothing_is_listed_and_resolved(
    shell: Shell, client: FlaskClient, tmp_path: Path
) -> None:
    opened(shell, client)
    shell.ok(*"payouts run --program hosting --period 2026-08 --by fin@shop.example".split())
    shell.ok("payouts", "approve", RUN, "--by", "own@shop.example", "--password-stdin", stdin=PASSWORD)
    assert shell.ok("payouts", "exceptions") == "nothing to look at\n"
    reference = shell.json("payouts", "show", RUN)["payouts"][0]["end_to_end_id"]
    answers = payee_answers((reference, "RVNM", None), message_id="R1-01")
    (tmp_path / "vop.xml").write_text(answers)
    shell.ok("payouts", "feedback", str(tmp_path / "vop.xml"))
    (row,) = shell.json("payouts", "exceptions")["exceptions"]
    assert (row["exception"], row["status"], row["reference"]) == ("payee_no_match", "RVNM", reference)
    assert "payee_no_match" in shell.ok("payouts", "exceptions")
    resolve = ("payouts", "resolve", str(row["id"]), "--by", "fin@shop.example", "--reason", "not paid")
    for extra, refusal in (
        (("--belongs-to", "PO1"), "--belongs-to: there is no payout"),
        (("--belongs-to", "R1-01"), "this record cannot be of 'R1-01'"),
    ):
        refused = shell.run(*resolve, *extra)
        assert (refused.exit_code, refusal in refused.stderr) == (1, True)
    missing = shell.run("payouts", "resolve", "99", *resolve[3:])
    assert missing.stderr == "Error: ID: there is no open bank record 99\n"
    done = shell.json(*resolve, "--belongs-to", reference)
    assert done == {"id": row["id"], "outcome": "assigned"}
    assert shell.json("payouts", "show", RUN)["payouts"][0]["state"] == "rejected"
    assert "ID: there is no open bank record" in shell.run(*resolve).stderr


@ON_SQLITE
def test_a_programmes_bank_and_rail_are_set_by_command(shell: Shell, client: FlaskClient) -> None:
    opened(shell, client)
    wanted = "programs set --slug hosting --bank-profile german --instant --rail wise".split()
    shown = shell.json(*wanted)
    assert (shown["bank_profile"], shown["instant"], shown["rail"]) == ("german", True, "wise")
    assert shell.json(*"programs set --slug hosting --no-instant".split())["instant"] is False
    dollars = "programs create --slug usd --name U --currency USD --landing-url https://shop.example/ --rail".split()
    for rail, refusal in (("sepa", "sepa does not pay USD"), ("pebbles", "'pebbles' is not one of")):
        refused = shell.run(*dollars, rail)
        assert refused.exit_code in {1, 2}
        assert refusal in refused.stderr
