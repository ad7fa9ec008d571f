"""Tells the whole demo: opens the programmes, plays the history, pays month by month, hands out the logins."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.demo import advertising, directory, opening, twins
from app.demo.cast import DIRECTORY, HOSTING, PARTNERS, PASSWORD, STAFF
from app.demo.payday import TIMEZONE, Cashier, paydays
from app.demo.scenes import history
from app.demo.stage import Stage
from app.demo.team import READER, let_in_colleagues
from app.kernel.clock import day_start, frozen
from app.kernel.errors import Conflict, Forbidden
from app.payouts.deps import PayoutDeps
from app.payouts.domain.calendar import Period
from app.referrals.models import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.services import Services

BATCH: Final = 250
"""Events in one transaction."""

MAX_MONTHS: Final = 24
MAX_REFERRERS: Final = 500
FIRST_REFERRER: Final = "anna"


class DemoInProduction(Forbidden):
    """The demo has passwords that everybody knows."""

    title = "No demo in production"

    def __init__(self) -> None:
        super().__init__("the demo is not loaded where APP_ENV is production")


class NotAnEmptyInstallation(Conflict):
    """There are programmes that the demo did not make."""

    title = "Not an empty installation"

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is a programme {slug!r} already; the demo wants an empty database")


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What was asked for. ``now`` is where history ends; ``shop_url`` is where landing pages are."""

    months: int
    referrers: int
    seed: int
    shop_url: str
    now: datetime

    @property
    def start(self) -> datetime:
        """The first instant of the month that lies ``months`` before the one that ``now`` is in."""
        month = Period.of(self.now.date())
        for _ in range(self.months):
            month = month.previous()
        return day_start(month.first_day, TIMEZONE)

    def dump(self) -> str:
        """As JSON, to go on after an interruption."""
        return json.dumps(
            {
                "months": self.months,
                "referrers": self.referrers,
                "seed": self.seed,
                "shop_url": self.shop_url,
                "now": self.now.isoformat(),
            }
        )

    @classmethod
    def read(cls, text: str) -> DemoPlan:
        """From JSON."""
        raw = json.loads(text)
        return cls(**{**raw, "now": datetime.fromisoformat(raw["now"])})


def is_told(services: Services) -> bool:
    """Whether the demo was loaded to its end."""
    return _note(services).exists()


def tell(services: Services, plan: DemoPlan, say: Callable[[str], None]) -> None:
    """Load the demo; what an interrupted call had done is taken up where it stopped.

    Every step repeats without harm: facts are known by their keys, runs by their names, the bank by its books.
    Raises :class:`DemoInProduction`, :class:`NotAnEmptyInstallation`.
    """
    if services.settings.production:
        raise DemoInProduction
    begun = services.settings.var_dir / "demo.json"
    if begun.exists():
        plan = DemoPlan.read(begun.read_text(encoding="utf-8"))
    else:
        _refuse_other_programs(services)
        begun.parent.mkdir(parents=True, exist_ok=True)
        begun.write_text(plan.dump(), encoding="utf-8")
    _open(services, plan)
    _play(services, plan, say)
    _close(services, plan)


def move_shop(services: Services, shop_url: str, now: datetime) -> bool:
    """Have the demo's links land at a shop that moved (SHOP_PORT); whether it had."""
    begun = services.settings.var_dir / "demo.json"
    plan = DemoPlan.read(begun.read_text(encoding="utf-8")) if begun.exists() else None
    if plan is None or plan.shop_url == shop_url:
        return False
    with services.db.transaction() as session:
        opening.move_landing_pages(session, shop_url, now)
    begun.write_text(replace(plan, shop_url=shop_url).dump(), encoding="utf-8")
    return True


def _refuse_other_programs(services: Services) -> None:
    with services.db.reading() as session:
        slug = session.scalar(select(Program.slug).limit(1))
    if slug is not None:
        raise NotAnEmptyInstallation(slug)


def _open(services: Services, plan: DemoPlan) -> None:
    with frozen(plan.start), services.db.transaction() as session:
        if session.scalar(select(Program.id).limit(1)) is None:
            opening.open_programs(session, plan.shop_url, plan.start)
            advertising.offer_assets(session, plan.start)
            directory.open_directory(session, plan.start)
            opening.hire_staff(session, plan.start)


def _play(services: Services, plan: DemoPlan, say: Callable[[str], None]) -> None:
    """History in order of time, and each payout day when its time has come. Letters of the past are not sent again."""
    # The jobs that the use cases ask for are mails about what happened months ago.
    services.db.on_commit = lambda _jobs: None
    payouts = PayoutDeps(services.db, services.keyring)
    stage = Stage(replace(services.referrals, tell_partner=lambda _session, _news: None), payouts)
    cashier = Cashier(payouts, services.settings.var_dir / "bank")
    events = history(plan.start, plan.now, referrers=plan.referrers, seed=plan.seed)
    played = 0
    for day in [*paydays(plan.start, plan.now), None]:
        until = day.at if day else plan.now
        while played < len(events) and events[played].at < until:
            batch = [event for event in events[played : played + BATCH] if event.at < until]
            with services.db.transaction() as session:
                stage.play(session, batch)
            played += len(batch)
        if day:
            cashier.pay(day, plan.now)
            if day.plan.slug == DIRECTORY:
                with services.db.transaction() as session:
                    directory.go_on(session, day.at)
            say(f"{day.plan.slug} {day.period} paid out")
    with services.db.transaction() as session:
        stage.play(session, advertising.follow_assets(session, plan.start, plan.now, plan.seed))
        directory.leave_work(session, plan.now)
        twins.merge_twins(session, services.keyring, plan.now)


def _close(services: Services, plan: DemoPlan) -> None:
    """Logins, the shop's keys, and last the note that says that all is there."""
    with frozen(plan.now), services.db.transaction() as session:
        logins = {HOSTING: FIRST_REFERRER, DIRECTORY: PARTNERS[0][0]}
        opening.give_logins(session, logins, plan.now)
        let_in_colleagues(session, HOSTING, FIRST_REFERRER, plan.now)
        keys = opening.make_shop_keys(session, plan.now)
    path = services.settings.var_dir / "shop.env"
    path.touch(mode=0o600)
    path.write_text(
        "".join(f"REFLEDGER_KEY_{slug.upper()}={key}\n" for slug, key in keys.items()), encoding="utf-8"
    )
    _note(services).write_text(logins_text(), encoding="utf-8")


def _note(services: Services) -> Path:
    return services.settings.var_dir / "demo-logins.txt"


def logins_text() -> str:
    """Who can log in, for the terminal."""
    people = [(f"{role} {name}", email) for email, role, name in STAFF]
    people.append(("referrer of the hosting programme", f"{FIRST_REFERRER}@example.com"))
    people.append(("partner of the directory", f"{PARTNERS[0][0]}@example.org"))
    people.append(("reads along in the hosting programme", READER))
    width = max(len(email) for _, email in people)
    lines = [f"    {email:<{width}}  {who}" for who, email in people]
    return "\n".join([f"  Demo logins, all with the password {PASSWORD}", *lines, ""])
