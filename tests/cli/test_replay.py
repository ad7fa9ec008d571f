"""``flask attribution replay``: what it says, where it exits with 1, and that it leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.kernel import clock
from app.kernel.db import table_of
from app.referrals.models import Commission, Program
from tests.builders import World, line

if TYPE_CHECKING:
    from tests.cli.kit import Shell

REPLAY = ["attribution", "replay"]


@pytest.fixture
def facts(shell: Shell) -> int:
    """Two orders of two customers who had signed up: four facts."""
    shell.program()
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        world = World(session, program, shell.services.referrals, now=clock.now())
        world.product("web")
        for name, customer in (("ada", "c1"), ("bob", "c2")):
            world.join(name)
            world.bind(name, customer)
            world.order(f"o{customer}", line(), line("l2"), customer=customer)
    return 4


def alter(shell: Shell) -> None:
    """Somebody with a database client raises every commission."""
    with shell.services.db.transaction() as session:
        session.execute(update(table_of(Commission)).values(earned_minor=99_999))


def left_behind(shell: Shell) -> list[str]:
    folder = shell.services.settings.var_dir
    return sorted(str(each) for each in folder.rglob("replay*")) if folder.exists() else []


def test_a_replay_that_comes_to_the_same_says_so_and_leaves_nothing(shell: Shell, facts: int) -> None:
    before = shell.rows()
    done = shell.run(*REPLAY)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{facts} facts replayed: every decision, commission and balance is the same\n"
    assert shell.json(*REPLAY) == {"facts": facts, "same": True, "differences": 0, "first": []}
    assert shell.rows() == before
    assert left_behind(shell) == []


def test_a_row_altered_behind_our_back_is_named_and_ends_with_1(shell: Shell, facts: int) -> None:
    alter(shell)
    before = shell.rows()
    done = shell.run(*REPLAY)
    assert (done.exit_code, done.stdout) == (1, "")
    *differences, last = done.stderr.splitlines()
    assert last == f"Error: 4 differences between the replay of {facts} facts and what stands"
    assert len(differences) == 4
    assert differences[0].startswith("commission 1 oc1 l1 1 ")
    assert differences[0].endswith("earned_minor 99999, replayed 1000")
    assert shell.rows() == before
    assert left_behind(shell) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_more_differences_are_printed_than_asked_for(shell: Shell, facts: int) -> None:
    alter(shell)
    for show, printed in (("3", 3), ("0", 0), ("100", 4)):
        done = shell.run(*REPLAY, "--show", show)
        assert (done.exit_code, len(done.stderr.splitlines())) == (1, printed + 1)
    done = shell.run(*REPLAY, "--json", "--show", "1")
    assert done.exit_code == 1
    assert f'"facts": {facts}, "same": false, "differences": 4, "first": ["commission 1 oc1 l1' in done.stdout


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_house_without_facts_is_the_same(shell: Shell) -> None:
    assert shell.json(*REPLAY) == {"facts": 0, "same": True, "differences": 0, "first": []}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_option_or_no_room_for_the_scratch_database_is_one_line(shell: Shell, facts: int) -> None:
    assert facts
    for wrong, named in (("--show many", "--show"), ("--show -1", "--show"), ("--program x", "--program")):
        done = shell.run(*REPLAY, *wrong.split())
        assert (done.exit_code, named in done.stderr, len(done.stderr.splitlines())) == (2, True, 1)
    # Nothing can be written where a file stands in the folder's place.
    folder = shell.services.settings.var_dir
    moved = folder.with_name("moved")
    if folder.exists():
        folder.rename(moved)
    folder.write_text("")
    done = shell.run(*REPLAY)
    assert (done.exit_code, "VAR_DIR" in done.stderr, len(done.stderr.splitlines())) == (1, True, 1)
