"""What staff say of files nobody knows about, of debts and of differences; and the link that undoes an account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity.roles import Role
from app.kernel import clock
from app.mail.models import Mail, MailKind
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.models import Payout, PayoutDestination, PayoutFile, PayoutRun
from app.payouts.undoing import undo_token
from tests.builders import ACTOR
from tests.cli.kit import Shell
from tests.web.pages.conftest import PASSWORD
from tests.web.pages.test_staff import RUNS, days_ago, earn, last_month

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

BELGIAN, OTHER = "BE68539007547034", "NL20INGB0001234567"


@pytest.fixture
def house(quick_site: Site) -> Site:
    earn(quick_site)
    earn(quick_site, "eve", 40_000)
    quick_site.account("zoe")
    quick_site.account("eve", BELGIAN)
    for email, role in (("finance@example.org", Role.FINANCE), ("owner@example.org", Role.OWNER)):
        quick_site.person(email, role)
    quick_site.services.db.on_commit = lambda _jobs: None
    return quick_site


@pytest.fixture
def finance(house: Site) -> Browser:
    return house.browser("finance@example.org")


def built(house: Site, finance: Browser) -> str:
    run = finance.post(RUNS, {"period": last_month()}, start=RUNS).headers["Location"]
    finance.post(f"{run}/freeze", start=run)
    house.work()
    house.browser("owner@example.org").post(f"{run}/approve", {"password": PASSWORD}, start=run)
    house.work()
    return run


def payouts(house: Site) -> dict[str, Payout]:
    with house.world() as world:
        names = {referrer.id: name for name, referrer in world.referrers.items()}
        return {names[each.referrer_id]: each for each in world.session.scalars(select(Payout))}


def test_a_lost_file_is_settled_by_people_with_a_reason_and_their_password(
    house: Site, finance: Browser
) -> None:
    run = built(house, finance)
    with house.services.db.reading() as session:
        file = session.scalars(select(PayoutFile)).one()
    page = finance.text(run)
    assert "The upload ended without an answer" in page
    assert "run.frozen" in page, "every move is on the page"
    lost, absent = f"{run}/files/{file.id}/unknown", f"{run}/files/{file.id}/absent"
    assert "nothing of them is sent again" in finance.text(lost)
    assert finance.post(lost, start=lost).headers["Location"] == run
    assert house.work() == 1
    found = payouts(house)
    assert {each.state for each in found.values()} == {PayoutState.UNKNOWN}
    decide = f"{run}/payouts/{found['zoe'].id}/decide"
    assert decide in finance.get(run).text
    form = {"outcome": "paid", "paid_on": "", "reason": "by phone", "password": PASSWORD}
    wrong = finance.post(decide, form, start=decide)
    assert (wrong.status_code, "the day on which the bank booked it" in wrong.text) == (422, True)
    form["paid_on"] = clock.now().date().isoformat()
    assert finance.post(decide, {**form, "password": "not mine"}, start=decide).status_code == 422
    assert finance.post(decide, form, start=decide).status_code == 302
    page = finance.get(finance.post(decide, form, start=absent).headers["Location"]).text
    assert "It is known already what became of this payout" in page
    sure = {"reason": "the bank has nothing", "password": PASSWORD}
    assert finance.post(absent, {**sure, "reason": ""}, start=absent).status_code == 422
    assert finance.post(absent, sure, start=absent).status_code == 302
    house.work()
    states = {name: each.state for name, each in payouts(house).items()}
    assert states == {"zoe": PayoutState.PAID, "eve": PayoutState.REJECTED}
    with house.services.db.reading() as session:
        assert session.scalars(select(PayoutRun.state)).one() is RunState.CLOSED
    page = finance.text(run)
    assert "by phone" in page
    assert "file.never_arrived" in page


def test_a_run_is_compared_with_the_month_before_and_shared_accounts_are_noted(
    house: Site, finance: Browser
) -> None:
    house.account("eve", "NL91 ABNA 0417 1643 00")
    run = built(house, finance)
    page = finance.text(run)
    assert ("the same account as eve-1" in page, "the same account as zoe-1" in page) == (True, True)
    assert "The same account as eve-1" in finance.text("/staff/referrers/zoe-1")
    assert "No earlier month of this programme paid anybody." in finance.text(f"{run}/compare")
    assert f"{run}/compare" in finance.get(run).text


def test_a_debt_is_written_off_on_the_referrers_page_and_by_command(house: Site, finance: Browser) -> None:
    with house.world() as world:
        world.order("late", customer="c-zoe", placed=days_ago(90), paid=days_ago(90))
    run = built(house, finance)
    assert "Write off the debt" not in finance.text("/staff/referrers/zoe-1")
    finance.post(f"{run}/submit", start=run)
    house.work()
    with house.world() as world:
        world.refund("back", "o-zoe", when=days_ago(1), l1=100_000)
    assert "Write off the debt" in finance.text("/staff/referrers/zoe-1")
    form = "/staff/referrers/zoe-1/write-off"
    assert "Owed today €100.00" in finance.text(form)
    assert finance.post(form, {"amount": "100.01", "reason": "x"}, start=form).status_code == 422
    assert finance.post(form, {"amount": "40,00", "reason": "gone"}, start=form).status_code == 302
    shell = Shell(house.app)
    owes = (
        "payouts write-off --program hosting --referrer zoe-1 --by finance@example.org --reason gone".split()
    )
    refused = shell.run(*owes, "--amount", "60.01")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert shell.json(*owes) == {"referrer": "zoe-1", "amount": 6_000, "currency": "EUR"}
    assert shell.run(*owes).exit_code == 1


def test_the_mailed_link_undoes_a_changed_account_once_and_without_a_login(house: Site) -> None:
    zoe, nobody = house.browser("zoe@example.org"), house.browser()
    start = "/dashboard/bank-account"
    form = {"holder": "Zoe", "iban": OTHER, "password": PASSWORD}
    assert zoe.post(start, {**form, "password": "guessed"}, start=start).status_code == 422
    assert zoe.post(start, form, start=start).status_code == 302
    with house.services.db.transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.kind == MailKind.BANK_ACCOUNT_CHANGED)).one()
        mail_id, changed = (
            mail.id,
            session.scalars(select(PayoutDestination).where(PayoutDestination.last4 == OTHER[-4:])).one(),
        )
    house.services.mail.send(mail_id, now=clock.now())
    written = "".join(path.read_text() for path in (house.services.settings.var_dir / "mail").glob("*.eml"))
    assert re.search(r"/undo-bank-account/", written.replace("=\n", ""))
    link = "/undo-bank-account/" + undo_token(house.services.mail_links, changed.public_id, clock.now())
    asked = nobody.text(link)
    assert "4567" in asked
    assert "4300" in asked, "the account of before"
    assert "The change is taken back" in nobody.post(link, start=link).text
    assert nobody.get(link).status_code == 410
    assert nobody.get(link[:-4]).status_code == 410
    with house.services.db.reading() as session:
        kinds = session.scalars(select(Mail.kind).where(Mail.recipient == "zoe@example.org")).all()
        assert MailKind.BANK_ACCOUNT_RESTORED in kinds
    assert "4300" in zoe.text(start)


def test_the_commands_of_accounts_keys_and_lost_files(house: Site, finance: Browser) -> None:
    shell = Shell(house.app)
    run = built(house, finance).rpartition("/")[2]
    by = ["--by", "finance@example.org"]
    whose = ["--program", "hosting", "--referrer", "zoe-1"]
    assert shell.json("payouts", "block", *whose, *by)["blocked"] == "staff"
    assert shell.json("payouts", "unblock", *whose, *by, "--reason", "cleared")["blocked"] is None
    rotated = shell.json("payouts", "rotate-keys")["columns"]
    assert rotated[0] == {"column": "payout_destinations.iban_sealed", "rows": 2, "resealed": 0}
    assert shell.run("payouts", "absent", "R1-01", *by, "--reason", "x").exit_code == 1
    assert shell.run("payouts", "unknown", "R9-01", *by).exit_code == 1
    shell.ok("payouts", "unknown", "R1-01", *by)
    house.work()
    zoe = ["payouts", "decide", run, "--referrer", "zoe-1", *by, "--reason", "by phone"]
    assert shell.run(*zoe).exit_code == 2
    assert shell.json(*zoe, "--paid-on", "2026-12-02")["state"] == "paid"
    shell.ok("payouts", "absent", "R1-01", *by, "--reason", "nothing there")
    house.work()
    states = {row["referrer"]: row["state"] for row in shell.json("payouts", "show", run)["payouts"]}
    assert states == {"zoe-1": "paid", "eve-1": "rejected"}
    with house.world() as world:
        world.program.pays_leavers = False
    assert shell.json("programs", "set", "--slug", "hosting", "--pays-leavers")["pays_leavers"] is True
    assert ACTOR.label == "cli"
