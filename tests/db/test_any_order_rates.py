"""A fact's own time decides also where orders hang on each other: tiers, caps, bonuses, other currencies.

The same comparison as ``test_any_order.py``, with the jobs drained, in a world that uses all of it.
"""

from __future__ import annotations

import shutil
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.kernel.db import Database
from app.referrals.words import CommissionKind, FactKind
from tests.db.test_any_order import Picture, compare
from tests.db.test_replay import replayed
from tests.support.histories import FOREIGN, History, build_rich_world, drain, feed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders import World


def of_kind(found: Picture, kind: CommissionKind) -> list[tuple[object, ...]]:
    return [value for key, value in found["commissions"].items() if key[3] is kind]


def test_tiers_caps_bonuses_and_other_currencies_come_to_the_same_in_any_order(
    session: Session, database: Database
) -> None:
    world = build_rich_world(session)
    history = History(world, Random(31), foreign=40, currencies=FOREIGN)
    history.grow(900 if database.is_sqlite else 250)
    found = compare(world, history.in_time(), history.in_disorder(Random(31)))
    # The history is worth comparing: every step was reached, every cap cut, rates came and were missing.
    kickbacks = of_kind(found, CommissionKind.KICKBACK)
    assert {each[6] for each in kickbacks} >= ({None, 2, 3, 9} if database.is_sqlite else {None, 3})
    assert any(each[7] for each in kickbacks)
    assert {each[0] for each in of_kind(found, CommissionKind.BONUS)} == {750, 333}
    waiting = {line[5] is None for line in found["lines"].values() if line[0] == "waiting_rate"}
    assert waiting == {True}
    assert any(line[5] and line[0] == "earns" for line in found["lines"].values())


@pytest.fixture(scope="module")
def small_world(folder: Path, sqlite_template: Path) -> Iterator[World]:
    """A world on SQLite that every example starts from and leaves as it was."""
    path = folder / "any-order-rates.db"
    shutil.copyfile(sqlite_template, path)
    opened = Database(f"sqlite:///{path}")
    with Session(opened.engine, expire_on_commit=False) as session:
        session.begin()
        yield build_rich_world(session)
        session.rollback()
    opened.dispose()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False), data=st.data())
def test_a_few_customers_of_the_same_referrers_in_any_order_come_to_the_same(
    small_world: World, dice: Random, data: st.DataObject
) -> None:
    history = History(small_world, dice, foreign=40, currencies=FOREIGN)
    for _ in range(dice.randint(2, 4)):
        history.customer()
    facts = history.in_time()
    mixed = data.draw(st.permutations([*facts, *facts[: dice.randint(0, 3)]]))
    found = compare(small_world, facts, mixed)
    assert {kind for kind, _ in found["facts"]} <= set(FactKind)


def test_a_replay_decides_tiers_caps_bonuses_and_exchange_anew_and_comes_to_the_same(
    database: Database, tmp_path: Path
) -> None:
    dice = Random(5)
    with database.transaction() as session:
        world = build_rich_world(session)
    with database.transaction() as session:
        world.session = session
        feed(world, History(world, dice, foreign=40, currencies=FOREIGN).grow(200).in_disorder(dice))
        drain(world)
    done, differences = replayed(database, tmp_path)
    assert done.refused == []
    assert differences == []
