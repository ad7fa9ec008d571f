"""``flask attribution correct``: who may, what it says, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.referrals.models import Program
from tests.builders import World, line

if TYPE_CHECKING:
    from tests.cli.kit import Shell

CORRECT = "attribution correct --program hosting --reason agreed --by".split()


@pytest.fixture
def customer(shell: Shell) -> str:
    """Customer c1 of bob, with an order of 100.00."""
    shell.program()
    shell.staff("fin@shop.example", "finance")
    shell.staff("sup@shop.example", "support")
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        world = World(session, program, shell.services.referrals, now=clock.now())
        world.product("web")
        for name in ("ada", "bob"):
            world.join(name)
        world.bind("bob")
        world.order("o1", line())
    return "c1"


def test_a_correction_says_what_moved(shell: Shell, customer: str) -> None:
    done = [
        *CORRECT,
        "fin@shop.example",
        "--customer",
        customer,
        "--referrer",
        "ada-hosting",
        "--also-earlier",
    ]
    answer = shell.json(*done)
    assert answer["moved"] == {"ada-hosting": 1_000, "bob-hosting": -1_000}
    assert (
        shell.json("ledger", "balance", "--program", "hosting", "--referrer", "ada-hosting")["earned"]
        == 1_000
    )
    nobody = shell.ok(*CORRECT, "fin@shop.example", "--customer", customer, "--nobody", "--also-earlier")
    assert nobody.splitlines() == ["customer c1 belongs to nobody", "ada-hosting -10.00 EUR"]
    shell.ok("ledger", "check")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("fin@shop.example --customer c1", 2, "--referrer or --nobody"),
        ("fin@shop.example --customer c1 --nobody --referrer ada-hosting", 2, "--referrer or --nobody"),
        ("fin@shop.example --customer c9 --nobody", 1, "no customer 'c9'"),
        ("fin@shop.example --customer c1 --referrer nobody", 1, "--referrer"),
        ("fin@shop.example --customer c1 --referrer bob-hosting", 1, "belongs there already"),
        ("fin@shop.example --customer c1 --nobody --from 2999-01-01", 2, "--from"),
        ("fin@shop.example --customer c1 --nobody --from soon", 2, "--from"),
        ("sup@shop.example --customer c1 --nobody", 1, "--by"),
        ("who@shop.example --customer c1 --nobody", 1, "--by"),
    ],
)
def test_a_correction_that_cannot_be_says_why_and_changes_nothing(
    shell: Shell, customer: str, arguments: str, code: int, said: str
) -> None:
    before = shell.rows()
    done = shell.run(*CORRECT, *arguments.split())
    assert (done.exit_code, said in done.stderr, len(done.stderr.splitlines())) == (code, True, 1), (
        done.stderr
    )
    assert shell.rows() == before
    assert customer
