"""B.22: a first-click programme, no cookie, clicks A then B, and only B's id is sent: B, and the decision says so."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select

from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.domain.click_id import milliseconds
from app.referrals.domain.click_label import ClickLabel
from app.referrals.models import Click, ClickTotal, Decision
from app.referrals.programs import ProgramSettings, change_program
from app.referrals.queries.decided import explain_signup
from app.referrals.queries.non_events import click_story
from app.referrals.referrers import create_coupon, suspend
from app.referrals.resettle import decide_latecomers
from app.referrals.words import AttributionModel
from tests.builders import ACTOR, World, at, referral_deps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

FIRST, SECOND, SIGNED_UP = at("2026-09-01 10:00"), at("2026-09-01 11:00"), "2026-09-01 12:00"


def build(session: Session, model: AttributionModel = AttributionModel.FIRST_CLICK) -> World:
    world = World.build(session)
    change_program(
        session, world.program, ProgramSettings(attribution=model), actor=ACTOR, now=at("2026-01-02")
    )
    return world


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


def drain(world: World, click_id: str, *, visitor: str = "v1", label: str = ClickLabel.COUNTED) -> None:
    """The click's record reaches the database, as the redirect wrote it."""
    click = world.deps.links.read_click_id(click_id)
    assert click is not None
    record = ClickRecord(
        click.event_id,
        milliseconds(click.at),
        click.program_id,
        click.referrer_id,
        "",
        visitor,
        "Firefox 152",
        "",
        label,
        click_id,
    )
    write_clicks(world.session, [record])


def decided(world: World) -> Decision:
    wanted = select(Decision).where(Decision.superseded_at.is_(None))
    return world.session.scalars(wanted).one()


def missed(world: World) -> list[str]:
    return [each["value"] for each in decided(world).unpresented]


def test_the_second_click_wins_and_the_decision_names_the_first_that_was_not_presented(world: World) -> None:
    first, second = world.click("ada", FIRST), world.click("bob", SECOND)
    drain(world, first)
    drain(world, second)
    world.signup(when=SIGNED_UP, click_ids=(second,))
    stored = decided(world)
    assert stored.referrer_id == world.referrers["bob"].id
    assert [each["value"] for each in stored.candidates] == [second]
    ada = world.referrers["ada"]
    assert stored.unpresented == [{"value": first, "referrer_id": ada.id, "at": FIRST.isoformat()}]
    told = explain_signup(world.session, world.program, "c1")
    assert told is not None
    (click,) = told.decisions[0].unpresented
    assert (click.value, click.referrer) == (first, "ada-hosting")


def test_only_the_click_that_was_missed_is_told_of_it_and_not_who_came_in_its_place(world: World) -> None:
    first, second = world.click("ada", FIRST), world.click("bob", SECOND)
    drain(world, first)
    drain(world, second)
    world.signup(when=SIGNED_UP, click_ids=(second,))
    mine = click_story(world.session, world.deps.links, world.referrers["ada"], first)
    theirs = click_story(world.session, world.deps.links, world.referrers["bob"], second)
    assert mine is not None
    assert theirs is not None
    assert (mine.missed, mine.uses) == (True, ())
    assert theirs.missed is False
    assert [use.lost for use in theirs.uses] == [None]


@pytest.mark.parametrize(
    "apart",
    ["another visitor", "a robot", "after the signup", "suspended", "outside the window", "presented", "own"],
)
def test_a_click_that_would_not_have_won_is_not_named(world: World, apart: str) -> None:
    name = "bob" if apart == "own" else "ada"
    when = at("2026-09-01 12:01") if apart == "after the signup" else FIRST
    first, second = world.click(name, when), world.click("bob", SECOND)
    if apart == "suspended":
        suspend(
            world.session,
            world.program,
            world.referrers["ada"],
            reason="x",
            actor=ACTOR,
            now=at("2026-08-01"),
        )
    drain(
        world,
        first,
        visitor="v2" if apart == "another visitor" else "v1",
        label=ClickLabel.BOT if apart == "a robot" else ClickLabel.COUNTED,
    )
    drain(world, second)
    presented = (first, second) if apart == "presented" else (second,)
    if apart == "outside the window":
        change_program(
            world.session, world.program, ProgramSettings(window_days=1), actor=ACTOR, now=at("2026-08-01")
        )
        world.signup(when="2026-09-02 10:30", click_ids=presented)
    else:
        world.signup(when=SIGNED_UP, click_ids=presented)
    assert missed(world) == []


