"""Tiers, caps and the sign-up bonus from the command line, and the rate table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.referrals.models import Program
from tests.builders import World

if TYPE_CHECKING:
    from tests.cli.kit import Shell

SET = ("products", "set", "--program", "hosting", "--sku", "web")


@pytest.fixture(autouse=True)
def _a_programme(shell: Shell) -> None:
    shell.program()


def test_a_rate_with_tiers_and_caps_is_set_and_shown(shell: Shell) -> None:
    shell.ok(*SET, *"--rate 10% --tier 10=12% --tier 50=15% --tier-basis month".split())
    shell.ok(
        *SET, *"--rate 20% --scope all --cap-order 50.00 --cap-customer 200.00 --from 2027-01-01".split()
    )
    shell.ok(*"programs set --slug hosting --signup-bonus 10.00".split())
    shown = shell.json(*"rates show --program hosting".split())
    web, other = shown["rates"]
    assert (web["rate"], web["tiers"], web["tier_basis"]) == ("10%", ["10=12%", "50=15%"], "month")
    assert (other["product"], other["rate"], shown["signup_bonus"]) == (None, "10%", "10.00")
    later = shell.json(*"rates show --program hosting --at 2027-01-01".split())["rates"][0]
    assert (later["rate"], later["cap_order"], later["cap_customer"]) == ("20%", "50.00", "200.00")
    eve = shell.json(*"rates show --program hosting --at 2026-12-31T23:59:59+01:00".split())["rates"][0]
    assert eve["rate"] == "10%"
    levels = {level["level"]: level["versions"] for level in shown["levels"]}
    assert [each["rate"] for each in levels["web"]] == ["10%", "20%"]
    assert levels["web"][0]["until"] == levels["web"][1]["from"]
    assert [each["in_force"] for each in levels["web"]] == [True, False]
    text = shell.ok(*"rates show --program hosting".split())
    assert "web: 10%, lifetime, new_customers, tiers 10=12% 50=15% by month" in text
    assert "sign-up bonus: 10.00" in text


def test_a_worse_rate_with_short_notice_is_set_and_warned_of(shell: Shell) -> None:
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        World(session, program, shell.services.referrals).join("ada")
    early, late = (f"{clock.now() + timedelta(days=days):%Y-%m-%d}" for days in (40, 20))
    assert shell.run(*SET, "--rate", "9%", "--from", early).stderr == ""
    warned = shell.run(*SET, "--rate", "8%", "--from", late, "--json")
    assert (warned.exit_code, warned.stderr) == (
        0,
        "warning: this pays 1 referrer(s) less, told less than 30 days ahead\n",
    )
    assert shell.run(*SET, "--rate", "12%").stderr == ""


def test_a_referrers_own_rate_is_shown_where_it_holds(shell: Shell) -> None:
    shell.ok(*SET, "--rate", "10%")
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        World(session, program, shell.services.referrals).join("ada")
    whose = "--program hosting --referrer ada-hosting".split()
    shell.ok("referrers", "rate", *whose, *"--rate 5.00 --sku web --tier 2=6.00 --tier-basis total".split())
    assert shell.json("rates", "show", *whose)["rates"][0]["tiers"] == ["2=6.00"]
    assert "web for ada-hosting:" in shell.ok("rates", "show", *whose)
    assert shell.json("rates", "show", "--program", "hosting")["rates"][0]["rate"] == "10%"
    unknown = shell.run(*"rates show --program hosting --referrer nobody".split())
    assert (unknown.exit_code, "--referrer" in unknown.output) == (1, True)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--tier 10=12%", "--tier: goes with --rate"),
        ("--cap-order 5.00", "--cap-order: goes with --rate"),
        ("--rate 10% --tier-basis month", "--tier-basis: goes with a tier"),
        ("--rate 10% --tier 12%", "'12%' is not of the form N=R"),
        ("--rate 10% --tier 1=12%", "--tier: '1=12%': the numbers of customers must rise, from 2 on"),
        ("--rate 10% --tier 10=12% --tier 10=15%", "--tier: '10=15%': the numbers of customers must rise"),
        ("--rate 10% --tier 10=12% --tier 5=15%", "--tier: '5=15%': the numbers of customers must rise"),
        ("--rate 10% --tier 10=10%", "--tier: '10=10%': each tier must pay more"),
        ("--rate 10% --tier 10=15% --tier 20=12%", "--tier: '20=12%': each tier must pay more"),
        ("--rate 10% --tier 10=5.00", "--tier: '10=5.00': a percent rate has percent tiers"),
        ("--rate 5.00 --tier 10=12%", "--tier: '10=12%': a flat rate has flat tiers"),
        ("--rate none --tier 10=12%", "--tier: a product that pays nothing has no tiers"),
        ("--rate 10% --tier 10=101%", "--tier: '10=101%': '101%' is not a percentage"),
        ("--rate 10% --tier-basis week", "--tier-basis"),
        ("--rate 10% --cap-order 0", "--cap-order: expected more than 0"),
        ("--rate 10% --cap-order -5", "--cap-order"),
        ("--rate 10% --cap-customer 5.001", "--cap-customer: '5.001' is not an amount in EUR"),
        ("--rate none --cap-customer 5", "--cap-customer: a product that pays nothing needs no cap"),
    ],
)
def test_nonsense_is_refused_by_its_part_and_changes_nothing(
    shell: Shell, options: str, complaint: str
) -> None:
    before = shell.rows()
    refused = shell.run(*SET, *options.split())
    assert refused.exit_code == 2
    assert complaint in refused.output
    assert len(refused.output.splitlines()) == 1
    assert shell.rows() == before


@pytest.mark.parametrize("bonus", ["10%", "-5.00", "ten", "10.001", ""])
def test_a_bonus_is_an_amount_in_the_programmes_currency_or_none(shell: Shell, bonus: str) -> None:
    before = shell.rows()
    refused = shell.run("programs", "set", "--slug", "hosting", f"--signup-bonus={bonus}")
    assert refused.exit_code == 2
    assert "--signup-bonus" in refused.output
    assert shell.rows() == before
