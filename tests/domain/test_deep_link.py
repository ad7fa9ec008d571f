"""Deep links: on the merchant's hosts or nowhere."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from app.referrals.domain.deep_link import deep_link, split_for_ref, with_ref

LANDING = "https://shop.example/welcome?lang=nl"
HOSTS = ("www.shop.example", "beta.shop.example:8443")

ATTACKS = (
    "https://evil.example/",
    "http://evil.example/",
    "http://shop.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://evil.example\\@shop.example",
    "https://evil.example\\.shop.example/",
    "https://shop.example@evil.example/",
    "https://shop.example:443@evil.example/",
    "https://evil.example#@shop.example/",
    "https://evil.example?@shop.example/",
    "https://shop.example.evil.example/",
    "https://shop.example.",
    "https://shop.example./path",
    "https://evilshop.example/",
    "https://shop.example:8080/",
    "https://shop.example:@evil.example",
    "https://user:secret@shop.example/",
    "https://shop\u3002example@evil.example",
    "https://\u017fhop.example/",
    "https://shop.example\u2044.evil.example/",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://[::1]/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "ftp://shop.example/",
    "shop.example/path",
    "evil.example",
    "?x=//evil.example",
    "",
    "/\r\nSet-Cookie: a=b",
    "/path\x00",
    "/path\u202e",
    "/with space",
    "/" + "a" * 2_000,
)


@pytest.mark.parametrize("to", ATTACKS)
def test_an_attack_is_ignored(to: str) -> None:
    assert deep_link(to, LANDING, HOSTS) is None


def test_there_are_at_least_thirty_attacks() -> None:
    assert len(set(ATTACKS)) >= 30


@pytest.mark.parametrize(
    ("to", "where"),
    [
        ("/", "https://shop.example/"),
        ("/plans?size=l#top", "https://shop.example/plans?size=l#top"),
        ("/a%20b", "https://shop.example/a%20b"),
        ("/%2F/evil.example", "https://shop.example/%2F/evil.example"),
        ("/..//evil.example", "https://shop.example/..//evil.example"),
        ("/\u00fcber", "https://shop.example/%C3%BCber"),
        ("/\uff0fevil.example", "https://shop.example/%EF%BC%8Fevil.example"),
        ("/@evil.example", "https://shop.example/@evil.example"),
        ("https://shop.example", "https://shop.example/"),
        ("https://www.shop.example/plans", "https://www.shop.example/plans"),
        ("HTTPS://SHOP.example/plans", "https://shop.example/plans"),
        ("https://shop.example:443/plans", "https://shop.example:443/plans"),
        ("https://beta.shop.example:8443/", "https://beta.shop.example:8443/"),
        ("https://shop.example?x=https://evil.example", "https://shop.example?x=https://evil.example"),
    ],
)
def test_a_path_or_https_on_a_host_of_the_programme_is_followed(to: str, where: str) -> None:
    target = deep_link(to, LANDING, HOSTS)
    assert target == where
    assert urlsplit(target).hostname in {"shop.example", "www.shop.example", "beta.shop.example"}


def test_the_longest_path_that_is_followed_has_two_thousand_characters() -> None:
    path = "/" + "a" * 1_999
    assert deep_link(path, LANDING, HOSTS) == "https://shop.example" + path


@pytest.mark.parametrize(
    "landing", ["https://Shop.example:443/", "https://user:secret@shop.example/", "https://shop.example"]
)
def test_the_landing_pages_own_host_is_allowed_however_it_is_written(landing: str) -> None:
    assert deep_link("https://shop.example/plans", landing, ()) == "https://shop.example/plans"


def test_a_path_stays_on_the_landing_pages_own_origin_with_its_port() -> None:
    assert deep_link("/plans", "http://127.0.0.1:8001/?a=b", ()) == "http://127.0.0.1:8001/plans"


def test_without_a_landing_page_no_path_leads_anywhere() -> None:
    assert deep_link("/plans", "", HOSTS) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example/", "https://shop.example/?ref=ID"),
        ("https://shop.example/?a=b", "https://shop.example/?a=b&ref=ID"),
        ("https://shop.example/?a=b#top", "https://shop.example/?a=b&ref=ID#top"),
        ("https://shop.example/#top?x", "https://shop.example/?ref=ID#top?x"),
        ("https://shop.example/?", "https://shop.example/?ref=ID"),
        ("https://shop.example/?ref=other&a=1", "https://shop.example/?a=1&ref=ID"),
        ("https://shop.example/?r%65f=other&a=1", "https://shop.example/?a=1&ref=ID"),
        ("https://shop.example/?refer=x&ref", "https://shop.example/?refer=x&ref=ID"),
    ],
)
def test_the_click_id_joins_the_query_that_the_page_has_and_is_its_only_ref(url: str, expected: str) -> None:
    assert with_ref(url, "ID") == expected
    before, after = split_for_ref(url)
    assert before + "ID" + after == expected
