"""The month's end on one press: which month, who may play it, and a programme where people approve."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.identity.audit import Actor
from app.kernel import clock
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.words import DestinationSource
from app.referrals.programs import find_program
from app.referrals.referrers import Joining, join
from examples.bank.instruction import Batch, Instruction, Payment
from examples.bank.rulings import Exactly, Fate, rule
from examples.month.journal import STEPS, Entry, Journal, Link, Mark, Shelf
from examples.month.operator import CommandRefused
from examples.month.playing import MonthEnd, next_run
from examples.shop.app import create_app
from examples.shop.settings import ShopSettings
from tests.cli.kit import PASSWORD, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from config import Settings

PAGE = "/desk/month-end/"
PAID = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
TODAY = date(2026, 9, 3)
IBANS = {"ada-1": "NL91ABNA0417164300", "bob-1": "DE89370400440532013000", "cis-1": "BE68539007547034"}


def runs(*named: tuple[str, str]) -> list[dict[str, Any]]:
    """What `flask payouts list --json` says, newest first."""
    return [{"run": f"hosting:{period}:EUR:1", "state": state} for period, state in named]


@pytest.mark.parametrize(
    ("listed", "period", "more"),
    [
        ([], "2026-08", []),
        (runs(("2026-07", "closed")), "2026-08", []),
        (runs(("2026-08", "submitted"), ("2026-07", "frozen")), "2026-07", []),
        (runs(("2026-08", "closed")), "2026-09", ["--as-of", "2026-10-02"]),
        (runs(("2026-09", "draft"), ("2026-08", "closed")), "2026-09", ["--as-of", "2026-10-02"]),
        (
            runs(("2026-09", "closed"), ("2026-08", "closed")),
            "2026-09",
            ["--as-of", "2026-10-02", "--again"],
        ),
        (
            runs(("2026-09", "cancelled"), ("2026-08", "closed")),
            "2026-09",
            ["--as-of", "2026-10-02", "--again"],
        ),
    ],
)
def test_what_was_left_off_comes_first_then_last_month_then_this_one(
    listed: list[dict[str, Any]], period: str, more: list[str]
) -> None:
    assert next_run(listed, TODAY) == (period, more)


@pytest.mark.parametrize(
    ("amounts", "fates"),
    [
        ((900,), "b"),
        ((900, 100), "br"),
        ((900, 100, 300), "brt"),
        ((900, 100, 300, 300), "brtb"),
    ],
)
def test_the_smallest_payments_fail_and_one_is_always_paid(amounts: tuple[int, ...], fates: str) -> None:
    payments = tuple(
        Payment(f"PO{number}", None, amount, "Ada", f"NL{number}", "")
        for number, amount in enumerate(amounts)
    )
    batch = Batch("P1", TODAY, batch_booking=True, debtor_name="S", debtor_iban="NL1", payments=payments)
    rulings = rule(Instruction("M1", "", len(amounts), None, (batch,)), Exactly())
    words = {Fate.BOOKED: "b", Fate.REJECTED: "r", Fate.RETURNED: "t"}
    assert "".join(words[rulings[payment.end_to_end_id].fate] for payment in payments) == fates


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FlaskClient]:
    """The desk of a shop that belongs to a demo."""
    settings = ShopSettings(
        refledger_url="http://refledger.example",
        keys={"hosting": "key-h", "directory": "key-d"},
        folder=tmp_path / "shop",
        secret="s" * 40,
        house=tmp_path,
    )
    app = create_app(settings, start_sender=False)
    app.config["WTF_CSRF_ENABLED"] = False
    yield app.test_client()
    for client in app.extensions["shop"].clients.values():
        client.close()


def test_only_the_shop_of_a_demo_ends_months(browser: FlaskClient, tmp_path: Path) -> None:
    assert "End the month" not in browser.get("/desk/").text
    assert browser.get(PAGE).status_code == browser.post(f"{PAGE}hosting").status_code == 404
    env = {"VAR_DIR": str(tmp_path), "SHOP_SECRET": "s"}
    assert ShopSettings.from_env(env).house is None
    (tmp_path / "demo-logins.txt").touch()
    assert ShopSettings.from_env(env).house == tmp_path
    assert ShopSettings.from_env({**env, "APP_ENV": "production"}).house is None


def test_a_second_press_and_an_old_page_start_nothing(desk: FlaskClient, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "month")
    assert f'href="{PAGE}"' in desk.get("/desk/").text
    assert desk.post(f"{PAGE}nothing").status_code == 404
    with shelf.take("hosting") or pytest.fail("nobody plays yet"):
        page = desk.get(PAGE)
        assert (page.headers["Refresh"], page.text.count('aria-current="step"')) == (f"1; url={PAGE}", 1)
        assert 'action="/desk/month-end/hosting"' not in page.text
        assert 'action="/desk/month-end/directory"' in page.text
        assert shelf.take("hosting") is None
        assert desk.post(f"{PAGE}hosting", data={"number": "0"}).status_code == 302
    seen = Entry(Mark.DONE, "All is <paid>.", "12:00:00", (Link("The run", "/staff/payouts/r"),))
    shelf.keep("hosting", Journal(0, "r", dict.fromkeys(STEPS, seen)))
    assert desk.post(f"{PAGE}hosting", data={"number": "0"}).status_code == 302  # made before it was finished
    page = desk.get(PAGE)
    assert "Refresh" not in page.headers
    assert "All is &lt;paid&gt;." in page.text
    assert 'href="http://refledger.example/staff/payouts/r"' in page.text
    assert ("End the month once more" in page.text, 'name="number" value="1"' in page.text) == (True, True)
    assert not (tmp_path / "month" / "hosting.log").exists(), "nothing was started"


class Typist:
    """The operator at the test's own application."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def types(self, *words: str) -> dict[str, Any]:
        done = self.shell.run(*words, "--json")
        if done.exit_code != 0:
            raise CommandRefused(done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def earned(shell: Shell, client: FlaskClient) -> None:
    """A programme where two people approve, and three referrers who earned 30.00, 40.00 and 50.00 in August."""
    shell.program()
    shell.ok("programs", "set", "--slug", "hosting", "--approval", "two")
    for email, role in (("fin@shop.example", "finance"), ("own@shop.example", "owner")):
        shell.staff(email, role)
    shell.ok(*"products set --program hosting --sku vps --name VPS".split())
    scopes = "api-keys create --program hosting --name Shop --scopes signups:write,orders:write"
    headers = {"Authorization": f"Bearer {shell.json(*scopes.split())['key']}"}
    services, joined = shell.services, PAID - timedelta(days=9)
    for number, (code, iban) in enumerate(IBANS.items(), start=3):
        with services.db.transaction() as session:
            joining = Joining(code.title(), f"{code}@mail.example", code=code)
            program, by = find_program(session, "hosting"), Actor.cli()
            referrer, _ = join(session, services.keyring, program, joining, actor=by, now=joined)
            put_destination(
                services.payouts,
                session,
                referrer,
                GivenAccount(code.title(), iban),
                source=DestinationSource.MERCHANT,
                verified=True,
                by=by,
                now=joined,
            )
        who = {"customer_id": f"c{number}"}
        signup = {**who, "referrer_code": code, "signed_up_at": PAID.isoformat()}
        assert client.post("/api/v1/signups", json=signup, headers=headers).status_code == 201
        line = {"line_id": "1", "product": "vps", "quantity": 1, "net": number * 10_000}
        times = {"placed_at": PAID.isoformat(), "paid_at": PAID.isoformat()}
        order = {
            **who,
            **times,
            "order_id": f"o{number}",
            "currency": "EUR",
            "status": "paid",
            "lines": [line],
        }
        assert client.post("/api/v1/orders", json=order, headers=headers).status_code == 201


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_people_approve_it_waits_for_them_and_goes_on_at_the_next_press(
    app: Flask, client: FlaskClient, settings: Settings
) -> None:
    shell, shelf = Shell(app), Shelf(settings.var_dir / "month")

    def press(*, go_on: bool = True) -> Journal:
        month = MonthEnd(
            "hosting",
            Typist(shell),
            shelf,
            settings.var_dir,
            by="fin@shop.example",
            pause=0,
        )
        month.play(TODAY, lambda: go_on)
        return shelf.read("hosting")

    with clock.frozen(datetime(2026, 9, 3, 9, 0, tzinfo=UTC)):
        earned(shell, client)
        waits = press()
        assert [entry.mark for entry in waits.entries.values()] == [Mark.DONE, Mark.WAITS]
        assert "Somebody other than fin@shop.example" in waits.entries["approval"].text
        again = press()
        assert (again.run, list(again.entries)) == (waits.run, list(waits.entries)), "it still waits"
        approving = ("payouts", "approve", waits.run, "--by", "own@shop.example", "--password-stdin")
        shell.ok(*approving, stdin=PASSWORD)

        assert press(go_on=False) == again, "whoever started it has gone"
        done = press()
        assert (done.run, done.finished, done.number) == (waits.run, True, 0)
        told = {step: entry.text for step, entry in done.entries.items()}
        assert "ada-1 (AC01)" in told["refused"]
        assert told["booked"].startswith("one referrer paid")
        assert "bob-1 (AC04)" in told["returned"]
        assert told["books"].startswith("1 paid, 1 rejected, 1 returned.")
        states = {row["referrer"]: row["state"] for row in shell.json("payouts", "show", done.run)["payouts"]}
        assert states == {"ada-1": "rejected", "bob-1": "returned", "cis-1": "paid"}
        assert shell.json("ledger", "check")["holds"]

        # What was handed to the bank is not sent again; the bank's messages of then are read once more, and do nothing.
        del done.entries["handed"], done.entries["returned"], done.entries["books"]
        shelf.keep("hosting", done)
        assert press().entries["books"].text.startswith("1 paid, 1 rejected, 1 returned.")

        after = press()
        assert (after.number, list(after.entries)) == (1, ["run", "books"])
        assert "pays nobody" in after.entries["run"].text
