"""A payout run on the staff pages: what a worker does of it, how far it is, what is refused, what is taken out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.kernel import clock
from app.payouts.domain.state import RunMove, RunState
from app.payouts.models import Payout, PayoutDestination, PayoutRun
from app.payouts.stages import begin
from tests.web.pages.conftest import PASSWORD, words_of
from tests.web.pages.test_staff import RUNS, earn, last_month

if TYPE_CHECKING:
    from app.kernel.queue import JobRequest
    from tests.web.pages.conftest import Browser, Site

HTMX = {"HX-Request": "true"}
BELGIAN = "BE68539007547034"


@pytest.fixture
def house(site: Site) -> Site:
    """Zoe and Eve have 100.00 and 40.00 to be paid; finance and owner are there."""
    earn(site)
    earn(site, "eve", 40_000)
    site.account("zoe")
    site.account("eve", BELGIAN)
    for email, role in (("finance@example.org", Role.FINANCE), ("owner@example.org", Role.OWNER)):
        site.person(email, role)
    return site


@pytest.fixture
def finance(house: Site) -> Browser:
    return house.browser("finance@example.org")


@pytest.fixture
def owner(house: Site) -> Browser:
    return house.browser("owner@example.org")


@pytest.fixture
def sent(house: Site) -> list[JobRequest]:
    """The jobs that were sent; nothing takes them."""
    jobs: list[JobRequest] = []
    house.services.db.on_commit = jobs.extend
    return jobs


@pytest.fixture
def run(finance: Browser, sent: list[JobRequest]) -> str:
    """The page of a draft of last month; ``sent`` keeps its jobs from the queue."""
    return finance.post(RUNS, {"period": last_month()}, start=RUNS).headers["Location"]


def freeze(site: Site, finance: Browser, run: str) -> None:
    finance.post(f"{run}/freeze", start=run)
    site.work()


def row(site: Site) -> PayoutRun:
    with site.services.db.reading() as session:
        return session.scalars(select(PayoutRun)).one()


def payout_of(site: Site, name: str) -> Payout:
    with site.world() as world:
        wanted = select(Payout).where(Payout.referrer_id == world.referrers[name].id)
        return world.session.scalars(wanted).one()


def audited(site: Site, action: str) -> list[dict[str, object]]:
    with site.services.db.reading() as session:
        return [
            each.details for each in session.scalars(select(AuditEvent).where(AuditEvent.action == action))
        ]


def test_a_pressed_button_starts_a_job_and_a_second_press_does_nothing(
    house: Site, finance: Browser, run: str, sent: list[JobRequest]
) -> None:
    assert finance.post(f"{run}/freeze", start=run).headers["Location"] == run
    assert finance.post(f"{run}/freeze", start=run).status_code == 302
    assert [(job.name, job.args) for job in sent] == [("payouts.advance", (row(house).id,))]
    assert (row(house).state, row(house).underway) == (RunState.DRAFT, RunMove.FREEZE)
    waiting = finance.get(run).text
    assert f'hx-get="{run}/progress"' in waiting
    assert "Everybody's money is being reserved A worker takes it up in a moment." in words_of(waiting)
    assert "Freeze this run" not in waiting
    assert house.work() == 1
    assert (row(house).state, row(house).payout_count) == (RunState.FROZEN, 2)
    assert len(audited(house, "run.frozen")) == 1
    assert "hx-get" not in finance.get(run).text.split("<table")[0]


def test_the_page_asks_how_far_it_is_and_is_drawn_anew_at_the_end(
    house: Site, finance: Browser, run: str
) -> None:
    finance.post(f"{run}/freeze", start=run)
    with house.services.db.transaction() as session:
        session.execute(update(PayoutRun).values(stage_done=1200, stage_total=10_000))
    asked = finance.get(f"{run}/progress", headers=HTMX)
    assert "1,200 of 10,000 referrers" in asked.text
    assert re.search(r'<progress[^>]* value="1200" max="10000"', asked.text)
    assert "<html" not in asked.text
    assert finance.get(f"{run}/progress").headers["Location"] == run
    house.work()
    assert finance.get(f"{run}/progress", headers=HTMX).headers["HX-Redirect"] == run


def test_books_that_do_not_add_up_stop_the_freeze_and_the_page_says_so(
    house: Site, finance: Browser, run: str
) -> None:
    finance.post(f"{run}/freeze", start=run)
    with house.services.db.transaction() as session:
        session.execute(
            text("UPDATE ledger_balances SET amount_minor = amount_minor + 1 WHERE figure = 'earned'")
        )
    house.services.db.on_commit = lambda _jobs: None
    assert house.work() == 1
    page = finance.text(run)
    assert "The books do not add up, so nothing is paid." in page
    assert "Freeze this run" in page
    assert (row(house).underway, row(house).frozen_by, row(house).trouble) == (None, None, "BooksDoNotAddUp")
    with house.services.db.transaction() as session:
        session.execute(
            text("UPDATE ledger_balances SET amount_minor = amount_minor - 1 WHERE figure = 'earned'")
        )
    freeze(house, finance, run)
    assert row(house).trouble is None
    assert "The books" not in finance.text(run)


def test_an_account_blocked_between_approval_and_build_is_said_and_the_run_can_go_on(
    house: Site, finance: Browser, owner: Browser, run: str
) -> None:
    freeze(house, finance, run)
    owner.post(f"{run}/approve", {"password": PASSWORD}, start=run)
    block(house)
    house.work()
    page = finance.text(run)
    assert "A bank account in this run has been blocked since it was frozen." in page
    assert (row(house).state, row(house).underway) == (RunState.APPROVED, None)
    payout = payout_of(house, "eve")
    finance.post(f"{run}/payouts/{payout.id}/exclude", {"reason": "blocked"}, start=run)
    owner.post(f"{run}/approve", {"password": PASSWORD}, start=run)
    house.work()
    assert (row(house).state, row(house).total_minor) == (RunState.BUILT, 10_000)


def block(site: Site) -> None:
    """Eve's account."""
    with site.services.db.transaction() as session:
        session.execute(
            update(PayoutDestination)
            .where(PayoutDestination.country == "BE")
            .values(blocked_at=clock.now(), blocked_reason="AC04")
        )


