"""How many requests a key may make, with Redis and without."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from app.api.limits import RequestLimit
from app.api.problems import TooManyRequests
from app.factory import create_app
from app.requests import EXTENSION
from tests.web.api.kit import another_key, open_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from app.services import Services
    from config import Settings
    from tests.web.api.kit import Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def strict_app(database_url: str, valkey_url: str, make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """An installation that allows five requests a second."""
    made = create_app(make_settings(DATABASE_URL=database_url, REDIS_URL=valkey_url, API_RATE_LIMIT="5"))
    services: Services = made.extensions[EXTENSION]
    yield made
    services.db.dispose()
    services.queue.close()


@pytest.fixture
def shop(strict_app: Flask) -> Shop:
    """Its shop."""
    return open_shop(strict_app.extensions[EXTENSION], strict_app.test_client())


def test_beyond_the_limit_the_answer_says_when_to_come_back(shop: Shop, strict_app: Flask) -> None:
    other = another_key(strict_app.extensions[EXTENSION], shop, ["reports:read"])
    answers = [shop.get("/clicks") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "1"
    assert answers[-1].mimetype == "application/problem+json"
    assert other.get("/clicks").status_code == 200
    time.sleep(1.1)
    assert shop.get("/clicks").status_code == 200


def test_without_redis_each_process_counts_for_itself(database_url: str) -> None:
    limit = RequestLimit("redis://127.0.0.1:1", 3)
    for _ in range(3):
        limit.count(7)

    with pytest.raises(TooManyRequests):
        limit.count(7)
    limit.count(8)


def test_the_default_lets_a_hundred_a_second_through(
    database_url: str, make_settings: Callable[..., Settings]
) -> None:
    assert make_settings().api_rate_limit >= 100


def _granted(limit: RequestLimit, tries: int) -> int:
    granted = 0
    for _ in range(tries):
        try:
            limit.count(7)
        except TooManyRequests:
            continue
        granted += 1
    return granted


def test_counting_by_the_block_grants_the_whole_limit_and_no_more(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000.5)
    # Two left over where 105 is counted in blocks of two.
    assert _granted(RequestLimit("redis://127.0.0.1:1", 105), 200) == 105


def test_what_several_threads_take_at_once_is_lost_by_none(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000.5)
    limit = RequestLimit("redis://127.0.0.1:1", 500)
    limit.count(7)
    # Another thread found nothing left while this one was asking, and took a block too.
    assert limit._take(limit._own, "7") == 10
    limit._keep(7, 9)
    assert _granted(limit, 1_000) == 498
    assert _granted(limit, 10) == 0


def test_two_processes_grant_the_limit_together_but_for_a_block_each(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000.5)
    first, second = (RequestLimit("redis://127.0.0.1:1", 500) for _ in range(2))
    second._own = first._own
    first.count(7)
    second.count(7)
    granted = 2 + _granted(second, 1_000)
    assert granted == 500 - 9
    assert granted + _granted(first, 1_000) == 500
