"""``flask rates simulate``: what it says, what it refuses, and that it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.identity.audit import Actor
from app.kernel import clock
from app.referrals.models import Program, Referrer
from app.referrals.rates import set_signup_bonus
from app.referrals.words import LineKind
from tests.builders import World, at, line

if TYPE_CHECKING:
    from tests.cli.kit import Shell

SIMULATE = "rates simulate --program hosting --from 2026-09-01 --to 2026-10-01".split()


def sell(shell: Shell, bonus: str = "none") -> None:
    """At 10 %: 200.00 of web and mail by ada's customer, 100.00 of web by bob's; the bonus is there since August."""
    shell.program()
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        world = World(session, program, shell.services.referrals, now=clock.now())
        for sku in ("web", "mail"):
            world.product(sku)
        for name in ("ada", "bob"):
            world.join(name)
        set_signup_bonus(
            session,
            program,
            bonus,
            referrer=None,
            valid_from=at("2026-08-01"),
            actor=Actor.cli(),
            now=clock.now(),
        )
        world.bind("ada")
        world.bind("bob", "c2")
        world.order("o1", line(), line("l2", "mail"))
        world.order("o2", line(kind=LineKind.RENEWAL), customer="c2")


def shifted(answer: dict[str, Any]) -> dict[str, int]:
    return {each["referrer"]: each["difference"] for each in answer["referrers"]}


def test_it_says_what_each_referrer_would_have_earned_and_changes_nothing(shell: Shell) -> None:
    sell(shell)
    before = shell.rows()
    said = shell.run(*SIMULATE, "--rate", "12%", "--hold-days", "60")
    assert (said.exit_code, said.stderr) == (0, "")
    lines = [each.split() for each in said.stdout.splitlines()]
    assert lines == [
        ["EUR", "was", "would", "be", "difference", "payable", "was", "would", "be"],
        ["ada-hosting", "20.00", "24.00", "4.00", "20.00", "0.00"],
        ["bob-hosting", "10.00", "12.00", "2.00", "10.00", "0.00"],
        ["total", "30.00", "36.00", "6.00", "30.00", "0.00"],
    ]
    shown = shell.json(*SIMULATE, "--rate", "12%", "--hold-days", "60")
    bob = {"was": 1_000, "would_be": 1_200, "payable_was": 1_000, "payable_would_be": 0, "difference": 200}
    assert shown["referrers"][1] == {"referrer": "bob-hosting", **bob}
    assert (shown["currency"], shown["customers"], shown["total"]["difference"]) == ("EUR", 2, 600)
    assert shell.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_everything_that_a_rate_may_say_may_be_supposed(shell: Shell) -> None:
    sell(shell)
    for options, difference in (
        ("--rate 20% --sku web", {"ada-hosting": 1_000, "bob-hosting": 1_000}),
        ("--rate none --referrer bob-hosting", {"ada-hosting": 0, "bob-hosting": -1_000}),
        ("--rate 20% --kinds new,upgrade", {"ada-hosting": 2_000, "bob-hosting": -1_000}),
        ("--rate 20% --cap-order 25.00", {"ada-hosting": 500, "bob-hosting": 1_000}),
        ("--rate 20% --cap-customer 7.50", {"ada-hosting": -1_250, "bob-hosting": -250}),
        ("--rate 10% --tier 2=30%", {"ada-hosting": 0, "bob-hosting": 0}),
        ("--rate 4.00 --duration first_order", {"ada-hosting": -1_200, "bob-hosting": -600}),
        ("--signup-bonus 5.00", {"ada-hosting": 500, "bob-hosting": 500}),
        ("--signup-bonus 5.00 --referrer ada-hosting", {"ada-hosting": 500, "bob-hosting": 0}),
        ("--signup-bonus 5.00 --rate 20% --cap-order 25.00", {"ada-hosting": 1_000, "bob-hosting": 1_500}),
        ("--window-days 1 --attribution first_click", {"ada-hosting": 0, "bob-hosting": 0}),
    ):
        assert shifted(shell.json(*SIMULATE, *options.split())) == difference, options


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_supposed_bonus_takes_the_place_of_what_held_at_its_level(shell: Shell) -> None:
    sell(shell, bonus="3.00")
    for options, difference in (
        ("--signup-bonus none", {"ada-hosting": -300, "bob-hosting": -300}),
        ("--signup-bonus 5.00", {"ada-hosting": 200, "bob-hosting": 200}),
        ("--signup-bonus 5.00 --referrer ada-hosting", {"ada-hosting": 200, "bob-hosting": 0}),
    ):
        assert shifted(shell.json(*SIMULATE, *options.split())) == difference, options


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_supposed_tier_counts_customers_as_they_were(shell: Shell) -> None:
    sell(shell)
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        world = World(session, program, shell.services.referrals, now=clock.now())
        world.referrers["ada"] = session.scalars(select(Referrer).where(Referrer.code == "ada-hosting")).one()
        world.bind("ada", "c3")
        world.order("o3", line(), customer="c3", placed="2026-09-11", paid="2026-09-11")
    second = {"ada-hosting": 2_000, "bob-hosting": 0}
    assert shifted(shell.json(*SIMULATE, *"--rate 10% --tier 2=30%".split())) == second
    assert shifted(shell.json(*SIMULATE, *"--rate 10% --tier 2=30% --tier-basis total".split())) == second


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_question_is_one_line_that_names_the_option(shell: Shell) -> None:
    sell(shell)
    before = shell.rows()
    days = "--from 2026-09-01 --to 2026-10-01"
    for wrong, code, named in (
        ("--program hosting --to 2026-10-01 --rate 5%", 2, "--from"),
        ("--program hosting --from 2026-09-01 --rate 5%", 2, "--to"),
        (f"{days} --rate 5%", 2, "--program"),
        ("--program hosting --from soon --to 2026-10-01 --rate 5%", 2, "--from"),
        ("--program hosting --from 0001-01-01 --to 2026-10-01 --rate 5%", 2, "--from"),
        ("--program hosting --from 2026-09-01 --to 2026-09-01 --rate 5%", 2, "--to"),
        ("--program hosting --from 2026-09-01 --to 2026-08-01 --rate 5%", 2, "--to"),
        (f"--program nobody {days} --rate 5%", 1, "--program"),
        (f"--program hosting {days}", 2, "--rate"),
        (f"--program hosting {days} --rate 5% --sku shoes", 1, "--sku"),
        (f"--program hosting {days} --rate 5% --referrer nobody", 1, "--referrer"),
        (f"--program hosting {days} --sku web --hold-days 3", 2, "--sku"),
        (f"--program hosting {days} --referrer ada-hosting --hold-days 3", 2, "--referrer"),
        (f"--program hosting {days} --duration 12m --hold-days 3", 2, "--duration"),
        (f"--program hosting {days} --kinds new --hold-days 3", 2, "--kinds"),
        (f"--program hosting {days} --tier 2=5% --hold-days 3", 2, "--tier"),
        (f"--program hosting {days} --cap-order 5 --hold-days 3", 2, "--cap-order"),
        (f"--program hosting {days} --rate lots", 2, "--rate"),
        (f"--program hosting {days} --rate 101%", 2, "--rate"),
        (f"--program hosting {days} --rate -5%", 2, "--rate"),
        (f"--program hosting {days} --rate 5% --duration ever", 2, "--duration"),
        (f"--program hosting {days} --rate 5% --kinds gift", 2, "--kinds"),
        (f"--program hosting {days} --rate 5% --tier 2=4%", 2, "--tier"),
        (f"--program hosting {days} --rate 5% --tier-basis month", 2, "--tier-basis"),
        (f"--program hosting {days} --rate 5% --cap-order 0", 2, "--cap-order"),
        (f"--program hosting {days} --rate 5% --cap-customer much", 2, "--cap-customer"),
        (f"--program hosting {days} --signup-bonus 5%", 2, "--signup-bonus"),
        (f"--program hosting {days} --window-days 0", 2, "--window-days"),
        (f"--program hosting {days} --window-days 366", 2, "--window-days"),
        (f"--program hosting {days} --hold-days -1", 2, "--hold-days"),
        (f"--program hosting {days} --hold-days 366", 2, "--hold-days"),
        (f"--program hosting {days} --attribution dice", 2, "--attribution"),
    ):
        done = shell.run("rates", "simulate", *wrong.split())
        said = done.exit_code, named in done.stderr, len(done.stderr.splitlines()), done.stdout
        assert said == (code, True, 1, ""), (wrong, done.stderr, done.exception)
    assert shell.rows() == before