def test_a_build_that_stops_in_the_middle_stays_under_way_and_can_be_cancelled(
    house: Site, finance: Browser, owner: Browser, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(house, finance, run)
    owner.post(f"{run}/approve", {"password": PASSWORD}, start=run)

    def broken(*_all: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("app.payouts.rails.sepa.render_pain001", broken)
        with pytest.raises(RuntimeError):
            house.work()
    assert (row(house).underway, row(house).trouble) == (RunMove.BUILD, "RuntimeError")
    assert "hx-get" not in finance.get(run).text.split("<table")[0]  # or it would be drawn anew for ever
    page = finance.text(run)
    assert "The work stopped with an error (RuntimeError). It is tried again every minute." in page
    assert "Cancel this run" in page
    assert "Freeze this run" not in page
    finance.post(f"{run}/cancel", start=run)
    house.work()
    assert row(house).state is RunState.CANCELLED


REFUSALS = {
    "second approval": {
        "en": "This run is approved already; a second approval changes nothing.",
        "nl": "Deze ronde is al goedgekeurd; een tweede goedkeuring verandert niets.",
        "de": "Dieser Lauf ist bereits freigegeben; eine zweite Freigabe ändert nichts.",
    },
    "cancelled too late": {
        "en": "The bank has this run; it cannot be cancelled any more.",
        "nl": "De bank heeft deze ronde; zij kan niet meer worden geannuleerd.",
        "de": "Die Bank hat diesen Lauf; er kann nicht mehr abgebrochen werden.",
    },
    "handed over too early": {
        "en": "That is not possible with a run in this state (waits for approval).",
        "nl": "Dat kan niet met een ronde in deze stand (wacht op goedkeuring).",
        "de": "Das geht mit einem Lauf in diesem Zustand (wartet auf Freigabe) nicht.",
    },
    "blocked account": {
        "en": "A bank account in this run has been blocked since it was frozen.",
        "nl": "Een rekeningnummer in deze ronde is na het vastzetten geblokkeerd.",
        "de": "Eine Bankverbindung in diesem Lauf wurde nach dem Einfrieren gesperrt.",
    },
    "busy": {
        "en": "This run is in the middle of another step.",
        "nl": "Deze ronde zit midden in een andere stap.",
        "de": "Dieser Lauf steckt mitten in einem anderen Schritt.",
    },
    "wrong approver": {
        "en": "Four eyes: somebody who neither made nor froze this run has to approve it.",
        "nl": "Vierogenprincipe: iemand die deze ronde niet maakte of vastzette moet haar goedkeuren.",
        "de": "Vier-Augen-Prinzip: Jemand, der diesen Lauf weder angelegt noch eingefroren hat",
    },
}


@pytest.mark.parametrize("language", ["en", "nl", "de"])
@pytest.mark.parametrize("case", list(REFUSALS))
def test_a_refusal_is_said_in_the_readers_language_and_changes_nothing(
    house: Site, finance: Browser, owner: Browser, run: str, case: str, language: str
) -> None:
    who, path, data = provoke(house, finance, owner, run, case)
    before = (row(house).state, row(house).underway)
    spoken = {"Accept-Language": language}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', who.get(run).text)
    assert token is not None
    answer = who.client.post(path, data={"csrf_token": token[1], **data}, headers=spoken)
    said = words_of(answer.text if answer.status_code == 403 else who.get(run, headers=spoken).text)
    assert REFUSALS[case][language] in said
    assert (row(house).state, row(house).underway) == before


def provoke(
    site: Site, finance: Browser, owner: Browser, run: str, case: str
) -> tuple[Browser, str, dict[str, str]]:
    """Bring the run to where the last press is refused: who presses what."""
    freeze(site, finance, run)
    sign = f"{run}/approve", {"password": PASSWORD}
    match case:
        case "wrong approver":
            return finance, *sign
        case "blocked account":
            block(site)
            return owner, *sign
        case "handed over too early":
            return finance, f"{run}/submit", {}
        case "busy":
            with site.services.db.transaction() as session:
                begin(session, row(site).id, RunMove.CANCEL)
            return owner, *sign
    owner.post(*sign, start=run)
    site.work()
    if case == "second approval":
        return owner, *sign
    finance.post(f"{run}/submit", start=run)
    site.work()
    return finance, f"{run}/cancel", {}


def test_a_payout_is_taken_out_with_a_reason_and_its_money_stays(
    house: Site, finance: Browser, owner: Browser, run: str
) -> None:
    freeze(house, finance, run)
    payout = payout_of(house, "eve")
    path = f"{run}/payouts/{payout.id}/exclude"
    assert f'href="{path}"' in finance.get(run).text
    asked = finance.text(path)
    assert "Take out the payout to Eve" in asked
    assert "€40.00" in asked
    without = finance.post(path, {"reason": " "}, start=path)
    assert (without.status_code, "Please give a reason; it is kept." in without.text) == (422, True)
    assert finance.post(path, {"reason": "Her bank called"}, start=path).headers["Location"] == run
    page = finance.text(run)
    assert "Eve is taken out of this run; the money stays available." in page
    assert (row(house).payout_count, row(house).total_minor, row(house).omission_count) == (1, 10_000, 1)
    assert "Available €40.00" in finance.text("/staff/referrers/eve-1")
    assert audited(house, "payout.excluded") == [
        {"payout": payout.end_to_end_id, "reason": "Her bank called"}
    ]
    again = finance.post(path, {"reason": "once more"}, start=run)
    assert again.headers["Location"] == run
    assert "This payout cannot be taken out any more" in finance.text(run)
    owner.post(f"{run}/approve", {"password": PASSWORD}, start=run)
    house.work()
    assert (row(house).state, row(house).total_minor) == (RunState.BUILT, 10_000)
    finance.post(f"{run}/payouts/{payout_of(house, 'zoe').id}/exclude", {"reason": "late"}, start=run)
    assert "That is not possible with a run in this state (files are ready)." in finance.text(run)
    assert row(house).total_minor == 10_000


def test_a_payout_of_another_run_is_not_found(house: Site, finance: Browser, run: str) -> None:
    freeze(house, finance, run)
    assert finance.get(f"{run}/payouts/{payout_of(house, 'eve').id + 100}/exclude").status_code == 404


def test_an_approval_is_withdrawn_with_a_reason(
    house: Site, finance: Browser, owner: Browser, run: str
) -> None:
    freeze(house, finance, run)
    owner.post(f"{run}/approve", {"password": PASSWORD}, start=run)
    with house.services.db.transaction() as session:
        session.execute(update(PayoutRun).values(underway=None))  # the job was lost before it began
    path = f"{run}/withdraw"
    assert f'href="{path}"' in finance.get(run).text
    assert "Withdraw the approval" in finance.text(path)
    finance.post(path, {"reason": "The total looks wrong"}, start=path)
    page = finance.text(run)
    assert "The approval is withdrawn." in page
    assert "An earlier approval is void: The total looks wrong" in page
    assert row(house).state is RunState.FROZEN
    assert audited(house, "run.approval_void") == [{"reason": "The total looks wrong"}]
    finance.post(path, {"reason": "again"}, start=run)
    assert "That is not possible with a run in this state (waits for approval)." in finance.text(run)
