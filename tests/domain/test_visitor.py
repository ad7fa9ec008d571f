"""Visitors: two people behind one network are two, and nobody's address is kept."""

from __future__ import annotations

import hmac

import pytest

from app.referrals.domain.visitor import client_address, network_hash, network_of, source_host, visitor_hash


@pytest.mark.parametrize(
    ("forwarded", "hops", "expected"),
    [
        ("203.0.113.9", 0, "10.0.0.1"),
        ("203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"),
        ("203.0.113.9", 2, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(forwarded: str, hops: int, expected: str) -> None:
    assert client_address("10.0.0.1", forwarded, hops) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.77", "198.51.100.0"),
        ("198.51.100.77:5123", "198.51.100.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("[2001:db8:1:2::4]:443", "2001:db8:1::"),
        ("::ffff:198.51.100.77", "198.51.100.0"),
        ("fe80::1%eth0", "fe80::"),
        ("169.254.7.7%eth0", "169.254.7.0"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_an_address_is_cut_to_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_two_agents_behind_one_network_are_two_visitors_and_another_day_makes_others() -> None:
    monday, tuesday = b"m" * 32, b"t" * 32
    one = visitor_hash(monday, "198.51.100.0", "Firefox")
    assert one == visitor_hash(monday, "198.51.100.0", "Firefox")
    assert (
        len(
            {
                one,
                visitor_hash(monday, "198.51.100.0", "Chrome"),
                visitor_hash(tuesday, "198.51.100.0", "Firefox"),
            }
        )
        == 3
    )
    assert visitor_hash(monday, "ab", "c") != visitor_hash(monday, "a", "bc")


def test_a_visitor_is_the_first_half_of_a_keyed_hash_of_the_parts() -> None:
    expected = hmac.new(b"k" * 32, b"198.51.100.0\0Firefox", "sha256").hexdigest()[:32]
    assert visitor_hash(b"k" * 32, "198.51.100.0", "Firefox") == expected


def test_a_network_is_hashed_apart_from_visitors_and_the_same_by_every_release() -> None:
    expected = hmac.new(b"k" * 32, b"only-network\x00198.51.100.0", "sha256").hexdigest()[:32]
    assert network_hash(b"k" * 32, "198.51.100.0") == expected
    assert network_hash(b"k" * 32, "198.51.100.0") != visitor_hash(b"k" * 32, "198.51.100.0")


def test_an_agent_that_is_no_text_has_a_hash_too() -> None:
    assert visitor_hash(b"k" * 32, "198.51.100.0", "\udcff") == visitor_hash(b"k" * 32, "198.51.100.0", "?")


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://Blog.Example/path?q=1", "blog.example"),
        ("https://user:pw@blog.example:8443/", "blog.example"),
        ("http://blog.example", "blog.example"),
        ("https://blog.example?x", "blog.example"),
        ("android-app://com.example", ""),
        ("https://bl\u00f6g.example/", ""),
        ("", ""),
    ],
)
def test_a_referer_is_cut_to_its_host(referer: str, host: str) -> None:
    assert source_host(referer) == host


def test_a_network_stands_for_everybody_in_it_for_a_day_and_for_nobody_without_an_address() -> None:
    day, next_day = b"k" * 32, b"n" * 32
    assert network_hash(day, "198.51.100.0") == network_hash(day, "198.51.100.0")
    assert network_hash(day, "198.51.100.0") != network_hash(day, "198.51.101.0")
    assert network_hash(day, "198.51.100.0") != network_hash(next_day, "198.51.100.0")
    assert network_hash(day, "198.51.100.0") != visitor_hash(day, "network", "198.51.100.0", "")
    assert network_hash(day, "") == ""
