from __future__ import annotations

import pytest

from app.referrals.domain.ref_cookie import read_cookie, set_cookie


@pytest.mark.parametrize(
    ("header", "ids"),
    [
        ("", []),
        ("theme=dark", []),
        ("my_ref_click=a", []),
        ("ref_click=a", ["a"]),
        ('theme=dark; ref_click="a.b"; x=y', ["a", "b"]),
        ("ref_click=", []),
        ("ref_click=Xa.bX", ["Xa", "bX"]),
        ("ref_click=a=b", ["a=b"]),
        ("ref_click=a..b", ["a", "b"]),
        ("ref_click=a.b.c.d.e.f.g", ["c", "d", "e", "f", "g"]),
    ],
)
def test_the_cookie_gives_back_at_most_the_last_five_click_ids(header: str, ids: list[str]) -> None:
    assert read_cookie(header) == ids


def test_the_newest_click_comes_last_and_the_sixth_pushes_the_oldest_out() -> None:
    cookie = set_cookie(["a", "b", "c", "d", "e"], "f", seconds=60, secure=False)
    assert cookie == "ref_click=b.c.d.e.f; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"


def test_a_click_that_is_there_already_moves_to_the_end() -> None:
    assert set_cookie(["a", "b"], "a", seconds=60, secure=False).startswith("ref_click=b.a; ")


def test_under_https_the_cookie_is_secure() -> None:
    assert set_cookie([], "a", seconds=60, secure=True).endswith("; HttpOnly; SameSite=Lax; Secure")
