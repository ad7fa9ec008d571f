"""Bad input of every kind: an exit code, one line that names the option, and nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.identity.audit import Actor
from app.kernel import clock
from app.referrals.programs import find_program
from app.referrals.referrers import Joining, join

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.kit import Shell

PROGRAM = "programs create --slug new --name New --currency EUR --landing-url https://new.example/"
SET = "programs set --slug hosting"
PRODUCT = "products set --program hosting --sku vps"
RATE = "referrers rate --program hosting --referrer ada-1 --rate 12%"
USER = "users create --email new@shop.example --role finance --password-stdin"
KEY = "api-keys create --program hosting --name Shop --scopes orders:write"
RUN = "payouts run --program hosting --period 2026-09 --by fin@shop.example"

CASES = [
    # (the command, what its one line must say)
    ("programs create --name New --currency EUR --landing-url https://new.example/", "--slug"),
    ("programs create --slug new --currency EUR --landing-url https://new.example/", "--name"),
    ("programs create --slug new --name New --landing-url https://new.example/", "--currency"),
    ("programs create --slug new --name New --currency EUR", "--landing-url"),
    (PROGRAM.replace("--slug new", "--slug New_Shop"), "--slug"),
    (PROGRAM.replace("--slug new", "--slug hosting"), "--slug"),
    (PROGRAM.replace("EUR", "EURO"), "--currency"),
    (PROGRAM.replace("EUR", "XXQ"), "--currency"),
    (PROGRAM.replace("https://new.example/", "ftp://new.example/"), "--landing-url"),
    (PROGRAM.replace("https://new.example/", "new.example"), "--landing-url"),
    (f"{PROGRAM} --host -shop.example", "--host"),
    (f"{PROGRAM} --timezone Europe/Nowhere", "--timezone"),
    (f"{PROGRAM} --window-days 0", "--window-days"),
    (f"{PROGRAM} --window-days 366", "--window-days"),
    (f"{PROGRAM} --window-days many", "--window-days"),
    (f"{PROGRAM} --hold-days -1", "--hold-days"),
    (f"{PROGRAM} --hold direct_debit", "--hold"),
    (f"{PROGRAM} --hold direct_debit=-3", "--hold"),
    (f"{PROGRAM} --hold direct_debit=999", "--hold"),
    (f"{PROGRAM} --hold =3", "--hold"),
    (f"{PROGRAM} --review fast-conversion", "--review"),
    (f"{PROGRAM} --review fast-conversion=hide", "review fast_conversion"),
    (f"{PROGRAM} --review fast-seconds=0", "review fast_seconds"),
    (f"{PROGRAM} --review gut-feeling=hold", "review gut_feeling"),
    (f"{PROGRAM} --minimum-payout 25,00", "--minimum-payout"),
    (f"{PROGRAM} --minimum-payout -1", "--minimum-payout"),
    (f"{PROGRAM} --minimum-payout 1.001", "--minimum-payout"),
    (f"{PROGRAM} --attribution best", "--attribution"),
    (f"{PROGRAM} --payout-day 29", "--payout-day"),
    (f"{PROGRAM} --consent-mode maybe", "--consent-mode"),
    (f"{PROGRAM} --approval three", "--approval"),
    (f"{PROGRAM} --rate 101%", "--rate"),
    (f"{PROGRAM} --rate -5%", "--rate"),
    (f"{PROGRAM} --rate 5.001", "--rate"),
    (f"{PROGRAM} --rate ten", "--rate"),
    (f"{PROGRAM} --rate 0.00001%", "--rate"),
    (f"{PROGRAM} --rate 10% --duration 0m", "--duration"),
    (f"{PROGRAM} --rate 10% --duration 12", "--duration"),
    (f"{PROGRAM} --rate 10% --scope some", "--scope"),
    (f"{PROGRAM} --rate 10% --from 2026-10-01T00:00:00", "--from"),
    (f"{PROGRAM} --rate 10% --from 2026-02-30", "--from"),
    (f"{PROGRAM} --duration 12m", "--duration"),
    (f"{PROGRAM} --scope all", "--scope"),
    (f"{PROGRAM} --from 2026-10-01", "--from"),
    (f"{PROGRAM} --debtor-name Shop --debtor-iban NL02ABNA0123456788", "--debtor-iban"),
    (f"{PROGRAM} --debtor-iban NL02ABNA0123456789", "--debtor-"),
    (f"{PROGRAM} --debtor-bic WRONG", "--debtor-bic"),
    (f"{PROGRAM} --bank-profile piggy", "--bank-profile"),
    ("programs set --slug nobody --hold-days 3", "--slug"),
    ("programs set --slug plain --debtor-name Shop", "--debtor-iban"),
    ("programs set --slug plain --minimum-payout 1.001", "--minimum-payout"),
    ("payouts run --program plain --period 2026-09 --by fin@shop.example", "debtor"),
    (f"{SET} --currency USD", "--currency"),
    (f"{SET} --hold-days 400", "--hold-days"),
    (f"{SET} --unknown 3", "--unknown"),
    ("programs destroy --slug hosting", "destroy"),
    (PRODUCT.replace("hosting", "nobody"), "--program"),
    ("products set --program hosting", "--sku"),
    (f"{PRODUCT} --rate 5,00", "--rate"),
    (f"{PRODUCT} --rate 5% --kinds new,used", "--kinds"),
    (f"{PRODUCT} --kinds new", "--kinds"),
    (f"{PRODUCT} --rate 5% --duration forever", "--duration"),
    (RATE.replace("ada-1", "nobody"), "--referrer"),
    (RATE.replace("hosting", "nobody"), "--program"),
    (RATE.replace("12%", "120%"), "--rate"),
    (RATE.replace(" --rate 12%", ""), "--rate"),
    (f"{RATE} --sku nothing", "--sku"),
    ("referrers suspend --program hosting --referrer ada-1", "--reason"),
    ("referrers suspend --program hosting --referrer nobody --reason why", "--referrer"),
    ("referrers reinstate --program hosting --referrer ada-1 --reason why", "ada-1"),
    ("coupons create --program hosting --referrer nobody --coupon ADA10", "--referrer"),
    ("coupons create --program hosting --referrer ada-1 --coupon €", "--coupon"),
    (USER.replace("new@shop.example", "new@shop"), "--email"),
    (USER.replace("new@shop.example", "fin@shop.example"), "--email"),
    (USER.replace("finance", "king"), "--role"),
    (USER.replace("finance", "referrer"), "--role"),
    (USER.replace("--email new@shop.example ", ""), "--email"),
    (f"{USER} --locale fr", "--locale"),
    (KEY.replace("orders:write", "orders:delete"), "--scopes"),
    (KEY.replace("orders:write", ","), "--scopes"),
    (KEY.replace("hosting", "nobody"), "--program"),
    ("api-keys create --program hosting --scopes orders:write", "--name"),
    ("api-keys revoke rfl_0000000000", "rfl_0000000000"),
    ("api-keys list --program nobody", "--program"),
    (RUN.replace("hosting", "nobody"), "--program"),
    (RUN.replace("2026-09", "2026-13"), "--period"),
    (RUN.replace("2026-09", "september"), "--period"),
    (RUN.replace("2026-09", "2199-01"), "2199-01"),
    (RUN.replace("fin@shop.example", "who@shop.example"), "--by"),
    (RUN.replace("fin@shop.example", "aud@shop.example"), "--by"),
    (f"{RUN} --as-of yesterday", "--as-of"),
    ("payouts show hosting:2026-09:EUR:9", "hosting:2026-09:EUR:9"),
    ("payouts approve hosting:2026-09:EUR:9 --by fin@shop.example --password-stdin", "hosting:2026-09:EUR:9"),
    ("payouts export hosting:2026-09:EUR:9 --out /tmp/never", "hosting:2026-09:EUR:9"),
    ("payouts export hosting:2026-09:EUR:9", "--out"),
    ("payouts submit hosting:2026-09:EUR:9 --by fin@shop.example", "hosting:2026-09:EUR:9"),
    ("payouts cancel hosting:2026-09:EUR:9", "--by"),
    ("payouts feedback", "FILE"),
    ("payouts feedback /no/such/file.xml", "/no/such/file.xml"),
    ("ledger check --program nobody", "--program"),
    ("ledger balance --program hosting --referrer nobody", "--referrer"),
    ("ledger balance --program hosting --referrer ada-1 --as-of 2026-10-01T00:00", "--as-of"),
]


@pytest.fixture
def house(shell: Shell) -> Shell:
    """A programme, a referrer, a finance person and an auditor."""
    shell.program()
    shell.ok(*PROGRAM.replace("--slug new", "--slug plain").split())
    shell.staff("fin@shop.example", "finance")
    shell.staff("aud@shop.example", "auditor")
    services = shell.services
    with services.db.transaction() as session:
        program = find_program(session, "hosting")
        joining = Joining("Ada", "ada@mail.example", code="ada-1")
        join(session, services.keyring, program, joining, actor=Actor.cli(), now=clock.now())
    return shell


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_wrong_option_is_one_line_that_names_it_and_changes_nothing(house: Shell) -> None:
    before = house.rows()
    failures = []
    for command, named in CASES:
        done = house.run(*command.split(), stdin="four green foxes\n")
        lines = done.stderr.splitlines()
        good = done.exit_code in {1, 2} and len(lines) == 1 and named in lines[0] and done.stdout == ""
        if not good or not lines[0].startswith("Error: "):
            failures.append(f"{command}\n    exit {done.exit_code}: {done.output!r} {done.exception!r}")
    assert not failures, "\n".join(failures)
    assert house.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_no_bank_sent_is_refused_and_named(house: Shell, tmp_path: Path) -> None:
    before = house.rows()
    for name, content in (
        ("a.xml", b""),
        ("b.xml", b"<Document/>"),
        ("c.xml", b"\x00\xff"),
        ("d.xml", b"<a><b></a>"),
    ):
        (tmp_path / name).write_bytes(content)
        done = house.run("payouts", "feedback", str(tmp_path / name))
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith(f"Error: {name}: ")
        assert len(done.stderr.splitlines()) == 1
    assert house.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("password", ["", "short", "password123", "new@shop.example"])
def test_a_weak_or_missing_password_is_refused(house: Shell, password: str) -> None:
    before = house.rows()
    done = house.run(*USER.split(), stdin=f"{password}\n")
    assert done.exit_code == 2
    assert "--password" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert password not in done.stderr or not password
    assert house.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_away_is_one_line(shell: Shell) -> None:
    with shell.services.db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE mails")
        connection.exec_driver_sql("ALTER TABLE users RENAME TO people")
    done = shell.run(*USER.split(), stdin="four green foxes\n")
    assert done.exit_code == 1
    assert done.stderr == "Error: the database does not do it: no such table: users\n"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_command_has_help_and_json(shell: Shell) -> None:
    groups = {name: group for name, group in shell.app.cli.commands.items() if hasattr(group, "commands")}
    ours = {
        name: groups[name]
        for name in "programs products referrers coupons users api-keys payouts ledger clicks".split()
    }
    for name, group in ours.items():
        for command in group.commands:
            text = shell.ok(name, command, "--help")
            assert "Usage:" in text
            assert "--json" in text
    options = shell.ok("programs", "create", "--help")
    named = (
        "slug name currency landing-url host timezone window-days hold-days hold minimum-payout attribution payout-day "
        "consent-mode approval rate duration scope from debtor-name debtor-iban debtor-bic bank-profile"
    )
    for option in named.split():
        assert f"--{option} " in options
