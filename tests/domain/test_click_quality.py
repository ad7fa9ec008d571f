"""Which clicks look made up, and how much few of them weigh."""

from __future__ import annotations

import pytest

from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.click_quality import FEW, SUSPICIOUS, VISITS, suspicion_ppm


@pytest.mark.parametrize(
    ("counts", "ppm"),
    [
        ({}, 0),
        ({ClickLabel.COUNTED: 1_000}, 0),
        ({ClickLabel.BOT: 2}, 2_000_000 // 22),
        ({ClickLabel.BOT: 900, ClickLabel.COUNTED: 100}, 900_000_000 // 1_020),
        ({ClickLabel.DUPLICATE: 3, ClickLabel.EMBEDDED: 4, ClickLabel.BAD_TAG: 3}, 10_000_000 // 30),
        ({ClickLabel.PREFETCH: 500, ClickLabel.HEAD: 500}, 0),
    ],
)
def test_suspicion_is_the_share_of_visits_that_somebody_may_have_made_up(
    counts: dict[ClickLabel, int], ppm: int
) -> None:
    assert suspicion_ppm(counts) == ppm


def test_two_robots_weigh_less_than_a_hundred_among_a_thousand() -> None:
    few = suspicion_ppm({ClickLabel.BOT: 2})
    many = suspicion_ppm({ClickLabel.BOT: 100, ClickLabel.COUNTED: 900})
    assert few < many


def test_what_browsers_do_by_themselves_speaks_against_nobody() -> None:
    assert set(ClickLabel) - set(VISITS) == {ClickLabel.PREFETCH, ClickLabel.HEAD}
    assert set(VISITS) - set(SUSPICIOUS) == {ClickLabel.COUNTED}
    assert FEW == 20