def test_under_last_click_a_later_click_is_missed_and_an_earlier_one_is_not(session: Session) -> None:
    world = build(session, AttributionModel.LAST_CLICK)
    first, second, third = (
        world.click(name, FIRST + timedelta(minutes=number))
        for number, name in enumerate(("ada", "bob", "ada"))
    )
    for click in (first, second, third):
        drain(world, click)
    world.signup(when=SIGNED_UP, click_ids=(second,))
    assert missed(world) == [third]


def test_a_coupon_that_won_missed_no_click(world: World) -> None:
    create_coupon(
        world.session, world.program, world.referrers["bob"], "BOB", actor=ACTOR, now=at("2026-01-02")
    )
    first, second = world.click("ada", FIRST), world.click("bob", SECOND)
    drain(world, first)
    drain(world, second)
    world.signup(when=SIGNED_UP, click_ids=(second,), coupon="BOB")
    assert missed(world) == []


def test_whatever_comes_first_the_decision_says_the_same_after_the_night(database: Database) -> None:
    with database.transaction() as session:
        world = build(session)
    for number, order in enumerate(permutations(("first", "second", "signup"))):
        with database.transaction() as session:
            world.session = session
            day = at("2026-10-01") + timedelta(days=number)
            first, second = world.click("ada", day), world.click("bob", day + timedelta(hours=1))
        steps: dict[str, Callable[[], object]] = {
            "first": lambda: drain(world, first, visitor=f"v{number}"),  # noqa: B023 - run in this turn
            "second": lambda: drain(world, second, visitor=f"v{number}"),  # noqa: B023
            "signup": lambda: world.signup(
                f"c{number}",  # noqa: B023
                when=(day + timedelta(hours=2)).isoformat(" ", "seconds")[:19],  # noqa: B023
                click_ids=(second,),  # noqa: B023
            ),
        }
        for step in order:
            with database.transaction() as session:
                world.session = session
                steps[step]()
        for _night in range(2):
            decide_latecomers(referral_deps(), database, day + timedelta(days=1))
        with database.transaction() as session:
            world.session = session
            story = explain_signup(session, world.program, f"c{number}")
            assert story is not None
            assert [each.value for each in story.decisions[0].unpresented] == [first], order
            # The click that was written from its id counts once, and the second night changed nothing.
            assert (
                len(session.scalars(select(Decision).where(Decision.occasion_ref == f"c{number}")).all()) <= 2
            )
    with database.transaction() as session:
        assert sum(session.scalars(select(ClickTotal.count))) == 12


def test_what_a_decision_named_it_still_names_when_the_clicks_are_gone(world: World) -> None:
    first, second = world.click("ada", FIRST), world.click("bob", SECOND)
    drain(world, first)
    drain(world, second)
    world.signup(when=SIGNED_UP, click_ids=(second,))
    world.session.execute(delete(Click))
    # An order that is older than the signup has everything decided anew.
    world.order(placed="2026-09-01 11:30", paid="2026-09-10", coupon="GONE")
    assert [each.unpresented for each in decisions(world) if each.occasion == "signup"] == [
        [{"value": first, "referrer_id": world.referrers["ada"].id, "at": FIRST.isoformat()}]
    ]


def decisions(world: World) -> Iterator[Decision]:
    return iter(world.session.scalars(select(Decision).where(Decision.superseded_at.is_(None))).all())
